//! Jobs that may be what kills the workers: a process that dies takes all claims with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use engine::work::Limits;
use model::queue::{Death, JobId};

use crate::inbound::plan;
use crate::world::{DEADLINE, Scripted, World, done, job};

/// Room for all jobs at once.
const LIMITS: Limits = Limits { total: 32, per_tenant: 32, per_package: 32, per_host: 32 };

/// What the handlers have seen.
#[derive(Default)]
struct Seen {
    at_work: AtomicUsize,
    /// The process has died; whoever is at work never comes back.
    dead: AtomicBool,
}

/// Lets workers die as often as the poison kills them, all at once, and begin anew.
#[tokio::test(start_paused = true)]
async fn of_twenty_jobs_at_work_only_the_one_that_kills_the_process_is_kept_from_it() {
    let world = World::new(plan()).await;
    let mut jobs = Vec::new();
    for number in 0..20 {
        jobs.push(world.enqueue(job(&format!("c{number}"))).await);
    }
    let poison = jobs[13];
    let mut deaths = 0;
    for _ in 0..10 {
        let seen = Arc::new(Seen::default());
        let crew = world.crew_within(LIMITS, handler(&seen, poison));
        for _ in 0..100 {
            if seen.dead.load(Ordering::Relaxed) || world.stats().await.queued == 0 {
                break;
            }
            world.pass(Duration::from_secs(5)).await;
        }
        if !seen.dead.load(Ordering::Relaxed) {
            crew.stop().await;
            break;
        }
        deaths += 1;
        let at_work = seen.at_work.load(Ordering::Relaxed);
        assert_eq!(at_work, if deaths == 3 { 1 } else { 20 }, "the death that decides is its own");
        crew.ended.abort();
        world.pass(DEADLINE * 2).await;
    }
    let stats = world.stats().await;
    assert_eq!((deaths, stats.done, stats.dead, stats.queued), (3, 19, 1, 0));
    let letter = world.dead().await.remove(0);
    assert_eq!((letter.id, letter.why), (poison, Death::Quarantined));
}

/// Works for a while, and dies with everybody else once the poison has begun; the others work
/// longer than it, so that the first deaths hit them too.
fn handler(seen: &Arc<Seen>, poison: JobId) -> Arc<Scripted> {
    let seen = Arc::clone(seen);
    Scripted::new(move |leased, context| {
        let seen = Arc::clone(&seen);
        async move {
            seen.at_work.fetch_add(1, Ordering::Relaxed);
            if leased.jobs[0].id == poison {
                // Not before all have begun.
                tokio::time::sleep(Duration::from_millis(500)).await;
                seen.dead.store(true, Ordering::Relaxed);
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                () = context.cancel.cancelled() => {}
            }
            if seen.dead.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            seen.at_work.fetch_sub(1, Ordering::Relaxed);
            done(&leased)
        }
    })
}
