//! How things are, as it is shown: health and activity, side by side.

use engine::health::{Activity, Health, Verdict};
use model::Timestamp;
use model::store::RunRef;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether something is well.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct HealthView {
    /// Whether it is.
    pub(crate) status: HealthStatus,
    /// Why it is not.
    reason: Option<String>,
    /// The stable code of that, explained at `/api/errors/{code}`.
    code: Option<String>,
    /// Since when that is known.
    since: Option<Timestamp>,
}

/// Whether something is well, by the last run that has ended and by what the provider says of the
/// account. What happens now does not change it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HealthStatus {
    /// Everything was read.
    Healthy,
    /// No run has ended yet.
    NeverRun,
    /// Something was not read, or the credential ends soon.
    Degraded,
    /// The run has failed.
    Failed,
    /// The provider does not accept the credential any more.
    NeedsSignIn,
}

/// What happens now, or what it waits for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ActivityView {
    /// What.
    pub(crate) status: ActivityStatus,
    /// When it goes on by itself, where it waits and that is known.
    at: Option<Timestamp>,
    /// What it waits for.
    reason: Option<String>,
    /// The run at work.
    run: Option<RunAt>,
}

/// What happens now.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ActivityStatus {
    /// Nothing.
    Idle,
    /// Its work rests: until `at`, or until somebody lets it go on.
    Paused,
    /// A job waits for its turn.
    Queued,
    /// A job has failed and is tried again at `at`.
    Retrying,
    /// A job is at work.
    Running,
}

/// Which run.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RunAt {
    /// Of which connection.
    connection: String,
    /// Its number there.
    id: u64,
}

impl RunAt {
    pub(crate) fn of(run: &RunRef) -> Self {
        Self { connection: run.connection.to_string(), id: run.id.0 }
    }
}

impl HealthView {
    pub(crate) fn of(verdict: Verdict) -> Self {
        let Verdict { health, reason, code, since } = verdict;
        let status = match health {
            Health::Healthy => HealthStatus::Healthy,
            Health::NeverRun => HealthStatus::NeverRun,
            Health::Degraded => HealthStatus::Degraded,
            Health::Failed => HealthStatus::Failed,
            Health::NeedsSignIn => HealthStatus::NeedsSignIn,
        };
        Self { status, reason, code, since }
    }
}

impl ActivityView {
    pub(crate) fn of(activity: Activity) -> Self {
        let view = |status| Self { status, at: None, reason: None, run: None };
        match activity {
            Activity::Idle => view(ActivityStatus::Idle),
            Activity::Paused { until, reason } => {
                Self { at: until, reason: Some(reason), ..view(ActivityStatus::Paused) }
            }
            Activity::Queued { due } => Self { at: due, ..view(ActivityStatus::Queued) },
            Activity::Retrying { at, reason } => {
                Self { at: Some(at), reason: Some(reason), ..view(ActivityStatus::Retrying) }
            }
            Activity::Running { run } => {
                Self { run: run.as_ref().map(RunAt::of), ..view(ActivityStatus::Running) }
            }
        }
    }
}
