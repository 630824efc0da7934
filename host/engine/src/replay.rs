//! Mapping again what is stored: a changed schema takes effect without asking the provider.
//!
//! A replay goes through the stored records of a connection in batches, each one commit. Records
//! that the active schema has mapped already are passed over, so a replay that was killed is begun
//! again and does the rest; one that was stopped says where. Records come after those that they
//! refer to, as far as the schemas tell. What a sync changes in between is left to the sync.

mod impact;
mod plan;

use std::collections::BTreeMap;

use model::Clock;
use model::adapter::Receipt;
use model::canonical::{Outcome, Remap, RemapItem, ReplayQuery, ReplayRecord};
use model::run::{EntityReport, Run, RunKind, RunStatus};
use model::store::{EntityEnd, RecordStore, RunEnd, RunRef, RunStart, StoreError};

pub use impact::{EntityImpact, Example, FieldChange, Impact, impact};
pub use plan::{Mark, ReplayError, ReplayPlan, Scope};

use crate::mapping::{Mapper, Raw};
use crate::sync::{Cancel, Listener, Progress, SyncPlan, abandon, status};

/// Records of a batch: few enough that a wish to stop, or another change, waits for milliseconds,
/// many enough that the disk's sync is nothing beside mapping them.
const BATCH: usize = 500;

/// What a replay needs from outside.
pub struct Ports<'a> {
    /// Where the records lie.
    pub store: &'a dyn RecordStore,
    /// The time.
    pub clock: Clock,
    /// The wish to stop; it is looked at between batches.
    pub cancel: Cancel,
    /// Is told what happens.
    pub listener: Listener<'a>,
}

/// A replay that has come to its end and does not say so in the store yet.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// How it ended.
    pub end: RunEnd,
    /// What is left of one that was stopped.
    pub rest: Option<Rest>,
    /// As after a sync: see [`Ran::waiting`](crate::sync::Ran::waiting).
    pub waiting: BTreeMap<String, bool>,
}

/// What is left of a replay.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rest {
    /// The entities.
    pub entities: Vec<String>,
    /// How far the first of them was gone through.
    pub mark: Option<Mark>,
}

/// Runs a replay to its end and returns the run as it is stored. Records that refer to what it has
/// mapped after them are then mapped again, by a run of its own.
pub async fn replay(plan: &ReplayPlan, ports: Ports<'_>) -> Result<Run, StoreError> {
    let first = run(plan, &ports).await?;
    let (again, first) = (plan.again_for(&first.waiting), end(first, &ports).await?);
    if let Some(plan) = again.filter(|_| !ports.cancel.is_cancelled()) {
        let second = run(&plan, &ports).await?;
        end(second, &ports).await?;
    }
    Ok(first)
}

/// The entities whose records refer to others and of which some are not mapped by the active
/// schema: what runs may have left that died before they could say so.
pub(crate) async fn left_over(
    plan: &SyncPlan,
    store: &dyn RecordStore,
) -> Result<Vec<String>, StoreError> {
    let plan = ReplayPlan::beside(plan);
    let mut found = Vec::new();
    for entity in plan.mappings.referring() {
        let mut query = plan.query(entity, 1);
        loop {
            let list = store.replayable(query.clone()).await?;
            if !plan.wanted(entity, list.records).is_empty() {
                found.push(entity.clone());
                break;
            }
            match list.next {
                Some(next) => query = ReplayQuery { after: Some(next), ..query },
                None => break,
            }
        }
    }
    Ok(found)
}

async fn end(replayed: Replayed, ports: &Ports<'_>) -> Result<Run, StoreError> {
    let run = ports.store.finish_run(replayed.end).await?;
    (ports.listener)(Progress::RunFinished { run: &run });
    Ok(run)
}

/// Runs a replay, but leaves it to the caller to end the run in the store, together with other
/// things.
pub async fn run(plan: &ReplayPlan, ports: &Ports<'_>) -> Result<Replayed, StoreError> {
    let started = ports.store.begin_run(start(plan, ports.clock.now())).await?;
    (ports.listener)(Progress::RunStarted { run: &started });
    let run = started.reference();
    let mapper = Mapper::new(&plan.tenant, &plan.connection, plan.mappings.clone());
    let mut replay = Replay { ports, plan, run, mapper, ended: Vec::new(), rest: None };
    let waiting = match replay.entities().await {
        Ok(()) => replay.mapper.waiting(ports.store).await,
        Err(error) => Err(error),
    };
    let Replay { run, ended, rest, .. } = replay;
    let status = status::of_run(&ended, rest.is_some());
    let (receipt, at) = (Receipt::default(), ports.clock.now());
    let end = RunEnd { run, status, entities: ended, receipt, error: None, at };
    match waiting {
        Ok(waiting) => Ok(Replayed { end, rest, waiting }),
        Err(error) => Err(abandon(ports.store, end, error).await),
    }
}

fn start(plan: &ReplayPlan, at: model::Timestamp) -> RunStart {
    RunStart {
        tenant: plan.tenant.clone(),
        connection: plan.connection.clone(),
        package: plan.package.name.clone(),
        version: plan.package.version.clone(),
        digest: plan.package.digest.clone(),
        kind: RunKind::Replay,
        task: None,
        lease: plan.lease.clone(),
        job: plan.job,
        at,
    }
}

struct Replay<'a> {
    ports: &'a Ports<'a>,
    plan: &'a ReplayPlan,
    run: RunRef,
    mapper: Mapper,
    ended: Vec<EntityEnd>,
    rest: Option<Rest>,
}

impl Replay<'_> {
    async fn entities(&mut self) -> Result<(), StoreError> {
        let plan = self.plan;
        for (position, entity) in plan.entities.iter().enumerate() {
            (self.ports.listener)(Progress::EntityStarted { entity });
            let error = plan.mappings.refused(entity).cloned();
            let mut report =
                EntityReport { status: RunStatus::Failed, error, ..EntityReport::default() };
            if report.error.is_none() {
                self.rest = self.entity((position, entity), &mut report).await?;
                let is_cut = self.rest.is_some();
                report.status = if is_cut { RunStatus::Cancelled } else { RunStatus::Succeeded };
            }
            report.schema = plan.mappings.shown(entity);
            (self.ports.listener)(Progress::EntityFinished { entity, report: &report });
            let EntityReport { status, schema, error, .. } = report;
            let entity = entity.clone();
            self.ended.push(EntityEnd { entity, status, schema, error, ..EntityEnd::default() });
            if self.rest.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Goes through an entity; what is left, from it on, if somebody has asked to stop.
    async fn entity(
        &mut self,
        (position, entity): (usize, &str),
        report: &mut EntityReport,
    ) -> Result<Option<Rest>, StoreError> {
        let mut query = self.plan.query(entity, BATCH);
        loop {
            if self.ports.cancel.is_cancelled() {
                let entities = self.plan.entities.iter().skip(position).cloned().collect();
                let mark = query.after.map(|after| Mark { entity: entity.to_owned(), after });
                return Ok(Some(Rest { entities, mark }));
            }
            let list = self.ports.store.replayable(query.clone()).await?;
            let records = self.plan.wanted(entity, list.records);
            if !records.is_empty() {
                self.batch(entity, records, report).await?;
                (self.ports.listener)(Progress::Page { entity, report });
            }
            match list.next {
                Some(next) => query = ReplayQuery { after: Some(next), ..query },
                None => break,
            }
        }
        self.mapper.tell_left_out(entity);
        Ok(None)
    }

    /// Maps and commits a batch.
    async fn batch(
        &mut self,
        entity: &str,
        records: Vec<ReplayRecord>,
        report: &mut EntityReport,
    ) -> Result<(), StoreError> {
        let outcomes = outcomes(&mut self.mapper, self.ports.store, &records).await?;
        let items = records.into_iter().zip(outcomes).map(|(record, outcome)| RemapItem {
            id: record.record.id,
            hash: record.hash,
            outcome,
        });
        let items: Vec<_> = items.collect();
        let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
        let (run, at) = (self.run.clone(), self.ports.clock.now());
        let remap = Remap { run, entity: entity.to_owned(), items, at };
        let outcome = self.ports.store.remap(remap).await?;
        report.add(count, &outcome, &Receipt::default());
        Ok(())
    }
}

async fn outcomes(
    mapper: &mut Mapper,
    store: &dyn RecordStore,
    records: &[ReplayRecord],
) -> Result<Vec<Outcome>, StoreError> {
    let raw: Vec<_> = records.iter().map(|record| Raw::stored(&record.record)).collect();
    mapper.map(store, &raw).await
}
