//! A run: one execution of a sync, as the sync history keeps it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::adapter::Receipt;
use crate::error::Error;
use crate::queue::{JobId, LeaseRef};
use crate::store::{PageOutcome, RunRef};
use crate::task::TaskId;
use crate::{ConnectionId, RunId, TenantId, Timestamp};

/// How a run, or one entity of it, stands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    /// At work.
    #[default]
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

impl RunStatus {
    /// The name in logs and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What a run is for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunKind {
    /// Reading from the provider.
    #[default]
    Sync,
    /// Mapping again what is stored.
    Replay,
}

/// How much of a checkpoint a run keeps, in bytes: enough to see that it moves. The whole one, of
/// up to 64 KiB, is kept with the lane.
pub const CHECKPOINT_SHOWN_BYTES_MAX: usize = 256;

/// What a run did to one entity.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub struct EntityReport {
    /// How it stands.
    pub status: RunStatus,
    /// Pages committed.
    pub pages: u64,
    /// Records, tombstones and rejects that its pages held.
    pub read: u64,
    /// Records that were not there before.
    pub inserted: u64,
    /// Records whose content changed.
    pub updated: u64,
    /// Records that were the same.
    pub unchanged: u64,
    /// Records that are gone.
    pub deleted: u64,
    /// Records that could not be read, or not be mapped.
    pub rejected: u64,
    /// Records that had changed since a replay had read them.
    #[serde(default)]
    pub skipped: u64,
    /// Records that were absent from a full read.
    #[serde(default)]
    pub absent: u64,
    /// Those of them that are not deleted: a person has yet to decide, or has said that they stay.
    #[serde(default)]
    pub held: u64,
    /// Bytes that the provider sent.
    #[serde(default)]
    pub bytes: u64,
    /// HTTP requests.
    #[serde(default)]
    pub calls: u64,
    /// Time spent waiting for a rate limit.
    #[serde(default)]
    pub throttled: Duration,
    /// Where its first part stood before, at most [`CHECKPOINT_SHOWN_BYTES_MAX`] of it.
    #[serde(default)]
    pub checkpoint_before: Option<String>,
    /// Where its last page has left it, at most [`CHECKPOINT_SHOWN_BYTES_MAX`] of it.
    #[serde(default)]
    pub checkpoint_after: Option<String>,
    /// Everything that changed before this instant has been read.
    pub complete_until: Option<Timestamp>,
    /// The schemas that mapped its records, as `name@version`, separated by commas.
    #[serde(default)]
    pub schema: Option<String>,
    /// Why it did not succeed.
    pub error: Option<Error>,
}

impl EntityReport {
    /// Counts a committed page.
    pub fn add(&mut self, read: u64, outcome: &PageOutcome, cost: &Receipt) {
        self.pages += 1;
        self.read += read;
        self.inserted += outcome.inserted;
        self.updated += outcome.updated;
        self.unchanged += outcome.unchanged;
        self.deleted += outcome.deleted;
        self.rejected += outcome.rejected;
        self.skipped += outcome.skipped;
        self.bytes += cost.bytes_in;
        self.calls += cost.http_calls;
        self.throttled += cost.throttled;
    }
}

/// One execution of a sync, or of a replay.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Run {
    /// Whose.
    pub tenant: TenantId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// Which one.
    pub id: RunId,
    /// `publisher/id` of the package that ran.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Its digest.
    pub digest: String,
    /// What for.
    #[serde(default)]
    pub kind: RunKind,
    /// The task that asked for it; nothing means a person.
    #[serde(default)]
    pub task: Option<TaskId>,
    /// The claim under which it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseRef>,
    /// The job that asked for it, by the id under which people know it: one that goes on with the
    /// work of another runs under the id of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How it stands.
    pub status: RunStatus,
    /// What it did, by entity.
    pub entities: BTreeMap<String, EntityReport>,
    /// When each entity of the connection was last read to its end, by this run or one before it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub last_read: BTreeMap<String, Timestamp>,
    /// What its adapter calls cost.
    pub receipt: Receipt,
    /// Why it did not get as far as its entities.
    pub error: Option<Error>,
}

impl Run {
    /// Its name, as the store asks for it.
    pub fn reference(&self) -> RunRef {
        RunRef { tenant: self.tenant.clone(), connection: self.connection.clone(), id: self.id }
    }

    /// Why it has not succeeded: its own error, and those of its entities.
    pub fn errors(&self) -> impl Iterator<Item = &Error> {
        let entities = self.entities.values().filter_map(|report| report.error.as_ref());
        self.error.iter().chain(entities)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_that_an_older_program_has_kept_is_read() {
        let row = r#"{"tenant":"acme","connection":"hub","id":7,"package":"acme/hub",
            "version":"1.0.0","digest":"sha256:00","started":"2026-01-01T12:00:00Z","ended":null,
            "status":"running","entities":{"contact":{"status":"running","pages":1,"read":2,
            "inserted":2,"updated":0,"unchanged":0,"deleted":0,"rejected":0,
            "complete_until":null,"error":null}},"receipt":{"cpu":{"secs":0,"nanos":1},
            "memory_bytes":2,"host_calls":3,"http_calls":4,"bytes_in":5,"bytes_out":6,
            "throttled":{"secs":0,"nanos":0},"wall":{"secs":1,"nanos":0}},"error":null}"#;
        let run: Run = serde_json::from_str(row).unwrap();
        assert_eq!((run.kind, run.task, run.lease, run.job), (RunKind::Sync, None, None, None));
        assert_eq!((run.entities["contact"].read, run.entities["contact"].calls), (2, 0));
    }
}
