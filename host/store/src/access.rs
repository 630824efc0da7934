//! Who has used which secret for what: one row for each entry, numbered within its tenant, and an
//! index of those of each connection.

use std::ops::Bound;

use async_trait::async_trait;
use model::TenantId;
use model::credential::{ACCESSES_MAX, Access, AccessLog, AccessQuery, Actor};
use model::store::StoreError;
use redb::ReadTransaction;

use crate::codec::{Malformed, corrupt, json, key};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;
use crate::{Store, check, credentials};

/// Entries in one list.
const LIST_MAX: usize = 1_000;

/// Writes an entry before the first use.
struct Note(Access);

impl Change for Note {
    type Answer = u64;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, u64), StoreError> {
        let Self(mut access) = self;
        check(&access)?;
        let id = last(&tables.accesses, &access.tenant)?.saturating_add(1);
        access.id = id;
        let mut writes = Writes::default();
        put(&mut writes, &access)?;
        writes.put(Table::ConnectionAccesses, &of_connection(&access), &[]);
        if counts(&access) {
            let whose = (&access.tenant, &access.connection);
            credentials::used(&mut writes, tables, whose, access.first)?;
        }
        Ok((writes, id))
    }
}

/// Replaces what became of entries.
struct Close(Vec<Access>);

impl Change for Close {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        check::batch("uses", self.0.len(), ACCESSES_MAX)?;
        let mut entries = std::collections::BTreeMap::new();
        for closed in self.0 {
            let key = row_key(&closed.tenant, closed.id);
            let entry = match entries.remove(&key) {
                Some(entry) => Some(entry),
                None => find(&tables.accesses, &key)?,
            };
            let Some(mut entry) = entry.filter(|entry| entry.connection == closed.connection)
            else {
                continue;
            };
            entry.last = entry.last.max(closed.last);
            entry.uses = entry.uses.max(closed.uses);
            entries.insert(key, entry);
        }
        let mut writes = Writes::default();
        let mut used = std::collections::BTreeMap::new();
        for entry in entries.values() {
            put(&mut writes, entry)?;
            if !counts(entry) {
                continue;
            }
            let last = used.entry((&entry.tenant, &entry.connection)).or_insert(entry.last);
            *last = entry.last.max(*last);
        }
        for (connection, last) in used {
            credentials::used(&mut writes, tables, connection, last)?;
        }
        Ok((writes, ()))
    }
}

/// Whether it is a use of the credential: to keep it alive is none.
fn counts(access: &Access) -> bool {
    access.actor != Actor::Refresher
}

/// Removes an entry.
pub(crate) fn remove(writes: &mut Writes, access: &Access) {
    writes.remove(Table::Accesses, &row_key(&access.tenant, access.id));
    writes.remove(Table::ConnectionAccesses, &of_connection(access));
}

/// The number of the last entry of a tenant; zero where there is none.
pub(crate) fn last(rows: &impl Rows, tenant: &TenantId) -> Result<u64, StoreError> {
    let prefix = key::tenant(tenant);
    let behind = key::behind(&prefix);
    let mut range = rows.range(prefix.as_slice()..behind.as_slice()).disk()?;
    let Some((key, _)) = range.next_back().transpose().disk()? else { return Ok(0) };
    key::number(key.value()).ok_or_else(|| corrupt(Table::Accesses, Malformed::Shape))
}

fn list(snapshot: &ReadTransaction, query: &AccessQuery) -> Result<Vec<Access>, StoreError> {
    let rows = Table::Accesses.read(snapshot)?;
    let AccessQuery { tenant, connection, before, limit } = query;
    let (index, prefix) = match connection {
        Some(id) => (Table::ConnectionAccesses.read(snapshot)?, key::connection(tenant, id)),
        None => (Table::Accesses.read(snapshot)?, key::tenant(tenant)),
    };
    let behind = match before {
        Some(before) => key::with(prefix.clone(), &before.to_be_bytes()),
        None => key::behind(&prefix),
    };
    let range = (Bound::Included(prefix.as_slice()), Bound::Excluded(behind.as_slice()));
    let damaged = || corrupt(Table::ConnectionAccesses, Malformed::Shape);
    index
        .range::<&[u8]>(range)
        .disk()?
        .rev()
        .take((*limit).min(LIST_MAX))
        .map(|row| {
            let number = key::number(row.disk()?.0.value()).ok_or_else(damaged)?;
            find(&rows, &row_key(tenant, number))?.ok_or_else(damaged)
        })
        .collect()
}

fn check(access: &Access) -> Result<(), StoreError> {
    check::name("the slot of a use", &access.slot)?;
    check::text("the endpoint of a use", &access.endpoint)?;
    match &access.actor {
        Actor::Job(id) | Actor::Person(id) => check::text("who uses a secret", id),
        Actor::Refresher => Ok(()),
    }
}

fn put(writes: &mut Writes, access: &Access) -> Result<(), StoreError> {
    writes.put(Table::Accesses, &row_key(&access.tenant, access.id), &json::encode(access)?);
    Ok(())
}

fn find(rows: &impl Rows, key: &[u8]) -> Result<Option<Access>, StoreError> {
    let row = rows.get(key).disk()?;
    row.map(|row| json::decode(Table::Accesses, row.value())).transpose()
}

fn row_key(tenant: &TenantId, id: u64) -> Vec<u8> {
    key::with(key::tenant(tenant), &id.to_be_bytes())
}

fn of_connection(access: &Access) -> Vec<u8> {
    key::with(key::connection(&access.tenant, &access.connection), &access.id.to_be_bytes())
}

#[async_trait]
impl AccessLog for Store {
    async fn note_access(&self, access: Access) -> Result<u64, StoreError> {
        self.write(Note(access)).await
    }

    async fn close_access(&self, entries: Vec<Access>) -> Result<(), StoreError> {
        self.write(Close(entries)).await
    }

    async fn accesses(&self, query: AccessQuery) -> Result<Vec<Access>, StoreError> {
        self.read(move |snapshot| list(snapshot, &query)).await
    }
}
