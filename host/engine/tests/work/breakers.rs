//! Circuit breakers in front of the workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engine::schedule::{Ports, Scheduler};
use engine::work::About;
use model::breaker::{BreakerStore as _, Hosts as _, Key, Outcome, REQUESTS_MIN};
use model::task::{Direction, Schedule, Task, TaskStore as _};

use crate::inbound::plan;
use crate::world::{Scripted, World, done, job, tenant};

const HOST: &str = "api.provider.example";

/// Opens the breaker of the host that all connections ask; for the time that it asks for.
pub(crate) fn open(world: &World, asked: Option<Duration>) {
    let about = About { host: Some(HOST.to_owned()), digest: "sha256:00".to_owned() };
    *world.desk.about.lock().unwrap() = Some(about);
    let (package, host) = ("test/provider".to_owned(), HOST.to_owned());
    let key = Key { tenant: tenant(), package, host };
    for _ in 0..REQUESTS_MIN {
        let pass = world.breakers.admit(&key).unwrap();
        world.breakers.report(&key, pass, Outcome::Failed(asked));
    }
}

#[tokio::test(start_paused = true)]
async fn session_of_an_open_breaker_waits_and_burns_no_attempt() {
    let world = World::new(plan()).await;
    open(&world, None);
    let attempts = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&attempts);
    let crew = world.crew(Scripted::new(move |leased, _| {
        seen.fetch_add(1, Ordering::SeqCst);
        let attempt = leased.jobs.first().map(|job| job.attempt);
        assert_eq!(attempt, Some(1), "the claims before did not count");
        async move { done(&leased) }
    }));
    world.enqueue(job("crm")).await;
    for _ in 0..3 {
        world.pass(Duration::from_secs(9)).await;
        world.until(|stats| stats.leased == 0).await;
    }
    assert_eq!(attempts.load(Ordering::SeqCst), 0);
    world.pass(Duration::from_secs(9)).await;
    world.until(|stats| stats.done == 1).await;
    assert_eq!(attempts.load(Ordering::SeqCst), 1);
    crew.stop.cancel();
    crew.ended.await.unwrap();
    let kept = world.store.breakers().await.unwrap();
    assert_eq!(kept.len(), 1, "workers that stop tell the store of the breakers");
}

#[tokio::test(start_paused = true)]
async fn schedule_behind_an_open_breaker_leaves_one_job_that_begins_when_the_host_may_be_asked() {
    let world = World::new(plan()).await;
    open(&world, Some(Duration::from_mins(30)));
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let crew = world.crew(Scripted::new(move |leased, _| {
        count.fetch_add(1, Ordering::SeqCst);
        assert_eq!(leased.jobs[0].attempt, 1);
        async move { done(&leased) }
    }));
    world.store.put_task(every_minute(&world), None).await.unwrap();
    let ports = Ports {
        tasks: Arc::new(world.store.clone()),
        clock: world.clock.clone(),
        wake: world.wake.clone(),
        sweeps: Vec::new(),
    };
    let scheduler = Scheduler::new(ports, "test");
    for minute in 1..30 {
        world.pass(Duration::from_mins(1)).await;
        assert_eq!(scheduler.tick().await.unwrap().unwrap().due, 1, "minute {minute}");
        world.settle().await;
    }
    let stats = world.until(|stats| stats.leased == 0).await;
    assert_eq!((stats.enqueued, begun.load(Ordering::SeqCst)), (1, 0));
    world.pass(Duration::from_mins(1)).await;
    world.until(|stats| stats.done == 1).await;
    assert_eq!(begun.load(Ordering::SeqCst), 1);
    crew.stop().await;
}

fn every_minute(world: &World) -> Task {
    let now = world.clock.now();
    Task {
        tenant: tenant(),
        id: "crm".parse().unwrap(),
        connection: "crm".parse().unwrap(),
        package: "test/provider".to_owned(),
        schedule: Schedule::Every(Duration::from_mins(1)),
        window: None,
        jitter: Duration::ZERO,
        direction: Direction::Inbound,
        entities: Vec::new(),
        paused: None,
        created: now,
        next_sync_at: Some(now + Duration::from_mins(1)),
        last_sync_at: None,
        revision: 0,
    }
}
