//! Some stored records to look at.

use model::store::{RecordQuery, RecordStore, StoreError, StoredRecord};
use serde_json::Value as Json;

/// Records listed at a time where most of them may be of other parts.
const LISTED: usize = 500;

/// Records looked at for those of one part, which may be rare: some seconds of reading.
const LOOKED_AT_MAX: usize = 100_000;

/// Payloads of a sample, in bytes: they are in memory together, and most of them read as JSON.
const BYTES_MAX: usize = 32 << 20;

/// As many records as the query allows and are not too large together, of one part where one is
/// named. A part of which there is none among the first hundred thousand has none.
pub async fn sample(
    store: &dyn RecordStore,
    query: RecordQuery,
    part: Option<&str>,
) -> Result<Vec<StoredRecord>, StoreError> {
    let (wanted, mut query) = (query.limit, query);
    if part.is_some() {
        query.limit = wanted.max(LISTED);
    }
    let (mut found, mut looked_at, mut bytes) = (Vec::new(), 0, 0);
    loop {
        let list = store.records(query.clone()).await?;
        looked_at += list.records.len();
        let of_it = |record: &StoredRecord| part.is_none() || record.part.as_deref() == part;
        for record in list.records.into_iter().filter(of_it) {
            bytes += record.payload.len();
            found.push(record);
            if found.len() >= wanted || bytes >= BYTES_MAX {
                return Ok(found);
            }
        }
        match list.next {
            Some(next) if looked_at < LOOKED_AT_MAX => query.after = Some(next),
            _ => return Ok(found),
        }
    }
}

/// The records of these ids of the provider, in their order, gone ones too; nothing for an id that
/// the query's entity has not.
pub async fn named(
    store: &dyn RecordStore,
    query: &RecordQuery,
    ids: &[String],
) -> Result<Vec<Option<StoredRecord>>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let query = RecordQuery { id: Some(id.clone()), removed: true, limit: 1, ..query.clone() };
        found.push(store.records(query).await?.records.into_iter().next());
    }
    Ok(found)
}

/// The payloads of records; one that is no JSON tells nothing.
pub fn payloads(records: &[StoredRecord]) -> Vec<Json> {
    records.iter().flat_map(|record| serde_json::from_slice(&record.payload)).collect()
}
