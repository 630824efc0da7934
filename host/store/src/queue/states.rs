//! States of connections, and the rest of their work that goes with them.

use model::queue::{Pause, PauseScope};
use model::run::Run;
use model::store::{EventKind, RunEnd, StoreError};
use model::{ConnectionId, ConnectionState, ConnectionStatus, Error, ErrorKind, TenantId};

use super::keys;
use super::ledger::Ledger;
use super::session::Halt;
use crate::codec::key;
use crate::events::Subject;
use crate::runs;
use crate::tables::Table;

impl Ledger<'_> {
    /// Puts a connection into a state, tells of it where it was in another one, and lets its work
    /// rest or go on with it. What people have paused is left as it is.
    pub(crate) fn turn(
        &mut self,
        tenant: &TenantId,
        (connection, subject): (&ConnectionId, &Subject),
        to: &ConnectionStatus,
    ) -> Result<(), StoreError> {
        let row = key::connection_row(tenant, connection);
        let before: Option<ConnectionStatus> = self.draft.read(Table::States, &row)?;
        if before.map(|status| status.state).unwrap_or_default() == to.state {
            return Ok(());
        }
        let kind = EventKind::ConnectionChanged { state: to.state, reason: to.reason.clone() };
        let (log, writes) = self.log(tenant)?;
        log.push(writes, subject, to.since, kind)?;
        self.draft.write(Table::States, row, to)?;
        let scope = PauseScope::Unauthorised(connection.clone());
        let key = keys::pause(tenant, &scope);
        if to.state.works() {
            self.draft.remove(Table::Pauses, key);
            return self.halt(tenant, &scope, None);
        }
        let (reason, since) = (to.reason.clone(), to.since);
        let pause = Pause { scope: scope.clone(), reason, since, until: None };
        self.draft.write(Table::Pauses, key, &pause)?;
        self.halt(tenant, &scope, Some(Halt { until: None }))
    }

    /// Forgets the state of a connection that is removed, and its pauses: what is queued for it is
    /// to find that out, not to wait for somebody who will not come.
    pub(crate) fn forget(
        &mut self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<(), StoreError> {
        self.draft.remove(Table::States, key::connection_row(tenant, connection));
        let connection = connection.clone();
        let (person, rest) = (
            PauseScope::Connection(connection.clone()),
            PauseScope::Unauthorised(connection.clone()),
        );
        for scope in [person, rest] {
            self.draft.remove(Table::Pauses, keys::pause(tenant, &scope));
            self.halt(tenant, &scope, None)?;
        }
        self.tell(tenant, Some(&connection), EventKind::ConnectionRemoved)
    }

    /// Lets the work of a connection rest until its account has been authorised again.
    pub(super) fn refuse(
        &mut self,
        tenant: &TenantId,
        connection: &ConnectionId,
        reason: String,
    ) -> Result<(), StoreError> {
        let subject = Subject::connection(Some(connection));
        let state = ConnectionState::NeedsReauthorisation;
        let to = ConnectionStatus { state, reason, since: self.now };
        self.turn(tenant, (connection, &subject), &to)
    }

    /// Ends a run, and with it the work of its connection where the provider has refused it.
    pub(crate) fn end_run(&mut self, end: RunEnd) -> Result<Run, StoreError> {
        let (tenant, connection) = (end.run.tenant.clone(), end.run.connection.clone());
        let subject = Subject::run(&connection, end.run.id);
        let refused = end.error.as_ref().filter(|error| error.kind == ErrorKind::AuthRequired);
        let refused = refused.map(Error::to_string);
        let since = end.at;
        let tables = self.draft.tables();
        let (log, writes) = self.log(&tenant)?;
        let run = runs::finish(writes, tables, log, end)?;
        if let Some(reason) = refused {
            let state = ConnectionState::NeedsReauthorisation;
            let to = ConnectionStatus { state, reason, since };
            self.turn(&tenant, (&connection, &subject), &to)?;
        }
        Ok(run)
    }
}
