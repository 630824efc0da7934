//! API keys, each by its id; another table has the order in which those of a tenant were made.

mod logins;
mod port;

use std::collections::BTreeMap;

use model::api_key::{API_KEYS_MAX, ApiKey, ApiKeyId, Role};
use model::store::{StoreError, StoreErrorKind};
use model::{Clock, TenantId, Timestamp};
use redb::ReadableTable as _;

use crate::codec::{Malformed, corrupt, json, key};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;
use crate::{check, tenants};

/// The row, in the table of facts about the store, that says that there was an API key.
const FIRST: &[u8] = b"first-api-key";

/// Keeps a new key.
struct Put {
    key: ApiKey,
    clock: Clock,
}

impl Change for Put {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let Self { key, clock } = self;
        let mut writes = Writes::default();
        add(&mut writes, tables, &key, clock.now())?;
        Ok((writes, ()))
    }
}

/// Keeps the first key.
struct Bootstrap {
    key: ApiKey,
    clock: Clock,
}

impl Change for Bootstrap {
    type Answer = bool;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, bool), StoreError> {
        let Self { key, clock } = self;
        let mut writes = Writes::default();
        if tables.meta.get(FIRST).disk()?.is_some() {
            return Ok((writes, false));
        }
        if key.role != Role::Operator {
            let message =
                format!("the first API key has the role {}; make an operator's", key.role);
            return Err(check::invalid(message));
        }
        add(&mut writes, tables, &key, clock.now())?;
        Ok((writes, true))
    }
}

/// Revokes a key and ends its sessions.
struct Revoke {
    tenant: Option<TenantId>,
    id: ApiKeyId,
    clock: Clock,
}

impl Change for Revoke {
    type Answer = bool;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, bool), StoreError> {
        let Self { tenant, id, clock } = self;
        let now = clock.now();
        let mut writes = Writes::default();
        let found = find(&tables.api_keys, &id)?;
        let Some(old) = found.filter(|key| key.tenant == tenant && key.works(now)) else {
            return Ok((writes, false));
        };
        if tenant.is_none() {
            let others = all(&tables.made_api_keys, &tables.api_keys, None)?;
            if !others.iter().any(|other| other.id != id && other.works(now)) {
                let message = format!(
                    "{id} is the last API key of an operator that works; make another one first"
                );
                return Err(StoreError::new(StoreErrorKind::Conflict, message));
            }
        }
        logins::end(&mut writes, tables, &id)?;
        put(&mut writes, &ApiKey { revoked: Some(now), ..old })?;
        Ok((writes, true))
    }
}

/// Writes down when keys were last used.
struct Use(Vec<(ApiKeyId, Timestamp)>);

impl Change for Use {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let mut newest = BTreeMap::new();
        for (id, at) in self.0 {
            let newest = newest.entry(id).or_insert(at);
            *newest = at.max(*newest);
        }
        let mut writes = Writes::default();
        for (id, at) in newest {
            match find(&tables.api_keys, &id)? {
                Some(old) if old.used < Some(at) => {
                    put(&mut writes, &ApiKey { used: Some(at), ..old })?;
                }
                _ => {}
            }
        }
        Ok((writes, ()))
    }
}

/// Adds a key that must be a new one.
fn add(
    writes: &mut Writes,
    tables: &Tables<'_>,
    key: &ApiKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    check::title("the name of an API key", &key.name)?;
    check::title("the maker of an API key", &key.creator)?;
    let ApiKey { id, tenant, role, .. } = key;
    if (*role == Role::Operator) != tenant.is_none() {
        let whose = if tenant.is_some() { "a tenant" } else { "no tenant" };
        return Err(check::invalid(format!(
            "API key {id} of {whose} has the role {role}; operators, and they alone, have no tenant"
        )));
    }
    if !key.works(now) {
        return Err(check::invalid(format!("API key {id} has ended already; let it end later")));
    }
    if let Some(tenant) = tenant
        && tenants::find(&tables.tenants, tenant)?.is_none()
    {
        return Err(check::invalid(format!("there is no tenant {tenant}; make it first")));
    }
    if find(&tables.api_keys, id)?.is_some() {
        let message = format!("there is an API key {id} already; make another one");
        return Err(StoreError::new(StoreErrorKind::Conflict, message));
    }
    room(writes, tables, tenant.as_ref(), now)?;
    if tables.meta.get(FIRST).disk()?.is_none() {
        writes.put(Table::Meta, FIRST, &json::encode(&now)?);
    }
    writes.put(Table::MadeApiKeys, &made(key), &[]);
    put(writes, key)
}

/// Sees to it that there is room for one more key: the oldest that does not work goes for it.
fn room(
    writes: &mut Writes,
    tables: &Tables<'_>,
    tenant: Option<&TenantId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if made_by(&tables.made_api_keys, tenant)?.count() < API_KEYS_MAX {
        return Ok(());
    }
    let keys = all(&tables.made_api_keys, &tables.api_keys, tenant)?;
    if let Some(old) = keys.iter().find(|key| !key.works(now)) {
        return remove(writes, tables, old);
    }
    let whose = tenant.map_or("the host", TenantId::as_str);
    Err(check::invalid(format!(
        "{whose} has {API_KEYS_MAX} API keys that work already; revoke some first"
    )))
}

/// Removes all keys of a tenant.
pub(crate) fn forget(
    writes: &mut Writes,
    tables: &Tables<'_>,
    tenant: &TenantId,
) -> Result<(), StoreError> {
    let keys = all(&tables.made_api_keys, &tables.api_keys, Some(tenant))?;
    keys.iter().try_for_each(|key| remove(writes, tables, key))
}

fn remove(writes: &mut Writes, tables: &Tables<'_>, key: &ApiKey) -> Result<(), StoreError> {
    logins::end(writes, tables, &key.id)?;
    writes.remove(Table::MadeApiKeys, &made(key));
    writes.remove(Table::ApiKeys, key.id.as_str().as_bytes());
    Ok(())
}

fn put(writes: &mut Writes, key: &ApiKey) -> Result<(), StoreError> {
    writes.put(Table::ApiKeys, key.id.as_str().as_bytes(), &json::encode(key)?);
    Ok(())
}

fn find(rows: &impl Rows, id: &ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
    get(rows, id.as_str().as_bytes())
}

fn get(rows: &impl Rows, id: &[u8]) -> Result<Option<ApiKey>, StoreError> {
    let row = rows.get(id).disk()?;
    row.map(|row| json::decode(Table::ApiKeys, row.value())).transpose()
}

/// All keys of a tenant, or without one of operators, by when they were made.
fn all(
    order: &impl Rows,
    rows: &impl Rows,
    tenant: Option<&TenantId>,
) -> Result<Vec<ApiKey>, StoreError> {
    let at = owner(tenant).len() + size_of::<u64>();
    let damaged = || corrupt(Table::MadeApiKeys, Malformed::Shape);
    made_by(order, tenant)?
        .map(|row| {
            let row = row.disk()?;
            let id = row.0.value().get(at..).ok_or_else(damaged)?;
            get(rows, id)?.ok_or_else(damaged)
        })
        .collect()
}

fn made_by<'r>(
    order: &'r impl Rows,
    tenant: Option<&TenantId>,
) -> Result<redb::Range<'r, &'static [u8], &'static [u8]>, StoreError> {
    let prefix = owner(tenant);
    order.range(prefix.as_slice()..key::behind(&prefix).as_slice()).disk()
}

fn made(key: &ApiKey) -> Vec<u8> {
    let order = key::with(owner(key.tenant.as_ref()), &key::instant(key.created));
    key::with(order, key.id.as_str().as_bytes())
}

/// No tenant has the empty name, so it is that of operators.
fn owner(tenant: Option<&TenantId>) -> Vec<u8> {
    tenant.map_or_else(|| vec![0], key::tenant)
}
