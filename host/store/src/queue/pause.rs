//! Pauses, and what is moved by them.

use model::queue::{Pause, PauseScope, Queue};
use model::store::StoreError;
use model::{Clock, ConnectionId, TenantId, Timestamp};
use redb::{ReadTransaction, ReadableTable as _};

use super::check;
use super::keys::{self, Group, Line};
use super::ledger::Ledger;
use super::session::Halt;
use crate::codec::{Malformed, corrupt, json, key};
use crate::disk::Disk as _;
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// Pauses in one list; the next one goes on after the last.
const LIST_MAX: usize = 1_000;

/// Pauses, or replaces a pause.
pub(super) struct Begin {
    clock: Clock,
    tenant: TenantId,
    pause: Pause,
}

impl Begin {
    pub(super) fn new(clock: Clock, tenant: TenantId, pause: Pause) -> Result<Self, StoreError> {
        check::reason(&pause.reason)?;
        check::scope(&pause.scope)?;
        Ok(Self { clock, tenant, pause })
    }
}

impl Change for Begin {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let Self { clock, tenant, pause } = self;
        let mut ledger = Ledger::open(tables, clock.now());
        ledger.draft.write(Table::Pauses, keys::pause(&tenant, &pause.scope), &pause)?;
        ledger.halt(&tenant, &pause.scope, Some(Halt { until: pause.until }))?;
        Ok((ledger.close()?, ()))
    }
}

/// Ends a pause.
pub(super) struct Resume {
    clock: Clock,
    tenant: TenantId,
    scope: PauseScope,
}

impl Resume {
    pub(super) fn new(
        clock: Clock,
        tenant: TenantId,
        scope: PauseScope,
    ) -> Result<Self, StoreError> {
        check::scope(&scope)?;
        Ok(Self { clock, tenant, scope })
    }
}

impl Change for Resume {
    type Answer = bool;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, bool), StoreError> {
        let Self { clock, tenant, scope } = self;
        let now = clock.now();
        let mut ledger = Ledger::open(tables, now);
        let key = keys::pause(&tenant, &scope);
        let Some(pause) = ledger.draft.read::<Pause>(Table::Pauses, &key)? else {
            return Ok((Writes::default(), false));
        };
        ledger.draft.remove(Table::Pauses, key);
        ledger.halt(&tenant, &scope, None)?;
        Ok((ledger.close()?, Halt { until: pause.until }.holds(now)))
    }
}

/// Lists the pauses of a tenant that hold, from the one behind that of `after`.
pub(super) fn list(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    (after, limit): (Option<&PauseScope>, usize),
    now: Timestamp,
) -> Result<Vec<Pause>, StoreError> {
    let prefix = key::tenant(tenant);
    let behind = key::behind(&prefix);
    let from = after.map_or(prefix, |after| key::with(keys::pause(tenant, after), &[0]));
    let table = Table::Pauses.read(snapshot)?;
    let rows = table.range(from.as_slice()..behind.as_slice()).disk()?;
    let pauses = rows.map(|row| json::decode(Table::Pauses, row.disk()?.1.value()));
    let holds = |pause: &Result<Pause, StoreError>| {
        pause.as_ref().map_or(true, |pause| Halt { until: pause.until }.holds(now))
    };
    pauses.filter(holds).take(limit.min(LIST_MAX)).collect()
}

impl Ledger<'_> {
    /// Moves what is under a pause that has begun or ended. A paused queue or package moves
    /// nothing: whoever asks for what is due looks for its pause.
    pub(super) fn halt(
        &mut self,
        tenant: &TenantId,
        scope: &PauseScope,
        pause: Option<Halt>,
    ) -> Result<(), StoreError> {
        match scope {
            PauseScope::Queue(_) | PauseScope::Package(_) => {}
            PauseScope::Session(queue, session) => {
                let (tenant, session) = (tenant.clone(), session.clone());
                let mut slot = self.take(Line { tenant, queue: *queue, session })?;
                slot.session.paused = pause;
                self.keep(slot);
            }
            PauseScope::Connection(connection) | PauseScope::Unauthorised(connection) => {
                for queue in Queue::ALL {
                    self.touch_connection(queue, tenant, connection)?;
                }
            }
        }
        Ok(())
    }

    /// Has the first session of a connection found anew, under each package that has any.
    fn touch_connection(
        &mut self,
        queue: Queue,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<(), StoreError> {
        let ready = &self.draft.tables().ready;
        let prefix = keys::due_tenant(queue, tenant);
        let (mut from, behind) = (prefix.clone(), key::behind(&prefix));
        loop {
            let mut rows = ready.range(from.as_slice()..behind.as_slice()).disk()?;
            let Some(row) = rows.next().transpose().disk()? else { return Ok(()) };
            let package = keys::ready_package(row.0.value(), prefix.len())
                .ok_or_else(|| corrupt(Table::Ready, Malformed::Shape))?;
            let package = (!package.is_empty()).then(|| package.to_owned());
            from = key::behind(&keys::package(queue, tenant, package.as_deref()));
            let (tenant, connection) = (tenant.clone(), Some(connection.clone()));
            self.index.touch(Group { queue, tenant, package, connection });
        }
    }
}
