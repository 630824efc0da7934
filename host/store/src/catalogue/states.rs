//! In which state connections are.

use model::store::{EventKind, StoreError};
use model::{ConnectionId, ConnectionState, ConnectionStatus, TenantId, Timestamp};
use redb::{ReadTransaction, ReadableTable as _};

use crate::codec::{json, key};
use crate::disk::Disk as _;
use crate::events::{Log, Subject};
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;
use crate::{check, queue};

/// The state of a connection; nothing where it is active and always was.
pub(crate) fn get(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    id: &ConnectionId,
) -> Result<Option<ConnectionStatus>, StoreError> {
    read(&Table::States.read(snapshot)?, &key::connection_row(tenant, id))
}

fn read(rows: &impl Rows, key: &[u8]) -> Result<Option<ConnectionStatus>, StoreError> {
    let row = rows.get(key).disk()?;
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
        let key = key::connection_row(&tenant, &id);
        if tables.connections.get(key.as_slice()).disk()?.is_none() {
            return Err(check::invalid(format!("there is no connection {tenant}/{id}")));
        }
        let mut writes = Writes::default();
        let mut log = Log::open(&tables.events, &tenant)?;
        let about = (&tenant, &Subject::connection(Some(&id)));
        if turn(&mut writes, (tables, &mut log), about, &to)? {
            let pause = (to.state != ConnectionState::Active).then_some(to.reason.as_str());
            queue::turn_connection(&mut writes, tables, (&tenant, &id), (pause, to.since))?;
        }
        Ok((writes, ()))
    }
}

/// Puts a connection into a state, and tells it where it was in another one; whether it was.
pub(crate) fn turn(
    writes: &mut Writes,
    (tables, log): (&Tables<'_>, &mut Log),
    (tenant, subject): (&TenantId, &Subject),
    to: &ConnectionStatus,
) -> Result<bool, StoreError> {
    let Some(id) = &subject.connection else { return Ok(false) };
    let key = key::connection_row(tenant, id);
    let before = read(&tables.states, &key)?.map(|status| status.state).unwrap_or_default();
    if before == to.state {
        return Ok(false);
    }
    let kind = EventKind::ConnectionChanged { state: to.state, reason: to.reason.clone() };
    log.push(writes, subject, to.since, kind)?;
    writes.put(Table::States, &key, &json::encode(to)?);
    Ok(true)
}

/// What a run says of its connection by how it ended: an account that must be authorised again.
pub(crate) fn refused(reason: &model::Error, at: Timestamp) -> Option<ConnectionStatus> {
    (reason.kind == model::ErrorKind::AuthRequired).then(|| ConnectionStatus {
        state: ConnectionState::NeedsReauthorisation,
        reason: reason.to_string(),
        since: at,
    })
}
