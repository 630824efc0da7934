//! What becomes of tasks that are due, within one tick.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use model::Timestamp;
use model::task::{Schedule, Task, Tick};

use super::job::job;
use super::when::When;
use super::{Invalid, cron::Cron};

/// Expressions that were read; most tasks share theirs with many others.
#[derive(Default)]
pub(super) struct Plans(HashMap<(String, String), Cron>);

impl Plans {
    /// The tick of a task that is due. One whose schedule cannot be read any more is not queued
    /// again until somebody changes it.
    pub(super) fn tick(&mut self, task: &Task, now: Timestamp) -> Option<Tick> {
        let due = task.next_sync_at?;
        let when = self.when(task).inspect_err(|error| {
            let (tenant, id) = (&task.tenant, &task.id);
            tracing::error!(%tenant, task = %id, %error, "a task is not due any more: change it");
        });
        let when = when.ok();
        let next = when.as_ref().and_then(|when| when.next(now.max(due)));
        // A tick that comes late may find the hours over; it waits until they open.
        let job = when.filter(|when| when.admits(now)).map(|when| job(task, due, when.next(due)));
        let (tenant, id) = (task.tenant.clone(), task.id.clone());
        Some(Tick { tenant, task: id, revision: task.revision, due, next, job })
    }

    /// The tick that moves a task to where its schedule says it is due next, if that is sooner than
    /// it stands. It can be so after the clock was set back alone: what was planned at an earlier
    /// instant is never later.
    pub(super) fn sooner(&mut self, task: &Task, now: Timestamp) -> Option<Tick> {
        let due = task.next_sync_at?;
        // One that cannot be read is told of when it is due.
        let next = self.when(task).ok()?.next(now).filter(|next| *next < due)?;
        let (tenant, id) = (task.tenant.clone(), task.id.clone());
        let next = Some(next);
        Some(Tick { tenant, task: id, revision: task.revision, due, next, job: None })
    }

    fn when(&mut self, task: &Task) -> Result<When, Invalid> {
        let Schedule::Cron { expression, zone } = &task.schedule else { return When::of(task) };
        let cron = match self.0.entry((expression.clone(), zone.clone())) {
            Entry::Occupied(entry) => entry.get().clone(),
            Entry::Vacant(entry) => entry.insert(Cron::parse(expression, zone)?).clone(),
        };
        When::with(task, cron)
    }
}
