//! Who was met by which full read, and deletions that wait for a person.

mod held;
mod port;

use model::RunId;
use model::absence::{AbsenceCount, AbsenceQuery};
use model::record::ID_BYTES_MAX;
use model::store::{PageCommit, StoreError};
use redb::ReadTransaction;

use crate::codec::{self, Malformed, corrupt, key};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table};
use crate::writes::Writes;

pub(crate) use held::judge;

const VERSION: u8 = 1;

/// Ids in one list.
const LIST_MAX: usize = 1_000;

/// What a page says of the members of its lane.
pub(crate) struct Members {
    generation: RunId,
    seen: Vec<Vec<u8>>,
    gone: Vec<Vec<u8>>,
}

impl Members {
    /// Those of a page. A record that could not be read is there all the same.
    pub(crate) fn of_page(page: &PageCommit) -> Option<Self> {
        let generation = page.generation?;
        let prefix = key::members(&page.run.tenant, &page.run.connection, &page.lane);
        let key = |entity: &str, id: &str| {
            let mut key = prefix.clone();
            key::push_name(&mut key, entity);
            key::with(key, id.as_bytes())
        };
        let records = page.records.iter().map(|r| (r.record.entity.as_str(), r.record.id.as_str()));
        let unread = page.rejects.iter().filter_map(|reject| {
            let id = reject.id.as_deref().filter(|id| id.len() <= ID_BYTES_MAX)?;
            Some((reject.entity.as_str(), id))
        });
        let seen = records.chain(unread).map(|(entity, id)| key(entity, id)).collect();
        let gone =
            page.tombstones.iter().chain(&page.absent).map(|t| key(&t.entity, &t.id)).collect();
        Some(Self { generation, seen, gone })
    }

    /// Notes them; those that are noted already cost no write.
    pub(crate) fn note(&self, writes: &mut Writes, rows: &impl Rows) -> Result<(), StoreError> {
        let row = encode(self.generation);
        for key in &self.seen {
            let old = rows.get(key.as_slice()).disk()?;
            if old.is_none_or(|old| old.value() != row) {
                writes.put(Table::Members, key, &row);
            }
        }
        for key in &self.gone {
            writes.remove(Table::Members, key);
        }
        Ok(())
    }
}

/// Counts the members of a lane and those that are absent.
pub(crate) fn count(
    snapshot: &ReadTransaction,
    query: &AbsenceQuery,
) -> Result<AbsenceCount, StoreError> {
    let mut count = AbsenceCount::default();
    walk(snapshot, query, None, |_, absent| {
        count.live += 1;
        count.absent += u64::from(absent);
        true
    })?;
    Ok(count)
}

/// Lists ids of absent records in their order, from the one after `after`.
pub(crate) fn list(
    snapshot: &ReadTransaction,
    query: &AbsenceQuery,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let limit = limit.clamp(1, LIST_MAX);
    let mut ids = Vec::new();
    walk(snapshot, query, after, |id, absent| {
        if absent {
            ids.push(id.to_owned());
        }
        ids.len() < limit
    })?;
    Ok(ids)
}

/// Shows the members that are not gone, and whether each is absent, until told to stop.
fn walk(
    snapshot: &ReadTransaction,
    query: &AbsenceQuery,
    after: Option<&str>,
    mut show: impl FnMut(&str, bool) -> bool,
) -> Result<(), StoreError> {
    let mut prefix = key::members(&query.tenant, &query.connection, &query.lane);
    key::push_name(&mut prefix, &query.entity);
    let behind = key::behind(&prefix);
    // The first key behind that of `after`.
    let from = after.map_or_else(
        || prefix.clone(),
        |after| key::with(key::with(prefix.clone(), after.as_bytes()), &[0]),
    );
    let records = Table::Records.read(snapshot)?;
    let of_record = key::entity(&query.tenant, &query.connection, &query.entity);
    for row in Table::Members.read(snapshot)?.range(from.as_slice()..behind.as_slice()).disk()? {
        let (key, row) = row.disk()?;
        let id = key.value().get(prefix.len()..).unwrap_or_default();
        let damaged = || corrupt(Table::Members, Malformed::Shape);
        let text = std::str::from_utf8(id).map_err(|_ignored| damaged())?;
        let met = decode(row.value())? == query.generation;
        let standing = if met {
            Standing::Met
        } else {
            Standing::of(&records, &key::with(of_record.clone(), id), query)?
        };
        let going = match standing {
            Standing::Gone => true,
            Standing::Met => show(text, false),
            Standing::Absent => show(text, true),
        };
        if !going {
            break;
        }
    }
    Ok(())
}

/// How the record of a member stands.
enum Standing {
    Gone,
    /// By the full read itself, or it was changed since, or has moved to another part.
    Met,
    Absent,
}

impl Standing {
    /// How a record stands that the full read has not met.
    fn of(records: &impl Rows, key: &[u8], query: &AbsenceQuery) -> Result<Self, StoreError> {
        let Some(row) = records.get(key).disk()? else { return Ok(Self::Gone) };
        let (header, _) =
            codec::record::decode(row.value()).map_err(|e| corrupt(Table::Records, e))?;
        if header.removed.is_some() {
            return Ok(Self::Gone);
        }
        let changed = header.stored >= query.stored_before;
        let elsewhere = header.part != query.lane.part.as_deref();
        Ok(if changed || elsewhere { Self::Met } else { Self::Absent })
    }
}

fn encode(generation: RunId) -> [u8; 9] {
    let mut row = [VERSION; 9];
    if let Some(number) = row.last_chunk_mut::<8>() {
        *number = generation.0.to_be_bytes();
    }
    row
}

fn decode(row: &[u8]) -> Result<RunId, StoreError> {
    match row {
        [VERSION, number @ ..] => <[u8; 8]>::try_from(number)
            .map(|number| RunId(u64::from_be_bytes(number)))
            .map_err(|_ignored| corrupt(Table::Members, Malformed::Shape)),
        [version, ..] => Err(corrupt(Table::Members, Malformed::Version(*version))),
        [] => Err(corrupt(Table::Members, Malformed::Shape)),
    }
}
