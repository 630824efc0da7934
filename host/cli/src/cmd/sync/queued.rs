//! A sync or a replay within a server: it goes through the queue, so that nothing reads a connection
//! twice at once, and is watched from here.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use engine::sync::{Cancel, Choice, SyncPlan};
use engine::work::job::{Order, ReplayOrder, SyncOrder};
use model::errors::Again;
use model::queue::{Enqueued, JobQueue as _, PauseScope};
use model::run::{EntityReport, Run, RunKind, RunStatus};
use model::store::RecordStore as _;
use model::{Connection, ConnectionId, RunId};

use super::Counts;
use crate::Global;
use crate::cmd::queue;
use crate::exit::Left;
use crate::wire::{self, Host};

/// How often the run is looked at: often enough for a person who watches.
const LOOK: Duration = Duration::from_millis(200);

/// After so many looks without a run somebody is told that it waits: a second.
const LOOKS_SILENT: u32 = 5;

/// Runs among which the one of a job is looked for: as many as may begin between two looks.
const RUNS_LOOKED_AT: usize = 16;

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
    let before = runs(global, host, id).await?.first().map_or(RunId(0), |run| run.id);
    let job = order.job(&global.tenant, Some(connection.package.clone()));
    let queued = host.store.enqueue(vec![job]).await?;
    let Some(Enqueued::New(job) | Enqueued::Duplicate(job)) = queued.first() else {
        bail!("the job was not queued");
    };
    host.wake.wake();
    let cancel = Cancel::default();
    let stoppable = global.interrupt.stops(cancel.clone());
    let run = tokio::select! {
        run = watch(global, host, order, before) => run?,
        () = cancel.cancelled() => bail!(Left(format!("the server goes on with job {job}"))),
    };
    drop(stoppable);
    if is_tried_again(&run) {
        let note =
            "the server goes on with it by itself: see `plughouse run list` and `queue list`";
        global.output().note(note);
    }
    Ok(run)
}

/// Whether the job of a run goes on although the run has ended.
fn is_tried_again(run: &Run) -> bool {
    let entities = run.entities.values().filter_map(|report| report.error.as_ref());
    let passes = run.error.iter().chain(entities).any(|error| error.rule().again != Again::No);
    passes || run.status == RunStatus::Cancelled
}

/// Shows how the next run of this order comes on, until it has ended.
async fn watch(global: &Global, host: &Host, order: &Order, before: RunId) -> Result<Run> {
    let id = order.connection();
    let output = global.output();
    let mut progress = output.progress(id.as_str());
    let mut looks = 0;
    loop {
        let runs = runs(global, host, id).await?.into_iter().rev();
        match runs.filter(|run| run.id > before).find(|run| is_of(run, order)) {
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
                    output.note(waits_for(global, host, id).await?);
                }
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Whether a run does what an order says, and not what somebody else has ordered.
fn is_of(run: &Run, order: &Order) -> bool {
    let (kind, entities, task) = match order {
        Order::Sync(SyncOrder { entities, task, .. }) => (RunKind::Sync, entities, task.as_ref()),
        Order::Replay(ReplayOrder { entities, .. }) => (RunKind::Replay, entities, None),
    };
    let chosen = |entity| entities.is_empty() || entities.contains(entity);
    run.task.as_ref() == task && run.kind == kind && run.entities.keys().all(chosen)
}

/// Why a sync does not begin.
async fn waits_for(global: &Global, host: &Host, id: &ConnectionId) -> Result<String> {
    let scope = PauseScope::Connection(id.clone());
    let pauses = queue::pauses(host, &global.tenant).await?;
    Ok(match pauses.into_iter().find(|pause| pause.scope == scope) {
        Some(pause) => format!("waiting, for connection {id} is paused: {}", pause.reason),
        None => "waiting for its turn: see `plughouse queue list`".to_owned(),
    })
}

/// The last runs of a connection, the newest first.
async fn runs(global: &Global, host: &Host, id: &ConnectionId) -> Result<Vec<Run>> {
    let runs = host.store.runs(&global.tenant, Some(id), RUNS_LOOKED_AT).await;
    runs.context("look at the runs")
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
