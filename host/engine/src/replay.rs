//! Mapping again what is stored: a changed schema takes effect without asking the provider.
//!
//! A replay goes through the stored records of a connection in batches, each one commit. Records
//! that the active schema has mapped already are passed over, so a replay that was stopped, or
//! killed, is begun again and does the rest. What a sync changes in between is left to the sync.

mod impact;
mod plan;

use std::collections::BTreeMap;

use model::Clock;
use model::adapter::Receipt;
use model::canonical::{Outcome, Remap, RemapItem, ReplayQuery, ReplayRecord};
use model::run::{EntityReport, Run, RunKind, RunStatus};
use model::store::{EntityEnd, RecordStore, RunEnd, RunRef, RunStart, StoreError};

pub use impact::{EntityImpact, Example, FieldChange, Impact, impact};
pub use plan::{ReplayError, ReplayPlan, Scope};

use crate::mapping::{Mapper, Raw};
use crate::sync::{Cancel, Listener, Progress, Ran, abandon};

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

/// Runs a replay to its end and returns the run as it is stored.
pub async fn replay(plan: &ReplayPlan, ports: Ports<'_>) -> Result<Run, StoreError> {
    let (store, listener) = (ports.store, ports.listener);
    let ran = run(plan, ports).await?;
    let run = store.finish_run(ran.end).await?;
    listener(Progress::RunFinished { run: &run });
    Ok(run)
}

/// The same, but leaves it to the caller to end the run in the store, together with other things.
pub async fn run(plan: &ReplayPlan, ports: Ports<'_>) -> Result<Ran, StoreError> {
    let Ports { store, clock, cancel, listener } = ports;
    let started = store.begin_run(start(plan, clock.now())).await?;
    listener(Progress::RunStarted { run: &started });
    let run = started.reference();
    let mapper = Mapper::new(&plan.tenant, &plan.connection, plan.mappings.clone());
    let (replayed, progressed) = (BTreeMap::new(), false);
    let mut replay = Replay { store, plan, run, clock, cancel, mapper, replayed, progressed };
    let outcome = replay.entities(listener).await;
    let Replay { run, clock, replayed, progressed, .. } = replay;
    let status = status(&replayed);
    let entities: Vec<_> = replayed.into_values().collect();
    let (receipt, at) = (Receipt::default(), clock.now());
    let end = RunEnd { run, status, entities, receipt, error: None, at };
    match outcome {
        Ok(()) => Ok(Ran { end, progressed }),
        Err(error) => Err(abandon(store, end, error).await),
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
        at,
    }
}

fn status(replayed: &BTreeMap<String, EntityEnd>) -> RunStatus {
    let cancelled = replayed.values().any(|end| end.status == RunStatus::Cancelled);
    if cancelled { RunStatus::Cancelled } else { RunStatus::Succeeded }
}

struct Replay<'a> {
    store: &'a dyn RecordStore,
    plan: &'a ReplayPlan,
    run: RunRef,
    clock: Clock,
    cancel: Cancel,
    mapper: Mapper,
    replayed: BTreeMap<String, EntityEnd>,
    progressed: bool,
}

impl Replay<'_> {
    async fn entities(&mut self, listener: Listener<'_>) -> Result<(), StoreError> {
        for entity in &self.plan.entities {
            listener(Progress::EntityStarted { entity });
            let mut report = EntityReport::default();
            let status = self.entity(entity, &mut report, listener).await?;
            let schema = self.plan.mappings.shown(entity);
            (report.status, report.schema) = (status, schema.clone());
            listener(Progress::EntityFinished { entity, report: &report });
            let end = EntityEnd { entity: entity.clone(), status, schema, ..EntityEnd::default() };
            self.replayed.insert(entity.clone(), end);
            if status == RunStatus::Cancelled {
                break;
            }
        }
        Ok(())
    }

    async fn entity(
        &mut self,
        entity: &str,
        report: &mut EntityReport,
        listener: Listener<'_>,
    ) -> Result<RunStatus, StoreError> {
        let mut query = self.plan.query(entity, BATCH);
        loop {
            if self.cancel.is_cancelled() {
                return Ok(RunStatus::Cancelled);
            }
            let list = self.store.replayable(query.clone()).await?;
            let records = self.plan.wanted(entity, list.records);
            if !records.is_empty() {
                self.batch(entity, records, report).await?;
                listener(Progress::Page { entity, report });
            }
            match list.next {
                Some(next) => query = ReplayQuery { after: Some(next), ..query },
                None => break,
            }
        }
        self.mapper.tell_left_out(entity);
        Ok(RunStatus::Succeeded)
    }

    /// Maps and commits a batch.
    async fn batch(
        &mut self,
        entity: &str,
        records: Vec<ReplayRecord>,
        report: &mut EntityReport,
    ) -> Result<(), StoreError> {
        let outcomes = outcomes(&mut self.mapper, self.store, &records).await?;
        let items = records.into_iter().zip(outcomes).map(|(record, outcome)| RemapItem {
            id: record.record.id,
            hash: record.hash,
            outcome,
        });
        let items: Vec<_> = items.collect();
        let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
        let (run, at) = (self.run.clone(), self.clock.now());
        let remap = Remap { run, entity: entity.to_owned(), items, at };
        let outcome = self.store.remap(remap).await?;
        self.progressed = true;
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
