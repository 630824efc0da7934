//! Removing a connection.

use model::credential;
use model::store::StoreError;
use model::{Clock, ConnectionId, TenantId};
use redb::ReadableTable as _;

use super::find;
use crate::codec::key;
use crate::disk::Disk as _;
use crate::keys::sealed;
use crate::queue::Ledger;
use crate::tables::{Table, Tables};
use crate::tasks;
use crate::writer::Change;
use crate::writes::Writes;

/// What is kept of a connection under its name, and goes with it. What it brought stays: records,
/// runs, events and dead letters.
const PARTS: [Table; 3] = [Table::Bindings, Table::Lanes, Table::Held];

/// Removes a connection, its secrets and its tasks.
pub(super) struct Remove {
    pub(super) tenant: TenantId,
    pub(super) connection: ConnectionId,
    pub(super) clock: Clock,
}

impl Change for Remove {
    type Answer = bool;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, bool), StoreError> {
        let Self { tenant, connection, clock } = self;
        let row = key::connection_row(&tenant, &connection);
        if tables.connections.get(row.as_slice()).disk()?.is_none() {
            return Ok((Writes::default(), false));
        }
        let mut ledger = Ledger::open(tables, clock.now());
        ledger.forget(&tenant, &connection)?;
        let mut writes = ledger.close()?;
        writes.remove(Table::Connections, &row);
        if let Some(credential) = find(&tables.credentials, &tenant, &connection)? {
            super::remove(&mut writes, &credential);
        }
        let place = credential::place(&tenant, &connection, "", 0);
        sealed::remove(&mut writes, tables, &place)?;
        let prefix = key::connection(&tenant, &connection);
        let behind = key::behind(&prefix);
        for table in PARTS {
            for row in tables.rows(table).range(prefix.as_slice()..behind.as_slice()).disk()? {
                writes.remove(table, row.disk()?.0.value());
            }
        }
        tasks::forget(&mut writes, tables, &tenant, &connection)?;
        Ok((writes, true))
    }
}
