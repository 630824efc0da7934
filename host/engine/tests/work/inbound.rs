//! Jobs that read connections, to their end in the store.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use engine::sync::{PackageRef, SyncPlan};
use engine::work::job::{Order, ReplayOrder, SyncOrder};
use model::adapter::{Account, Adapter, Called, Entity, Next, Page, PullRequest, Receipt};
use model::credential::{CredentialStore as _, Grant, NewSecrets};
use model::queue::{Claim, Death, JobQueue as _, NewJob, Pause, PauseScope, Queue};
use model::record::Record;
use model::run::{Run, RunKind, RunStatus};
use model::store::RecordStore as _;
use model::{Connection, ConnectionId, Error, ErrorKind};

use crate::world::{World, tenant};

/// One entity, read as a list.
pub(crate) fn plan() -> SyncPlan {
    let manifest = package::Manifest::parse(MANIFEST).unwrap();
    let package = PackageRef {
        name: "test/provider".to_owned(),
        version: "1.0.0".to_owned(),
        digest: "sha256:00".to_owned(),
    };
    let connection = Connection::new(tenant(), "crm".parse().unwrap(), "test/provider", "none");
    SyncPlan::of(package, &manifest, &connection, &engine::sync::Choice::default()).unwrap()
}

const MANIFEST: &str = r#"
[adapter]
id = "provider"
name = "Provider"
version = "1.0.0"
contract = "0.1"
publisher = "test"
license = "Apache-2.0"
summary = "A list of contacts."
[auth.none]
kind = "none"
[endpoint.api]
origin = "https://api.provider.example"
read = ["GET /**"]
[entity.contact]
cursor = "scan"
"#;

/// Ten pages of one record each, and an error where a test wants one.
pub(crate) struct Pages {
    fail: Box<dyn FnMut(usize) -> Option<Error> + Send>,
    waits: Option<Arc<tokio::sync::Semaphore>>,
    payload: &'static str,
}

impl Pages {
    pub(crate) fn new(fail: impl FnMut(usize) -> Option<Error> + Send + 'static) -> Self {
        Self { fail: Box::new(fail), waits: None, payload: "{}" }
    }

    /// The same, each record with this content.
    pub(crate) fn of(self, payload: &'static str) -> Self {
        Self { payload, ..self }
    }
}

fn called<T>(outcome: Result<T, Error>) -> Called<T> {
    Called { outcome, receipt: Receipt::default() }
}

#[async_trait]
impl Adapter for Pages {
    async fn check(&mut self) -> Called<Account> {
        called(Err(Error::new(ErrorKind::Unsupported, "test.check", "not here")))
    }

    async fn discover(&mut self, _: Option<&str>, _: Option<&str>) -> Called<Vec<Entity>> {
        called(Ok(Vec::new()))
    }

    async fn pull(&mut self, request: PullRequest) -> Called<Page> {
        let number: usize = request.checkpoint.as_deref().unwrap_or("0").parse().unwrap();
        if let Some(waits) = &self.waits {
            waits.acquire().await.unwrap().forget();
        }
        if let Some(error) = (self.fail)(number) {
            return called(Err(error));
        }
        let record = Record {
            entity: request.entity,
            id: number.to_string(),
            version: None,
            modified: None,
            payload: self.payload.into(),
            contents: Vec::new(),
            details: Vec::new(),
        };
        let next = (number + 1).to_string();
        let next = if number == 9 { Next::Done(next) } else { Next::More(next) };
        called(Ok(Page {
            records: vec![record],
            tombstones: Vec::new(),
            rejects: Vec::new(),
            next,
            details: Vec::new(),
        }))
    }
}

pub(crate) fn order(full: bool) -> NewJob {
    let order = SyncOrder {
        connection: "crm".parse().unwrap(),
        entities: Vec::new(),
        full,
        task: Some("nightly".parse().unwrap()),
        by_person: false,
        cause: None,
    };
    Order::Sync(order).job(&tenant(), Some("test/provider".to_owned()))
}

pub(crate) async fn runs(world: &World) -> Vec<Run> {
    let mut runs = world.store.runs(&tenant(), None, 100).await.unwrap();
    runs.reverse();
    runs
}

pub(crate) fn read(runs: &[Run]) -> Vec<(RunStatus, u64)> {
    let read = |run: &Run| run.entities.values().map(|report| report.read).sum();
    runs.iter().map(|run| (run.status, read(run))).collect()
}

#[tokio::test(start_paused = true)]
async fn job_reads_its_connection_and_ends_with_its_run() {
    let world = World::new(plan()).await;
    world.adapter(|| Pages::new(|_| None));
    let crew = world.readers();
    world.enqueue(order(false)).await;
    world.until(|s| s.done == 1).await;
    let runs = runs(&world).await;
    assert_eq!(read(&runs), [(RunStatus::Succeeded, 10)]);
    assert_eq!(runs[0].task, Some("nightly".parse().unwrap()));
    assert_eq!(runs[0].lease.as_ref().unwrap().session, "sync/crm");
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn job_replays_its_connection_without_its_adapter() {
    let world = World::new(plan()).await;
    let crew = world.readers();
    let connection = "crm".parse().unwrap();
    let order =
        ReplayOrder { connection, entities: Vec::new(), again: false, mark: None, cause: None };
    world.enqueue(Order::Replay(order).job(&tenant(), Some("test/provider".to_owned()))).await;
    world.until(|s| s.done == 1).await;
    let runs = runs(&world).await;
    assert_eq!((runs[0].kind, runs[0].status), (RunKind::Replay, RunStatus::Succeeded));
    assert_eq!(runs[0].lease.as_ref().unwrap().session, "sync/crm");
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn failed_run_is_tried_again_from_where_it_stopped() {
    let world = World::new(plan()).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    world.adapter(move || {
        let count = Arc::clone(&count);
        Pages::new(move |page| {
            let away = Error::new(ErrorKind::Unavailable, "test.away", "away").sent();
            (page == 6 && count.fetch_add(1, Ordering::Relaxed) < 2).then_some(away)
        })
    });
    let crew = world.readers();
    world.enqueue(order(false)).await;
    for attempt in 1..=2 {
        world.comes(|| calls.load(Ordering::Relaxed) == attempt).await;
        world.until(|s| s.leased == 0).await;
        world.pass(Duration::from_mins(1)).await;
    }
    world.until(|s| s.done == 1).await;
    // The last four pages, and then what may have changed since the reading began.
    let expected = [(RunStatus::Failed, 6), (RunStatus::Failed, 0), (RunStatus::Succeeded, 14)];
    assert_eq!(read(&runs(&world).await), expected);
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn stopped_run_keeps_its_pages_and_its_job_goes_on_later_at_no_cost() {
    let world = World::new(plan()).await;
    let gate = Arc::new(tokio::sync::Semaphore::new(3));
    let waits = Arc::clone(&gate);
    world.adapter(move || Pages { waits: Some(Arc::clone(&waits)), ..Pages::new(|_| None) });
    let crew = world.readers();
    world.enqueue(order(false)).await;
    world.comes(|| gate.available_permits() == 0).await;
    crew.stop.cancel();
    world.settle().await;
    // The page that is being read is read to its end.
    gate.add_permits(100);
    crew.stop().await;
    let stats = world.stats().await;
    assert_eq!((stats.queued, stats.leased, stats.done), (1, 0, 0));
    let crew = world.readers();
    world.until(|s| s.done == 1).await;
    let all = runs(&world).await;
    assert_eq!(
        all.iter().map(|run| run.status).collect::<Vec<_>>(),
        [RunStatus::Cancelled, RunStatus::Succeeded]
    );
    let pages: u64 = read(&all).iter().map(|(_, read)| read).sum();
    assert_eq!(pages, 10);
    assert!(read(&all)[0].1 >= 3);
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn stopped_run_goes_on_behind_what_waits_by_then() {
    let world = World::new(plan()).await;
    let gate = Arc::new(tokio::sync::Semaphore::new(3));
    let waits = Arc::clone(&gate);
    world.adapter(move || Pages { waits: Some(Arc::clone(&waits)), ..Pages::new(|_| None) });
    let crew = world.readers();
    world.enqueue(order(false)).await;
    world.comes(|| gate.available_permits() == 0).await;
    crew.stop.cancel();
    world.settle().await;
    world.clock.advance(Duration::from_mins(1));
    world.enqueue(crate::world::job("other")).await;
    world.clock.advance(Duration::from_mins(1));
    gate.add_permits(100);
    crew.stop().await;
    let claim = Claim {
        worker: "test".to_owned(),
        queue: Queue::InboundScheduled,
        tenant: tenant(),
        skip: BTreeSet::new(),
        sessions_max: 2,
        jobs_max: 1,
        lease: Duration::from_mins(1),
        alone: false,
    };
    let claimed = world.store.claim(claim).await.unwrap();
    let sessions: Vec<_> = claimed.iter().map(|leased| leased.lease.session.as_str()).collect();
    assert_eq!(sessions, ["sync/other", "sync/crm"]);
    assert_eq!(claimed[1].jobs[0].attempt, 1);
}

#[tokio::test(start_paused = true)]
async fn job_of_a_task_that_comes_too_early_is_done_without_a_run() {
    let world = World::new(plan()).await;
    *world.desk.early.lock().unwrap() = Some(world.clock.now() + Duration::from_hours(1));
    let crew = world.readers();
    world.enqueue(order(false)).await;
    world.until(|s| s.done == 1).await;
    assert!(runs(&world).await.is_empty());
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn lost_authorisation_pauses_the_connection_and_keeps_the_job() {
    let world = World::new(plan()).await;
    world.adapter(|| {
        Pages::new(|_| Some(Error::new(ErrorKind::AuthRequired, "test.token", "expired").sent()))
    });
    let crew = world.readers();
    world.enqueue(order(false)).await;
    // Before it is claimed the job waits as well, so that its waiting alone tells nothing.
    while world.store.pauses(&tenant(), None, 9).await.unwrap().is_empty() {
        world.settle().await;
    }
    world.pass(Duration::from_hours(10)).await;
    world.settle().await;
    assert_eq!(runs(&world).await.len(), 1);
    let [Pause { scope, reason, .. }] = &world.store.pauses(&tenant(), None, 9).await.unwrap()[..]
    else {
        panic!("one pause")
    };
    let crm: ConnectionId = "crm".parse().unwrap();
    assert_eq!(
        (scope, reason.as_str()),
        (&PauseScope::Unauthorised(crm.clone()), "expired (test.token)")
    );
    assert!(world.store.resume(&tenant(), scope).await.is_err(), "that helps nobody");
    world.adapter(|| Pages::new(|_| None));
    let again = Connection::new(tenant(), crm, "test/provider", "key");
    let secrets = NewSecrets { replaces: 0, sealed: Vec::new(), grant: Grant::default() };
    world.store.authorise(again, secrets).await.unwrap();
    world.wake.wake();
    world.until(|s| s.done == 1).await;
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_done_is_a_dead_letter_that_says_why() {
    let world = World::new(plan()).await;
    world.adapter(|| {
        Pages::new(|_| Some(Error::new(ErrorKind::Permission, "test.scope", "no scope").sent()))
    });
    let crew = world.readers();
    world.enqueue(order(false)).await;
    world.until(|s| s.dead == 1).await;
    world.enqueue(NewJob { payload: r#"{"version":7,"order":{}}"#.into(), ..order(false) }).await;
    world.until(|s| s.dead == 2).await;
    let other = NewJob {
        session: "sync/other".to_owned(),
        connection: Some("other".parse().unwrap()),
        ..order(false)
    };
    world.enqueue(other).await;
    world.until(|s| s.dead == 3).await;
    let letters = world.dead().await;
    let codes: Vec<_> =
        letters.iter().map(|letter| letter.failures[0].error.code.as_str()).collect();
    assert_eq!(codes, ["test.scope", "engine.order", "engine.order"]);
    assert!(letters.iter().all(|letter| letter.why == Death::Permanent && letter.attempts == 1));
    assert!(letters[1].failures[0].error.message.contains("version 7"));
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn jobs_of_one_connection_run_one_after_another() {
    let world = World::new(plan()).await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (Arc::clone(&now), Arc::clone(&most));
    world.adapter(move || {
        let (now, most) = counts.clone();
        Pages::new(move |page| {
            if page == 0 {
                most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            }
            if page == 9 {
                now.fetch_sub(1, Ordering::Relaxed);
            }
            None
        })
    });
    for _ in 0..5 {
        world.enqueue(NewJob { dedupe: Vec::new(), ..order(false) }).await;
    }
    let crew = world.readers();
    world.until(|s| s.done == 5).await;
    assert_eq!(most.load(Ordering::Relaxed), 1);
    crew.stop().await;
}
