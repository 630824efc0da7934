//! `plughouse records`: what the store holds.

mod canonical;

use anyhow::{Result, bail};
use model::canonical::{CanonicalQuery, RecordId};
use model::record::Removal;
use model::store::{RecordQuery, RecordStore as _, StoredRecord};
use model::{ConnectionId, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::exit::Exit;
use crate::output::Listing;
use crate::{Global, wire};

/// Which records.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Of this connection; otherwise of all.
    connection: Option<ConnectionId>,
    /// Of this entity of the connection.
    #[arg(long, requires = "connection")]
    entity: Option<String>,
    /// The record with this id of the provider, whole.
    #[arg(long, requires = "entity")]
    id: Option<String>,
    /// Canonical records of this type, of whatever connections, as `c_contact`.
    #[arg(long = "type", conflicts_with = "connection")]
    record_type: Option<String>,
    /// Gone records too.
    #[arg(long)]
    removed: bool,
    /// At most this many; 0 means all.
    #[arg(long, default_value_t = 20)]
    limit: usize,
}

/// Records fetched from the store at once.
const CHUNK: usize = 1000;

/// The longest excerpt of a payload in a table, in characters.
const EXCERPT_CHARS: usize = 60;

/// The table's head.
const HEAD: [&str; 6] = ["CONNECTION", "ENTITY", "ID", "MODIFIED", "STATE", "PAYLOAD"];

/// A record as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    connection: &'a str,
    entity: &'a str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<Timestamp>,
    stored: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<Removal>,
    /// The canonical record.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<RecordId>,
    payload: Option<&'a RawValue>,
}

/// Lists records, chunk by chunk, so that any number of them fits into memory.
pub(crate) async fn run(global: &Global, args: Args) -> Result<Exit> {
    let store = wire::open_store(global)?;
    if let Some(name) = args.record_type {
        let query = CanonicalQuery {
            tenant: global.tenant.clone(),
            record_type: Some(name),
            removed: args.removed,
            after: None,
            limit: CHUNK,
        };
        return canonical::run(global, &store, query, args.limit).await;
    }
    if let Some(id) = &args.connection {
        wire::connection(&store, &global.tenant, id).await?;
    }
    let mut query = RecordQuery {
        tenant: global.tenant.clone(),
        connection: args.connection,
        entity: args.entity,
        id: args.id,
        removed: args.removed,
        after: None,
        limit: CHUNK,
    };
    let mut left = if args.limit == 0 { usize::MAX } else { args.limit };
    let mut listing = global.output().listing(&HEAD);
    loop {
        query.limit = left.min(CHUNK);
        let list = store.records(query.clone()).await?;
        if list.records.is_empty() && query.after.is_none() {
            known(&query)?;
        }
        left -= list.records.len();
        show(&mut listing, &list.records, query.id.is_some())?;
        match list.next {
            Some(next) if left > 0 => query.after = Some(next),
            Some(_) => {
                global.output().note("more records follow: raise --limit, or --limit 0 for all");
                return Ok(Exit::Done);
            }
            None => return Ok(Exit::Done),
        }
    }
}

/// Says what of a question has no records: it may be misspelt.
fn known(query: &RecordQuery) -> Result<()> {
    let (Some(connection), Some(entity)) = (&query.connection, &query.entity) else {
        return Ok(());
    };
    let gone = if query.removed { "" } else { "; --removed shows those that are gone" };
    match &query.id {
        Some(id) => bail!("connection {connection} has no {entity} with id {id}{gone}"),
        None => bail!("connection {connection} has no records of entity {entity}{gone}"),
    }
}

fn show(listing: &mut Listing<'_>, records: &[StoredRecord], whole: bool) -> Result<()> {
    let shown: Vec<_> = records.iter().map(shown).collect();
    listing.show(&shown, |record| {
        let payload = record.payload.map_or("", RawValue::get);
        let excerpt = if whole { payload.to_owned() } else { excerpt(payload) };
        vec![
            record.connection.to_owned(),
            record.entity.to_owned(),
            record.id.to_owned(),
            record.modified.map(|at| at.to_string()).unwrap_or_default(),
            if record.removed.is_some() { "gone" } else { "there" }.to_owned(),
            excerpt,
        ]
    })
}

fn shown(record: &StoredRecord) -> Shown<'_> {
    Shown {
        connection: record.connection.as_str(),
        entity: &record.entity,
        id: &record.id,
        part: record.part.as_deref(),
        version: record.version.as_deref(),
        modified: record.modified,
        stored: record.stored,
        removed: record.removed,
        record: record.link.record,
        payload: serde_json::from_slice(&record.payload).ok(),
    }
}

/// One short line of a payload.
pub(crate) fn excerpt(payload: &str) -> String {
    let line: String = payload.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() <= EXCERPT_CHARS {
        return line;
    }
    line.chars().take(EXCERPT_CHARS).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_payloads_are_cut_on_a_character() {
        assert_eq!(excerpt("{\n}"), "{ }");
        assert_eq!(excerpt(&"é".repeat(61)).chars().count(), EXCERPT_CHARS + 1);
    }
}
