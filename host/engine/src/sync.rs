//! One run of one connection: pull, redact, map, commit, entity by entity.
//!
//! The run reads on while the pages before are being committed, see `commit`. Whatever happens —
//! an error of the adapter, a wish to stop, a power cut — the store holds every page up to some
//! point of every lane and the checkpoint of exactly that point, so the next run goes on there.
//! Little is tried again here: a page that does not come in time is asked for in halves, and a
//! checkpoint that the provider has forgotten is begun anew, once. Whatever else is refused ends
//! the part or the entity, and the next run goes on.

mod absence;
mod cancel;
mod commit;
mod guard;
mod lane;
mod paging;
mod parts;
mod plan;
mod progress;
mod read;
mod redact;
mod sift;
pub(crate) mod status;

use std::collections::BTreeMap;
use std::time::Duration;

use model::adapter::{Adapter, Receipt};
use model::run::{EntityReport, Run, RunKind, RunStatus};
use model::store::{
    EntityEnd, PageOutcome, RecordStore, RunEnd, RunStart, StoreError, StoreErrorKind,
};
use model::{Clock, Error, ErrorKind};
use tracing::Span;
use tracing::field::display;

pub use cancel::Cancel;
pub use plan::{Choice, EntityPlan, PackageRef, PartsFrom, PlanError, SyncPlan};
pub use progress::{Listener, Progress};

use read::Reader;

use crate::mapping::Mapper;
use crate::metrics::{Metered, Metrics};
use crate::replay::{self, ReplayPlan};

/// What a run needs from outside.
pub struct Ports<'a> {
    /// The adapter, for this run alone.
    pub adapter: &'a mut dyn Adapter,
    /// Where the records go.
    pub store: &'a dyn RecordStore,
    /// The time.
    pub clock: Clock,
    /// The wish to stop.
    pub cancel: Cancel,
    /// Is told what happens.
    pub listener: Listener<'a>,
    /// Where records and adapter calls are counted.
    pub metrics: Metrics,
}

/// A run that has come to its end and does not say so in the store yet.
#[derive(Clone, Debug)]
pub struct Ran {
    /// How it ended.
    pub end: RunEnd,
    /// Whether something that has failed had moved data before, so that another attempt gets on.
    /// What has succeeded says nothing: it would be read again, however often the rest fails.
    pub progressed: bool,
    /// The entities with records that were mapped before what they refer to, and whether some of
    /// that has come since: a replay of their entities resolves it.
    pub waiting: BTreeMap<String, bool>,
}

/// Runs a sync to its end and returns the run as it is stored. Records that refer to what has come
/// after them are then mapped again, by a run of its own.
///
/// Errors of the adapter are part of the run. An error of the store ends it: what was committed
/// stays, and unless another run has taken over, the run is marked failed if the store still can.
pub async fn sync(plan: &SyncPlan, ports: Ports<'_>) -> Result<Run, StoreError> {
    let (store, listener) = (ports.store, ports.listener);
    let (clock, cancel) = (ports.clock.clone(), ports.cancel.clone());
    let ran = run(plan, ports).await?;
    let run = store.finish_run(ran.end).await?;
    listener(Progress::RunFinished { run: &run });
    let following = ReplayPlan::following(plan, &ran.waiting);
    if let Some(plan) = following.filter(|_| !cancel.is_cancelled()) {
        let ports = replay::Ports { store, clock, cancel, listener };
        replay::replay(&plan, ports).await?;
    }
    Ok(run)
}

/// The same, but leaves it to the caller to end the run in the store, together with other things.
pub async fn run(plan: &SyncPlan, ports: Ports<'_>) -> Result<Ran, StoreError> {
    let Ports { adapter, store, clock, cancel, listener, metrics } = ports;
    let now = clock.now();
    let started = store.begin_run(start(plan, now)).await?;
    listener(Progress::RunStarted { run: &started });
    if !plan.not_yet.is_empty() {
        let (package, declared) = (&started.package, plan.not_yet.join(", "));
        tracing::info!(
            package,
            declared,
            "this version does not act on what the manifest declares"
        );
    }
    let run = started.reference();
    Span::current().record("run", display(run.id));
    let mut adapter = Metered::new(adapter, &plan.package.name, &metrics);
    let mut reader = Reader {
        adapter: &mut adapter,
        store,
        plan,
        run: run.clone(),
        clock: &clock,
        metrics: &metrics,
        cancel: &cancel,
        mapper: Mapper::new(&plan.tenant, &plan.connection, plan.mappings.clone()),
        now,
        lanes: BTreeMap::new(),
        offers: None,
        held: BTreeMap::new(),
        unsettled: BTreeMap::new(),
        ended_one: false,
        progressed: false,
        lost: Receipt::default(),
    };
    let mut ended = Ended::default();
    let outcome = Box::pin(entities(&mut reader, listener, &mut ended)).await;
    let end = RunEnd {
        run,
        status: status::of_run(&ended.entities, ended.cancelled),
        entities: ended.entities,
        receipt: reader.lost,
        error: ended.error,
        at: clock.now(),
    };
    let waiting = match outcome {
        Ok(()) => reader.mapper.waiting(store).await,
        Err(error) => Err(error),
    };
    match waiting {
        Ok(waiting) => {
            let took = Duration::try_from(end.at.duration_since(now)).unwrap_or_default();
            metrics.run(&plan.package.name, end.status, took);
            Ok(Ran { end, progressed: reader.progressed, waiting })
        }
        Err(error) => Err(abandon(store, end, error).await),
    }
}

/// How far a run has come.
#[derive(Default)]
struct Ended {
    entities: Vec<EntityEnd>,
    cancelled: bool,
    error: Option<Error>,
}

async fn entities(
    reader: &mut Reader<'_>,
    listener: Listener<'_>,
    ended: &mut Ended,
) -> Result<(), StoreError> {
    let lanes = reader.store.lanes(&reader.run.tenant, &reader.run.connection).await?;
    reader.lanes = lanes.into_iter().collect();
    let held = reader.store.held(&reader.run.tenant, Some(&reader.run.connection)).await?;
    reader.held = held.into_iter().map(|held| (held.entity.clone(), held)).collect();
    for entity in &reader.plan.entities {
        if reader.cancel.is_cancelled() {
            ended.cancelled = true;
            break;
        }
        let end = run_entity(reader, entity, listener).await?;
        let error = end.error.clone().filter(status::ends_run);
        ended.entities.push(end);
        if error.is_some() {
            ended.error = error;
            break;
        }
    }
    Ok(())
}

/// Reads and commits an entity at the same time.
async fn run_entity(
    reader: &mut Reader<'_>,
    plan: &EntityPlan,
    listener: Listener<'_>,
) -> Result<EntityEnd, StoreError> {
    let entity = plan.name.as_str();
    listener(Progress::EntityStarted { entity });
    let mut report = EntityReport::default();
    let (metrics, package) = (reader.metrics, reader.plan.package.name.as_str());
    let tell = |page: &PageOutcome, report: &EntityReport| {
        metrics.page(package, page);
        listener(Progress::Page { entity, report });
    };
    let (store, lost) = (reader.store, reader.lost);
    // The first error of either half drops the other one where it stands. Each step sees in the
    // store what the one before has read.
    let (out, inbox) = commit::queue();
    let commits = commit::commit(store, inbox, &mut report, &tell);
    let (earlier, ()) = tokio::try_join!(reader.judge_earlier(plan, out), commits)?;
    let (out, inbox) = commit::queue();
    let commits = commit::commit(store, inbox, &mut report, &tell);
    let (mut end, ()) = tokio::try_join!(reader.entity(plan, out), commits)?;
    let (out, inbox) = commit::queue();
    let commits = commit::commit(store, inbox, &mut report, &tell);
    let (judged, ()) = tokio::try_join!(reader.judge(plan, out), commits)?;
    end.absence = earlier.into_iter().chain(judged).collect();
    end.receipt = reader.lost.since(lost);
    end.schema = reader.plan.mappings.shown(entity);
    reader.mapper.tell_left_out(entity);
    report.status = end.status;
    report.complete_until = end.complete_until;
    report.schema.clone_from(&end.schema);
    report.error.clone_from(&end.error);
    listener(Progress::EntityFinished { entity, report: &report });
    Ok(end)
}

fn start(plan: &SyncPlan, at: model::Timestamp) -> RunStart {
    RunStart {
        tenant: plan.tenant.clone(),
        connection: plan.connection.clone(),
        package: plan.package.name.clone(),
        version: plan.package.version.clone(),
        digest: plan.package.digest.clone(),
        kind: RunKind::Sync,
        task: plan.task.clone(),
        lease: plan.lease.clone(),
        job: plan.job,
        at,
    }
}

/// Marks a run failed that the store has let down, and returns why.
pub(crate) async fn abandon(store: &dyn RecordStore, end: RunEnd, error: StoreError) -> StoreError {
    if error.kind() == StoreErrorKind::Fenced {
        return error;
    }
    let reason = Error::new(ErrorKind::Other, "engine.store", error.to_string());
    let end = RunEnd { status: RunStatus::Failed, error: Some(reason), ..end };
    if let Err(second) = store.finish_run(end).await {
        tracing::warn!(error = %second, "a run that the store let down is not marked failed either");
    }
    error
}
