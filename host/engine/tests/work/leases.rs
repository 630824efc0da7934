//! Handlers that do not do what they should, and claims that are lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engine::work::{About, Handled, lease};
use model::queue::{
    Claim, Death, Effect, Finish, Held, JobQueue as _, Outcome, Queue, Redrive, RedriveTo,
};
use model::store::RecordStore as _;

use crate::world::{DEADLINE, Scripted, World, done, every_letter, job, tenant};

async fn world() -> World {
    World::new(crate::inbound::plan()).await
}

#[tokio::test(start_paused = true)]
async fn panic_of_a_handler_is_a_failed_attempt_and_the_workers_go_on() {
    let world = world().await;
    let crew = world.crew(Scripted::new(|leased, _| async move {
        assert_ne!(leased.lease.session, "sync/bad", "the handler has a fault");
        done(&leased)
    }));
    world.enqueue(job("bad")).await;
    world.enqueue(job("good")).await;
    world.until(|s| s.done == 1 && s.leased == 0).await;
    // Five attempts for what seldom passes, then the dead letter tells of each.
    world.pass_until(Duration::from_secs(10), |s| s.dead == 1).await;
    let letter = world.dead().await.remove(0);
    assert_eq!((letter.why, letter.attempts), (Death::Exhausted, 5));
    assert!(letter.failures.iter().all(|failure| failure.error.code == "engine.panic"));
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn hung_handler_is_dropped_after_its_deadline_as_a_failed_attempt() {
    let world = world().await;
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let crew = world.crew(Scripted::new(move |leased, _| {
        let first = count.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            if first {
                std::future::pending::<()>().await;
            }
            done(&leased)
        }
    }));
    world.enqueue(job("crm")).await;
    world.comes(|| begun.load(Ordering::Relaxed) == 1).await;
    // Its claim is renewed all the while: nobody else may have the session.
    let step = Duration::from_secs(10);
    let steps = crate::world::TURN.as_secs() / step.as_secs();
    for _ in 0..steps {
        world.pass(step).await;
        assert_eq!(begun.load(Ordering::Relaxed), 1);
    }
    world.pass(DEADLINE).await;
    world.until(|s| s.leased == 0).await;
    world.pass(Duration::from_mins(1)).await;
    world.until(|s| s.done == 1).await;
    assert_eq!(begun.load(Ordering::Relaxed), 2);
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn worker_that_lost_its_claim_stops_and_what_it_did_is_void() {
    let world = world().await;
    let (begun, stopped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (Arc::clone(&begun), Arc::clone(&stopped));
    let crew = world.crew(Scripted::new(move |leased, context| {
        let (begun, stopped) = counts.clone();
        async move {
            begun.fetch_add(1, Ordering::Relaxed);
            context.cancel.cancelled().await;
            stopped.fetch_add(1, Ordering::Relaxed);
            let outcomes = done(&leased).outcomes;
            Handled { outcomes, effects: vec![Effect::Enqueue(job("follow-up"))] }
        }
    }));
    world.enqueue(job("crm")).await;
    world.comes(|| begun.load(Ordering::Relaxed) == 1).await;
    // The store's clock runs beyond the lease while the worker stands still, as under SIGSTOP.
    world.clock.advance(lease(DEADLINE) * 2);
    let claim = Claim {
        worker: "other".to_owned(),
        queue: Queue::InboundScheduled,
        tenant: tenant(),
        skip: std::collections::BTreeSet::new(),
        sessions_max: 1,
        jobs_max: 1,
        lease: lease(DEADLINE),
        alone: true,
    };
    let other = world.store.claim(claim).await.unwrap().remove(0);
    assert_eq!(other.jobs[0].deaths, 1);
    tokio::time::advance(lease(DEADLINE) / 6).await;
    world.comes(|| stopped.load(Ordering::Relaxed) == 1).await;
    world.settle().await;
    let stats = world.stats().await;
    assert_eq!((stats.enqueued, stats.done, stats.leased), (1, 0, 1));
    let outcomes = vec![(other.jobs[0].id, Outcome::Done)];
    let finish = Finish { lease: other.lease, outcomes, effects: Vec::new() };
    assert_eq!(world.store.finish(vec![finish]).await.unwrap(), [Held::Held]);
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn clock_that_jumps_ahead_does_not_let_a_session_run_twice_at_once() {
    let world = world().await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let runs = Arc::new(AtomicUsize::new(0));
    let counts = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&runs));
    let crew = world.crew(Scripted::new(move |leased, context| {
        let (now, most, runs) = counts.clone();
        async move {
            let first = runs.fetch_add(1, Ordering::Relaxed) == 0;
            most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            if first {
                context.cancel.cancelled().await;
            }
            now.fetch_sub(1, Ordering::Relaxed);
            done(&leased)
        }
    }));
    world.enqueue(job("crm")).await;
    world.comes(|| runs.load(Ordering::Relaxed) == 1).await;
    world.clock.advance(Duration::from_hours(1));
    world.wake.wake();
    let stats = world.until(|s| s.done == 1).await;
    assert_eq!((most.load(Ordering::Relaxed), runs.load(Ordering::Relaxed)), (1, 2));
    assert_eq!((stats.enqueued, stats.leased), (1, 0));
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn job_that_kills_its_workers_is_kept_from_them_and_so_is_the_package_until_it_changes() {
    let world = world().await;
    let poison = world.enqueue(job("crm")).await;
    let claim = || Claim {
        worker: "dies".to_owned(),
        queue: Queue::InboundScheduled,
        tenant: tenant(),
        skip: std::collections::BTreeSet::new(),
        sessions_max: 1,
        jobs_max: 1,
        lease: Duration::from_secs(30),
        alone: true,
    };
    for deaths in 0..3 {
        let leased = world.store.claim(claim()).await.unwrap().remove(0);
        assert_eq!((leased.jobs[0].deaths, leased.jobs[0].attempt), (deaths, deaths + 1));
        world.clock.advance(Duration::from_secs(31));
    }
    world.enqueue(job("crm")).await;
    let handled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&handled);
    let crew = world.crew(Scripted::new(move |leased, _| {
        count.fetch_add(1, Ordering::Relaxed);
        async move { done(&leased) }
    }));
    world.until(|s| s.dead == 1 && s.leased == 0).await;
    let letter = world.dead().await.remove(0);
    assert_eq!((letter.id, letter.why), (poison, Death::Quarantined));
    assert_eq!(letter.failures.last().unwrap().error.code, "engine.quarantined");
    assert_eq!(letter.failures.last().unwrap().digest.as_deref(), Some("sha256:00"));
    // What follows in the session is not tried with the package that did it.
    for _ in 0..3 {
        world.pass(Duration::from_hours(1)).await;
        world.settle().await;
    }
    assert_eq!(handled.load(Ordering::Relaxed), 0);
    let newer = About { host: None, digest: "sha256:01".to_owned() };
    *world.desk.about.lock().unwrap() = Some(newer);
    world.pass(Duration::from_hours(1)).await;
    world.until(|s| s.done == 1).await;
    // Or a person takes it upon them.
    *world.desk.about.lock().unwrap() = Some(About { host: None, digest: "sha256:00".to_owned() });
    let (payload, zero) = (None, Duration::ZERO);
    let again = Redrive { to: RedriveTo::Head, payload, delay: zero, spacing: zero };
    assert_eq!(world.store.redrive(&every_letter(), again).await.unwrap(), 1);
    world.wake.wake();
    world.until(|s| s.done == 2).await;
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn jobs_of_a_connection_that_is_gone_are_done_without_a_word() {
    let world = world().await;
    *world.desk.about.lock().unwrap() = None;
    let crew = world.crew(Scripted::new(|_, _| async { panic!("there is nothing to handle") }));
    world.enqueue(job("crm")).await;
    world.until(|s| s.done == 1).await;
    assert!(world.store.runs(&tenant(), None, 1).await.unwrap().is_empty());
    crew.stop().await;
}
