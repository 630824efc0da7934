//! A sync or a replay within a server: it goes through the queue, so that nothing reads a connection twice at
//! once, and is watched from here.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use engine::sync::{Cancel, Choice, SyncPlan};
use engine::work::job::{Order, SyncOrder};
use model::queue::{Enqueued, JobQueue as _};
use model::run::{EntityReport, Run};
use model::store::RecordStore as _;
use model::{Connection, ConnectionId, RunId};

use super::Counts;
use crate::Global;
use crate::wire::{self, Host};

/// How often the run is looked at: often enough for a person who watches.
const LOOK: Duration = Duration::from_millis(200);

/// After so many looks without a run somebody is told that it waits: a second.
const LOOKS_SILENT: u32 = 5;

/// Queues a sync and waits until its run has ended.
pub(super) async fn sync(
    global: &Global,
    host: &Host,
    id: &ConnectionId,
    choice: Choice,
    full: bool,
) -> Result<Run> {
    ensure!(
        choice.fields.is_empty(),
        "--fields is not for a sync within a server: stop the server first, or leave it out"
    );
    let connection = wire::connection(&host.store, &global.tenant, id).await?;
    let package = host.load(&connection.package).await?;
    // What cannot be read is told here, and not by a dead letter.
    SyncPlan::of(package.reference(), package.manifest(), &connection, &choice)?;
    let order = SyncOrder { connection: id.clone(), entities: choice.entities, full, task: None };
    queued(global, host, &connection, &Order::Sync(order)).await
}

/// Queues an order and waits until its run has ended.
pub(crate) async fn queued(
    global: &Global,
    host: &Host,
    connection: &Connection,
    order: &Order,
) -> Result<Run> {
    let id = &connection.id;
    let before = newest(global, host, id).await?.map_or(RunId(0), |run| run.id);
    let job = order.job(&global.tenant, Some(connection.package.clone()));
    let queued = host.store.enqueue(vec![job]).await?;
    let Some(Enqueued::New(job) | Enqueued::Duplicate(job)) = queued.first() else {
        bail!("the job was not queued");
    };
    host.wake.wake();
    let cancel = Cancel::default();
    let stoppable = global.interrupt.stops(cancel.clone());
    let run = tokio::select! {
        run = watch(global, host, id, before) => run,
        () = cancel.cancelled() => {
            bail!("nobody waits for job {job} any more; the server goes on with it")
        }
    };
    drop(stoppable);
    run
}

/// Shows how the next run comes on, until it has ended.
async fn watch(global: &Global, host: &Host, id: &ConnectionId, before: RunId) -> Result<Run> {
    let output = global.output();
    let mut progress = output.progress(id.as_str());
    let mut looks = 0;
    loop {
        match newest(global, host, id).await?.filter(|run| run.id > before) {
            Some(run) if run.ended.is_some() => {
                progress.finish();
                return Ok(run);
            }
            Some(run) => {
                let total = total(&run);
                progress.set(total.read, Counts(&total));
            }
            None => {
                looks += 1;
                if looks == LOOKS_SILENT {
                    output.note("waiting for its turn: see `plughouse queue list`");
                }
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn newest(global: &Global, host: &Host, id: &ConnectionId) -> Result<Option<Run>> {
    let runs = host.store.runs(&global.tenant, Some(id), 1).await;
    Ok(runs.context("look at the runs")?.into_iter().next())
}

/// What a run has done to all its entities.
fn total(run: &Run) -> EntityReport {
    run.entities.values().fold(EntityReport::default(), |mut total, report| {
        total.read += report.read;
        total.inserted += report.inserted;
        total.updated += report.updated;
        total.unchanged += report.unchanged;
        total.deleted += report.deleted;
        total.rejected += report.rejected;
        total
    })
}
