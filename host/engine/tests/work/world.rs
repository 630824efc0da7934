//! Workers over the real store, with handlers and connections that a test scripts.
//!
//! Time stands still unless a test lets it pass: no timer fires while the store commits.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use async_trait::async_trait;
use engine::breaker::Breakers;
use engine::metrics::Metrics;
use engine::replay::{ReplayPlan, Scope};
use engine::sync::{Cancel, SyncPlan};
use engine::work::job::{ReplayOrder, SyncOrder};
use engine::work::{
    About, Context, Handled, Handler, Inbound, Limits, Opened, Opener, Opening, Ports, Terms, Wake,
    run,
};
use model::adapter::Adapter;
use model::queue::{
    DeadFilter, DeadLetter, Enqueued, JobId, JobQueue as _, Leased, NewJob, Outcome, Queue,
    QueueStats,
};
use model::task::TaskStore as _;
use model::{Clock, ConnectionId, Error, TenantId, Timestamp};
use store::Store;
use tokio::task::JoinHandle;

pub(crate) const DEADLINE: Duration = Duration::from_mins(1);
pub(crate) const TURN: Duration = Duration::from_mins(15);

type Doing = Pin<Box<dyn Future<Output = Handled> + Send>>;
type Script = Box<dyn Fn(Leased, Context) -> Doing + Send + Sync>;

/// A handler that does what a test wants.
pub(crate) struct Scripted(Script);

impl Scripted {
    pub(crate) fn new<F: Future<Output = Handled> + Send + 'static>(
        script: impl Fn(Leased, Context) -> F + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self(Box::new(move |leased, context| Box::pin(script(leased, context)))))
    }
}

#[async_trait]
impl Handler for Scripted {
    fn terms(&self) -> Terms {
        Terms { deadline: DEADLINE, turn: TURN, jobs_max: 4 }
    }

    async fn handle(&self, leased: &Leased, context: Context) -> Handled {
        self.0(leased.clone(), context).await
    }
}

/// All jobs are done.
pub(crate) fn done(leased: &Leased) -> Handled {
    let outcomes = leased.jobs.iter().map(|job| (job.id, Outcome::Done)).collect();
    Handled { outcomes, effects: Vec::new() }
}

type MakeAdapter = Box<dyn Fn() -> Result<Box<dyn Adapter>, Error> + Send + Sync>;

/// Connections; the test says what is there.
pub(crate) struct Desk {
    pub(crate) about: Mutex<Option<About>>,
    /// Why the package may not run.
    pub(crate) refused: Mutex<Option<Error>>,
    /// Until when nothing may be read.
    pub(crate) early: Mutex<Option<Timestamp>>,
    pub(crate) adapter: Mutex<MakeAdapter>,
    pub(crate) plan: SyncPlan,
}

#[async_trait]
impl Opener for Desk {
    async fn about(&self, _: &TenantId, _: &ConnectionId) -> Result<Option<About>, Error> {
        match self.refused.lock().unwrap().clone() {
            Some(error) => Err(error),
            None => Ok(self.about.lock().unwrap().clone()),
        }
    }

    async fn open(&self, _: &TenantId, order: &SyncOrder, _: JobId) -> Result<Opening, Error> {
        if self.about.lock().unwrap().is_none() {
            return Ok(Opening::Gone);
        }
        if let Some(next) = *self.early.lock().unwrap() {
            return Ok(Opening::Early { next: Some(next) });
        }
        let adapter = (self.adapter.lock().unwrap())()?;
        let mut plan = self.plan.clone();
        plan.connection = order.connection.clone();
        Ok(Opening::Ready(Box::new(Opened { adapter, plan })))
    }

    async fn replay(&self, _: &TenantId, order: &ReplayOrder) -> Result<Option<ReplayPlan>, Error> {
        let SyncPlan { tenant, package, mappings, entities, .. } = self.plan.clone();
        let entities = entities.into_iter().map(|entity| entity.name).collect();
        let (connection, again, scope) = (order.connection.clone(), order.again, Scope::All);
        Ok(Some(ReplayPlan {
            tenant,
            connection,
            package,
            lease: None,
            job: None,
            entities,
            mark: order.mark.clone(),
            scope,
            again,
            mappings,
        }))
    }
}

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) breakers: Breakers,
    pub(crate) clock: Clock,
    pub(crate) wake: Wake,
    pub(crate) metrics: Metrics,
    pub(crate) desk: Arc<Desk>,
    _still: mpsc::Sender<()>,
    _dir: tempfile::TempDir,
}

/// Workers that run.
pub(crate) struct Crew {
    pub(crate) stop: Cancel,
    pub(crate) ended: JoinHandle<()>,
}

impl World {
    pub(crate) async fn new(plan: SyncPlan) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::manual("2026-01-01T12:00:00Z".parse().unwrap());
        // The runtime lets paused time pass by itself unless a blocking task is at work.
        let (still, moving) = mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || moving.recv());
        let about = About { host: None, digest: "sha256:00".to_owned() };
        let none = || -> Result<Box<dyn Adapter>, Error> { panic!("the test opens nothing") };
        let adapter: MakeAdapter = Box::new(none);
        let store = Store::open(dir.path(), clock.clone()).unwrap();
        let breakers = Breakers::load(Arc::new(store.clone()), clock.clone()).await.unwrap();
        Self {
            store,
            breakers,
            clock,
            wake: Wake::default(),
            metrics: Metrics::default(),
            desk: Arc::new(Desk {
                about: Mutex::new(Some(about)),
                refused: Mutex::default(),
                early: Mutex::default(),
                adapter: Mutex::new(adapter),
                plan,
            }),
            _still: still,
            _dir: dir,
        }
    }

    /// Workers with this handler.
    pub(crate) fn crew(&self, handler: Arc<dyn Handler>) -> Crew {
        self.crew_within(Limits::default(), handler)
    }

    /// Workers with this handler, so many at once.
    pub(crate) fn crew_within(&self, limits: Limits, handler: Arc<dyn Handler>) -> Crew {
        let ports = Ports {
            queue: Arc::new(self.store.clone()),
            opener: Arc::<Desk>::clone(&self.desk),
            handlers: BTreeMap::from([(Queue::InboundScheduled, handler)]),
            breakers: self.breakers.clone(),
            clock: self.clock.clone(),
            wake: self.wake.clone(),
            worker: "test".to_owned(),
            metrics: self.metrics.clone(),
        };
        let stop = Cancel::default();
        let ended = tokio::spawn(run(ports, limits, stop.clone()));
        Crew { stop, ended }
    }

    /// Workers that read connections.
    pub(crate) fn readers(&self) -> Crew {
        let store = Arc::new(self.store.clone());
        let opener: Arc<dyn Opener> = Arc::<Desk>::clone(&self.desk);
        let call_max = Duration::from_secs(30);
        let watch = (self.clock.clone(), self.metrics.clone());
        self.crew(Arc::new(Inbound::new(opener, store, watch, call_max)))
    }

    /// Makes an adapter for each run.
    pub(crate) fn adapter<A: Adapter + 'static>(
        &self,
        make: impl Fn() -> A + Send + Sync + 'static,
    ) {
        *self.desk.adapter.lock().unwrap() = Box::new(move || Ok(Box::new(make())));
    }

    pub(crate) async fn enqueue(&self, job: NewJob) -> JobId {
        let answer = self.store.enqueue(vec![job]).await.unwrap().remove(0);
        self.wake.wake();
        match answer {
            Enqueued::New(id) | Enqueued::Duplicate(id) => id,
        }
    }

    /// Lets time pass, for the timers and for the store, and what comes of it happen. The last
    /// second is for workers who were about to look when time jumped, and sleep now.
    pub(crate) async fn pass(&self, time: Duration) {
        let last = time.min(Duration::from_secs(1));
        for step in [time.saturating_sub(last), last] {
            self.clock.advance(step);
            tokio::time::advance(step).await;
            self.settle().await;
        }
    }

    /// Waits until what was handed to the store has happened, and what follows from it: as long
    /// as some commits take, however slow the disk is.
    pub(crate) async fn settle(&self) {
        for _ in 0..3 {
            self.stats().await;
            self.store.lead("test", Duration::ZERO).await.unwrap();
        }
    }

    /// Waits until something holds.
    pub(crate) async fn comes(&self, what: impl Fn() -> bool) {
        for _ in 0..2_000 {
            if what() {
                return;
            }
            self.settle().await;
        }
        panic!("it does not come to be");
    }

    /// Lets time pass until the queue stands so.
    pub(crate) async fn pass_until(&self, step: Duration, what: impl Fn(&QueueStats) -> bool) {
        for _ in 0..1_000 {
            if what(&self.stats().await) {
                return;
            }
            self.pass(step).await;
        }
        panic!("the queue stays at {:?}", self.stats().await);
    }

    pub(crate) async fn stats(&self) -> QueueStats {
        self.store.stats(&tenant(), Queue::InboundScheduled).await.unwrap()
    }

    /// Waits until the queue stands so; what does not happen fails the test.
    pub(crate) async fn until(&self, what: impl Fn(&QueueStats) -> bool) -> QueueStats {
        for _ in 0..2_000 {
            let stats = self.stats().await;
            if what(&stats) {
                return stats;
            }
            self.settle().await;
        }
        panic!("the queue stays at {:?}", self.stats().await);
    }

    pub(crate) async fn dead(&self) -> Vec<DeadLetter> {
        self.store.dead(&every_letter()).await.unwrap()
    }
}

pub(crate) fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

pub(crate) fn every_letter() -> DeadFilter {
    DeadFilter::all(tenant())
}

/// A job of a connection, in its line.
pub(crate) fn job(connection: &str) -> NewJob {
    NewJob {
        tenant: tenant(),
        queue: Queue::InboundScheduled,
        session: format!("sync/{connection}"),
        connection: Some(connection.parse().unwrap()),
        package: Some("test/provider".to_owned()),
        payload: "{}".into(),
        run_at: None,
        dedupe: Vec::new(),
    }
}

impl Crew {
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.ended.await.unwrap();
    }
}
