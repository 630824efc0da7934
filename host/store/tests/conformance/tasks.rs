//! Tasks, when they are due, and who has the lead.

use std::time::Duration;

use model::Clock;
use model::queue::{Dedupe, DedupeUntil, Enqueued, NewJob, Queue};
use model::store::StoreErrorKind;
use model::task::{Direction, Fence, LEAD_MAX, Schedule, Task, Tick};

use super::Ports;
use super::samples::at;

const LEASE: Duration = Duration::from_secs(150);
/// A second before the lease runs out.
const JUST_BEFORE: Duration = Duration::from_secs(149);

/// `tenant/task`, due at this second.
pub(crate) fn task(path: &str, due: i64) -> Task {
    let (tenant, id) = path.split_once('/').unwrap();
    Task {
        tenant: tenant.parse().unwrap(),
        id: id.parse().unwrap(),
        connection: "hub".parse().unwrap(),
        package: "acme/hub".to_owned(),
        schedule: Schedule::Every(Duration::from_mins(5)),
        window: None,
        jitter: Duration::ZERO,
        direction: Direction::Inbound,
        entities: vec!["contacts".to_owned()],
        paused: None,
        created: at(0),
        next_sync_at: Some(at(due)),
        last_sync_at: None,
        revision: 0,
    }
}

/// The tick of a task that is due next at this second.
fn tick(task: &Task, next: i64) -> Tick {
    let key = format!("task/{}", task.id);
    let job = NewJob {
        tenant: task.tenant.clone(),
        queue: Queue::InboundScheduled,
        session: "sync/hub".to_owned(),
        connection: Some(task.connection.clone()),
        package: None,
        payload: "{}".into(),
        run_at: None,
        dedupe: vec![Dedupe { key, until: DedupeUntil::Finished }],
    };
    Tick {
        tenant: task.tenant.clone(),
        task: task.id.clone(),
        revision: task.revision,
        due: task.next_sync_at.unwrap(),
        next: Some(at(next)),
        job: Some(job),
    }
}

async fn put(store: &impl Ports, path: &str, due: i64) -> Task {
    store.put_task(task(path, due), None).await.unwrap()
}

async fn enqueued(store: &impl Ports, tenant: &str) -> u64 {
    let tenant = tenant.parse().unwrap();
    store.stats(&tenant, Queue::InboundScheduled).await.unwrap().enqueued
}

pub(crate) async fn task_is_replaced_under_its_revision_alone(store: &impl Ports, _: &Clock) {
    let put = async |revision| store.put_task(task("acme/nightly", 5), revision).await;
    assert_eq!(put(Some(0)).await.unwrap().revision, 1);
    assert_eq!(put(Some(0)).await.unwrap_err().kind(), StoreErrorKind::Conflict);
    assert_eq!(put(Some(1)).await.unwrap().revision, 2);
    assert_eq!(put(None).await.unwrap().revision, 3);
    let error = put(Some(2)).await.unwrap_err();
    assert!(error.to_string().contains("acme/nightly has revision 3 by now"), "{error}");
    let gone = store.put_task(task("acme/gone", 5), Some(4)).await.unwrap_err();
    assert_eq!(gone.kind(), StoreErrorKind::Conflict);
    let kept = store.task(&"acme".parse().unwrap(), &"nightly".parse().unwrap()).await.unwrap();
    assert_eq!(kept, Some(Task { revision: 3, ..task("acme/nightly", 5) }));
}

pub(crate) async fn tasks_are_listed_by_name_and_tenants_never_meet(store: &impl Ports, _: &Clock) {
    for path in ["acme/b", "acme/a", "acm/c", "acme2/d"] {
        put(store, path, 5).await;
    }
    let names = async |tenant: &str| {
        let tasks = store.tasks(&tenant.parse().unwrap(), None, 9).await.unwrap();
        tasks.into_iter().map(|task| task.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names("acme").await, ["a", "b"]);
    let (acme, [a, b]) = ("acme".parse().unwrap(), ["a", "b"].map(|id| id.parse().unwrap()));
    let behind = async |after| store.tasks(&acme, Some(after), 1).await.unwrap();
    assert_eq!((behind(&a).await[0].id.as_str(), behind(&b).await.len()), ("b", 0));
    assert_eq!(store.tasks(&acme, None, 1).await.unwrap()[0].id, a);
    let (other, id) = ("acme2".parse().unwrap(), "a".parse().unwrap());
    assert!(!store.remove_task(&other, &id).await.unwrap());
    assert!(store.remove_task(&"acme".parse().unwrap(), &id).await.unwrap());
    assert_eq!((names("acme").await.len(), names("acme2").await.len()), (1, 1));
}

pub(crate) async fn tasks_are_due_by_the_clock_of_the_store(store: &impl Ports, clock: &Clock) {
    for (path, due) in [("acme/late", 30), ("beta/first", 10), ("acme/second", 20)] {
        put(store, path, due).await;
    }
    let paused = Task { next_sync_at: None, ..task("acme/paused", 0) };
    store.put_task(paused, None).await.unwrap();
    let due = async |limit| {
        let tasks = store.due_tasks(limit).await.unwrap();
        tasks.into_iter().map(|task| task.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(due(10).await, [""; 0]);
    clock.set(at(20));
    assert_eq!(due(10).await, ["first", "second"]);
    assert_eq!(due(1).await, ["first"]);
    // A task that is moved, or removed, leaves its old place.
    put(store, "beta/first", 90).await;
    store.remove_task(&"acme".parse().unwrap(), &"second".parse().unwrap()).await.unwrap();
    assert_eq!(due(10).await, [""; 0]);
    clock.set(at(90));
    assert_eq!(due(10).await, ["late", "first"]);
}

pub(crate) async fn tasks_that_are_due_later_are_listed_apart(store: &impl Ports, clock: &Clock) {
    for (path, due) in [("acme/late", 30), ("beta/first", 10), ("acme/second", 20), ("b/x", 20)] {
        put(store, path, due).await;
    }
    clock.set(at(10));
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let listed = store.planned_tasks(after.as_ref(), 1).await.unwrap();
        let Some(last) = listed.into_iter().next() else { break };
        names.push(last.id.to_string());
        // One that is moved before the place is not met again, nor is any other missed.
        put(store, &format!("{}/{}", last.tenant, last.id), 15).await;
        after = Some(last);
    }
    assert_eq!(names, ["second", "x", "late"]);
}

pub(crate) async fn tick_queues_its_job_and_moves_its_task_on(store: &impl Ports, clock: &Clock) {
    let fence = store.lead("one", LEASE).await.unwrap().unwrap();
    let first = put(store, "acme/nightly", 10).await;
    clock.set(at(15));
    let answers = store.tick(fence, vec![tick(&first, 20)]).await.unwrap();
    assert!(matches!(answers[..], [Some(Enqueued::New(_))]), "{answers:?}");
    let moved = store.task(&first.tenant, &first.id).await.unwrap().unwrap();
    assert_eq!((moved.next_sync_at, moved.last_sync_at), (Some(at(20)), Some(at(15))));
    assert_eq!(moved.revision, first.revision);
    // The job before is not finished: the task moves on all the same.
    clock.set(at(25));
    let answers = store.tick(fence, vec![tick(&moved, 30)]).await.unwrap();
    assert!(matches!(answers[..], [Some(Enqueued::Duplicate(_))]), "{answers:?}");
    let moved = store.task(&first.tenant, &first.id).await.unwrap().unwrap();
    assert_eq!((moved.next_sync_at, moved.last_sync_at), (Some(at(30)), Some(at(15))));
    // A tick that is passed over has no job, one without a next time is the last.
    let over = Tick { job: None, next: None, ..tick(&moved, 0) };
    assert_eq!(store.tick(fence, vec![over]).await.unwrap(), [None]);
    clock.advance(Duration::from_hours(1));
    assert_eq!(store.due_tasks(10).await.unwrap(), []);
    assert_eq!(enqueued(store, "acme").await, 1);
}

pub(crate) async fn tick_of_a_task_that_has_changed_is_void(store: &impl Ports, _: &Clock) {
    let fence = store.lead("one", LEASE).await.unwrap().unwrap();
    let old = put(store, "acme/nightly", 10).await;
    let new = put(store, "acme/nightly", 10).await;
    let removed = put(store, "acme/gone", 10).await;
    store.remove_task(&removed.tenant, &removed.id).await.unwrap();
    let elsewhen = Tick { due: at(11), ..tick(&new, 20) };
    let ticks = vec![tick(&old, 20), tick(&removed, 20), elsewhen, tick(&new, 20), tick(&new, 20)];
    let answers = store.tick(fence, ticks).await.unwrap();
    // The third names the task before the fourth does, which is void for that.
    assert_eq!(answers, [None, None, None, None, None]);
    let answers = store.tick(fence, vec![tick(&new, 20), tick(&new, 30)]).await.unwrap();
    assert!(matches!(answers[..], [Some(Enqueued::New(_)), None]), "{answers:?}");
    assert_eq!(store.tick(fence, vec![tick(&new, 20)]).await.unwrap(), [None]);
    assert_eq!(enqueued(store, "acme").await, 1);
}

pub(crate) async fn tick_of_an_older_lead_does_nothing(store: &impl Ports, clock: &Clock) {
    let task = put(store, "acme/nightly", 10).await;
    let error = store.tick(Fence(1), vec![tick(&task, 20)]).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fenced);
    let old = store.lead("one", LEASE).await.unwrap().unwrap();
    clock.advance(LEASE);
    let new = store.lead("two", LEASE).await.unwrap().unwrap();
    let error = store.tick(old, vec![tick(&task, 20)]).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fenced);
    assert!(error.to_string().contains("number 1 is over: number 2 has begun"), "{error}");
    assert_eq!(enqueued(store, "acme").await, 0);
    assert_eq!(store.task(&task.tenant, &task.id).await.unwrap(), Some(task.clone()));
    assert!(store.tick(new, vec![tick(&task, 20)]).await.unwrap()[0].is_some());
}

pub(crate) async fn tick_that_is_refused_undoes_those_beside_it(store: &impl Ports, _: &Clock) {
    let fence = store.lead("one", LEASE).await.unwrap().unwrap();
    let (good, bad) = (put(store, "acme/good", 10).await, put(store, "acme/bad", 10).await);
    let mut bad = tick(&bad, 20);
    bad.job = bad.job.map(|job| NewJob { session: String::new(), ..job });
    let error = store.tick(fence, vec![tick(&good, 20), bad]).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert_eq!(enqueued(store, "acme").await, 0);
    assert_eq!(store.task(&good.tenant, &good.id).await.unwrap(), Some(good));
}

pub(crate) async fn lead_is_kept_by_its_holder_until_it_runs_out(
    store: &impl Ports,
    clock: &Clock,
) {
    let lead = async |holder| store.lead(holder, LEASE).await.unwrap();
    assert_eq!(store.led_until().await.unwrap(), None);
    assert_eq!(lead("one").await, Some(Fence(1)));
    let until = clock.now() + LEASE;
    assert_eq!(store.led_until().await.unwrap(), Some(until));
    clock.advance(JUST_BEFORE);
    assert_eq!((lead("two").await, lead("one").await), (None, Some(Fence(1))));
    clock.advance(JUST_BEFORE);
    assert_eq!(lead("two").await, None);
    clock.advance(Duration::from_secs(1));
    assert_eq!(store.led_until().await.unwrap(), None);
    assert_eq!((lead("two").await, lead("one").await), (Some(Fence(2)), None));
    // Given up, it is free at once; the same holder begins a new one.
    assert!(store.lead("two", Duration::ZERO).await.unwrap().is_some());
    assert_eq!((lead("two").await, lead("one").await), (Some(Fence(3)), None));
}

pub(crate) async fn lead_from_a_clock_that_ran_ahead_locks_nobody_out(
    store: &impl Ports,
    clock: &Clock,
) {
    clock.set(at(1_000_000));
    assert_eq!(store.lead("one", LEASE).await.unwrap(), Some(Fence(1)));
    clock.set(at(0));
    assert_eq!(store.lead("two", LEASE).await.unwrap(), Some(Fence(2)));
}

pub(crate) async fn tasks_and_leads_beyond_the_limits_are_refused(store: &impl Ports, _: &Clock) {
    let check = async |task: Task, expected: &str| {
        let error = store.put_task(task, None).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains(expected), "{error}");
    };
    let nightly = || task("acme/nightly", 10);
    check(Task { entities: vec!["x".to_owned(); 1_025], ..nightly() }, "1024 entities").await;
    check(Task { entities: vec![String::new()], ..nightly() }, "entity is empty").await;
    check(Task { entities: vec!["x".repeat(128); 1_024], ..nightly() }, "131072 bytes").await;
    check(Task { paused: Some("x".repeat(257)), ..nightly() }, "257 bytes").await;
    let expression = "* ".repeat(200);
    let schedule = Schedule::Cron { expression, zone: "UTC".to_owned() };
    check(Task { schedule, ..nightly() }, "400 bytes").await;
    let ticks = vec![tick(&nightly(), 20); 1_025];
    let error = store.tick(Fence(1), ticks).await.unwrap_err();
    assert!(error.to_string().contains("send at most 1024"), "{error}");
    for (holder, lease) in [("", LEASE), ("one", LEAD_MAX + LEASE)] {
        let error = store.lead(holder, lease).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
    }
}
