//! Events as they are shown.

use model::canonical::RecordId;
use model::event::{Event, EventKind};
use model::queue::Death;
use model::{ConnectionId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::runs::{RunKey, RunStatusView};

/// What events tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EventType {
    /// Records of providers have changed.
    RecordsChanged,
    /// Records of the tenant's types have changed.
    CanonicalChanged,
    /// A run has ended.
    RunFinished,
    /// Deletions wait for a person.
    DeletionsHeld,
    /// A connection is in another state.
    ConnectionChanged,
    /// A connection was removed.
    ConnectionRemoved,
    /// A provider refuses the tenant's own app.
    AppRefused,
    /// It no longer does.
    AppAccepted,
    /// A job lies among the dead letters.
    JobDied,
    /// A dead letter was discarded.
    JobDiscarded,
    /// A dead letter was queued again.
    JobRedriven,
    /// A circuit breaker has opened or closed.
    BreakerChanged,
}

impl EventType {
    pub(super) fn of(kind: &EventKind) -> Self {
        match kind {
            EventKind::RecordsChanged { .. } => Self::RecordsChanged,
            EventKind::CanonicalChanged { .. } => Self::CanonicalChanged,
            EventKind::RunFinished { .. } => Self::RunFinished,
            EventKind::DeletionsHeld { .. } => Self::DeletionsHeld,
            EventKind::ConnectionChanged { .. } => Self::ConnectionChanged,
            EventKind::ConnectionRemoved => Self::ConnectionRemoved,
            EventKind::AppRefused { .. } => Self::AppRefused,
            EventKind::AppAccepted { .. } => Self::AppAccepted,
            EventKind::JobDied { .. } => Self::JobDied,
            EventKind::JobDiscarded { .. } => Self::JobDiscarded,
            EventKind::JobRedriven { .. } => Self::JobRedriven,
            EventKind::BreakerChanged { .. } => Self::BreakerChanged,
        }
    }

    /// Its name on the wire.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::RecordsChanged => "records-changed",
            Self::CanonicalChanged => "canonical-changed",
            Self::RunFinished => "run-finished",
            Self::DeletionsHeld => "deletions-held",
            Self::ConnectionChanged => "connection-changed",
            Self::ConnectionRemoved => "connection-removed",
            Self::AppRefused => "app-refused",
            Self::AppAccepted => "app-accepted",
            Self::JobDied => "job-died",
            Self::JobDiscarded => "job-discarded",
            Self::JobRedriven => "job-redriven",
            Self::BreakerChanged => "breaker-changed",
        }
    }
}

/// Which events.
#[derive(Clone, Debug, Default)]
pub(super) struct Topics {
    /// Of these types; otherwise of all.
    pub(super) types: Vec<EventType>,
    /// Of these connections; otherwise of all, and those that concern none.
    pub(super) connections: Vec<ConnectionId>,
}

impl Topics {
    pub(super) fn hold(&self, kind: EventType, connection: Option<&ConnectionId>) -> bool {
        (self.types.is_empty() || self.types.contains(&kind))
            && (self.connections.is_empty()
                || connection.is_some_and(|connection| self.connections.contains(connection)))
    }
}

/// Something that has happened.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventView {
    /// Grows with every event of the tenant.
    seq: u64,
    /// When.
    at: Timestamp,
    /// The connection, where it concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
    /// The run that has caused it, as `crm:12`.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    /// What.
    event: EventFacts,
}

/// What has happened.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "type")]
enum EventFacts {
    /// Records of one entity that one page changed.
    RecordsChanged {
        /// The entity.
        entity: String,
        /// How many; and which, by the provider's ids.
        changes: EventChanges,
    },
    /// Records of one of the tenant's types that one page, or one step of a replay, changed. It
    /// goes beside `records-changed`; follow one of the two.
    CanonicalChanged {
        /// The record type.
        record_type: String,
        /// How many; and which.
        changes: EventChanges,
    },
    /// A run has ended.
    RunFinished {
        /// How.
        status: RunStatusView,
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
        state: String,
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
        job: u64,
        /// Of which queue.
        queue: String,
        /// Of which session.
        session: String,
        /// What decided it: `permanent`, `exhausted` or `quarantined`.
        why: String,
        /// The code of its last error.
        code: String,
    },
    /// A person has discarded a dead letter.
    JobDiscarded {
        /// Which one.
        job: u64,
        /// Of which queue.
        queue: String,
        /// Why.
        reason: String,
    },
    /// A person has queued a dead letter again.
    JobRedriven {
        /// Which one.
        job: u64,
        /// Of which queue.
        queue: String,
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

/// Records that have changed.
#[derive(Debug, Serialize, ToSchema)]
struct EventChanges {
    /// How many are new.
    created: usize,
    /// How many have changed.
    updated: usize,
    /// How many are gone.
    deleted: usize,
    /// How many were gone and came back.
    restored: usize,
    /// Which ones; a stream tells the numbers alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    ids: Option<EventIds>,
}

/// Ids of records that have changed.
#[derive(Debug, Serialize, ToSchema)]
struct EventIds {
    /// New ones.
    created: Vec<String>,
    /// Changed ones.
    updated: Vec<String>,
    /// Gone ones.
    deleted: Vec<String>,
    /// Ones that were gone and came back.
    restored: Vec<String>,
}

impl EventChanges {
    fn of([created, updated, deleted, restored]: [Vec<String>; 4]) -> Self {
        Self {
            created: created.len(),
            updated: updated.len(),
            deleted: deleted.len(),
            restored: restored.len(),
            ids: Some(EventIds { created, updated, deleted, restored }),
        }
    }
}

impl EventView {
    pub(super) fn of(event: Event) -> Self {
        let run = event.connection.clone().zip(event.run);
        let run = run.map(|(connection, number)| RunKey { connection, number }.to_string());
        let Event { seq, at, connection, kind, .. } = event;
        let connection = connection.map(Into::into);
        Self { seq, at, connection, run, event: EventFacts::of(kind) }
    }

    /// Without the ids of records, of which one event may have thousands.
    pub(super) fn counted(mut self) -> Self {
        if let EventFacts::RecordsChanged { changes, .. }
        | EventFacts::CanonicalChanged { changes, .. } = &mut self.event
        {
            changes.ids = None;
        }
        self
    }
}

impl EventFacts {
    fn of(kind: EventKind) -> Self {
        let texts = |ids: Vec<RecordId>| ids.iter().map(ToString::to_string).collect();
        match kind {
            EventKind::RecordsChanged { entity, created, updated, deleted, restored } => {
                let changes = EventChanges::of([created, updated, deleted, restored]);
                Self::RecordsChanged { entity, changes }
            }
            EventKind::CanonicalChanged { record_type, created, updated, deleted, restored } => {
                let ids = [created, updated, deleted, restored].map(texts);
                Self::CanonicalChanged { record_type, changes: EventChanges::of(ids) }
            }
            EventKind::RunFinished { status } => Self::RunFinished { status: status.into() },
            EventKind::DeletionsHeld { entity, absent, live } => {
                Self::DeletionsHeld { entity, absent, live }
            }
            EventKind::ConnectionChanged { state, reason } => {
                Self::ConnectionChanged { state: state.as_str().to_owned(), reason }
            }
            EventKind::ConnectionRemoved => Self::ConnectionRemoved,
            EventKind::AppRefused { package, code } => Self::AppRefused { package, code },
            EventKind::AppAccepted { package } => Self::AppAccepted { package },
            EventKind::JobDied { job, queue, session, why, code } => Self::JobDied {
                job: job.0,
                queue: queue.to_string(),
                session,
                why: decided(why).to_owned(),
                code,
            },
            EventKind::JobDiscarded { job, queue, reason } => {
                Self::JobDiscarded { job: job.0, queue: queue.to_string(), reason }
            }
            EventKind::JobRedriven { job, queue } => {
                Self::JobRedriven { job: job.0, queue: queue.to_string() }
            }
            EventKind::BreakerChanged { package, host, open_until } => {
                Self::BreakerChanged { package, host, open_until }
            }
        }
    }
}

fn decided(why: Death) -> &'static str {
    match why {
        Death::Permanent => "permanent",
        Death::Exhausted => "exhausted",
        Death::Quarantined => "quarantined",
    }
}
