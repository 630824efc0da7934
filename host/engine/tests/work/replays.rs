//! Jobs that map again what was read.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::mapping::{Mapping, Mappings, Origin};
use engine::replay::Mark;
use engine::sync::{Cancel, SyncPlan};
use engine::work::job::{Order, ReplayOrder, SyncOrder};
use engine::work::{About, Context, Handler as _, Inbound};
use mapping::Types;
use model::adapter::{Account, Adapter, Called, Entity, Next, Page, PullRequest, Receipt};
use model::breaker::{Hosts as _, Key, Outcome as Answer, REQUESTS_MIN};
use model::queue::{Claim, Effect, Failure, JobQueue as _, Leased, NewJob, Outcome, Queue};
use model::record::Record;
use model::run::RunKind;
use model::store::RecordStore as _;
use model::{Error, ErrorKind};
use serde_json::json;

use crate::inbound::plan;
use crate::world::{World, tenant};

/// Contacts that refer to each other by their manager.
fn managed() -> SyncPlan {
    let fields = json!([{"from": "/name", "to": "full_name"},
        {"from": "/boss", "ops": [{"op": "lookup_ref", "entity": "contact"}], "to": "job_title",
         "direction": "in"}]);
    let schema = json!({"format": 1, "name": "s", "entity": "contact", "type": "c_contact",
        "fields": fields});
    let mapping = Mapping::new(&schema.to_string(), Origin::Saved(1), &Types::built_in()).unwrap();
    SyncPlan { mappings: Mappings::default().with("contact", Some(mapping)), ..plan() }
}

/// One page for each of these contacts, given by the id of the manager; an error behind the last.
#[derive(Clone)]
struct Managers(&'static [&'static str], Option<Error>);

fn called<T>(outcome: Result<T, Error>) -> Called<T> {
    Called { outcome, receipt: Receipt::default() }
}

#[async_trait]
impl Adapter for Managers {
    async fn check(&mut self) -> Called<Account> {
        called(Err(Error::new(ErrorKind::Unsupported, "test.check", "not here")))
    }

    async fn discover(&mut self, _: Option<&str>, _: Option<&str>) -> Called<Vec<Entity>> {
        called(Ok(Vec::new()))
    }

    async fn pull(&mut self, request: PullRequest) -> Called<Page> {
        let number: usize = request.checkpoint.as_deref().unwrap_or("0").parse().unwrap();
        let Some(boss) = self.0.get(number) else { return called(Err(self.1.clone().unwrap())) };
        let record = Record {
            entity: request.entity,
            id: number.to_string(),
            version: None,
            modified: None,
            payload: json!({"name": number.to_string(), "boss": boss}).to_string().into(),
            contents: Vec::new(),
            details: Vec::new(),
        };
        let last = self.1.is_none() && number + 1 == self.0.len();
        let next = (number + 1).to_string();
        called(Ok(Page {
            records: vec![record],
            tombstones: Vec::new(),
            rejects: Vec::new(),
            next: if last { Next::Done(next) } else { Next::More(next) },
            details: Vec::new(),
        }))
    }
}

fn sync() -> NewJob {
    let connection = "crm".parse().unwrap();
    let order = SyncOrder {
        connection,
        entities: Vec::new(),
        full: false,
        task: None,
        by_person: true,
        cause: None,
    };
    Order::Sync(order).job(&tenant(), Some("test/provider".to_owned()))
}

fn replay(mark: Option<Mark>) -> NewJob {
    let connection = "crm".parse().unwrap();
    let order = ReplayOrder { connection, entities: Vec::new(), again: true, mark, cause: None };
    Order::Replay(order).job(&tenant(), Some("test/provider".to_owned()))
}

/// So many contacts on one page, whose managers are never read.
#[derive(Clone)]
struct Orphans(usize);

#[async_trait]
impl Adapter for Orphans {
    async fn check(&mut self) -> Called<Account> {
        called(Err(Error::new(ErrorKind::Unsupported, "test.check", "not here")))
    }

    async fn discover(&mut self, _: Option<&str>, _: Option<&str>) -> Called<Vec<Entity>> {
        called(Ok(Vec::new()))
    }

    async fn pull(&mut self, request: PullRequest) -> Called<Page> {
        let record = |number: usize| Record {
            entity: request.entity.clone(),
            id: number.to_string(),
            version: None,
            modified: None,
            payload: format!(r#"{{"name":"x","boss":"never {number}"}}"#).into(),
            contents: Vec::new(),
            details: Vec::new(),
        };
        called(Ok(Page {
            records: (0..self.0).map(record).collect(),
            tombstones: Vec::new(),
            rejects: Vec::new(),
            next: Next::Done("all".to_owned()),
            details: Vec::new(),
        }))
    }
}

/// Claims the only job.
async fn claim(world: &World) -> Leased {
    let claim = Claim {
        worker: "test".to_owned(),
        queue: Queue::InboundScheduled,
        tenant: tenant(),
        skip: BTreeSet::new(),
        sessions_max: 1,
        jobs_max: 1,
        lease: Duration::from_mins(1),
        alone: false,
    };
    world.store.claim(claim).await.unwrap().remove(0)
}

async fn kinds(world: &World) -> Vec<RunKind> {
    let runs = world.store.runs(&tenant(), None, 100).await.unwrap();
    runs.iter().rev().map(|run| run.kind).collect()
}

/// What becomes of a sync of these contacts, with the error or to the end.
async fn check(
    managers: &'static [&'static str],
    error: Option<Error>,
    jobs: u64,
    runs: &[RunKind],
) {
    let world = World::new(managed()).await;
    world.adapter(move || Managers(managers, error.clone()));
    let crew = world.readers();
    world.enqueue(sync()).await;
    let stats = world.until(|s| s.done + s.dead == jobs && s.queued == 0).await;
    world.pass(Duration::from_hours(1)).await;
    assert_eq!(world.stats().await.enqueued, stats.enqueued, "nothing follows");
    assert_eq!(kinds(&world).await, runs, "{managers:?}");
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn sync_that_leaves_references_to_what_came_later_is_followed_by_a_replay() {
    use RunKind::{Replay, Sync};
    check(&["1", ""], None, 2, &[Sync, Replay]).await;
    check(&["never", ""], None, 1, &[Sync]).await;
}

#[tokio::test(start_paused = true)]
async fn sync_that_does_not_come_to_its_end_leaves_a_replay_behind_it() {
    use RunKind::{Replay, Sync};
    let denied = Error::new(ErrorKind::Permission, "test.denied", "no").sent();
    check(&["never"], Some(denied), 2, &[Sync, Replay]).await;
}

/// Reads a contact whose manager has not come yet, and does not say so.
async fn cut_off(world: &World) -> Leased {
    world.enqueue(sync()).await;
    let leased = claim(world).await;
    let lease = Some(leased.lease.clone());
    let away = Error::new(ErrorKind::Unavailable, "test.away", "away").sent();
    let mut adapter = Managers(&["1"], Some(away));
    let ports = engine::sync::Ports {
        adapter: &mut adapter,
        store: &world.store,
        clock: world.clock.clone(),
        cancel: Cancel::default(),
        listener: &|_| {},
        metrics: world.metrics.clone(),
    };
    drop(engine::sync::run(&SyncPlan { lease, ..managed() }, ports).await.unwrap());
    leased
}

#[tokio::test(start_paused = true)]
async fn what_an_attempt_that_was_cut_off_has_left_is_followed_by_a_replay() {
    for (code, follows) in [("engine.panic", true), ("engine.store", true), ("test.away", false)] {
        let world = World::new(managed()).await;
        let mut leased = cut_off(&world).await;
        world.adapter(|| Managers(&["1", ""], None));
        let error = Error::new(ErrorKind::Other, code, "cut off");
        let (at, attempt) = (world.clock.now(), 1);
        let failure = Failure { at, attempt, error, digest: None, progressed: false };
        leased.jobs[0].failures.push(failure);
        let store = Arc::new(world.store.clone());
        let desk = Arc::clone(&world.desk);
        let inbound = Inbound::new(
            desk,
            store,
            (world.clock.clone(), world.metrics.clone()),
            Duration::from_secs(30),
        );
        let context = Context { cancel: Cancel::default(), digest: None };
        let handled = inbound.handle(&leased, context).await;
        let queued = |effect: &Effect| matches!(effect, Effect::Enqueue(_));
        assert_eq!(handled.effects.iter().any(queued), follows, "{code}: {handled:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_run_that_died_has_left_is_followed_by_a_replay() {
    let world = World::new(managed()).await;
    // Its worker dies before it can say how the run has ended.
    drop(cut_off(&world).await);
    world.pass(Duration::from_mins(2)).await;
    world.adapter(|| Managers(&["1", ""], None));
    let crew = world.readers();
    world.until(|s| s.done == 2).await;
    assert_eq!(kinds(&world).await, [RunKind::Sync, RunKind::Sync, RunKind::Replay]);
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn references_beyond_those_that_are_remembered_are_followed_by_one_replay() {
    let world = World::new(managed()).await;
    world.adapter(|| Orphans(10_001));
    let crew = world.readers();
    world.enqueue(sync()).await;
    world.until(|s| s.done >= 2 && s.leased == 0).await;
    world.pass(Duration::from_hours(1)).await;
    assert_eq!(kinds(&world).await, [RunKind::Sync, RunKind::Replay]);
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn replay_waits_for_no_breaker() {
    let world = World::new(managed()).await;
    let host = "api.provider.example".to_owned();
    let about = About { host: Some(host.clone()), digest: "sha256:00".to_owned() };
    *world.desk.about.lock().unwrap() = Some(about);
    let key = Key { tenant: tenant(), package: "test/provider".to_owned(), host };
    for _ in 0..REQUESTS_MIN {
        let pass = world.breakers.admit(&key).unwrap();
        world.breakers.report(&key, pass, Answer::Failed(None));
    }
    let crew = world.readers();
    world.enqueue(replay(None)).await;
    world.until(|stats| stats.done == 1).await;
    assert_eq!(kinds(&world).await, [RunKind::Replay]);
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn stopped_replay_goes_on_from_its_mark_as_another_job() {
    let world = World::new(managed()).await;
    let mark = Some(Mark { entity: "contact".to_owned(), after: "00".to_owned() });
    world.enqueue(replay(mark.clone())).await;
    let leased = claim(&world).await;
    let store = Arc::new(world.store.clone());
    let desk = Arc::clone(&world.desk);
    let inbound = Inbound::new(
        desk,
        store,
        (world.clock.clone(), world.metrics.clone()),
        Duration::from_secs(30),
    );
    let cancel = Cancel::default();
    cancel.cancel();
    let handled = inbound.handle(&leased, Context { cancel, digest: None }).await;
    assert!(matches!(handled.outcomes[..], [(id, Outcome::Done)] if id == leased.jobs[0].id));
    let [Effect::EndRun(_), Effect::Enqueue(job)] = &handled.effects[..] else {
        panic!("{:?}", handled.effects)
    };
    let Ok(Order::Replay(rest)) = Order::parse(&job.payload) else { panic!("{job:?}") };
    assert_eq!((rest.entities, rest.mark, rest.again), (vec!["contact".to_owned()], mark, true));
}
