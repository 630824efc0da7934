//! A run: one execution of a sync, as the sync history keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::adapter::Receipt;
use crate::error::Error;
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
    /// Records that could not be read.
    pub rejected: u64,
    /// Everything that changed before this instant has been read.
    pub complete_until: Option<Timestamp>,
    /// Why it did not succeed.
    pub error: Option<Error>,
}

/// One execution of a sync.
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
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How it stands.
    pub status: RunStatus,
    /// What it did, by entity.
    pub entities: BTreeMap<String, EntityReport>,
    /// What its adapter calls cost.
    pub receipt: Receipt,
    /// Why it did not get as far as its entities.
    pub error: Option<Error>,
}
