//! A store with a connection, and schedulers over it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use engine::schedule::{Desk, Draft, LEAD_LEASE, Ports, PutError, Scheduler, Sweep, Ticked, put};
use engine::work::Wake;
use model::queue::{Claim, Finish, JobQueue as _, Leased, Outcome, Queue, QueueStats};
use model::store::Catalogue as _;
use model::task::{Direction, HourWindow, Schedule, Task, TaskStore as _};
use model::{Clock, Connection, TenantId, Timestamp};
use store::Store;
use tokio::sync::Semaphore;

pub(crate) const MINUTE: Duration = Duration::from_mins(1);

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    _dir: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::manual(at("01T00:00:00"));
        let store = Store::open(dir.path(), clock.clone()).unwrap();
        for id in ["crm", "shop"] {
            let connection = Connection::new(tenant(), id.parse().unwrap(), "acme/hub", "none");
            store.put_connection(connection).await.unwrap();
        }
        Self { store, clock, _dir: dir }
    }

    pub(crate) fn scheduler(&self, name: &str) -> Scheduler {
        self.sweeping(name, Vec::new())
    }

    pub(crate) fn sweeping(&self, name: &str, sweeps: Vec<Sweep>) -> Scheduler {
        let ports = Ports {
            tasks: Arc::new(self.store.clone()),
            clock: self.clock.clone(),
            wake: Wake::default(),
            sweeps,
        };
        Scheduler::new(ports, name)
    }

    pub(crate) fn desk(&self) -> Desk<'_> {
        Desk { tasks: &self.store, catalogue: &self.store, clock: &self.clock }
    }

    pub(crate) async fn put(&self, draft: Draft) -> Result<Task, PutError> {
        put(&self.desk(), &draft, None).await
    }

    pub(crate) async fn task(&self, id: &str) -> Task {
        self.store.task(&tenant(), &id.parse().unwrap()).await.unwrap().unwrap()
    }

    /// Ticks once a minute from now until then, and answers at which times how many were queued.
    pub(crate) async fn tick_until(
        &self,
        scheduler: &Scheduler,
        until: &str,
    ) -> Vec<(String, usize)> {
        let mut queued = Vec::new();
        loop {
            let ticked = scheduler.tick().await.unwrap().unwrap();
            if ticked.queued > 0 {
                queued.push((short(self.clock.now()), ticked.queued));
            }
            if self.clock.now() >= at(until) {
                return queued;
            }
            self.clock.advance(MINUTE);
        }
    }

    pub(crate) async fn stats(&self) -> QueueStats {
        self.store.stats(&tenant(), Queue::InboundScheduled).await.unwrap()
    }

    pub(crate) async fn claim(&self) -> Option<Leased> {
        let claim = Claim {
            worker: "test".to_owned(),
            queue: Queue::InboundScheduled,
            tenant: tenant(),
            skip: BTreeSet::new(),
            sessions_max: 1,
            jobs_max: 1,
            lease: Duration::from_hours(24),
            alone: false,
        };
        self.store.claim(claim).await.unwrap().pop()
    }

    pub(crate) async fn finish(&self, leased: Leased) {
        let outcomes = leased.jobs.iter().map(|job| (job.id, Outcome::Done)).collect();
        let finish = Finish { lease: leased.lease, outcomes, effects: Vec::new() };
        self.store.finish(vec![finish]).await.unwrap();
    }

    /// Claims and finishes whatever is due.
    pub(crate) async fn work(&self) {
        while let Some(leased) = self.claim().await {
            self.finish(leased).await;
        }
    }
}

/// A sweep that says so.
pub(crate) fn told() -> (Sweep, Arc<Semaphore>) {
    let told = Arc::new(Semaphore::new(0));
    let tell = Arc::clone(&told);
    let sweep: Sweep = Box::new(move || {
        tell.add_permits(1);
        Box::pin(async { Ok(()) })
    });
    (sweep, told)
}

pub(crate) fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    format!("2026-01-{text}Z").parse().unwrap()
}

/// Day and time of day.
fn short(at: Timestamp) -> String {
    at.strftime("%dT%H:%M:%S").to_string()
}

pub(crate) fn every(id: &str, minutes: u64) -> Draft {
    Draft {
        tenant: tenant(),
        id: id.parse().unwrap(),
        connection: "crm".parse().unwrap(),
        schedule: Schedule::Every(Duration::from_mins(minutes)),
        window: None,
        jitter: Duration::ZERO,
        direction: Direction::Inbound,
        entities: Vec::new(),
    }
}

pub(crate) fn cron(id: &str, expression: &str) -> Draft {
    let schedule = Schedule::Cron { expression: expression.to_owned(), zone: "UTC".to_owned() };
    Draft { schedule, ..every(id, 1) }
}

pub(crate) fn within(draft: Draft, from: u16, until: u16) -> Draft {
    let window = HourWindow { from: from * 60, until: until * 60, zone: "UTC".to_owned() };
    Draft { window: Some(window), ..draft }
}

pub(crate) const NOTHING: Ticked = Ticked { due: 0, queued: 0 };

/// Longer than a lead is kept.
pub(crate) const GONE: Duration = Duration::from_secs(LEAD_LEASE.as_secs() + 1);
