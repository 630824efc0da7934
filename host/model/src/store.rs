//! The ports to the store. Every method is one transaction, `commit_pages` at least one.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::absence::{AbsenceStore, Judged};
use crate::adapter::Receipt;
use crate::canonical::{CanonicalStore, PageRecord};
pub use crate::catalogue::{Catalogue, Installed, TrustState};
use crate::error::Error;
pub use crate::event::{Event, EventKind};
use crate::queue::{JobId, LeaseRef};
use crate::record::{Reject, Tombstone};
use crate::run::{Run, RunKind, RunStatus};
pub use crate::stored::{
    RecordList, RecordQuery, RejectQuery, RunQuery, StoredRecord, StoredReject,
};
use crate::task::TaskId;
use crate::window::LaneState;
use crate::{ConnectionId, RunId, TenantId, Timestamp};

/// Runs in one list.
pub const RUNS_LISTED_MAX: usize = 1_000;

/// Rejects in one list.
pub const REJECTS_LISTED_MAX: usize = 10_000;

/// Rejects of a run that are counted by their codes: what fails that often fails for few reasons,
/// and each is looked at.
pub const REJECTS_COUNTED_MAX: usize = 10_000;

/// The distinctions a caller of the store can act on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StoreErrorKind {
    /// Somebody newer has taken over, a later run, claim or lead, or the claim has ended; this one
    /// may compute but not write.
    Fenced,
    /// Somebody else has changed the value since it was read; read it again.
    Conflict,
    /// The value is outside what the store can hold, or names something that is not there.
    Invalid,
    /// What was read does not decode, or does not unseal.
    Corrupt,
    /// Another process has the store open.
    Busy,
    /// The disk or the operating system said no.
    Unavailable,
}

/// What went wrong in the store.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// An error without a cause.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What a caller can act on.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|e| -> &(dyn std::error::Error + 'static) { e })
    }
}

/// What begins a run.
#[derive(Clone, Debug)]
pub struct RunStart {
    /// Whose.
    pub tenant: TenantId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// `publisher/id` of the package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Its digest.
    pub digest: String,
    /// What for.
    pub kind: RunKind,
    /// The task that asked for it; nothing means a person.
    pub task: Option<TaskId>,
    /// The claim under which it runs; once that claim has ended the run is fenced off.
    pub lease: Option<LeaseRef>,
    /// The job that asked for it, by the id under which people know it.
    pub job: Option<JobId>,
    /// Now.
    pub at: Timestamp,
}

/// Which run writes: the fence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RunRef {
    /// Whose.
    pub tenant: TenantId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// Which one; the store refuses all but the newest.
    pub id: RunId,
}

/// What is read on its own: an entity, a part of it, and what kind of reading.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
pub struct Lane {
    /// The entity of the manifest.
    pub entity: String,
    /// The dynamic instance or the parent record.
    pub part: Option<String>,
    /// Records, or the list of deletions.
    pub kind: LaneKind,
}

/// What a lane reads.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LaneKind {
    /// Records: everything, a feed, or windows. What it says to be complete is.
    Records,
    /// Records that have changed lately, ahead of the lane of records where that one waits for
    /// what the provider shows late.
    Recent,
    /// What was deleted or archived, where the provider lists it apart.
    Deletions,
}

/// Everything that one page of work yields; committed in one transaction.
#[derive(Clone, Debug)]
pub struct PageCommit {
    /// The fence.
    pub run: RunRef,
    /// What was read.
    pub lane: Lane,
    /// Where the lane stands after this page.
    pub state: LaneState,
    /// Records, redacted; of an id that stands twice the last one counts.
    pub records: Vec<PageRecord>,
    /// Records that are gone; they come after the records, and one never seen leaves no trace.
    pub tombstones: Vec<Tombstone>,
    /// Records that are gone because a full read has not met them: nothing of it was read.
    pub absent: Vec<Tombstone>,
    /// Records that could not be read.
    pub rejects: Vec<Reject>,
    /// The full read that its records belong to, where their absence from one tells deletions.
    pub generation: Option<RunId>,
    /// What the adapter call cost.
    pub receipt: Receipt,
    /// Now.
    pub at: Timestamp,
}

impl PageCommit {
    /// How much the provider has shown with this page, in whatever shape.
    pub fn read(&self) -> u64 {
        let read = self.records.len() + self.tombstones.len() + self.rejects.len();
        u64::try_from(read).unwrap_or(u64::MAX)
    }
}

/// What a page changed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub struct PageOutcome {
    /// Records that were not there before, or were gone.
    pub inserted: u64,
    /// Records whose content changed.
    pub updated: u64,
    /// Records that were the same.
    pub unchanged: u64,
    /// Records that were there and are gone.
    pub deleted: u64,
    /// Records that could not be read, or not be mapped.
    pub rejected: u64,
    /// Records that had changed since a replay had read them.
    #[serde(default)]
    pub skipped: u64,
}

/// How one entity of a run ended; counters are the store's own.
#[derive(Clone, Debug, Default)]
pub struct EntityEnd {
    /// The entity.
    pub entity: String,
    /// How.
    pub status: RunStatus,
    /// Everything that changed before this instant has been read.
    pub complete_until: Option<Timestamp>,
    /// What was judged of records that are absent from full reads, in the order in which it was:
    /// of those of earlier runs, then of those that have ended in this one.
    pub absence: Vec<Judged>,
    /// Cost of calls that no page accounts for; [`RunEnd::receipt`] holds it too.
    pub receipt: Receipt,
    /// The schema that mapped its records.
    pub schema: Option<String>,
    /// Why it did not succeed.
    pub error: Option<Error>,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct RunEnd {
    /// The fence.
    pub run: RunRef,
    /// How.
    pub status: RunStatus,
    /// How its entities ended.
    pub entities: Vec<EntityEnd>,
    /// Cost of calls that no page accounts for.
    pub receipt: Receipt,
    /// Why it did not get as far as its entities.
    pub error: Option<Error>,
    /// Now.
    pub at: Timestamp,
}

/// Records, checkpoints, runs and events.
#[async_trait]
pub trait RecordStore: AbsenceStore + CanonicalStore {
    /// Begins the next run of a connection, which fences off the one before; if that had not
    /// ended it is marked interrupted.
    async fn begin_run(&self, start: RunStart) -> Result<Run, StoreError>;

    /// Commits a page durably: records, lane state, event and run counters, or nothing.
    async fn commit_page(&self, page: PageCommit) -> Result<PageOutcome, StoreError>;

    /// Commits pages of one run in their order and stops at the first that fails: no page is ever
    /// stored without those before it, because it carries the checkpoint that passes over them.
    ///
    /// A store for which one transaction is cheaper than several overrides this.
    async fn commit_pages(&self, pages: Vec<PageCommit>) -> Result<Vec<PageOutcome>, StoreError> {
        let mut outcomes = Vec::with_capacity(pages.len());
        for page in pages {
            outcomes.push(self.commit_page(page).await?);
        }
        Ok(outcomes)
    }

    /// Ends a run.
    async fn finish_run(&self, end: RunEnd) -> Result<Run, StoreError>;

    /// Where every lane of a connection stands.
    async fn lanes(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<Vec<(Lane, LaneState)>, StoreError>;

    /// Forgets where the lanes of records of a connection stand, so that the next run reads in
    /// full. Lanes of deletions stay: what was deleted since the last run shows in no full read.
    ///
    /// Nothing fences it: it is for who has the store alone. Jobs do it with
    /// [`Effect::ForgetLanes`](crate::queue::Effect).
    async fn reset_lanes(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<(), StoreError>;

    /// Lists records.
    async fn records(&self, query: RecordQuery) -> Result<RecordList, StoreError>;

    /// The run of this number.
    async fn run(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        id: RunId,
    ) -> Result<Option<Run>, StoreError>;

    /// Lists runs. They come in the order in which they began; those of one connection in the order
    /// of their numbers, which is the same unless the clock was set back.
    async fn run_list(&self, query: RunQuery) -> Result<Vec<Run>, StoreError>;

    /// Lists runs of a tenant, or of one connection, the newest first; at most
    /// [`RUNS_LISTED_MAX`].
    async fn runs(
        &self,
        tenant: &TenantId,
        connection: Option<&ConnectionId>,
        limit: usize,
    ) -> Result<Vec<Run>, StoreError> {
        let (tenant, connection) = (tenant.clone(), connection.cloned());
        self.run_list(RunQuery { tenant, connection, before: None, limit }).await
    }

    /// The last runs of several connections, in the order of these: of each at most so many, the
    /// newest first.
    async fn last_runs(
        &self,
        tenant: &TenantId,
        connections: Vec<ConnectionId>,
        each: usize,
    ) -> Result<Vec<Vec<Run>>, StoreError> {
        let mut runs = Vec::with_capacity(connections.len());
        for connection in &connections {
            runs.push(self.runs(tenant, Some(connection), each).await?);
        }
        Ok(runs)
    }

    /// Lists rejects with their numbers; fewer than there are where the list grows large, so that
    /// only an empty list tells the end.
    async fn reject_list(&self, query: RejectQuery)
    -> Result<Vec<(u64, StoredReject)>, StoreError>;

    /// How many rejects of a run there are of each code, among the first [`REJECTS_COUNTED_MAX`].
    async fn reject_codes(&self, run: &RunRef) -> Result<BTreeMap<String, u64>, StoreError>;

    /// Lists rejects of one run; at most [`REJECTS_LISTED_MAX`].
    async fn rejects(&self, run: &RunRef, limit: usize) -> Result<Vec<StoredReject>, StoreError> {
        let limit = limit.min(REJECTS_LISTED_MAX);
        let (mut rejects, mut after) = (Vec::new(), None);
        while rejects.len() < limit {
            let limit = limit - rejects.len();
            let query = RejectQuery { run: run.clone(), code: None, after, limit };
            let list = self.reject_list(query).await?;
            let Some((last, _)) = list.last() else { break };
            after = Some(*last);
            rejects.extend(list.into_iter().map(|(_, reject)| reject));
        }
        Ok(rejects)
    }

    /// Lists events of a tenant with a greater sequence number than `after`.
    async fn events(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Event>, StoreError>;
}
