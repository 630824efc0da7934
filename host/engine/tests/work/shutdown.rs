//! Stopping while there is much to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use engine::work::Handled;

use crate::world::{Scripted, World, done, job};

const JOBS: usize = 200;

async fn loaded(world: &World) {
    for number in 0..JOBS {
        world.enqueue(job(&format!("c{number}"))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn workers_that_are_stopped_give_back_what_is_not_finished_untouched() {
    let world = World::new(crate::inbound::plan()).await;
    loaded(&world).await;
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let crew = world.crew(Scripted::new(move |_, context| {
        count.fetch_add(1, Ordering::Relaxed);
        async move {
            context.cancel.cancelled().await;
            Handled::default()
        }
    }));
    world.comes(|| begun.load(Ordering::Relaxed) == 8).await;
    crew.stop().await;
    let stats = world.stats().await;
    assert_eq!((stats.enqueued, stats.queued, stats.done, stats.leased), (200, 200, 0, 0));
    // Nothing counts against them: the next workers do all of it at the first attempt.
    let attempts = Arc::new(AtomicU32::new(0));
    let most = Arc::clone(&attempts);
    let crew = world.crew(Scripted::new(move |leased, _| {
        let attempt = leased.jobs.iter().map(|job| job.attempt + job.deaths).max().unwrap_or(0);
        most.fetch_max(attempt, Ordering::Relaxed);
        async move { done(&leased) }
    }));
    world.until(|s| s.done == 200).await;
    assert_eq!(attempts.load(Ordering::Relaxed), 1);
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_handlers_but_not_longer_than_their_deadline() {
    let world = World::new(crate::inbound::plan()).await;
    world.enqueue(job("crm")).await;
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let crew = world.crew(Scripted::new(move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
        std::future::pending()
    }));
    world.comes(|| begun.load(Ordering::Relaxed) == 1).await;
    crew.stop.cancel();
    world.settle().await;
    assert!(!crew.ended.is_finished());
    world.pass(crate::world::DEADLINE + Duration::from_secs(1)).await;
    world.comes(|| crew.ended.is_finished()).await;
    let stats = world.stats().await;
    assert_eq!((stats.queued, stats.leased), (1, 0));
}
