//! Sessions as people see them.

use model::TenantId;
use model::queue::{Failure, Queue, QueuedJob, SESSION_JOBS_COUNTED_MAX, SessionView};
use model::store::StoreError;
use redb::ReadTransaction;

use super::keys::Line;
use super::rows::{self, JobRow};
use super::session::{Head, Session};
use crate::codec::{Malformed, corrupt, json, key};
use crate::disk::Disk as _;
use crate::tables::{Snapshot, Table};

/// How these sessions stand, in their order.
pub(super) fn of(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    queue: Queue,
    sessions: Vec<String>,
) -> Result<Vec<Option<SessionView>>, StoreError> {
    let viewer = Viewer::open(snapshot)?;
    let line = |session| Line { tenant: tenant.clone(), queue, session };
    sessions.into_iter().map(|session| viewer.view(&line(session))).collect()
}

/// The first jobs of a session, in their order.
pub(super) fn jobs(snapshot: &ReadTransaction, line: &Line) -> Result<Vec<QueuedJob>, StoreError> {
    let rows = Table::Jobs.read(snapshot)?;
    let prefix = line.key();
    let behind = key::behind(&prefix);
    let rows = rows.range(prefix.as_slice()..behind.as_slice()).disk()?;
    rows.take(SESSION_JOBS_COUNTED_MAX)
        .map(|row| {
            let (JobRow { id, enqueued, .. }, payload) = rows::job(row.disk()?.1.value())?;
            Ok(QueuedJob { id, enqueued, payload })
        })
        .collect()
}

/// The tables that a session is put together from.
struct Viewer {
    sessions: Snapshot,
    jobs: Snapshot,
    failures: Snapshot,
}

impl Viewer {
    fn open(snapshot: &ReadTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            sessions: Table::Sessions.read(snapshot)?,
            jobs: Table::Jobs.read(snapshot)?,
            failures: Table::Failures.read(snapshot)?,
        })
    }

    /// Nothing of a session without a job.
    fn view(&self, line: &Line) -> Result<Option<SessionView>, StoreError> {
        let Some(row) = self.sessions.get(line.key().as_slice()).disk()? else { return Ok(None) };
        let session: Session = json::decode(Table::Sessions, row.value())?;
        let Some(Head { number, due, .. }) = session.head else { return Ok(None) };
        let key = line.job(number);
        let job = self.jobs.get(key.as_slice()).disk()?;
        let job = job.ok_or_else(|| corrupt(Table::Jobs, Malformed::Shape))?;
        let (JobRow { id: head, .. }, _) = JobRow::decode(job.value())?;
        let tried = session.tries.get(&number).copied().unwrap_or_default();
        let waits = session.lease.is_none() && session.blocked.is_none();
        Ok(Some(SessionView {
            queued: self.queued(line)?,
            leased_until: session.lease.map(|lease| lease.until),
            due: waits.then_some(due),
            head,
            attempts: tried.attempts,
            failure: if tried.failed { self.failure(&key)? } else { None },
        }))
    }

    fn queued(&self, line: &Line) -> Result<u64, StoreError> {
        let prefix = line.key();
        let behind = key::behind(&prefix);
        let rows = self.jobs.range(prefix.as_slice()..behind.as_slice()).disk()?;
        let mut count = 0;
        for row in rows.take(SESSION_JOBS_COUNTED_MAX) {
            row.disk()?;
            count += 1;
        }
        Ok(count)
    }

    fn failure(&self, job: &[u8]) -> Result<Option<Failure>, StoreError> {
        let Some(row) = self.failures.get(job).disk()? else { return Ok(None) };
        let mut failures: Vec<Failure> = json::decode(Table::Failures, row.value())?;
        Ok(failures.pop())
    }
}
