//! How long one tenant's small jobs take while another one works off 100,000 of its own.
//!
//! `cargo bench -p e2e --bench fairness` — the real store and the real workers; jobs wait for a
//! provider that answers after a fixed time. Rounds alone and rounds beside the other tenant
//! alternate, each in a store of its own.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark prints, and fails by panicking"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::breaker::Breakers;
use engine::replay::ReplayPlan;
use engine::sync::Cancel;
use engine::work::job::{ReplayOrder, SyncOrder};
use engine::work::{
    About, Context, Handled, Handler, Limits, Opener, Opening, Ports, Terms, Wake, run,
};
use model::queue::{BATCH_MAX, Enqueued, JobId, JobQueue as _, Leased, NewJob, Outcome, Queue};
use model::{Clock, ConnectionId, Error, TenantId};
use store::Store;
use tokio::sync::mpsc;
use tokio::time::Instant;

#[path = "fairness/told.rs"]
mod told;

use told::Told;

const BACKLOG: usize = 100_000;
const JOBS: usize = 400;
const ROUNDS: usize = 3;
/// Between two jobs of the small tenant: far less than it may have at work at once.
const PAUSE: Duration = Duration::from_millis(25);
/// What a provider takes to answer a small job, and a page of the other tenant's backlog.
const SMALL: Duration = Duration::from_millis(100);
const LARGE: Duration = Duration::from_millis(250);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    let mut done = 0;
    for _ in 0..ROUNDS {
        alone.extend(runtime.block_on(round(0)).0);
        let (spans, others) = runtime.block_on(round(BACKLOG));
        beside.extend(spans);
        done += others;
    }
    println!("{done} jobs of the other tenant were done meanwhile");
    for (name, percent) in [("median", 50), ("p95", 95)] {
        let (alone, beside) = (at(&mut alone, percent), at(&mut beside, percent));
        println!(
            "a job of {SMALL:?}, {name} from queueing to done: {:.1} ms alone, {:.1} ms beside a \
             backlog of {BACKLOG}, {:.2} x",
            alone.as_secs_f64() * 1e3,
            beside.as_secs_f64() * 1e3,
            beside.as_secs_f64() / alone.as_secs_f64()
        );
    }
}

/// How long each small job took, and how many of the other tenant were done meanwhile.
async fn round(backlog: usize) -> (Vec<Duration>, u64) {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let store = Store::open(dir.path(), clock.clone()).unwrap();
    for first in (0..backlog).step_by(BATCH_MAX) {
        let jobs = (first..backlog.min(first + BATCH_MAX)).map(|number| job("large", number));
        store.enqueue(jobs.collect()).await.unwrap();
    }
    let (done, mut ends) = mpsc::unbounded_channel();
    let (wake, stop) = (Wake::default(), Cancel::default());
    let provider: Arc<dyn Handler> = Arc::new(Provider);
    let ports = Ports {
        queue: Arc::new(Told { store: store.clone(), done }),
        opener: Arc::new(Desk),
        handlers: BTreeMap::from([(Queue::Outbound, provider)]),
        breakers: Breakers::load(Arc::new(store.clone()), clock.clone()).await.unwrap(),
        clock,
        wake: wake.clone(),
        worker: "bench".to_owned(),
        metrics: engine::metrics::Metrics::default(),
    };
    let workers = tokio::spawn(run(ports, Limits::default(), stop.clone()));
    tokio::time::sleep(LARGE * 4).await;
    let mut begun = BTreeMap::new();
    for number in 0..JOBS {
        let now = Instant::now();
        let queued = store.enqueue(vec![job("small", number)]).await.unwrap();
        wake.wake();
        let Enqueued::New(id) = queued[0] else { panic!("no key is given twice") };
        begun.insert(id, now);
        tokio::time::sleep_until(now + PAUSE).await;
    }
    let mut spans = Vec::with_capacity(JOBS);
    while spans.len() < JOBS {
        let (tenant, job, end) = ends.recv().await.unwrap();
        if tenant.as_str() == "small" {
            spans.push(end - begun[&job]);
        }
    }
    let others = store.stats(&"large".parse().unwrap(), Queue::Outbound).await.unwrap().done;
    stop.cancel();
    workers.await.unwrap();
    (spans, others)
}

/// A job of a tenant; each is a session of its own, as with records that are sent out.
fn job(tenant: &str, number: usize) -> NewJob {
    NewJob {
        tenant: tenant.parse().unwrap(),
        queue: Queue::Outbound,
        session: format!("deal/{number}"),
        connection: Some("crm".parse().unwrap()),
        package: Some(format!("{tenant}/crm")),
        payload: number.to_string().into(),
        run_at: None,
        dedupe: Vec::new(),
    }
}

/// Takes its time.
struct Provider;

#[async_trait]
impl Handler for Provider {
    fn terms(&self) -> Terms {
        Terms { deadline: Duration::from_mins(1), turn: Duration::from_mins(1), jobs_max: 1 }
    }

    async fn handle(&self, leased: &Leased, _: Context) -> Handled {
        let small = leased.lease.tenant.as_str() == "small";
        tokio::time::sleep(if small { SMALL } else { LARGE }).await;
        let outcomes = leased.jobs.iter().map(|job| (job.id, Outcome::Done)).collect();
        Handled { outcomes, effects: Vec::new() }
    }
}

/// Connections that are always there.
struct Desk;

#[async_trait]
impl Opener for Desk {
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

fn at(spans: &mut [Duration], percent: usize) -> Duration {
    spans.sort_unstable();
    spans[spans.len() * percent / 100]
}
