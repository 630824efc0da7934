//! Connections and their secrets.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::store::{StoreError, StoreErrorKind};
use model::{
    Connection, ConnectionId, ConnectionState, ConnectionStatus, Secret, TenantId, Timestamp,
};
use redb::{ReadTransaction, ReadableTable as _};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::check;
use crate::codec::{Malformed, corrupt, json, key};
use crate::disk::Disk as _;
use crate::events::Subject;
use crate::queue::Ledger;
use crate::tables::{Rows, Table, Tables};
use crate::vault::{Key, Place};
use crate::writer::Change;
use crate::writes::Writes;

#[derive(Deserialize, Serialize)]
struct Row {
    connection: Connection,
    /// Counts how often the secrets were replaced; part of what each is sealed for, so that an
    /// older secret put back does not open.
    generation: u64,
}

/// Creates or replaces a connection, and with it all its secrets or none.
pub(crate) struct Put {
    pub(crate) key: Arc<Key>,
    pub(crate) now: Timestamp,
    pub(crate) connection: Connection,
    pub(crate) secrets: Option<Vec<(String, Secret)>>,
}

impl Change for Put {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let Self { key: vault, now, connection, secrets } = self;
        let (tenant, id) = (&connection.tenant, &connection.id);
        let old = row(&tables.connections, tenant, id)?;
        let mut generation = old.map_or(0, |row| row.generation);
        let mut writes = Writes::default();
        if let Some(secrets) = secrets {
            renew(&mut writes, tables, &connection, now)?;
            generation = generation.saturating_add(1);
            let prefix = key::connection(tenant, id);
            let behind = key::behind(&prefix);
            for row in tables.secrets.range(prefix.as_slice()..behind.as_slice()).disk()? {
                writes.remove(Table::Secrets, row.disk()?.0.value());
            }
            check_fields(&secrets)?;
            for (field, secret) in &secrets {
                let place = place(tenant, id, field, generation);
                let sealed = vault.seal(&place, secret.expose().as_bytes())?;
                let key = key::with(prefix.clone(), field.as_bytes());
                writes.put(Table::Secrets, &key, &sealed);
            }
        }
        let key = key::connection_row(tenant, id);
        writes.put(Table::Connections, &key, &json::encode(&Row { connection, generation })?);
        Ok((writes, ()))
    }
}

/// Makes a connection active: who gives it new secrets has authorised it again.
fn renew(
    writes: &mut Writes,
    tables: &Tables<'_>,
    connection: &Connection,
    since: Timestamp,
) -> Result<(), StoreError> {
    let Connection { tenant, id, .. } = connection;
    let reason = "it was connected again".to_owned();
    let to = ConnectionStatus { state: ConnectionState::Active, reason, since };
    let mut ledger = Ledger::open(tables, since);
    ledger.turn(tenant, (id, &Subject::connection(Some(id))), &to)?;
    writes.append(&ledger.close()?);
    Ok(())
}

/// The connection of this name.
pub(crate) fn get(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    id: &ConnectionId,
) -> Result<Option<Connection>, StoreError> {
    find(&Table::Connections.read(snapshot)?, tenant, id)
}

pub(crate) fn find(
    rows: &impl Rows,
    tenant: &TenantId,
    id: &ConnectionId,
) -> Result<Option<Connection>, StoreError> {
    Ok(row(rows, tenant, id)?.map(|row| row.connection))
}

/// Puts a connection, without its secrets.
pub(crate) fn put(
    writes: &mut Writes,
    tables: &Tables<'_>,
    connection: &Connection,
) -> Result<(), StoreError> {
    check(connection)?;
    let (tenant, id) = (&connection.tenant, &connection.id);
    let old = row(&tables.connections, tenant, id)?;
    let generation = old.map_or(0, |row| row.generation);
    let key = key::connection_row(tenant, id);
    let connection = connection.clone();
    writes.put(Table::Connections, &key, &json::encode(&Row { connection, generation })?);
    Ok(())
}

pub(crate) fn check(connection: &Connection) -> Result<(), StoreError> {
    let length = json::encode(connection)?.len();
    check::length("what is known of a connection", length, 0, check::CONNECTION_BYTES_MAX)
}

/// All connections of a tenant, by name.
pub(crate) fn list(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
) -> Result<Vec<Connection>, StoreError> {
    all(&Table::Connections.read(snapshot)?, tenant)
}

pub(crate) fn all(rows: &impl Rows, tenant: &TenantId) -> Result<Vec<Connection>, StoreError> {
    let prefix = key::tenant(tenant);
    let behind = key::behind(&prefix);
    rows.range(prefix.as_slice()..behind.as_slice())
        .disk()?
        .map(|row| Ok(decode(row.disk()?.1.value())?.connection))
        .collect()
}

/// Opens the secrets of a connection, by field name.
pub(crate) fn secrets(
    snapshot: &ReadTransaction,
    vault: &Key,
    tenant: &TenantId,
    id: &ConnectionId,
) -> Result<Vec<(String, Secret)>, StoreError> {
    let Some(row) = row(&Table::Connections.read(snapshot)?, tenant, id)? else {
        return Err(check::invalid(format!("there is no connection {tenant}/{id}")));
    };
    let prefix = key::connection(tenant, id);
    let behind = key::behind(&prefix);
    Table::Secrets
        .read(snapshot)?
        .range(prefix.as_slice()..behind.as_slice())
        .disk()?
        .map(|entry| {
            let (key, sealed) = entry.disk()?;
            let field = key.value().get(prefix.len()..).unwrap_or_default();
            let field = std::str::from_utf8(field)
                .map_err(|_ignored| corrupt(Table::Secrets, Malformed::Shape))?;
            let opened = vault.open(&place(tenant, id, field, row.generation), sealed.value());
            let text = opened.and_then(text).ok_or_else(|| unsealable(tenant, id, field))?;
            Ok((field.to_owned(), text))
        })
        .collect()
}

fn row(rows: &impl Rows, tenant: &TenantId, id: &ConnectionId) -> Result<Option<Row>, StoreError> {
    let key = key::connection_row(tenant, id);
    let row = rows.get(key.as_slice()).disk()?;
    row.map(|row| decode(row.value())).transpose()
}

fn decode(row: &[u8]) -> Result<Row, StoreError> {
    json::decode(Table::Connections, row)
}

fn place<'a>(
    tenant: &'a TenantId,
    id: &'a ConnectionId,
    field: &'a str,
    generation: u64,
) -> Place<'a> {
    let (tenant, object) = (tenant.as_str(), id.as_str());
    Place { tenant, kind: "connection", object, field, generation }
}

fn check_fields(secrets: &[(String, Secret)]) -> Result<(), StoreError> {
    let mut fields = BTreeSet::new();
    for (field, secret) in secrets {
        check::secret(field, secret.expose())?;
        if !fields.insert(field) {
            return Err(check::invalid(format!("the secret '{field}' is given twice")));
        }
    }
    Ok(())
}

/// Takes the plaintext over without a copy.
fn text(mut plaintext: Zeroizing<Vec<u8>>) -> Option<Secret> {
    match String::from_utf8(std::mem::take(&mut *plaintext)) {
        Ok(text) => Some(Secret::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            None
        }
    }
}

fn unsealable(tenant: &TenantId, id: &ConnectionId, field: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Corrupt,
        format!(
            "the secret '{field}' of {tenant}/{id} does not unseal: it was changed or moved in \
             the database; connect again"
        ),
    )
}
