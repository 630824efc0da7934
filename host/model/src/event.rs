//! What happened: the append-only log of a tenant, and those who follow it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::canonical::RecordId;
use crate::connection::ConnectionState;
use crate::queue::{Death, JobId, Queue};
use crate::run::RunStatus;
use crate::store::StoreError;
use crate::{ConnectionId, RunId, TenantId, Timestamp};

/// The longest name of a consumer, in bytes; it stands in keys of the store.
pub const CONSUMER_BYTES_MAX: usize = 128;

/// Consumers of a tenant: the log is kept for the slowest of them, and each is looked at when it
/// is swept.
pub const CONSUMERS_MAX: usize = 64;

/// What an event tells.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub enum EventKind {
    /// Ids of one entity that one page changed.
    RecordsChanged {
        /// The entity.
        entity: String,
        /// New ones.
        created: Vec<String>,
        /// Changed ones.
        updated: Vec<String>,
        /// Gone ones.
        deleted: Vec<String>,
        /// Ones that were gone and came back.
        restored: Vec<String>,
    },
    /// Canonical records of one type that one page, or one step of a replay, changed.
    ///
    /// It goes beside [`Self::RecordsChanged`], which tells the same work in the shapes of the
    /// provider, whether or not a mapping sees a difference. A reader follows one of the two:
    /// this one for the tenant's own types, that one for entities.
    CanonicalChanged {
        /// The record type.
        record_type: String,
        /// New ones.
        created: Vec<RecordId>,
        /// Ones whose document changed.
        updated: Vec<RecordId>,
        /// Ones whose last record is gone.
        deleted: Vec<RecordId>,
        /// Ones that were gone and came back.
        restored: Vec<RecordId>,
    },
    /// A run ended; of an interrupted one this is noticed when the store is opened again,
    /// or the next run begins.
    RunFinished {
        /// How.
        status: RunStatus,
    },
    /// So many records are absent from a full read that nothing was deleted: a person decides.
    DeletionsHeld {
        /// The entity.
        entity: String,
        /// How many are absent,
        absent: u64,
        /// of so many.
        live: u64,
    },
    /// A connection is in another state than before.
    ConnectionChanged {
        /// The new state.
        state: ConnectionState,
        /// Why.
        reason: String,
    },
    /// A connection, its secrets and its tasks were removed.
    ConnectionRemoved,
    /// A provider refuses the tenant's own app.
    AppRefused {
        /// The package whose provider it is.
        package: String,
        /// The provider's code.
        code: String,
    },
    /// A provider no longer refuses the tenant's own app.
    AppAccepted {
        /// The package whose provider it is.
        package: String,
    },
    /// A job is dead and lies among the dead letters.
    JobDied {
        /// Which one.
        job: JobId,
        /// Of which queue.
        queue: Queue,
        /// Of which session.
        session: String,
        /// What decided it.
        why: Death,
        /// The code of its last error.
        code: String,
    },
    /// A person has discarded a dead letter.
    JobDiscarded {
        /// Which one.
        job: JobId,
        /// Of which queue.
        queue: Queue,
        /// Why.
        reason: String,
    },
    /// A person has queued a dead letter again.
    JobRedriven {
        /// Which one.
        job: JobId,
        /// Of which queue.
        queue: Queue,
    },
    /// A circuit breaker has opened or closed.
    BreakerChanged {
        /// The package that asks.
        package: String,
        /// The host that is asked.
        host: String,
        /// Until when nothing is sent; nothing means that it has closed.
        open_until: Option<Timestamp>,
    },
}

/// An entry of the append-only log of a tenant, written in the commit of what it tells.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Event {
    /// Grows by one with every event of the tenant, from 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The connection, where it concerns one.
    #[serde(default)]
    pub connection: Option<ConnectionId>,
    /// The run, where one has caused it.
    #[serde(default)]
    pub run: Option<RunId>,
    /// What.
    pub kind: EventKind,
}

/// Who follows the log of a tenant, and how far it has come.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Consumer {
    /// Its name within the tenant.
    pub name: String,
    /// It has worked off all events up to this one.
    pub seq: u64,
    /// When it last moved.
    pub at: Timestamp,
}

/// The numbers of the events that are kept.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Extent {
    /// The oldest; nothing was ever logged where it is zero.
    pub first: u64,
    /// The newest.
    pub last: u64,
}

impl Extent {
    /// Whether all that came after an event is kept; the event itself need not be.
    pub fn follows(self, seq: u64) -> bool {
        seq <= self.last && self.first <= seq.saturating_add(1)
    }
}

/// Who follows the logs of events.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Which events of a tenant are kept.
    async fn extent(&self, tenant: &TenantId) -> Result<Extent, StoreError>;

    /// The consumer of this name; one that is not known yet is made, and begins with the oldest
    /// event that is kept.
    async fn consumer(&self, tenant: &TenantId, name: &str) -> Result<Consumer, StoreError>;

    /// Moves a consumer forward. Back is refused as a conflict: of two processes that follow
    /// under one name the slower would have the faster read again. Beyond the last event is
    /// invalid.
    async fn advance(&self, tenant: &TenantId, name: &str, seq: u64) -> Result<(), StoreError>;

    /// All consumers of a tenant, by name.
    async fn consumers(&self, tenant: &TenantId) -> Result<Vec<Consumer>, StoreError>;

    /// Forgets a consumer, so that nothing is kept for it. False if there was none.
    async fn remove_consumer(&self, tenant: &TenantId, name: &str) -> Result<bool, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(first: u64, last: u64, follows: std::ops::Range<u64>) {
        let extent = Extent { first, last };
        let found: Vec<_> = (0..20).filter(|seq| extent.follows(*seq)).collect();
        assert_eq!(found, follows.collect::<Vec<_>>(), "{extent:?}");
    }

    #[test]
    fn who_has_read_up_to_what_is_kept_has_missed_nothing() {
        check(0, 0, 0..1);
        check(1, 3, 0..4);
        check(7, 9, 6..10);
    }

    #[test]
    fn event_that_an_older_program_has_logged_is_read() {
        let row = r#"{"seq":7,"at":"2026-01-01T12:00:00Z","connection":"hub","run":3,
            "kind":{"type":"run-finished","status":"failed"}}"#;
        let event: Event = serde_json::from_str(row).unwrap();
        assert_eq!(event.connection, Some("hub".parse().unwrap()));
        assert_eq!(event.run, Some(RunId(3)));
        assert_eq!(event.kind, EventKind::RunFinished { status: RunStatus::Failed });
    }
}
