//! Workers over the real store while jobs blow up and the clock is moved.
//!
//! `PLUGHOUSE_BACKLOG=100000 cargo test -p e2e --test crash_queue -- --nocapture` is the long proof.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use engine::breaker::Breakers;
use engine::replay::ReplayPlan;
use engine::schedule::{self, Desk, Draft, Scheduler};
use engine::sync::Cancel;
use engine::work::job::{ReplayOrder, SyncOrder};
use engine::work::{self, About, Context, Handled, Handler, Limits, Opener, Opening, Terms, Wake};
use model::queue::{
    BATCH_MAX, DeadFilter, Death, Job, JobId, JobQueue as _, Leased, NewJob, Outcome, Queue,
    QueueStats,
};
use model::store::Catalogue as _;
use model::task::{Direction, Schedule};
use model::{Clock, Connection, ConnectionId, Error, TenantId, Timestamp};
use store::Store;

/// Jobs in the ordinary test run.
const BACKLOG: u64 = 5_000;

/// One job in so many is such that its handler panics.
const POISON_EVERY: u64 = 1_000;

/// Sessions of the backlog; prime, so that the poison is in all of them.
const SESSIONS: u64 = 97;

/// What does not happen within this time never will.
const PATIENCE: Duration = Duration::from_mins(20);

const QUEUE: Queue = Queue::InboundScheduled;
const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

#[expect(clippy::disallowed_methods, reason = "the long proof is asked for by the environment")]
fn backlog() -> u64 {
    std::env::var("PLUGHOUSE_BACKLOG").map_or(BACKLOG, |text| text.parse().unwrap())
}

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

/// Every connection is there, and none is opened.
struct Connections;

#[async_trait]
impl Opener for Connections {
    async fn about(&self, _: &TenantId, _: &ConnectionId) -> Result<Option<About>, Error> {
        Ok(Some(About { host: None, digest: "sha256:00".to_owned() }))
    }

    async fn open(&self, _: &TenantId, _: &SyncOrder, _: JobId) -> Result<Opening, Error> {
        Ok(Opening::Gone)
    }

    async fn replay(&self, _: &TenantId, _: &ReplayOrder) -> Result<Option<ReplayPlan>, Error> {
        Ok(None)
    }
}

/// Does every job, and blows up at those that are poison.
struct Hands {
    is_poison: fn(&Job) -> bool,
    attempts: AtomicU64,
}

#[async_trait]
impl Handler for Hands {
    fn terms(&self) -> Terms {
        Terms { deadline: MINUTE, turn: MINUTE, jobs_max: 16 }
    }

    async fn handle(&self, leased: &Leased, _: Context) -> Handled {
        let well = leased.jobs.iter().take_while(|job| !(self.is_poison)(job));
        let outcomes: Vec<_> = well.map(|job| (job.id, Outcome::Done)).collect();
        self.attempts.fetch_add(1, Ordering::Relaxed);
        if outcomes.is_empty() {
            // A panic that nobody reads of.
            std::panic::resume_unwind(Box::new("poison"));
        }
        Handled { outcomes, effects: Vec::new() }
    }
}

/// A store whose clock a test moves, and workers on it.
struct World {
    store: Store,
    clock: Clock,
    wake: Wake,
    hands: Arc<Hands>,
    stop: Cancel,
    workers: tokio::task::JoinHandle<()>,
    _dir: tempfile::TempDir,
}

impl World {
    async fn new(is_poison: fn(&Job) -> bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::manual("2026-01-01T12:00:00Z".parse().unwrap());
        let store = Store::open(dir.path(), clock.clone()).unwrap();
        let hands = Arc::new(Hands { is_poison, attempts: AtomicU64::new(0) });
        let (wake, stop) = (Wake::default(), Cancel::default());
        let handler: Arc<dyn Handler> = Arc::<Hands>::clone(&hands);
        let ports = work::Ports {
            queue: Arc::new(store.clone()),
            opener: Arc::new(Connections),
            handlers: BTreeMap::from([(QUEUE, handler)]),
            breakers: Breakers::load(Arc::new(store.clone()), clock.clone()).await.unwrap(),
            clock: clock.clone(),
            wake: wake.clone(),
            worker: "test".to_owned(),
            metrics: engine::metrics::Metrics::default(),
        };
        let limits = Limits { per_tenant: 32, per_package: 32, ..Limits::default() };
        let workers = tokio::spawn(work::run(ports, limits, stop.clone()));
        Self { store, clock, wake, hands, stop, workers, _dir: dir }
    }

    async fn stats(&self) -> QueueStats {
        let stats = self.store.stats(&acme(), QUEUE).await.unwrap();
        let parts = stats.queued + stats.done + stats.dead + stats.discarded;
        assert_eq!(stats.enqueued, parts, "{stats:?}");
        stats
    }

    /// Waits until nothing is at work and nothing is due.
    async fn rests(&self) -> QueueStats {
        let begun = Instant::now();
        loop {
            self.wake.wake();
            let stats = self.stats().await;
            if stats.leased == 0 && stats.oldest.is_none() {
                return stats;
            }
            assert!(begun.elapsed() < PATIENCE, "{stats:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn end(self) {
        self.stop.cancel();
        self.workers.await.unwrap();
    }
}

fn job(number: u64) -> NewJob {
    NewJob {
        tenant: acme(),
        queue: QUEUE,
        session: (number % SESSIONS).to_string(),
        connection: None,
        package: None,
        payload: "{}".into(),
        run_at: None,
        dedupe: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_in_a_backlog_ends_as_dead_letters_and_all_else_is_done() {
    let (backlog, begun) = (backlog(), Instant::now());
    let world = World::new(|job| job.id.0.is_multiple_of(POISON_EVERY)).await;
    for first in (0..backlog).step_by(BATCH_MAX) {
        let last = backlog.min(first + u64::try_from(BATCH_MAX).unwrap());
        world.store.enqueue((first..last).map(job).collect()).await.unwrap();
    }
    // What is tried again later is later only by the store's clock.
    let mut stats = world.rests().await;
    while stats.queued > 0 {
        world.clock.advance(HOUR);
        stats = world.rests().await;
    }
    let poison = backlog / POISON_EVERY;
    assert_eq!((stats.done, stats.dead), (backlog - poison, poison), "{stats:?}");
    let letters = letters(&world.store).await;
    let expected = (1..=poison).map(|number| number * POISON_EVERY);
    assert!(letters.iter().map(|(id, _)| *id).eq(expected), "{letters:?}");
    assert!(letters.iter().all(|(_, why)| *why == Death::Exhausted), "{letters:?}");
    println!(
        "{backlog} jobs in {:?}: {} done, {} dead letters, {} claims",
        begun.elapsed(),
        stats.done,
        stats.dead,
        world.hands.attempts.load(Ordering::Relaxed)
    );
    world.end().await;
}

async fn letters(store: &Store) -> Vec<(u64, Death)> {
    let filter = DeadFilter {
        tenant: acme(),
        queue: None,
        connection: None,
        package: None,
        code: None,
        ids: None,
        after: None,
        limit: BATCH_MAX,
    };
    let letters = store.dead(&filter).await.unwrap();
    letters.iter().map(|letter| (letter.id.0, letter.why)).collect()
}

/// Minutes of a simulated morning at which the clock steps, and by how many hours.
const STEPS: [(u32, i64); 6] = [(35, 1), (70, -1), (111, -1), (200, 1), (201, 1), (250, -1)];

const TASKS: u32 = 20;

/// The interval of a task, in minutes: no two are alike.
fn interval(number: u32) -> Duration {
    Duration::from_mins(u64::from(5 + number))
}

async fn tasks(world: &World) {
    let desk = Desk { tasks: &world.store, catalogue: &world.store, clock: &world.clock };
    for number in 0..TASKS {
        let id: ConnectionId = format!("c{number}").parse().unwrap();
        let connection = Connection::new(acme(), id.clone(), "acme/hub", "none");
        world.store.put_connection(connection).await.unwrap();
        let draft = Draft {
            tenant: acme(),
            id: format!("t{number}").parse().unwrap(),
            connection: id,
            schedule: Schedule::Every(interval(number)),
            window: None,
            jitter: Duration::ZERO,
            direction: Direction::Inbound,
            entities: Vec::new(),
        };
        schedule::put(&desk, &draft, None).await.unwrap();
    }
}

/// What is to happen, by the rule alone: due once its time has come, then next after now; after a
/// step back no later than a task that is planned then.
struct Expected {
    next: Vec<Timestamp>,
    begin: Timestamp,
    last: Timestamp,
    jobs: u64,
}

impl Expected {
    fn new(begin: Timestamp) -> Self {
        let next = (0..TASKS).map(|number| begin.saturating_add(interval(number)).unwrap());
        Self { next: next.collect(), begin, last: begin, jobs: 0 }
    }

    fn tick(&mut self, now: Timestamp) {
        assert!(now >= self.begin);
        let is_back = now < std::mem::replace(&mut self.last, now);
        for (next, number) in self.next.iter_mut().zip(0..) {
            let mut planned = self.begin;
            while planned <= now {
                planned = planned.saturating_add(interval(number)).unwrap();
            }
            if *next <= now {
                self.jobs += 1;
                *next = planned;
            } else if is_back {
                *next = planned.min(*next);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clock_that_steps_by_an_hour_ahead_and_back_neither_stops_tasks_nor_queues_them_twice() {
    let world = World::new(|_| false).await;
    tasks(&world).await;
    let ports = schedule::Ports {
        tasks: Arc::new(world.store.clone()),
        clock: world.clock.clone(),
        wake: world.wake.clone(),
        sweeps: Vec::new(),
    };
    let scheduler = Scheduler::new(ports, "test");
    let mut expected = Expected::new(world.clock.now());
    let steps = BTreeMap::from(STEPS);
    for minute in 1..=360 {
        world.clock.advance(MINUTE);
        let ticked = scheduler.tick().await.unwrap();
        assert!(ticked.is_some(), "the lead is lost at minute {minute}");
        expected.tick(world.clock.now());
        if let Some(hours) = steps.get(&minute) {
            // Ahead while the workers are at it. What nobody has claimed when the clock is set back
            // waits for it, and its task with it.
            if *hours < 0 {
                world.rests().await;
            }
            let step = jiff::SignedDuration::from_hours(*hours);
            world.clock.set(world.clock.now().saturating_add(step).unwrap());
        }
        world.rests().await;
    }
    world.clock.advance(HOUR * 2);
    let stats = world.rests().await;
    assert_eq!((stats.enqueued, stats.done, stats.dead), (expected.jobs, expected.jobs, 0));
    println!(
        "six hours of {TASKS} tasks with {} steps: {} jobs, each once",
        STEPS.len(),
        stats.done
    );
    world.end().await;
}
