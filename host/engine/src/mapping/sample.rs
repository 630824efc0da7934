//! Some stored records to look at.

use model::Connection;
use model::store::{RecordQuery, RecordStore, StoreError, StoredRecord};
use serde_json::Value as Json;

/// Records from whose values a schema is guessed; more do not change the picture.
pub const GUESSED_FROM: usize = 50;

/// Records in which paths are looked for; what stands in none of them is rare.
pub const LOOKED_THROUGH: usize = 200;

/// Records listed at a time where most of them may be of other parts.
const LISTED: usize = 500;

/// Records looked at for those of one part, which may be rare: some seconds of reading.
const LOOKED_AT_MAX: usize = 100_000;

/// Payloads of a sample, in bytes: they are in memory together, and most of them read as JSON.
const BYTES_MAX: usize = 32 << 20;

/// The first records of an entity, or of one part of it: as many as are wanted and are not too large
/// together. A part of which there is none among the first hundred thousand has none.
pub async fn sample(
    store: &dyn RecordStore,
    connection: &Connection,
    (entity, part): (&str, Option<&str>),
    wanted: usize,
) -> Result<Vec<StoredRecord>, StoreError> {
    let limit = if part.is_some() { wanted.max(LISTED) } else { wanted };
    let mut query = RecordQuery { limit, ..all(connection, entity) };
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

/// The record of this id of the provider, gone or not.
pub async fn named(
    store: &dyn RecordStore,
    connection: &Connection,
    entity: &str,
    id: &str,
) -> Result<Option<StoredRecord>, StoreError> {
    let id = Some(id.to_owned());
    let query = RecordQuery { id, removed: true, limit: 1, ..all(connection, entity) };
    Ok(store.records(query).await?.records.into_iter().next())
}

fn all(connection: &Connection, entity: &str) -> RecordQuery {
    RecordQuery {
        tenant: connection.tenant.clone(),
        connection: Some(connection.id.clone()),
        entity: Some(entity.to_owned()),
        id: None,
        removed: false,
        after: None,
        limit: LISTED,
    }
}

/// The payloads of records; one that is no JSON tells nothing.
pub fn payloads(records: &[StoredRecord]) -> Vec<Json> {
    records.iter().flat_map(|record| serde_json::from_slice(&record.payload)).collect()
}
