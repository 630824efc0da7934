//! The job that a task queues.

use std::time::Duration;

use jiff::SignedDuration;
use model::Timestamp;
use model::queue::{Dedupe, DedupeUntil, Enqueued, JobQueue, NewJob};
use model::store::StoreError;
use model::task::Task;

use crate::work::job::{Cause, Order, SyncOrder};

/// How long a tick is remembered: no clock is corrected by more, and nobody repairs a task later
/// by setting it back.
const TOMBSTONE: Duration = Duration::from_hours(24);

/// What is due again within this time is not remembered. It is to go on at its pace when the clock
/// is set back, where a time of day must not come twice.
const REPEATED_MAX: SignedDuration = SignedDuration::from_hours(1);

/// The job of a tick: none while the one before is not finished, and of one instant once, unless
/// another follows that instant soon, however late the tick itself is.
pub(super) fn job(task: &Task, due: Timestamp, following: Option<Timestamp>) -> NewJob {
    let mut job = order(task, false, false, None);
    if following.is_none_or(|following| following.duration_since(due) > REPEATED_MAX) {
        let key = format!("tick/{}/{}", task.id, due.as_nanosecond());
        job.dedupe.push(Dedupe { key, until: DedupeUntil::Elapsed(TOMBSTONE) });
    }
    job
}

/// Queues a task at once because a person asks, whatever its schedule and the provider say of when,
/// and paused or not; a duplicate if a job of it is not finished yet. A full one reads everything
/// again.
pub async fn run_now(
    queue: &dyn JobQueue,
    task: &Task,
    full: bool,
    cause: Option<Cause>,
) -> Result<Option<Enqueued>, StoreError> {
    let answers = queue.enqueue(vec![order(task, full, true, cause)]).await?;
    Ok(answers.into_iter().next())
}

fn order(task: &Task, full: bool, by_person: bool, cause: Option<Cause>) -> NewJob {
    let order = Order::Sync(SyncOrder {
        connection: task.connection.clone(),
        entities: task.entities.clone(),
        full,
        task: Some(task.id.clone()),
        by_person,
        cause,
    });
    order.job(&task.tenant, Some(task.package.clone()))
}
