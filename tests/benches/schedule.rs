//! What a tick costs with 100,000 tasks, against plain commits of redb on the same disk.
//!
//! `cargo bench -p e2e --bench schedule` — a plain commit replaces the row of each task that is
//! due, moves its row in the index of what is due, and puts a job: what a tick cannot do without.
//! Jitter scatters the order in which tasks are due over their names, and so the pages that a
//! commit writes; the plain commits go in such an order as well.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and fails by panicking"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::schedule::{Ports, Scheduler, TICK};
use engine::work::Wake;
use futures_util::future::join_all;
use model::queue::{BATCH_MAX, Claim, Finish, JobQueue as _, Outcome, Queue};
use model::task::{Direction, Schedule, Task, TaskStore as _};
use model::{Clock, TenantId, Timestamp};
use redb::{Database, TableDefinition};
use store::Store;

const TASKS: usize = 100_000;
const TENANTS: usize = 100;
const FEW: usize = 100;
const ROUNDS: usize = 3;
/// Leads from task to task through all of them, none next to the one before.
const STRIDE: usize = 70_001;
const HOUR: Duration = Duration::from_hours(1);

const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("tasks");
const DUE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("due");
const JOBS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("jobs");
const PAYLOAD: [u8; 128] = [b'x'; 128];

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let plain = Plain::open(&dir.path().join("plain.redb"));
    let mut world = World::open(&dir.path().join("store"));
    for schedule in ["an interval", "cron with jitter"] {
        let cron = schedule != "an interval";
        runtime.block_on(world.fill(cron));
        let first = runtime.block_on(world.first());
        let (mut none, mut few, mut all) = (Vec::new(), Vec::new(), Vec::new());
        let (mut plain_few, mut plain_all) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            none.push(runtime.block_on(world.tick(0)));
            plain_few.push(plain.tick(FEW, cron));
            few.push(runtime.block_on(world.few()));
            plain_all.push(plain.tick(TASKS, cron));
            all.push(runtime.block_on(world.all()));
        }
        let (none, few, all) = (median(none), median(few), median(all));
        let (plain_few, plain_all) = (median(plain_few), median(plain_all));
        println!("{TASKS} tasks with {schedule}, nothing due: {:.2} ms", none * 1e3);
        println!("the same, first tick of a process: {:.0} ms", first * 1e3);
        println!("{FEW} due: {:.1} ms, {:.2} x plain commits", few * 1e3, few / plain_few);
        println!(
            "all due: {all:.2} s, {:.1} us each, {:.2} x plain commits ({plain_all:.2} s)",
            all * 10.0,
            all / plain_all
        );
    }
}

struct World {
    store: Store,
    clock: Clock,
    scheduler: Scheduler,
}

impl World {
    fn open(dir: &Path) -> Self {
        let clock = Clock::manual("2026-01-01T00:00:00Z".parse().unwrap());
        let store = Store::open(dir, clock.clone()).unwrap();
        let scheduler = scheduler(&store, &clock);
        Self { store, clock, scheduler }
    }

    /// The first tick of a process, which looks whether the clock was set back while there was
    /// none. Those that follow do not.
    async fn first(&mut self) -> f64 {
        self.scheduler = scheduler(&self.store, &self.clock);
        self.tick(0).await
    }

    /// Puts all tasks, due together in an hour.
    async fn fill(&self, cron: bool) {
        let due = self.clock.now() + HOUR;
        for first in (0..TASKS).step_by(BATCH_MAX) {
            let tasks = (first..TASKS.min(first + BATCH_MAX)).map(|n| task(n, due, cron));
            join_all(tasks.map(async |task| self.store.put_task(task, None).await.unwrap())).await;
        }
    }

    async fn tick(&self, expected: usize) -> f64 {
        let start = Instant::now();
        let ticked = self.scheduler.tick().await.unwrap().unwrap();
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!((ticked.due, ticked.queued), (expected, expected));
        seconds
    }

    /// Lets a few tasks be due a moment before the others.
    async fn few(&self) -> f64 {
        let tenant = tenant(0);
        let tasks = self.store.tasks(&tenant, None, FEW).await.unwrap();
        let due = self.clock.now();
        for task in tasks {
            self.store.put_task(Task { next_sync_at: Some(due), ..task }, None).await.unwrap();
        }
        let seconds = self.tick(FEW).await;
        self.work(0).await;
        seconds
    }

    async fn all(&self) -> f64 {
        self.clock.advance(HOUR + TICK);
        let seconds = self.tick(TASKS).await;
        for number in 0..TENANTS {
            self.work(number).await;
        }
        seconds
    }

    /// Works off what a tenant has queued, so that the next tick queues it again.
    async fn work(&self, number: usize) {
        loop {
            let claim = Claim {
                worker: "bench".to_owned(),
                queue: Queue::InboundScheduled,
                tenant: tenant(number),
                skip: BTreeSet::new(),
                sessions_max: BATCH_MAX,
                jobs_max: 1,
                lease: HOUR,
                alone: false,
            };
            let leased = self.store.claim(claim).await.unwrap();
            if leased.is_empty() {
                return;
            }
            let finishes = leased.into_iter().map(|leased| {
                let outcomes = leased.jobs.iter().map(|job| (job.id, Outcome::Done)).collect();
                Finish { lease: leased.lease, outcomes, effects: Vec::new() }
            });
            self.store.finish(finishes.collect()).await.unwrap();
        }
    }
}

fn scheduler(store: &Store, clock: &Clock) -> Scheduler {
    let ports = Ports {
        tasks: Arc::new(store.clone()),
        clock: clock.clone(),
        wake: Wake::default(),
        sweeps: Vec::new(),
    };
    Scheduler::new(ports, "bench")
}

fn tenant(number: usize) -> TenantId {
    format!("tenant-{number:03}").parse().unwrap()
}

fn task(number: usize, due: Timestamp, cron: bool) -> Task {
    let expression = "0 * * * *".to_owned();
    let zone = "Europe/Berlin".to_owned();
    Task {
        tenant: tenant(number % TENANTS),
        id: format!("task-{number:06}").parse().unwrap(),
        connection: format!("crm-{number:06}").parse().unwrap(),
        package: "acme/hub".to_owned(),
        schedule: if cron { Schedule::Cron { expression, zone } } else { Schedule::Every(HOUR) },
        window: None,
        jitter: if cron { TICK } else { Duration::ZERO },
        direction: Direction::Inbound,
        entities: Vec::new(),
        paused: None,
        created: due - HOUR,
        next_sync_at: Some(due),
        last_sync_at: None,
        revision: 0,
    }
}

struct Plain {
    database: Database,
    row: Vec<u8>,
}

impl Plain {
    fn open(path: &Path) -> Self {
        let database = redb::Builder::new().set_cache_size(16 << 20).create(path).unwrap();
        let row = serde_json::to_vec(&task(0, Timestamp::UNIX_EPOCH, false)).unwrap();
        Self { database, row }
    }

    fn tick(&self, tasks: usize, scattered: bool) -> f64 {
        let start = Instant::now();
        let place = |number| if scattered { number * STRIDE % TASKS } else { number };
        for first in (0..tasks).step_by(BATCH_MAX) {
            let transaction = self.database.begin_write().unwrap();
            let mut rows = transaction.open_table(ROWS).unwrap();
            let mut due = transaction.open_table(DUE).unwrap();
            let mut jobs = transaction.open_table(JOBS).unwrap();
            for number in (first..tasks.min(first + BATCH_MAX)).map(place) {
                let key = format!("{}\0task-{number:06}", tenant(number % TENANTS));
                rows.insert(key.as_bytes(), self.row.as_slice()).unwrap();
                due.remove([b"20260101", key.as_bytes()].concat().as_slice()).unwrap();
                due.insert([b"20260102", key.as_bytes()].concat().as_slice(), [].as_slice())
                    .unwrap();
                jobs.insert(format!("{key}/sync").as_bytes(), PAYLOAD.as_slice()).unwrap();
            }
            drop((rows, due, jobs));
            transaction.commit().unwrap();
        }
        start.elapsed().as_secs_f64()
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
