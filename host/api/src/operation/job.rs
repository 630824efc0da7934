//! Operations that are jobs: they outlive the process, and are looked up where their traces are.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use engine::work::job::{first, session};
use engine::work::{Course, Stage, Unbegun, course};
use model::queue::{BATCH_MAX, JobId, Queue};
use model::run::{Run, RunKind, RunStatus};
use model::store::StoreError;
use model::{ConnectionId, TenantId, Timestamp};
use serde_json::json;

use super::{Operation, OperationStatus, Ports, Progress};
use crate::problem::Problem;

/// Runs that are looked through for the jobs that have ended last.
const RUNS_LOOKED_AT: usize = 100;

/// Jobs that were stopped before they had begun and are listed, at most.
const STOPPED_LISTED_MAX: usize = 100;

/// Jobs that wait and are listed, at most: what each has come to is looked up by itself.
const WAITING_LISTED_MAX: usize = 200;

/// The name of a job as an operation: its id and the connection in whose line it stands, as
/// `job-7.crm`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct JobName {
    pub(crate) job: JobId,
    pub(crate) connection: ConnectionId,
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job-{}.{}", self.job, self.connection)
    }
}

impl FromStr for JobName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (job, connection) =
            text.strip_prefix("job-").and_then(|it| it.split_once('.')).ok_or(())?;
        let job = job.parse().map(JobId).map_err(drop)?;
        let name = Self { job, connection: connection.parse().map_err(drop)? };
        // It has one form: `job-007.crm` is none.
        if name.to_string() == text { Ok(name) } else { Err(()) }
    }
}

impl Operation {
    /// A job that has just been queued.
    pub(crate) fn queued(
        connection: &ConnectionId,
        job: JobId,
        kind: &str,
        started: Timestamp,
    ) -> Self {
        let name = JobName { job, connection: connection.clone() };
        Self {
            id: name.to_string(),
            kind: kind.to_owned(),
            status: OperationStatus::Queued,
            progress: Progress::default(),
            started,
            ended: None,
            result: None,
            problem: None,
        }
    }

    /// A job that was stopped, with what its runs tell where it had any.
    fn stopped(job: Unbegun, told: Option<Self>) -> Self {
        let Unbegun { job, connection, kind, queued, ended } = job;
        let told = told.unwrap_or_else(|| Self::queued(&connection, job, word(kind), queued));
        Self { status: OperationStatus::Stopped, ended: Some(ended), ..told }
    }

    fn goes_on(&self) -> bool {
        matches!(self.status, OperationStatus::Queued | OperationStatus::Running)
    }

    /// A job, by all that tells of it.
    fn of(name: &JobName, course: Course, now: Timestamp) -> Self {
        let Course { kind, queued, stage, runs } = course;
        let begun = runs.last().map(|run| run.started);
        let started = queued.or(begun).unwrap_or(now);
        let ended = runs.first().and_then(|run| run.ended);
        let shown = Self {
            progress: Progress { done: runs.iter().map(done).sum(), total: None },
            result: runs.first().map(|run| result(run, &runs)),
            ..Self::queued(&name.connection, name.job, word(kind), started)
        };
        match stage {
            Stage::Waiting { failure, .. } => {
                Self { problem: failure.map(|it| Problem::from(it.error)), ..shown }
            }
            Stage::AtWork => Self { status: OperationStatus::Running, ..shown },
            Stage::Dead(letter) => {
                let why = letter.failures.last().map(|failure| failure.error.clone());
                let (status, ended) = (OperationStatus::Failed, Some(letter.died));
                Self { status, ended, problem: why.map(Problem::from), ..shown }
            }
            Stage::Over => {
                let status = runs.first().map(|run| run.status).unwrap_or_default();
                let problem = runs.first().and_then(|run| run.errors().next()).cloned();
                let problem = problem.map(Problem::from);
                Self { status: OperationStatus::from(status), ended, problem, ..shown }
            }
        }
    }
}

fn word(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Sync => "sync",
        RunKind::Replay => "replay",
    }
}

fn done(run: &Run) -> u64 {
    run.entities.values().map(|report| report.read).sum()
}

/// What runs have done so far, and where to look at them.
fn result(newest: &Run, runs: &[Run]) -> serde_json::Value {
    let reports = || runs.iter().flat_map(|run| run.entities.values());
    let name = |run: &Run| format!("{}:{}", run.connection, run.id);
    json!({
        "connection": newest.connection,
        "run": name(newest),
        "runs": runs.iter().map(name).collect::<Vec<_>>(),
        "read": reports().map(|it| it.read).sum::<u64>(),
        "created": reports().map(|it| it.inserted).sum::<u64>(),
        "updated": reports().map(|it| it.updated).sum::<u64>(),
        "unchanged": reports().map(|it| it.unchanged).sum::<u64>(),
        "deleted": reports().map(|it| it.deleted).sum::<u64>(),
        "rejected": reports().map(|it| it.rejected).sum::<u64>(),
    })
}

impl From<RunStatus> for OperationStatus {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Running => Self::Running,
            RunStatus::Succeeded => Self::Succeeded,
            RunStatus::Partial => Self::Partial,
            RunStatus::Cancelled => Self::Stopped,
            RunStatus::Failed | RunStatus::Interrupted => Self::Failed,
        }
    }
}

impl Ports {
    /// A job of the tenant, as far as anything tells of it.
    pub(super) async fn job(
        &self,
        tenant: &TenantId,
        name: &JobName,
    ) -> Result<Option<Operation>, StoreError> {
        let JobName { job, connection } = name;
        let found = course((&*self.queue, &*self.records), tenant, connection, *job).await?;
        let told = found.map(|course| Operation::of(name, course, self.clock.now()));
        if told.as_ref().is_some_and(Operation::goes_on) {
            return Ok(told);
        }
        let mut stopped = self.stops.unbegun(tenant, Some(*job)).into_iter();
        Ok(match stopped.find(|it| it.connection == *connection) {
            Some(stopped) => Some(Operation::stopped(stopped, told)),
            None => told,
        })
    }

    /// Asks a job to end.
    pub(super) async fn stop_job(
        &self,
        tenant: &TenantId,
        name: &JobName,
    ) -> Result<Option<Operation>, StoreError> {
        let found = self.job(tenant, name).await?;
        if found.as_ref().is_some_and(Operation::goes_on) {
            self.stops.ask(tenant, name.job);
        }
        Ok(found)
    }

    /// The jobs of a tenant that wait or are at work, those whose runs have ended last, and those
    /// that were stopped before they had one.
    pub(super) async fn jobs(&self, tenant: &TenantId) -> Result<Vec<Operation>, StoreError> {
        let mut found: BTreeSet<JobName> = self.waiting(tenant).await?.into_iter().collect();
        for run in self.records.runs(tenant, None, RUNS_LOOKED_AT).await? {
            let Some(job) = run.job else { continue };
            found.insert(JobName { job, connection: run.connection });
        }
        let stopped = self.stops.unbegun(tenant, None).into_iter().take(STOPPED_LISTED_MAX);
        found.extend(stopped.map(|Unbegun { job, connection, .. }| JobName { job, connection }));
        let mut jobs = Vec::with_capacity(found.len());
        for name in found {
            jobs.extend(self.job(tenant, &name).await?);
        }
        Ok(jobs)
    }

    async fn waiting(&self, tenant: &TenantId) -> Result<Vec<JobName>, StoreError> {
        let connections = self.catalogue.connections(tenant).await?;
        let mut found = Vec::new();
        for some in connections.chunks(BATCH_MAX) {
            let lines = some.iter().map(|connection| session(&connection.id)).collect();
            let views = self.queue.sessions(tenant, Queue::InboundScheduled, lines).await?;
            for (connection, _) in some.iter().zip(views).filter(|(_, view)| view.is_some()) {
                let line = session(&connection.id);
                let jobs = self.queue.session_jobs(tenant, Queue::InboundScheduled, &line).await?;
                let room = WAITING_LISTED_MAX.saturating_sub(found.len());
                found.extend(jobs.into_iter().take(room).map(|it| JobName {
                    job: first(&it.payload, it.id),
                    connection: connection.id.clone(),
                }));
                if found.len() == WAITING_LISTED_MAX {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_has_one_name() {
        let name: JobName = "job-7.crm.eu".parse().unwrap();
        assert_eq!((name.job, name.connection.as_str()), (JobId(7), "crm.eu"));
        for text in ["job-7", "job-07.crm", "job-+7.crm", "op-7.crm", "job-7.", "job-.crm", ""] {
            assert!(text.parse::<JobName>().is_err(), "{text}");
        }
    }
}
