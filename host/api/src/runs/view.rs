//! Runs as they are shown.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use model::run::{EntityReport, Run, RunKind, RunStatus};
use model::{ConnectionId, Error, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The name of a run: its connection and its number there, as `crm:12`.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RunKey {
    pub(crate) connection: ConnectionId,
    pub(crate) number: RunId,
}

impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.connection, self.number)
    }
}

impl FromStr for RunKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (connection, number) = text.rsplit_once(':')?;
            let key =
                Self { connection: connection.parse().ok()?, number: RunId(number.parse().ok()?) };
            // A run has one name: `crm:+12` and `crm:012` are none.
            (key.to_string() == text).then_some(key)
        };
        read().ok_or_else(|| format!("{text:?} is no name of a run; write it as crm:12"))
    }
}

impl TryFrom<String> for RunKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// One execution of a sync, or of a replay.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunView {
    /// Its name, as `crm:12`.
    id: String,
    /// The connection.
    connection: String,
    /// The count of runs that the connection has had.
    number: u64,
    /// What for.
    kind: RunKindView,
    /// How it stands.
    status: RunStatusView,
    /// The task that asked for it; nothing means a person.
    task: Option<String>,
    /// The adapter that ran.
    adapter: RunAdapter,
    /// When it began.
    started: Timestamp,
    /// When it ended.
    ended: Option<Timestamp>,
    /// What it did, by entity.
    entities: BTreeMap<String, RunEntity>,
    /// What its adapter calls cost.
    cost: RunCost,
    /// Why it did not get as far as its entities.
    error: Option<RunError>,
}

/// What a run is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RunKindView {
    /// Reading from the provider.
    Sync,
    /// Mapping again what is stored.
    Replay,
}

impl From<RunKind> for RunKindView {
    fn from(kind: RunKind) -> Self {
        match kind {
            RunKind::Sync => Self::Sync,
            RunKind::Replay => Self::Replay,
        }
    }
}

/// How a run, or one entity of it, stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RunStatusView {
    /// At work.
    Running,
    /// Everything was read.
    Succeeded,
    /// Something was read; an entity failed, or the provider did not show everything.
    Partial,
    /// Nothing could be read to its end.
    Failed,
    /// Stopped at a page border because somebody asked.
    Cancelled,
    /// The process ended without a word; the next run goes on where this one stopped.
    Interrupted,
}

impl From<RunStatus> for RunStatusView {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Running => Self::Running,
            RunStatus::Succeeded => Self::Succeeded,
            RunStatus::Partial => Self::Partial,
            RunStatus::Failed => Self::Failed,
            RunStatus::Cancelled => Self::Cancelled,
            RunStatus::Interrupted => Self::Interrupted,
        }
    }
}

/// The adapter of a run.
#[derive(Debug, Serialize, ToSchema)]
struct RunAdapter {
    /// Its package, `publisher/id`.
    package: String,
    /// Its version.
    version: String,
    /// Its digest.
    digest: String,
}

/// What the adapter calls of a run cost.
#[derive(Debug, Serialize, ToSchema)]
struct RunCost {
    /// HTTP requests.
    calls: u64,
    /// Bytes that the provider sent.
    bytes_in: u64,
    /// Bytes that it was sent.
    bytes_out: u64,
    /// Milliseconds spent waiting for a rate limit.
    throttled_ms: u64,
}

/// Why a run, or one entity of it, did not succeed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunError {
    /// The stable code: the host's are explained at `/api/errors/{code}`, others are the adapter's.
    code: String,
    /// What a person reads.
    message: String,
}

impl From<Error> for RunError {
    fn from(error: Error) -> Self {
        Self { code: error.code, message: error.message }
    }
}

/// What a run did to one entity. `read` is the sum of `created`, `updated`, `unchanged`, `deleted`,
/// `rejected` and `skipped`, but for what the provider shows twice or says to be gone that was
/// never there.
#[derive(Debug, Serialize, ToSchema)]
struct RunEntity {
    /// How it stands.
    status: RunStatusView,
    /// Pages committed.
    pages: u64,
    /// Records, deletions and rejects that its pages held.
    read: u64,
    /// What became of them.
    #[serde(flatten)]
    counts: RunCounts,
    /// Bytes that the provider sent.
    bytes: u64,
    /// HTTP requests.
    calls: u64,
    /// Milliseconds spent waiting for a rate limit.
    throttled_ms: u64,
    /// Where its first part stood before, up to 256 bytes of it.
    checkpoint_before: Option<String>,
    /// Where its last page has left it, up to 256 bytes of it.
    checkpoint_after: Option<String>,
    /// Everything that changed before this instant has been read.
    complete_until: Option<Timestamp>,
    /// The versions of conversion schemas that mapped its records, as `name@version`.
    mapped_by: Vec<String>,
    /// Why it did not succeed.
    error: Option<RunError>,
}

/// What became of records.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub(super) struct RunCounts {
    /// They were not there before.
    created: u64,
    /// Their content changed.
    updated: u64,
    /// They were the same.
    unchanged: u64,
    /// They are gone.
    deleted: u64,
    /// They could not be read, or not be mapped.
    rejected: u64,
    /// They had changed since a replay had read them.
    skipped: u64,
    /// They were absent from a full read.
    absent: u64,
    /// They were, and are not deleted: a person has yet to decide, or has said that they stay.
    held: u64,
}

impl RunCounts {
    /// Of one entity.
    fn of(report: &EntityReport) -> Self {
        Self {
            created: report.inserted,
            updated: report.updated,
            unchanged: report.unchanged,
            deleted: report.deleted,
            rejected: report.rejected,
            skipped: report.skipped,
            absent: report.absent,
            held: report.held,
        }
    }

    /// Of all entities of a run.
    pub(super) fn of_run(run: &Run) -> Self {
        run.entities.values().map(Self::of).fold(Self::default(), |sum, it| Self {
            created: sum.created + it.created,
            updated: sum.updated + it.updated,
            unchanged: sum.unchanged + it.unchanged,
            deleted: sum.deleted + it.deleted,
            rejected: sum.rejected + it.rejected,
            skipped: sum.skipped + it.skipped,
            absent: sum.absent + it.absent,
            held: sum.held + it.held,
        })
    }
}

impl RunView {
    pub(crate) fn of(run: Run) -> Self {
        let key = RunKey { connection: run.connection, number: run.id };
        let entities = run.entities.into_iter();
        Self {
            id: key.to_string(),
            connection: key.connection.into(),
            number: key.number.0,
            kind: run.kind.into(),
            status: run.status.into(),
            task: run.task.map(Into::into),
            adapter: RunAdapter { package: run.package, version: run.version, digest: run.digest },
            started: run.started,
            ended: run.ended,
            entities: entities.map(|(name, report)| (name, RunEntity::of(report))).collect(),
            cost: RunCost {
                calls: run.receipt.http_calls,
                bytes_in: run.receipt.bytes_in,
                bytes_out: run.receipt.bytes_out,
                throttled_ms: milliseconds(run.receipt.throttled),
            },
            error: run.error.map(Into::into),
        }
    }
}

impl RunEntity {
    fn of(report: EntityReport) -> Self {
        let schemas = report.schema.as_deref().unwrap_or_default().split(',').map(str::trim);
        Self {
            status: report.status.into(),
            pages: report.pages,
            read: report.read,
            counts: RunCounts::of(&report),
            bytes: report.bytes,
            calls: report.calls,
            throttled_ms: milliseconds(report.throttled),
            mapped_by: schemas.filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            checkpoint_before: report.checkpoint_before,
            checkpoint_after: report.checkpoint_after,
            complete_until: report.complete_until,
            error: report.error.map(Into::into),
        }
    }
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, u64)>) {
        let key = text.parse::<RunKey>().ok();
        let read = key.as_ref().map(|key| (key.connection.as_str(), key.number.0));
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn run_is_named_by_its_connection_and_number() {
        check("crm:12", Some(("crm", 12)));
        check("crm.eu-1:0", Some(("crm.eu-1", 0)));
        for text in ["", "crm", "12", "crm:", ":12", "crm:+12", "crm:012", "crm:-1", "a:b:1"] {
            check(text, None);
        }
        check(&format!("crm:{}0", u64::MAX), None);
    }
}
