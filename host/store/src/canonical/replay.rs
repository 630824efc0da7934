//! Stored records that are to be mapped again.

use std::ops::Bound;

use model::canonical::{BATCH_MAX, ContentHash, Pick, ReplayList, ReplayQuery, ReplayRecord};
use model::store::StoreError;
use redb::ReadTransaction;

use crate::codec::{self, Malformed, corrupt, cursor, key};
use crate::disk::Disk as _;
use crate::tables::{Snapshot, Table};
use crate::{check, records};

/// Rows looked at in one call. One that is passed over costs a microsecond or two, and a caller
/// that wants to stop is never further away than that.
const ROWS_MAX: u64 = 10_000;

/// Rows looked at in one call, in bytes: the database reads a row as a whole, whatever is wanted
/// of it.
const ROWS_BYTES_MAX: usize = 64 << 20;

/// Payloads and documents in one list, in bytes; the record that goes beyond is its last.
const LIST_BYTES_MAX: usize = 16 << 20;

/// Lists the records of an entity that the active programs have not mapped.
pub(super) fn list(
    snapshot: &ReadTransaction,
    query: &ReplayQuery,
) -> Result<ReplayList, StoreError> {
    check::entity(&query.entity)?;
    let prefix = key::entity(&query.tenant, &query.connection, &query.entity);
    let from = cursor::after(&query.tenant, &prefix, query.after.as_deref())?;
    let behind = key::behind(&prefix);
    let limit = query.limit.clamp(1, BATCH_MAX);
    let canonical = Table::Canonical.read(snapshot)?;
    let records = Table::Records.read(snapshot)?;
    let range = (from.as_ref().map(Vec::as_slice), Bound::Excluded(behind.as_slice()));
    let mut list = ReplayList::default();
    let (mut bytes, mut rows, mut bytes_looked_at, mut end) = (0, 0, 0, Vec::new());
    for row in records.range::<&[u8]>(range).disk()? {
        let tired = rows >= ROWS_MAX || bytes_looked_at >= ROWS_BYTES_MAX;
        if tired || list.records.len() >= limit || bytes >= LIST_BYTES_MAX {
            list.next = Some(cursor::next(&query.tenant, &end));
            break;
        }
        let (key, row) = row.disk()?;
        rows += 1;
        bytes_looked_at += row.value().len();
        end.clear();
        end.extend_from_slice(key.value());
        let damaged = |malformed| corrupt(Table::Records, malformed);
        let front = codec::record::fingerprint(row.value()).map_err(damaged)?;
        match pick(query, row.value()).map_err(damaged)? {
            _ if front.removed.is_some() => continue,
            Pick::Nothing => continue,
            Pick::Unless(active) if front.link.schema == Some(active) => {
                list.current += 1;
                continue;
            }
            Pick::Unless(_) | Pick::All => {}
        }
        let record = records::decode(&query.tenant, key.value(), row.value())?;
        let doc = match record.link.record {
            None => None,
            Some(id) => document(&canonical, query, &record.id, id)?,
        };
        bytes += record.payload.len() + doc.as_ref().map_or(0, bytes::Bytes::len);
        list.records.push(ReplayRecord { record, hash: ContentHash(front.hash), doc });
    }
    Ok(list)
}

/// What is to be listed of the part that a row is in; where it does not matter it is not read.
fn pick(query: &ReplayQuery, row: &[u8]) -> Result<Pick, Malformed> {
    if query.parts.is_empty() {
        return Ok(query.pick);
    }
    let (header, _) = codec::record::decode(row)?;
    Ok(query.pick(header.part))
}

/// What a record was mapped to last, which its link keeps.
fn document(
    canonical: &Snapshot,
    query: &ReplayQuery,
    external_id: &str,
    id: model::canonical::RecordId,
) -> Result<Option<bytes::Bytes>, StoreError> {
    let key = key::canonical(&query.tenant, id);
    let row = canonical.get(key.as_slice()).disk()?;
    let row = row.ok_or_else(|| corrupt(Table::Canonical, Malformed::Shape))?;
    let record = codec::canonical::decode(row.value())
        .map_err(|malformed| corrupt(Table::Canonical, malformed))?;
    let connection = query.connection.as_str();
    let link = record.links.into_iter().find(|l| l.is(connection, &query.entity, external_id));
    Ok(link.map(|link| link.doc))
}
