//! What is due, and what is counted: reads of a snapshot, and looks from a claim.
//!
//! Each look costs one seek for each package of each tenant that has something queued, however
//! much that is.

use std::collections::BTreeMap;

use model::queue::{Pause, PauseScope, Queue, QueueStats};
use model::store::StoreError;
use model::{TenantId, Timestamp};
use redb::{ReadTransaction, ReadableTable as _};

use super::counts::Counts;
use super::keys::{self, Head};
use super::session::Halt;
use crate::codec::{Malformed, corrupt, json, key};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table};

/// Tenants in one list; the next one goes on after the last.
const LIST_MAX: usize = 1_000;

/// The tenants that have something due in a queue.
pub(super) fn tenants(
    snapshot: &ReadTransaction,
    queue: Queue,
    after: Option<&TenantId>,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<TenantId>, StoreError> {
    let (heads, pauses) = (Table::Heads.read(snapshot)?, Table::Pauses.read(snapshot)?);
    let mut found = Vec::new();
    let mut last = after.cloned();
    while found.len() < limit.min(LIST_MAX) {
        let Some(tenant) = tenant(&heads, queue, last.as_ref())? else { break };
        if first(&heads, &pauses, queue, &tenant)?.is_some_and(|due| due <= now) {
            found.push(tenant.clone());
        }
        last = Some(tenant);
    }
    Ok(found)
}

/// When the next session of a queue becomes due.
pub(super) fn next(
    snapshot: &ReadTransaction,
    queue: Queue,
) -> Result<Option<Timestamp>, StoreError> {
    let (heads, pauses) = (Table::Heads.read(snapshot)?, Table::Pauses.read(snapshot)?);
    let mut next: Option<Timestamp> = None;
    let mut last = None;
    while let Some(tenant) = tenant(&heads, queue, last.as_ref())? {
        let first = first(&heads, &pauses, queue, &tenant)?;
        next = next.into_iter().chain(first).min();
        last = Some(tenant);
    }
    Ok(next)
}

/// How a queue of a tenant stands.
pub(super) fn stats(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    queue: Queue,
    now: Timestamp,
) -> Result<QueueStats, StoreError> {
    let row = Table::Queues.read(snapshot)?.get(keys::queue(tenant, queue).as_slice()).disk()?;
    let counts: Counts = match row {
        Some(row) => json::decode(Table::Queues, row.value())?,
        None => Counts::default(),
    };
    let (heads, pauses) = (Table::Heads.read(snapshot)?, Table::Pauses.read(snapshot)?);
    let oldest = first(&heads, &pauses, queue, tenant)?.filter(|due| *due <= now);
    Ok(QueueStats { oldest, ..counts.stats() })
}

/// How the queues of all tenants stand together.
pub(super) fn totals(
    snapshot: &ReadTransaction,
    now: Timestamp,
) -> Result<BTreeMap<Queue, QueueStats>, StoreError> {
    let mut totals = BTreeMap::<_, Counts>::new();
    for row in Table::Queues.read(snapshot)?.iter().disk()? {
        let (key, row) = row.disk()?;
        let queue = keys::queue_of(key.value());
        let queue = queue.ok_or_else(|| corrupt(Table::Queues, Malformed::Shape))?;
        let counts: Counts = json::decode(Table::Queues, row.value())?;
        totals.entry(queue).or_default().add(&counts);
    }
    let stats = |(queue, counts): (Queue, Counts)| {
        let oldest = next(snapshot, queue)?.filter(|due| *due <= now);
        Ok((queue, QueueStats { oldest, ..counts.stats() }))
    };
    totals.into_iter().map(stats).collect()
}

/// The pause of a queue or a package of a tenant.
pub(super) fn pause(
    pauses: &impl Rows,
    tenant: &TenantId,
    scope: &PauseScope,
) -> Result<Option<Halt>, StoreError> {
    let row = pauses.get(keys::pause(tenant, scope).as_slice()).disk()?;
    let pause: Option<Pause> =
        row.map(|row| json::decode(Table::Pauses, row.value())).transpose()?;
    Ok(pause.map(|pause| Halt { until: pause.until }))
}

/// The packages of a tenant for which something is queued.
pub(super) fn packages(
    heads: &impl Rows,
    queue: Queue,
    tenant: &TenantId,
) -> Result<Vec<Option<String>>, StoreError> {
    let mut from = keys::due_tenant(queue, tenant);
    let behind = key::behind(&from);
    let mut packages = Vec::new();
    while let Some(found) = head_from(heads, queue, &from, &behind)? {
        let package = found.group.package;
        from = key::behind(&keys::package(queue, tenant, package.as_deref()));
        packages.push(package);
    }
    Ok(packages)
}

/// Reads a key of the table of heads.
pub(super) fn head(queue: Queue, key: &[u8]) -> Result<Head, StoreError> {
    keys::head(queue, key).ok_or_else(|| corrupt(Table::Heads, Malformed::Shape))
}

/// The tenant after `after` for whom something is queued.
fn tenant(
    heads: &impl Rows,
    queue: Queue,
    after: Option<&TenantId>,
) -> Result<Option<TenantId>, StoreError> {
    let all = keys::due(queue);
    let from =
        after.map_or_else(|| all.clone(), |tenant| key::behind(&keys::due_tenant(queue, tenant)));
    let found = head_from(heads, queue, &from, &key::behind(&all))?;
    Ok(found.map(|head| head.group.tenant))
}

/// When the first session of a tenant is due, the pauses of packages and of the queue considered.
fn first(
    heads: &impl Rows,
    pauses: &impl Rows,
    queue: Queue,
    tenant: &TenantId,
) -> Result<Option<Timestamp>, StoreError> {
    let mut first: Option<Timestamp> = None;
    for package in packages(heads, queue, tenant)? {
        let from = keys::package(queue, tenant, package.as_deref());
        let head = head_from(heads, queue, &from, &key::behind(&from))?;
        let halt = match package {
            Some(package) => pause(pauses, tenant, &PauseScope::Package(package))?,
            None => None,
        };
        let due = head.and_then(|head| Halt::delay(halt, head.due));
        first = first.into_iter().chain(due).min();
    }
    let halt = pause(pauses, tenant, &PauseScope::Queue(queue))?;
    Ok(first.and_then(|due| Halt::delay(halt, due)))
}

fn head_from(
    heads: &impl Rows,
    queue: Queue,
    from: &[u8],
    behind: &[u8],
) -> Result<Option<Head>, StoreError> {
    let row = heads.range(from..behind).disk()?.next().transpose().disk()?;
    row.map(|(key, _)| head(queue, key.value())).transpose()
}
