//! Sync tasks, and the index of when they are due.

mod lead;
mod port;
mod tick;

use std::ops::RangeBounds;

use model::store::{StoreError, StoreErrorKind};
use model::task::{Task, TaskId};
use model::{ConnectionId, TenantId};
use redb::{ReadTransaction, ReadableTable as _};

use crate::check;
use crate::codec::{Malformed, corrupt, json, key};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// Tasks in one list; the next one goes on after the last.
const LIST_MAX: usize = 1_000;

/// Creates or replaces a task.
struct Put {
    task: Task,
    expected: Option<u64>,
}

impl Change for Put {
    type Answer = Task;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Task), StoreError> {
        let Self { mut task, expected } = self;
        check::task(&task)?;
        let old = find(&tables.tasks, &task.tenant, &task.id)?;
        let revision = old.as_ref().map_or(0, |old| old.revision);
        if expected.is_some_and(|expected| expected != revision) {
            return Err(conflict(&task, revision));
        }
        task.revision = revision.saturating_add(1);
        let mut writes = Writes::default();
        replace(&mut writes, old.as_ref(), &task)?;
        Ok((writes, task))
    }
}

/// Removes a task.
struct Remove {
    tenant: TenantId,
    id: TaskId,
}

impl Change for Remove {
    type Answer = bool;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, bool), StoreError> {
        let mut writes = Writes::default();
        let Some(old) = find(&tables.tasks, &self.tenant, &self.id)? else {
            return Ok((writes, false));
        };
        remove(&mut writes, &old);
        Ok((writes, true))
    }
}

/// Removes all tasks of a connection.
pub(crate) fn forget(
    writes: &mut Writes,
    tables: &Tables<'_>,
    tenant: &TenantId,
    connection: &ConnectionId,
) -> Result<(), StoreError> {
    let prefix = key::tenant(tenant);
    let behind = key::behind(&prefix);
    for row in tables.tasks.range(prefix.as_slice()..behind.as_slice()).disk()? {
        let task: Task = json::decode(Table::Tasks, row.disk()?.1.value())?;
        if task.connection == *connection {
            remove(writes, &task);
        }
    }
    Ok(())
}

/// The task of this name.
fn get(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    id: &TaskId,
) -> Result<Option<Task>, StoreError> {
    find(&Table::Tasks.read(snapshot)?, tenant, id)
}

/// Tasks of a tenant by name, from the one behind `after`.
fn list(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    after: Option<&TaskId>,
    limit: usize,
) -> Result<Vec<Task>, StoreError> {
    let prefix = key::tenant(tenant);
    let behind = key::behind(&prefix);
    let from = after.map_or(prefix, |after| key::with(key::task(tenant, after), &[0]));
    Table::Tasks
        .read(snapshot)?
        .range(from.as_slice()..behind.as_slice())
        .disk()?
        .take(limit.min(LIST_MAX))
        .map(|row| json::decode(Table::Tasks, row.disk()?.1.value()))
        .collect()
}

/// Tasks of all tenants, the soonest due first.
fn by_due<'a>(
    snapshot: &ReadTransaction,
    places: impl RangeBounds<&'a [u8]> + 'a,
    limit: usize,
) -> Result<Vec<Task>, StoreError> {
    let tasks = Table::Tasks.read(snapshot)?;
    Table::DueTasks
        .read(snapshot)?
        .range(places)
        .disk()?
        .take(limit)
        .map(|row| {
            let damaged = || corrupt(Table::DueTasks, Malformed::Shape);
            let row = row.disk()?;
            let key = key::task_of_due(row.0.value()).ok_or_else(damaged)?;
            let task = tasks.get(key).disk()?.ok_or_else(damaged)?;
            json::decode(Table::Tasks, task.value())
        })
        .collect()
}

fn find(rows: &impl Rows, tenant: &TenantId, id: &TaskId) -> Result<Option<Task>, StoreError> {
    let row = rows.get(key::task(tenant, id).as_slice()).disk()?;
    row.map(|row| json::decode(Table::Tasks, row.value())).transpose()
}

fn remove(writes: &mut Writes, task: &Task) {
    writes.remove(Table::Tasks, &key::task(&task.tenant, &task.id));
    if let Some(place) = place(task) {
        writes.remove(Table::DueTasks, &place);
    }
}

/// Puts a task, and moves its place in the index.
fn replace(writes: &mut Writes, old: Option<&Task>, task: &Task) -> Result<(), StoreError> {
    let (before, now) = (old.and_then(place), place(task));
    writes.put(Table::Tasks, &key::task(&task.tenant, &task.id), &json::encode(task)?);
    if before != now {
        if let Some(key) = before {
            writes.remove(Table::DueTasks, &key);
        }
        if let Some(key) = now {
            writes.put(Table::DueTasks, &key, &[]);
        }
    }
    Ok(())
}

/// Where a task stands in the index.
fn place(task: &Task) -> Option<Vec<u8>> {
    task.next_sync_at.map(|at| key::due_task(at, &task.tenant, &task.id))
}

fn conflict(task: &Task, revision: u64) -> StoreError {
    let (tenant, id) = (&task.tenant, &task.id);
    let message = match revision {
        0 => format!("task {tenant}/{id} is not there any more; make it anew"),
        _ => format!(
            "task {tenant}/{id} has revision {revision} by now; read it again and repeat the change"
        ),
    };
    StoreError::new(StoreErrorKind::Conflict, message)
}
