//! Changes on both sides that wait for a person.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;

use async_trait::async_trait;
use model::conflict::{
    CONFLICT_BYTES_MAX, CONFLICT_FIELDS_MAX, CONFLICTS_BYTES_MAX, CONFLICTS_MAX, Conflict,
    ConflictId, ConflictQuery, ConflictStore, Resolved,
};
use model::store::StoreError;
use model::{ConnectionId, TenantId};
use redb::{ReadTransaction, ReadableTable as _};

use crate::codec::{Malformed, corrupt, json, key};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;
use crate::{Store, check};

/// Conflicts in one list.
const LIST_MAX: usize = 1_000;

/// Conflicts in one list, in bytes; the one that goes beyond is the last of its list.
const LIST_BYTES_MAX: usize = 16 << 20;

/// Which conflicts a list holds; a byte of its key.
#[derive(Clone, Copy)]
enum Kept {
    Open,
    All,
}

/// Keeps what was found.
struct Put(Vec<Conflict>);

impl Change for Put {
    type Answer = Vec<ConflictId>;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Vec<ConflictId>), StoreError> {
        check::batch("conflicts", self.0.len(), CONFLICTS_MAX)?;
        let mut writes = Writes::default();
        let mut desk = Desk { tables, last: BTreeMap::new(), open: BTreeMap::new() };
        let (mut ids, mut bytes) = (Vec::with_capacity(self.0.len()), 0);
        for found in self.0 {
            check(&found)?;
            let (conflict, new) = desk.number(found)?;
            let row = json::encode(&conflict)?;
            check::length("a conflict", row.len(), 0, CONFLICT_BYTES_MAX)?;
            bytes += row.len();
            check::length("what is found in one call", bytes, 0, CONFLICTS_BYTES_MAX)?;
            writes.put(Table::Conflicts, &row_key(&conflict.tenant, conflict.id), &row);
            if new {
                for key in lists(&conflict, Kept::Open).iter().chain(&lists(&conflict, Kept::All)) {
                    writes.put(Table::ConflictLists, key, &[]);
                }
                let id = json::encode(&conflict.id)?;
                writes.put(Table::OpenConflicts, &record_key(&conflict), &id);
            }
            ids.push(conflict.id);
        }
        Ok((writes, ids))
    }
}

/// Conflicts while a change numbers them.
struct Desk<'a, 't> {
    tables: &'a Tables<'t>,
    last: BTreeMap<TenantId, u64>,
    /// Those of this change, by the record.
    open: BTreeMap<Vec<u8>, Conflict>,
}

impl Desk<'_, '_> {
    /// What was found as it is kept, and whether nothing was known of it.
    fn number(&mut self, found: Conflict) -> Result<(Conflict, bool), StoreError> {
        let key = record_key(&found);
        let known = match self.open.get(&key) {
            Some(known) => Some(known.clone()),
            None => open(self.tables, &found.tenant, &key)?,
        };
        let new = known.is_none();
        let (id, at) = match known {
            Some(known) => (known.id, known.found),
            None => (self.next(&found.tenant)?, found.found),
        };
        let conflict = Conflict { id, found: at, ..found };
        self.open.insert(key, conflict.clone());
        Ok((conflict, new))
    }

    fn next(&mut self, tenant: &TenantId) -> Result<ConflictId, StoreError> {
        let last = match self.last.entry(tenant.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(last(&self.tables.conflicts, tenant)?),
        };
        *last += 1;
        Ok(ConflictId(*last))
    }
}

/// The highest number of a tenant.
fn last(rows: &impl Rows, tenant: &TenantId) -> Result<u64, StoreError> {
    let prefix = key::tenant(tenant);
    let mut rows = rows.range(prefix.as_slice()..key::behind(&prefix).as_slice()).disk()?;
    let Some((key, _)) = rows.next_back().transpose().disk()? else { return Ok(0) };
    number(Table::Conflicts, key.value())
}

/// The open conflict of a record of a provider.
fn open(
    tables: &Tables<'_>,
    tenant: &TenantId,
    record: &[u8],
) -> Result<Option<Conflict>, StoreError> {
    let Some(row) = tables.open_conflicts.get(record).disk()? else { return Ok(None) };
    let id = json::decode(Table::OpenConflicts, row.value())?;
    let found = find(&tables.conflicts, tenant, id)?;
    found.map(Some).ok_or_else(|| corrupt(Table::OpenConflicts, Malformed::Shape))
}

fn check(found: &Conflict) -> Result<(), StoreError> {
    check::entity(&found.entity)?;
    check::id(&found.external_id)?;
    check::record_type(&found.record_type)?;
    check::batch("fields in one conflict", found.fields.len(), CONFLICT_FIELDS_MAX)?;
    if found.resolved.is_some() {
        return Err(check::invalid("what is found is not resolved; resolve it when it is stored"));
    }
    Ok(())
}

/// Marks a conflict as resolved.
struct Resolve {
    tenant: TenantId,
    id: ConflictId,
    resolved: Resolved,
}

impl Change for Resolve {
    type Answer = bool;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, bool), StoreError> {
        let Self { tenant, id, resolved } = self;
        let by = resolved.by.as_deref();
        by.map_or(Ok(()), |by| check::text("who has resolved a conflict", by))?;
        let mut writes = Writes::default();
        let found = find(&tables.conflicts, &tenant, id)?;
        let Some(old) = found.filter(|found| found.resolved.is_none()) else {
            return Ok((writes, false));
        };
        for key in lists(&old, Kept::Open) {
            writes.remove(Table::ConflictLists, &key);
        }
        writes.remove(Table::OpenConflicts, &record_key(&old));
        let row = json::encode(&Conflict { resolved: Some(resolved), ..old })?;
        writes.put(Table::Conflicts, &row_key(&tenant, id), &row);
        Ok((writes, true))
    }
}

fn find(
    rows: &impl Rows,
    tenant: &TenantId,
    id: ConflictId,
) -> Result<Option<Conflict>, StoreError> {
    let row = rows.get(row_key(tenant, id).as_slice()).disk()?;
    row.map(|row| json::decode(Table::Conflicts, row.value())).transpose()
}

fn list(snapshot: &ReadTransaction, query: &ConflictQuery) -> Result<Vec<Conflict>, StoreError> {
    let ConflictQuery { tenant, connection, resolved, after, limit } = query;
    let kept = if *resolved { Kept::All } else { Kept::Open };
    let prefix = list_key(tenant, connection.as_ref(), kept);
    let behind = key::behind(&prefix);
    let from = after.map(|id| key::with(prefix.clone(), &id.0.to_be_bytes()));
    let from = from.as_deref().map_or(Bound::Included(prefix.as_slice()), Bound::Excluded);
    let (order, rows) = (Table::ConflictLists.read(snapshot)?, Table::Conflicts.read(snapshot)?);
    let order = order.range::<&[u8]>((from, Bound::Excluded(behind.as_slice()))).disk()?;
    let (mut conflicts, mut bytes) = (Vec::new(), 0);
    for place in order.take((*limit).min(LIST_MAX)) {
        if bytes >= LIST_BYTES_MAX {
            break;
        }
        let id = ConflictId(number(Table::ConflictLists, place.disk()?.0.value())?);
        let row = rows.get(row_key(tenant, id).as_slice()).disk()?;
        let row = row.ok_or_else(|| corrupt(Table::ConflictLists, Malformed::Shape))?;
        bytes += row.value().len();
        conflicts.push(json::decode(Table::Conflicts, row.value())?);
    }
    Ok(conflicts)
}

fn number(table: Table, key: &[u8]) -> Result<u64, StoreError> {
    key::number(key).ok_or_else(|| corrupt(table, Malformed::Shape))
}

fn row_key(tenant: &TenantId, id: ConflictId) -> Vec<u8> {
    key::with(key::tenant(tenant), &id.0.to_be_bytes())
}

fn record_key(conflict: &Conflict) -> Vec<u8> {
    let Conflict { tenant, connection, entity, external_id, .. } = conflict;
    key::with(key::entity(tenant, connection, entity), external_id.as_bytes())
}

/// What the keys of a list begin with: no connection has the empty name, so it is the tenant's.
fn list_key(tenant: &TenantId, connection: Option<&ConnectionId>, kept: Kept) -> Vec<u8> {
    let mut key = key::tenant(tenant);
    key::push_name(&mut key, connection.map_or("", ConnectionId::as_str));
    key::with(
        key,
        &[match kept {
            Kept::Open => 0,
            Kept::All => 1,
        }],
    )
}

/// Where a conflict stands in the lists of the tenant and of its connection.
fn lists(conflict: &Conflict, kept: Kept) -> [Vec<u8>; 2] {
    let id = conflict.id.0.to_be_bytes();
    [None, Some(&conflict.connection)]
        .map(|connection| key::with(list_key(&conflict.tenant, connection, kept), &id))
}

#[async_trait]
impl ConflictStore for Store {
    async fn put_conflicts(&self, found: Vec<Conflict>) -> Result<Vec<ConflictId>, StoreError> {
        self.write(Put(found)).await
    }

    async fn conflict(
        &self,
        tenant: &TenantId,
        id: ConflictId,
    ) -> Result<Option<Conflict>, StoreError> {
        let tenant = tenant.clone();
        self.read(move |snapshot| find(&Table::Conflicts.read(snapshot)?, &tenant, id)).await
    }

    async fn conflicts(&self, query: ConflictQuery) -> Result<Vec<Conflict>, StoreError> {
        self.read(move |snapshot| list(snapshot, &query)).await
    }

    async fn resolve_conflict(
        &self,
        tenant: &TenantId,
        id: ConflictId,
        resolved: Resolved,
    ) -> Result<bool, StoreError> {
        self.write(Resolve { tenant: tenant.clone(), id, resolved }).await
    }
}
