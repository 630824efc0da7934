//! A store in a scratch directory, a clock that stands still, and a plan.

use std::sync::Mutex;
use std::time::Duration;

use engine::metrics::Metrics;
use engine::sync::{Cancel, EntityPlan, PackageRef, PartsFrom, Ports, Progress, SyncPlan, sync};
use model::adapter::Adapter;
use model::run::{EntityReport, Run};
use model::store::{Lane, RecordQuery, RecordStore, RunStart, StoreError, StoredRecord};
use model::window::{Cursor, Full, LaneState, ReadRule};
use model::{Clock, ConnectionId, TenantId};
use store::Store;

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) plan: SyncPlan,
    pub(crate) cancel: Cancel,
    pub(crate) told: Mutex<Vec<String>>,
    pub(crate) metrics: Metrics,
    _dir: tempfile::TempDir,
}

impl World {
    /// A world whose plan reads these entities as scans.
    pub(crate) fn new(entities: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::manual("2026-01-01T12:00:00Z".parse().unwrap());
        Self {
            store: Store::open(dir.path(), clock.clone()).unwrap(),
            clock,
            plan: plan(entities),
            cancel: Cancel::default(),
            told: Mutex::default(),
            metrics: Metrics::default(),
            _dir: dir,
        }
    }

    /// Runs a sync that must end in the store.
    pub(crate) async fn run(&self, adapter: &mut dyn Adapter) -> Run {
        self.run_on(&self.store, adapter).await.unwrap()
    }

    /// Runs a sync on another view of the store.
    pub(crate) async fn run_on(
        &self,
        store: &dyn RecordStore,
        adapter: &mut dyn Adapter,
    ) -> Result<Run, StoreError> {
        let listener = |progress: Progress<'_>| self.told.lock().unwrap().push(text(progress));
        let (clock, cancel) = (self.clock.clone(), self.cancel.clone());
        let (listener, metrics) = (&listener, self.metrics.clone());
        sync(&self.plan, Ports { adapter, store, clock, cancel, listener, metrics }).await
    }

    /// Lets time pass, so that there is something to read again.
    pub(crate) fn wait(&self) {
        self.clock.advance(Duration::from_hours(1));
    }

    /// All records, gone ones too.
    pub(crate) async fn records(&self) -> Vec<StoredRecord> {
        let query = RecordQuery {
            tenant: self.plan.tenant.clone(),
            connection: None,
            entity: None,
            id: None,
            removed: true,
            after: None,
            limit: 1000,
        };
        self.store.records(query).await.unwrap().records
    }

    /// `entity/id` of all records that are not gone.
    pub(crate) async fn ids(&self) -> Vec<String> {
        let records = self.records().await;
        let alive = records.iter().filter(|r| r.removed.is_none());
        alive.map(|r| format!("{}/{}", r.entity, r.id)).collect()
    }

    /// The newest run.
    pub(crate) async fn last_run(&self) -> Run {
        self.store.runs(&self.plan.tenant, None, 1).await.unwrap().remove(0)
    }

    /// Where the lanes stand.
    pub(crate) async fn lanes(&self) -> Vec<(Lane, LaneState)> {
        self.store.lanes(&self.plan.tenant, &self.plan.connection).await.unwrap()
    }

    /// Changes the plan of the only entity.
    pub(crate) fn entity(&mut self) -> &mut EntityPlan {
        &mut self.plan.entities[0]
    }
}

/// What begins another run of the same connection.
pub(crate) fn start(world: &World) -> RunStart {
    RunStart {
        tenant: world.plan.tenant.clone(),
        connection: world.plan.connection.clone(),
        package: world.plan.package.name.clone(),
        version: world.plan.package.version.clone(),
        digest: world.plan.package.digest.clone(),
        kind: model::run::RunKind::Sync,
        task: None,
        lease: None,
        job: None,
        at: world.clock.now(),
    }
}

pub(crate) fn plan(entities: &[&str]) -> SyncPlan {
    SyncPlan {
        tenant: "acme".parse::<TenantId>().unwrap(),
        connection: "crm".parse::<ConnectionId>().unwrap(),
        package: PackageRef {
            name: "test/provider".to_owned(),
            version: "1.0.0".to_owned(),
            digest: "sha256:00".to_owned(),
        },
        task: None,
        lease: None,
        job: None,
        entities: entities.iter().map(|name| entity(name)).collect(),
        redact: Vec::new(),
        mappings: engine::mapping::Mappings::default(),
        not_yet: Vec::new(),
    }
}

pub(crate) fn entity(name: &str) -> EntityPlan {
    EntityPlan {
        name: name.to_owned(),
        rule: rule(Cursor::Scan),
        lists_deletions: false,
        absent: Vec::new(),
        page: 100,
        fields: Vec::new(),
        yields: Vec::new(),
        parts: PartsFrom::Whole,
    }
}

pub(crate) fn rule(cursor: Cursor) -> ReadRule {
    ReadRule {
        cursor,
        full: Full::Scan,
        step: Duration::ZERO,
        granularity: Duration::ZERO,
        lag: Duration::ZERO,
        lookback: Duration::ZERO,
        history: Duration::ZERO,
        kept: Duration::ZERO,
    }
}

fn text(progress: Progress<'_>) -> String {
    let counts = |r: &EntityReport| format!("{} pages, {} read", r.pages, r.read);
    match progress {
        Progress::RunStarted { run } => format!("run {} started", run.id),
        Progress::EntityStarted { entity } => format!("{entity} started"),
        Progress::Page { entity, report } => format!("{entity}: {}", counts(report)),
        Progress::EntityFinished { entity, report } => {
            format!("{entity} {}: {}", report.status.as_str(), counts(report))
        }
        Progress::RunFinished { run } => format!("run {} {}", run.id, run.status.as_str()),
    }
}
