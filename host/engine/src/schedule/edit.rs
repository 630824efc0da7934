//! What people do to tasks.

use std::time::Duration;

use model::connection::Connection;
use model::store::{Catalogue, StoreError};
use model::task::{Direction, HourWindow, Schedule, Task, TaskId, TaskStore};
use model::{Clock, ConnectionId, TenantId, Timestamp};

use super::Invalid;
use super::when::When;

/// A task as a person describes it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Whose.
    pub tenant: TenantId,
    /// Its name.
    pub id: TaskId,
    /// What is synced.
    pub connection: ConnectionId,
    /// When.
    pub schedule: Schedule,
    /// The hours of the day in which it is queued; nothing means all.
    pub window: Option<HourWindow>,
    /// It is due up to this much later than its schedule says.
    pub jitter: Duration,
    /// Which way.
    pub direction: Direction,
    /// The entities; none means all.
    pub entities: Vec<String>,
}

/// Why a task is not put.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// It cannot be kept as it is described.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The store said no; a conflict among others.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where tasks and their connections are kept, and the time.
pub struct Desk<'a> {
    /// The tasks.
    pub tasks: &'a dyn TaskStore,
    /// The connections.
    pub catalogue: &'a dyn Catalogue,
    /// The time, of the store.
    pub clock: &'a Clock,
}

/// Creates a task or replaces the one of its name; see [`TaskStore::put_task`] for `expected`.
/// A task that is replaced stays paused if it was, and keeps its place if its schedule stays.
pub async fn put(desk: &Desk<'_>, draft: &Draft, expected: Option<u64>) -> Result<Task, PutError> {
    let now = desk.clock.now();
    let connection = desk.catalogue.connection(&draft.tenant, &draft.connection).await?;
    let Some(connection) = connection else {
        let Draft { tenant, connection, .. } = draft;
        return Err(Invalid(format!(
            "tenant {tenant} has no connection {connection}; make it first"
        ))
        .into());
    };
    let old = desk.tasks.task(&draft.tenant, &draft.id).await?;
    // What was read must still be there when it is written over.
    let expected = expected.or(Some(old.as_ref().map_or(0, |old| old.revision)));
    let task = planned(draft, &connection, old, now)?;
    Ok(desk.tasks.put_task(task, expected).await?)
}

/// The next `count` times at which a task would be due, as if it were put now.
pub fn preview(draft: &Draft, now: Timestamp, count: usize) -> Result<Vec<Timestamp>, Invalid> {
    upcoming(&draft.task(now), now, count)
}

/// The next `count` times at which a task is due, or would be if it were not paused.
pub fn upcoming(task: &Task, now: Timestamp, count: usize) -> Result<Vec<Timestamp>, Invalid> {
    let when = When::of(task)?;
    let times = std::iter::successors(when.next(now), |last| when.next(*last));
    Ok(times.take(count).collect())
}

/// Pauses a task; see [`TaskStore::put_task`] for `expected`. `None` if there is no such task.
pub async fn pause(
    desk: &Desk<'_>,
    (tenant, id): (&TenantId, &TaskId),
    reason: &str,
    expected: Option<u64>,
) -> Result<Option<Task>, StoreError> {
    let Some(old) = desk.tasks.task(tenant, id).await? else { return Ok(None) };
    let expected = expected.unwrap_or(old.revision);
    let task = Task { paused: Some(reason.to_owned()), next_sync_at: None, ..old };
    desk.tasks.put_task(task, Some(expected)).await.map(Some)
}

/// Ends the pause of a task; what it has missed is not made up for. See [`TaskStore::put_task`]
/// for `expected`. `None` if there is no such task.
pub async fn resume(
    desk: &Desk<'_>,
    (tenant, id): (&TenantId, &TaskId),
    expected: Option<u64>,
) -> Result<Option<Task>, PutError> {
    let Some(old) = desk.tasks.task(tenant, id).await? else { return Ok(None) };
    let (expected, next) = (expected.unwrap_or(old.revision), next(&old, desk.clock.now())?);
    let task = Task { paused: None, next_sync_at: Some(next), ..old };
    Ok(Some(desk.tasks.put_task(task, Some(expected)).await?))
}

fn planned(
    draft: &Draft,
    connection: &Connection,
    old: Option<Task>,
    now: Timestamp,
) -> Result<Task, Invalid> {
    if draft.direction != Direction::Inbound {
        let message = format!("a task cannot go {} yet; write `inbound`", draft.direction);
        return Err(Invalid(message));
    }
    let mut task = draft.task(now);
    task.package.clone_from(&connection.package);
    let Some(old) = old else {
        task.next_sync_at = Some(next(&task, now)?);
        return Ok(task);
    };
    task.created = old.created;
    task.last_sync_at = old.last_sync_at;
    let next = next(&task, now)?;
    let same =
        old.schedule == task.schedule && old.window == task.window && old.jitter == task.jitter;
    let kept = old.next_sync_at.filter(|_| same);
    task.next_sync_at = old.paused.is_none().then(|| kept.unwrap_or(next));
    task.paused = old.paused;
    Ok(task)
}

/// When a task is due next; one that never comes is refused.
fn next(task: &Task, now: Timestamp) -> Result<Timestamp, Invalid> {
    When::of(task)?.next(now).ok_or_else(|| {
        Invalid(
            "the schedule names no time that ever comes; choose another day or month".to_owned(),
        )
    })
}

impl Draft {
    fn task(&self, now: Timestamp) -> Task {
        Task {
            tenant: self.tenant.clone(),
            id: self.id.clone(),
            connection: self.connection.clone(),
            package: String::new(),
            schedule: self.schedule.clone(),
            window: self.window.clone(),
            jitter: self.jitter,
            direction: self.direction,
            entities: self.entities.clone(),
            paused: None,
            created: now,
            next_sync_at: None,
            last_sync_at: None,
            revision: 0,
        }
    }
}
