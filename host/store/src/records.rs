//! Lists of records.

use std::ops::Bound;

use bytes::Bytes;
use model::TenantId;
use model::store::{RecordList, RecordQuery, StoreError, StoredRecord};
use redb::ReadTransaction;

use crate::check;
use crate::codec::record::Header;
use crate::codec::{self, Malformed, corrupt, hex, key};
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
        let (header, payload) =
            codec::record::decode(row.value()).map_err(|e| corrupt(Table::Records, e))?;
        if header.removed.is_some() && !query.removed {
            continue;
        }
        if list.records.len() >= limit || bytes >= LIST_BYTES_MAX {
            list.next = Some(next(&query.tenant, &end));
            break;
        }
        let record = decode(&query.tenant, key.value(), &header, payload)?;
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
        let after = query.after.as_deref().map(|text| after(&query.tenant, text));
        let after = after.transpose()?;
        if after.as_ref().is_some_and(|after| !after.starts_with(&prefix)) {
            return Err(check::invalid("the list that `after` comes from was another one"));
        }
        let Some(id) = &query.id else {
            let to = Bound::Excluded(key::behind(&prefix));
            let from = after.map_or(Bound::Included(prefix), Bound::Excluded);
            return Ok(Self { from, to });
        };
        if query.entity.is_none() {
            return Err(check::invalid("the query names an id; name its entity too"));
        }
        if after.is_some() {
            return Err(check::invalid("a list of one id has no next one; leave `after` out"));
        }
        let key = key::with(prefix, id.as_bytes());
        Ok(Self { from: Bound::Included(key.clone()), to: Bound::Included(key) })
    }

    fn range(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (self.from.as_ref().map(Vec::as_slice), self.to.as_ref().map(Vec::as_slice))
    }
}

fn decode(
    tenant: &TenantId,
    key: &[u8],
    header: &Header<'_>,
    payload: &[u8],
) -> Result<StoredRecord, StoreError> {
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
        link: model::canonical::Link::default(),
    })
}

/// Where a list ended: its last key without the tenant, which the query brings itself.
fn next(tenant: &TenantId, key: &[u8]) -> String {
    let rest = key.get(key::tenant(tenant).len()..).unwrap_or_default();
    let mut text = Vec::with_capacity(2 * rest.len());
    hex::push(&mut text, rest);
    String::from_utf8(text).unwrap_or_default()
}

fn after(tenant: &TenantId, text: &str) -> Result<Vec<u8>, StoreError> {
    let mut key = key::tenant(tenant);
    match hex::decode(&mut key, text.as_bytes()) {
        Some(()) => Ok(key),
        None => Err(check::invalid("`after` is not where a list ended; pass `next` unchanged")),
    }
}
