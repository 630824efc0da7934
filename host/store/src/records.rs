//! Lists of records.

use std::ops::Bound;

use bytes::Bytes;
use model::TenantId;
use model::store::{RecordList, RecordQuery, StoreError, StoredRecord};
use redb::ReadTransaction;

use crate::check;
use crate::codec::record::Header;
use crate::codec::{self, Malformed, corrupt, cursor, key};
use crate::disk::Disk as _;
use crate::tables::Table;

/// Records in one list.
const LIST_MAX: usize = 1_000;

/// Payloads in one list, in bytes; the record that goes beyond is the last of its list.
const LIST_BYTES_MAX: usize = 16 << 20;

/// Lists records in the order of their keys. A list ends at its limit or where it has become
/// large; only the absence of `next` tells the end.
pub(crate) fn list(
    snapshot: &ReadTransaction,
    query: &RecordQuery,
) -> Result<RecordList, StoreError> {
    let limit = query.limit.clamp(1, LIST_MAX);
    let scope = Scope::of(query)?;
    let table = Table::Records.read(snapshot)?;
    let mut list = RecordList::default();
    let mut bytes = 0;
    let mut end = Vec::new();
    for row in table.range::<&[u8]>(scope.range()).disk()? {
        let (key, row) = row.disk()?;
        let (header, _) = header(row.value())?;
        if header.removed.is_some() && !query.removed {
            continue;
        }
        if list.records.len() >= limit || bytes >= LIST_BYTES_MAX {
            list.next = Some(cursor::next(&query.tenant, &end));
            break;
        }
        let record = decode(&query.tenant, key.value(), row.value())?;
        bytes += record.payload.len();
        end.clear();
        end.extend_from_slice(key.value());
        list.records.push(record);
    }
    Ok(list)
}

/// The keys that a query reads.
struct Scope {
    /// Where the previous list ended, or the first key.
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
}

impl Scope {
    fn of(query: &RecordQuery) -> Result<Self, StoreError> {
        let mut prefix = key::tenant(&query.tenant);
        match (&query.connection, &query.entity) {
            (None, Some(_)) => {
                return Err(check::invalid("the query names an entity; name its connection too"));
            }
            (Some(connection), None) => key::push_name(&mut prefix, connection.as_str()),
            (Some(connection), Some(entity)) => {
                check::entity(entity)?;
                key::push_name(&mut prefix, connection.as_str());
                key::push_name(&mut prefix, entity);
            }
            (None, None) => {}
        }
        let from = cursor::after(&query.tenant, &prefix, query.after.as_deref())?;
        let Some(id) = &query.id else {
            return Ok(Self { from, to: Bound::Excluded(key::behind(&prefix)) });
        };
        if query.entity.is_none() {
            return Err(check::invalid("the query names an id; name its entity too"));
        }
        if query.after.is_some() {
            return Err(check::invalid("a list of one id has no next one; leave `after` out"));
        }
        let key = key::with(prefix, id.as_bytes());
        Ok(Self { from: Bound::Included(key.clone()), to: Bound::Included(key) })
    }

    fn range(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (self.from.as_ref().map(Vec::as_slice), self.to.as_ref().map(Vec::as_slice))
    }
}

/// Splits a row into header and payload.
pub(crate) fn header(row: &[u8]) -> Result<(Header<'_>, &[u8]), StoreError> {
    codec::record::decode(row).map_err(|malformed| corrupt(Table::Records, malformed))
}

/// The record of a key and its row.
pub(crate) fn decode(
    tenant: &TenantId,
    key: &[u8],
    row: &[u8],
) -> Result<StoredRecord, StoreError> {
    let (header, payload) = header(row)?;
    let damaged = || corrupt(Table::Records, Malformed::Shape);
    let (connection, entity, id) = key::record(tenant, key).ok_or_else(damaged)?;
    let contents = match header.contents {
        [] => Vec::new(),
        json => serde_json::from_slice(json).map_err(|_ignored| damaged())?,
    };
    Ok(StoredRecord {
        connection,
        entity,
        id,
        part: header.part.map(str::to_owned),
        version: header.version.map(str::to_owned),
        modified: header.modified,
        stored: header.stored,
        removed: header.removed,
        payload: Bytes::copy_from_slice(payload),
        contents,
        link: header.link,
    })
}
