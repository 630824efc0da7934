//! Canonical records and the records of providers that they stand for.

use anyhow::{Result, bail};
use model::Timestamp;
use model::canonical::{
    CanonicalQuery, CanonicalRecord, CanonicalStore as _, ExternalRelationship, RecordId,
};
use serde::Serialize;
use serde_json::value::RawValue;
use store::Store;

use super::{CHUNK, excerpt};
use crate::Global;
use crate::exit::Exit;

/// The table's head.
const HEAD: [&str; 5] = ["ID", "CHANGED", "STATE", "OF", "RECORD"];

/// A canonical record as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    id: RecordId,
    #[serde(rename = "type")]
    record_type: &'a str,
    created: Timestamp,
    changed: Timestamp,
    removed: bool,
    record: Option<&'a RawValue>,
    external_relationships: &'a [ExternalRelationship],
}

/// Lists canonical records, chunk by chunk.
pub(super) async fn run(
    global: &Global,
    store: &Store,
    mut query: CanonicalQuery,
    limit: usize,
) -> Result<Exit> {
    let mut left = if limit == 0 { usize::MAX } else { limit };
    let output = global.output();
    let mut listing = output.listing(&HEAD);
    let mut found = false;
    loop {
        query.limit = left.min(CHUNK);
        let list = store.canonical_list(query.clone()).await?;
        found |= !list.records.is_empty();
        left -= list.records.len();
        listing.show(&list.records.iter().map(shown).collect::<Vec<_>>(), row)?;
        match list.next {
            Some(next) if left > 0 => query.after = Some(next),
            Some(_) => {
                output.note("more records follow: raise --limit, or --limit 0 for all");
                return Ok(Exit::Done);
            }
            None if found => return Ok(Exit::Done),
            None => {
                let name = query.record_type.as_deref().unwrap_or_default();
                bail!("there are no records of type {name}: see `plughouse mapping types`")
            }
        }
    }
}

fn shown(record: &CanonicalRecord) -> Shown<'_> {
    Shown {
        id: record.id,
        record_type: &record.record_type,
        created: record.created,
        changed: record.changed,
        removed: record.removed,
        record: serde_json::from_slice(&record.doc).ok(),
        external_relationships: &record.relationships,
    }
}

fn row(record: &Shown<'_>) -> Vec<String> {
    let of = record.external_relationships.iter();
    let of: Vec<_> =
        of.map(|r| format!("{}/{}/{}", r.connection, r.entity, r.external_id)).collect();
    vec![
        record.id.to_string(),
        format!("{:.0}", record.changed),
        if record.removed { "gone" } else { "there" }.to_owned(),
        excerpt(&of.join(", ")),
        excerpt(record.record.map_or("", RawValue::get)),
    ]
}
