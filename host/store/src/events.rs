//! The log of events of a tenant.

use model::store::{Event, EventKind, StoreError};
use model::{ConnectionId, RunId, TenantId, Timestamp};
use redb::ReadTransaction;

use crate::codec::{Malformed, corrupt, json, key};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table};
use crate::writes::Writes;

/// Events in one list; the next one goes on after the last.
const LIST_MAX: usize = 1_000;

/// What an event is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    pub(crate) connection: Option<ConnectionId>,
    pub(crate) run: Option<RunId>,
}

impl Subject {
    pub(crate) fn run(connection: &ConnectionId, run: RunId) -> Self {
        Self { connection: Some(connection.clone()), run: Some(run) }
    }

    pub(crate) fn connection(connection: Option<&ConnectionId>) -> Self {
        Self { connection: connection.cloned(), run: None }
    }
}

/// The end of a tenant's log. One change opens it once: what it pushes is not yet in the table.
pub(crate) struct Log {
    prefix: Vec<u8>,
    next: u64,
}

impl Log {
    pub(crate) fn open(rows: &impl Rows, tenant: &TenantId) -> Result<Self, StoreError> {
        let prefix = key::tenant(tenant);
        let behind = key::behind(&prefix);
        let mut range = rows.range(prefix.as_slice()..behind.as_slice()).disk()?;
        let next = match range.next_back().transpose().disk()? {
            None => 1,
            Some((key, _)) => {
                let last = key::number(key.value());
                last.ok_or_else(|| corrupt(Table::Events, Malformed::Shape))?.saturating_add(1)
            }
        };
        drop(range);
        Ok(Self { prefix, next })
    }

    /// The number of the last event; nothing was ever logged where it is zero.
    pub(crate) fn last(&self) -> u64 {
        self.next - 1
    }

    pub(crate) fn push(
        &mut self,
        writes: &mut Writes,
        subject: &Subject,
        at: Timestamp,
        kind: EventKind,
    ) -> Result<(), StoreError> {
        let Subject { connection, run } = subject.clone();
        let event = Event { seq: self.next, at, connection, run, kind };
        let key = key::with(self.prefix.clone(), &self.next.to_be_bytes());
        writes.put(Table::Events, &key, &json::encode(&event)?);
        self.next = self.next.saturating_add(1);
        Ok(())
    }
}

/// The number of the oldest event that is kept.
pub(crate) fn first(rows: &impl Rows, tenant: &TenantId) -> Result<Option<u64>, StoreError> {
    let prefix = key::tenant(tenant);
    let behind = key::behind(&prefix);
    let mut range = rows.range(prefix.as_slice()..behind.as_slice()).disk()?;
    let Some((key, _)) = range.next().transpose().disk()? else { return Ok(None) };
    key::number(key.value()).map(Some).ok_or_else(|| corrupt(Table::Events, Malformed::Shape))
}

/// Lists events in order, from the one after `after`.
pub(crate) fn list(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    after: u64,
    limit: usize,
) -> Result<Vec<Event>, StoreError> {
    let Some(first) = after.checked_add(1) else { return Ok(Vec::new()) };
    let prefix = key::tenant(tenant);
    let behind = key::behind(&prefix);
    let first = key::with(prefix, &first.to_be_bytes());
    Table::Events
        .read(snapshot)?
        .range(first.as_slice()..behind.as_slice())
        .disk()?
        .take(limit.min(LIST_MAX))
        .map(|row| json::decode(Table::Events, row.disk()?.1.value()))
        .collect()
}
