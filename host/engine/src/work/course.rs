//! What has become of an order that was queued.

use model::queue::{DeadFilter, DeadLetter, Failure, JobId, JobQueue, Queue, QueuedJob};
use model::run::{Run, RunKind};
use model::store::{RUNS_LISTED_MAX, RecordStore, RunQuery, StoreError};
use model::{ConnectionId, TenantId, Timestamp};

use super::job::{Order, first, session};

/// Runs that are read at one time. Those of one job lie close to each other.
const RUNS_PAGE: usize = 50;

/// Dead letters of a connection that are looked through.
const LETTERS_MAX: usize = 100;

/// What has become of an order.
#[derive(Clone, Debug)]
pub struct Course {
    /// What it was for.
    pub kind: RunKind,
    /// When it was queued; nothing where only its runs still tell of it.
    pub queued: Option<Timestamp>,
    /// How far it is.
    pub stage: Stage,
    /// Its runs, the newest first.
    pub runs: Vec<Run>,
}

/// How far an order is.
#[derive(Clone, Debug)]
pub enum Stage {
    /// It waits for its turn.
    Waiting {
        /// Until when at least, where it is the first of its line.
        due: Option<Timestamp>,
        /// Why it failed last.
        failure: Option<Failure>,
    },
    /// It is at work.
    AtWork,
    /// It is dead.
    Dead(Box<DeadLetter>),
    /// It is over.
    Over,
}

/// What has become of an order of a connection, by the id of the job that was queued; nothing where
/// nothing tells of it any more.
///
/// What is over is looked for among the last thousand runs of the connection.
pub async fn course(
    (queue, records): (&dyn JobQueue, &dyn RecordStore),
    tenant: &TenantId,
    connection: &ConnectionId,
    job: JobId,
) -> Result<Option<Course>, StoreError> {
    // Before the runs: what is in the queue now may be over when they are read, and then they say so.
    let waiting = waiting(queue, (tenant, connection), job).await?;
    let letter = match &waiting {
        Some(_) => None,
        None => letter(queue, (tenant, connection), job).await?,
    };
    let found = match (&waiting, &letter) {
        (Some((it, _)), _) => Some((it.id, &it.payload, it.enqueued)),
        (None, Some(it)) => Some((it.id, &it.payload, it.enqueued)),
        (None, None) => None,
    };
    let name = found.map_or(job, |(id, payload, _)| first(payload, id));
    // What goes on with another job was queued after that one had its first runs.
    let since = found.filter(|(id, ..)| *id == name).map(|(.., at)| at);
    let queued = found.map(|(.., at)| at);
    let runs = runs(records, (tenant, connection), name, since).await?;
    let kind = match found {
        Some((_, payload, _)) => Order::kind(payload),
        None => match runs.first() {
            Some(run) => run.kind,
            None => return Ok(None),
        },
    };
    let stage = match (waiting, letter) {
        (Some((_, stage)), _) => stage,
        (None, Some(letter)) => Stage::Dead(Box::new(letter)),
        (None, None) => Stage::Over,
    };
    Ok(Some(Course { kind, queued, stage, runs }))
}

type Whose<'a> = (&'a TenantId, &'a ConnectionId);

/// The job that does it, if one waits or is at work.
async fn waiting(
    queue: &dyn JobQueue,
    (tenant, connection): Whose<'_>,
    job: JobId,
) -> Result<Option<(QueuedJob, Stage)>, StoreError> {
    let line = session(connection);
    let jobs = queue.session_jobs(tenant, Queue::InboundScheduled, &line).await?;
    let does = |it: &QueuedJob| it.id == job || first(&it.payload, it.id) == job;
    let Some(found) = jobs.into_iter().find(does) else { return Ok(None) };
    let views = queue.sessions(tenant, Queue::InboundScheduled, vec![line]).await?;
    let view = views.into_iter().flatten().next().filter(|view| view.head == found.id);
    let stage = match view {
        Some(view) if view.leased_until.is_some() => Stage::AtWork,
        Some(view) => Stage::Waiting { due: view.due, failure: view.failure },
        None => Stage::Waiting { due: None, failure: None },
    };
    Ok(Some((found, stage)))
}

async fn letter(
    queue: &dyn JobQueue,
    (tenant, connection): Whose<'_>,
    job: JobId,
) -> Result<Option<DeadLetter>, StoreError> {
    let filter = DeadFilter {
        tenant: tenant.clone(),
        queue: Some(Queue::InboundScheduled),
        connection: Some(connection.clone()),
        package: None,
        code: None,
        ids: None,
        after: job.0.checked_sub(1).map(JobId),
        limit: LETTERS_MAX,
    };
    let letters = queue.dead(&filter).await?;
    Ok(letters.into_iter().find(|it| it.id == job || first(&it.payload, it.id) == job))
}

/// The runs of a job, the newest first.
async fn runs(
    records: &dyn RecordStore,
    (tenant, connection): Whose<'_>,
    job: JobId,
    since: Option<Timestamp>,
) -> Result<Vec<Run>, StoreError> {
    let (mut found, mut looked, mut before) = (Vec::new(), 0, None);
    while looked < RUNS_LISTED_MAX {
        let (tenant, connection) = (tenant.clone(), Some(connection.clone()));
        let query = RunQuery { tenant, connection, before, limit: RUNS_PAGE };
        let page = records.run_list(query).await?;
        let Some(last) = page.last() else { break };
        let is_earlier = since.is_some_and(|since| last.started < since);
        before = Some((last.started, last.connection.clone(), last.id));
        looked += page.len();
        let known = found.len();
        found.extend(page.into_iter().filter(|run| run.job == Some(job)));
        if is_earlier || known > 0 && found.len() == known {
            break;
        }
    }
    Ok(found)
}
