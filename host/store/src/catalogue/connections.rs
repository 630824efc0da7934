//! Connections, without their secrets.

use model::store::StoreError;
use model::{Clock, Connection, ConnectionId, TenantId};
use redb::ReadTransaction;

use crate::codec::{json, key};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;
use crate::{check, integrations};

/// Creates or replaces a connection.
pub(crate) struct Put {
    pub(crate) connection: Connection,
    pub(crate) clock: Clock,
}

impl Change for Put {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let mut writes = Writes::default();
        integrations::join(&mut writes, tables, &self.connection, self.clock.now())?;
        put(&mut writes, &self.connection)?;
        Ok((writes, ()))
    }
}

/// Puts a connection.
pub(crate) fn put(writes: &mut Writes, connection: &Connection) -> Result<(), StoreError> {
    let row = encode(connection)?;
    writes.put(Table::Connections, &key::connection_row(&connection.tenant, &connection.id), &row);
    Ok(())
}

/// Refuses a connection that is too large.
pub(crate) fn check(connection: &Connection) -> Result<(), StoreError> {
    encode(connection).map(drop)
}

/// The connection of this name.
pub(crate) fn get(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    id: &ConnectionId,
) -> Result<Option<Connection>, StoreError> {
    find(&Table::Connections.read(snapshot)?, tenant, id)
}

/// The connection of this name.
pub(crate) fn find(
    rows: &impl Rows,
    tenant: &TenantId,
    id: &ConnectionId,
) -> Result<Option<Connection>, StoreError> {
    let row = rows.get(key::connection_row(tenant, id).as_slice()).disk()?;
    row.map(|row| json::decode(Table::Connections, row.value())).transpose()
}

/// All connections of a tenant, by name.
pub(crate) fn list(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
) -> Result<Vec<Connection>, StoreError> {
    all(&Table::Connections.read(snapshot)?, tenant)
}

/// All connections of a tenant, by name.
pub(crate) fn all(rows: &impl Rows, tenant: &TenantId) -> Result<Vec<Connection>, StoreError> {
    let prefix = key::tenant(tenant);
    let behind = key::behind(&prefix);
    rows.range(prefix.as_slice()..behind.as_slice())
        .disk()?
        .map(|row| json::decode(Table::Connections, row.disk()?.1.value()))
        .collect()
}

fn encode(connection: &Connection) -> Result<Vec<u8>, StoreError> {
    let row = json::encode(connection)?;
    check::length("what is known of a connection", row.len(), 0, check::CONNECTION_BYTES_MAX)?;
    Ok(row)
}
