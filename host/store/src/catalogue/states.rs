//! In which state connections are.

use model::store::StoreError;
use model::{ConnectionId, ConnectionStatus, TenantId};
use redb::{ReadTransaction, ReadableTable as _};

use crate::check;
use crate::codec::{json, key};
use crate::disk::Disk as _;
use crate::events::Subject;
use crate::queue::Ledger;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// The state of a connection; nothing where it is active and always was.
pub(crate) fn get(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    id: &ConnectionId,
) -> Result<Option<ConnectionStatus>, StoreError> {
    find(&Table::States.read(snapshot)?, tenant, id)
}

pub(crate) fn find(
    rows: &impl Rows,
    tenant: &TenantId,
    id: &ConnectionId,
) -> Result<Option<ConnectionStatus>, StoreError> {
    let row = rows.get(key::connection_row(tenant, id).as_slice()).disk()?;
    row.map(|row| json::decode(Table::States, row.value())).transpose()
}

/// Sets the state of a connection that is there.
pub(crate) struct Set {
    pub(crate) tenant: TenantId,
    pub(crate) id: ConnectionId,
    pub(crate) to: ConnectionStatus,
}

impl Change for Set {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let Self { tenant, id, to } = self;
        let row = key::connection_row(&tenant, &id);
        if tables.connections.get(row.as_slice()).disk()?.is_none() {
            return Err(check::invalid(format!("there is no connection {tenant}/{id}")));
        }
        let mut ledger = Ledger::open(tables, to.since);
        ledger.turn(&tenant, (&id, &Subject::connection(Some(&id))), &to)?;
        Ok((ledger.close()?, ()))
    }
}
