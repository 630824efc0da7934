//! Shares and caps, in simulated time: nothing here depends on how fast the machine is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use engine::breaker::Breakers;
use engine::metrics::Metrics;
use engine::replay::ReplayPlan;
use engine::sync::Cancel;
use engine::work::job::{ReplayOrder, SyncOrder};
use engine::work::{
    About, Context, Handled, Handler, Limits, Opener, Opening, Ports, Terms, Wake, run,
};
use model::breaker::BreakerStore;
use model::queue::{JobId, Leased, Outcome, Queue};
use model::{Clock, ConnectionId, Error, TenantId, Timestamp};
use tokio::time::Instant;

use crate::memory::Memory;

const SECOND: Duration = Duration::from_secs(1);

/// Works for a time that depends on the tenant, and remembers what it did.
#[derive(Default)]
struct Simulated {
    service: BTreeMap<&'static str, Duration>,
    begun: Mutex<Vec<(String, Instant)>>,
    ended: Mutex<Vec<(String, Instant)>>,
    now: Mutex<BTreeMap<String, usize>>,
    most: Mutex<BTreeMap<String, usize>>,
}

impl Simulated {
    fn enter(&self, names: &[String]) {
        let (mut now, mut most) = (self.now.lock().unwrap(), self.most.lock().unwrap());
        for name in names {
            let count = now.entry(name.clone()).or_default();
            *count += 1;
            let most = most.entry(name.clone()).or_default();
            *most = (*most).max(*count);
        }
    }

    fn leave(&self, names: &[String]) {
        let mut now = self.now.lock().unwrap();
        for name in names {
            *now.get_mut(name).unwrap() -= 1;
        }
    }

    fn begun(&self) -> Vec<(String, Instant)> {
        self.begun.lock().unwrap().clone()
    }

    fn ended(&self) -> Vec<(String, Instant)> {
        self.ended.lock().unwrap().clone()
    }

    fn most(&self, name: &str) -> usize {
        self.most.lock().unwrap().get(name).copied().unwrap_or(0)
    }
}

#[async_trait]
impl Handler for Simulated {
    fn terms(&self) -> Terms {
        Terms { deadline: 60 * SECOND, turn: 3600 * SECOND, jobs_max: 1 }
    }

    async fn handle(&self, leased: &Leased, _: Context) -> Handled {
        let (tenant, package) = (leased.lease.tenant.to_string(), leased.package.clone().unwrap());
        let names = ["all".to_owned(), tenant.clone(), package.clone()];
        self.enter(&names);
        self.begun.lock().unwrap().push((tenant.clone(), Instant::now()));
        let service = self.service.get(tenant.as_str()).copied();
        tokio::time::sleep(service.unwrap_or(SECOND)).await;
        self.leave(&names);
        self.ended.lock().unwrap().push((tenant, Instant::now()));
        let outcomes = leased.jobs.iter().map(|job| (job.id, Outcome::Done)).collect();
        Handled { outcomes, effects: Vec::new() }
    }
}

/// Knows hosts by package.
struct Hosts(Option<&'static str>);

#[async_trait]
impl Opener for Hosts {
    async fn about(&self, _: &TenantId, _: &ConnectionId) -> Result<Option<About>, Error> {
        let host = self.0.map(str::to_owned);
        Ok(Some(About { host, digest: "sha256:00".to_owned() }))
    }

    async fn open(&self, _: &TenantId, _: &SyncOrder, _: JobId) -> Result<Opening, Error> {
        Ok(Opening::Gone)
    }

    async fn replay(&self, _: &TenantId, _: &ReplayOrder) -> Result<Option<ReplayPlan>, Error> {
        Ok(None)
    }
}

struct Sim {
    queue: Arc<Memory>,
    handler: Arc<Simulated>,
    wake: Wake,
    stop: Cancel,
    workers: tokio::task::JoinHandle<()>,
}

impl Sim {
    async fn start(
        limits: Limits,
        host: Option<&'static str>,
        service: &[(&'static str, Duration)],
    ) -> Self {
        let queue = Arc::new(Memory::default());
        let service = service.iter().copied().collect();
        let handler = Arc::new(Simulated { service, ..Simulated::default() });
        let (wake, stop) = (Wake::default(), Cancel::default());
        let own: Arc<dyn Handler> = Arc::<Simulated>::clone(&handler);
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let kept: Arc<dyn BreakerStore> = Arc::<Memory>::clone(&queue);
        let breakers = Breakers::load(kept, clock.clone()).await.unwrap();
        let ports = Ports {
            queue: Arc::<Memory>::clone(&queue),
            opener: Arc::new(Hosts(host)),
            handlers: BTreeMap::from([(Queue::InboundScheduled, own)]),
            breakers,
            clock,
            wake: wake.clone(),
            worker: "test".to_owned(),
            metrics: Metrics::default(),
        };
        let workers = tokio::spawn(run(ports, limits, stop.clone()));
        Self { queue, handler, wake, stop, workers }
    }

    fn add(&self, tenant: &str, package: &str, count: usize) {
        self.queue.add(tenant, package, count);
        self.wake.wake();
    }

    /// How long jobs of a tenant take that come one every `every`, from queueing to their end.
    async fn latencies(&self, tenant: &str, every: Duration, count: usize) -> Vec<Duration> {
        let mut queued = Vec::new();
        for _ in 0..count {
            queued.push(Instant::now());
            self.add(tenant, "acme/b", 1);
            tokio::time::sleep(every).await;
        }
        tokio::time::sleep(600 * SECOND).await;
        let ended = self.handler.ended();
        let ends = ended.iter().filter(|(name, _)| name == tenant).map(|(_, at)| *at);
        let mut spans: Vec<Duration> = ends.zip(&queued).map(|(end, begin)| end - *begin).collect();
        assert_eq!(spans.len(), count);
        spans.sort_unstable();
        spans
    }

    async fn stop(self) {
        self.stop.cancel();
        self.workers.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn latency_of_one_tenant_is_the_same_while_another_reads_a_hundred_thousand_jobs() {
    let service = [("a", 10 * SECOND), ("b", SECOND)];
    let alone = Sim::start(Limits::default(), None, &service).await;
    let expected = alone.latencies("b", SECOND / 4, 400).await;
    alone.stop().await;
    let beside = Sim::start(Limits::default(), None, &service).await;
    beside.add("a", "acme/a", 100_000);
    tokio::time::sleep(100 * SECOND).await;
    let found = beside.latencies("b", SECOND / 4, 400).await;
    let p95 = |spans: &Vec<Duration>| spans[spans.len() * 95 / 100];
    assert!(p95(&found) * 10 <= p95(&expected) * 11, "{:?} {:?}", p95(&found), p95(&expected));
    assert_eq!(beside.handler.most("a"), Limits::default().per_tenant);
    beside.stop().await;
}

#[tokio::test(start_paused = true)]
async fn even_where_one_tenant_may_fill_everything_the_next_waits_for_one_quantum() {
    let limits = Limits { total: 4, per_tenant: 4, per_package: 4, per_host: 4 };
    let sim = Sim::start(limits, None, &[]).await;
    sim.add("a", "acme/a", 100_000);
    tokio::time::sleep(100 * SECOND + SECOND / 2).await;
    let before = sim.handler.begun().len();
    sim.add("b", "acme/b", 1);
    tokio::time::sleep(20 * SECOND).await;
    let begun = sim.handler.begun();
    let position = begun[before..].iter().position(|(tenant, _)| tenant == "b").unwrap();
    assert!(position <= 8, "{position}");
    sim.stop().await;
}

#[tokio::test(start_paused = true)]
async fn many_tenants_get_equal_shares() {
    let limits = Limits { total: 10, per_tenant: 10, per_package: 10, per_host: 10 };
    let sim = Sim::start(limits, None, &[]).await;
    for tenant in 0..100 {
        sim.add(&format!("t{tenant}"), "acme/a", if tenant == 0 { 50_000 } else { 400 });
    }
    tokio::time::sleep(2000 * SECOND).await;
    let mut counts = BTreeMap::<String, usize>::new();
    for (tenant, _) in sim.handler.ended() {
        *counts.entry(tenant).or_default() += 1;
    }
    let (least, most) = (counts.values().min().unwrap(), counts.values().max().unwrap());
    assert_eq!(counts.len(), 100);
    assert!(most - least <= 8, "{counts:?}");
    sim.stop().await;
}

#[tokio::test(start_paused = true)]
async fn caps_hold_for_all_for_a_tenant_for_a_package_and_for_a_host() {
    let limits = Limits { total: 12, per_tenant: 6, per_package: 5, per_host: 100 };
    let sim = Sim::start(limits, None, &[]).await;
    for tenant in ["a", "b", "c"] {
        for package in ["x/one", "x/two", "x/three"] {
            sim.add(tenant, package, 500);
        }
    }
    tokio::time::sleep(60 * SECOND).await;
    let names = ["all", "a", "b", "c", "x/one", "x/two", "x/three"];
    let most: Vec<_> = names.iter().map(|name| sim.handler.most(name)).collect();
    assert!(
        most[0] == 12 && most[1..4].iter().all(|n| *n <= 6) && most[4..].iter().all(|n| *n <= 5),
        "{most:?}"
    );
    let begun: BTreeSet<_> =
        sim.handler.begun.lock().unwrap().iter().map(|(t, _)| t.clone()).collect();
    assert_eq!(begun.len(), 3);
    sim.stop().await;

    let limits = Limits { total: 12, per_tenant: 6, per_package: 10, per_host: 3 };
    let sim = Sim::start(limits, Some("https://api.example.com"), &[]).await;
    for tenant in ["a", "b"] {
        sim.add(tenant, "x/one", 500);
    }
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(sim.handler.most("all"), 3);
    sim.stop().await;
}

#[tokio::test(start_paused = true)]
async fn idle_and_stuck_workers_look_once_a_second_and_no_oftener() {
    let sim =
        Sim::start(Limits { per_package: 1, ..Limits::default() }, None, &[("a", 3600 * SECOND)])
            .await;
    tokio::time::sleep(100 * SECOND).await;
    let idle = sim.queue.looks.swap(0, Ordering::Relaxed);
    // Twice each time: behind the last tenant, and from the front.
    assert!(idle <= 2 * 101, "{idle}");
    sim.add("a", "x/one", 10);
    tokio::time::sleep(100 * SECOND).await;
    let stuck = sim.queue.looks.load(Ordering::Relaxed);
    assert!(stuck <= 2 * 104, "{stuck}");
    assert_eq!(sim.handler.begun.lock().unwrap().len(), 1);
}
