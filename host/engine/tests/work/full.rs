//! Orders to read everything again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engine::sync::Cancel;
use engine::work::{Context, Handler as _, Inbound, Opener};
use model::queue::{Claim, Enqueued, Finish, Held, JobQueue as _, Queue};
use model::run::RunStatus;
use model::store::RecordStore as _;
use model::{Error, ErrorKind};

use crate::inbound::{Pages, order, plan, read, runs};
use crate::world::{Desk, World, tenant};

#[tokio::test(start_paused = true)]
async fn full_order_begins_from_the_front_and_its_retries_do_not() {
    let world = World::new(plan()).await;
    let fails = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&fails);
    world.adapter(move || {
        let count = Arc::clone(&count);
        Pages::new(move |page| {
            let away = Error::new(ErrorKind::Unavailable, "test.away", "away").sent();
            (page == 7 && count.fetch_add(1, Ordering::Relaxed) == 0).then_some(away)
        })
    });
    let crew = world.readers();
    world.enqueue(order(true)).await;
    world.comes(|| fails.load(Ordering::Relaxed) == 1).await;
    world.until(|s| s.leased == 0).await;
    world.pass(Duration::from_mins(1)).await;
    // The order itself and the reading that follows it.
    world.until(|s| s.done == 2).await;
    assert_eq!(read(&runs(&world).await), [(RunStatus::Failed, 7), (RunStatus::Succeeded, 13)]);
    world.enqueue(order(true)).await;
    world.until(|s| s.done == 4).await;
    assert_eq!(read(&runs(&world).await).last(), Some(&(RunStatus::Succeeded, 10)));
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn full_order_forgets_nothing_unless_its_claim_holds() {
    let world = World::new(plan()).await;
    world.adapter(|| Pages::new(|_| None));
    let crew = world.readers();
    world.enqueue(order(false)).await;
    world.until(|s| s.done == 1).await;
    crew.stop().await;
    world.enqueue(order(true)).await;
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
    let lost = world.store.claim(claim.clone()).await.unwrap().remove(0);
    world.clock.advance(Duration::from_mins(2));
    let held = world.store.claim(claim).await.unwrap().remove(0);
    let opener: Arc<dyn Opener> = Arc::<Desk>::clone(&world.desk);
    let store = Arc::new(world.store.clone());
    let inbound = Inbound::new(
        opener,
        store,
        (world.clock.clone(), world.metrics.clone()),
        Duration::from_secs(30),
    );
    for (leased, held, lanes) in [(lost, Held::Stale, 1), (held, Held::Held, 0)] {
        let context = Context { cancel: Cancel::default(), digest: None };
        let handled = inbound.handle(&leased, context).await;
        let kept = world.store.lanes(&tenant(), &"crm".parse().unwrap()).await.unwrap();
        assert_eq!(kept.len(), 1, "the work itself forgets nothing");
        let (outcomes, effects) = (handled.outcomes, handled.effects);
        let finish = Finish { lease: leased.lease, outcomes, effects };
        assert_eq!(world.store.finish(vec![finish]).await.unwrap(), [held]);
        let kept = world.store.lanes(&tenant(), &"crm".parse().unwrap()).await.unwrap();
        assert_eq!(kept.len(), lanes);
    }
}

#[tokio::test(start_paused = true)]
async fn reading_that_follows_a_full_order_is_the_one_job_of_its_task() {
    let world = World::new(plan()).await;
    let gate = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&gate);
    world.adapter(move || {
        let count = Arc::clone(&count);
        Pages::new(move |_| {
            count.store(1, Ordering::Relaxed);
            Some(Error::new(ErrorKind::Unavailable, "test.away", "away").sent())
        })
    });
    let crew = world.readers();
    world.enqueue(order(true)).await;
    world.comes(|| gate.load(Ordering::Relaxed) == 1).await;
    world.until(|s| s.leased == 0 && s.done == 1).await;
    let answer = world.store.enqueue(vec![order(false)]).await.unwrap();
    assert!(matches!(answer[..], [Enqueued::Duplicate(_)]), "{answer:?}");
    crew.stop().await;
}
