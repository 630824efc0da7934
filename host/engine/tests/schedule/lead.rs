//! One scheduler acts, whatever becomes of the others.

use engine::schedule::LEAD_LEASE;
use engine::sync::Cancel;
use model::task::TaskStore as _;

use crate::world::{GONE, MINUTE, NOTHING, World, at, every, told};

#[tokio::test]
async fn of_two_schedulers_one_acts_until_it_is_gone() {
    let world = World::new().await;
    let (one, two) = (world.scheduler("one"), world.scheduler("two"));
    world.put(every("crm", 1)).await.unwrap();
    assert_eq!(one.tick().await.unwrap(), Some(NOTHING));
    world.clock.advance(MINUTE);
    assert_eq!(two.tick().await.unwrap(), None);
    assert_eq!(one.tick().await.unwrap().unwrap().queued, 1);
    world.work().await;
    world.clock.advance(GONE);
    assert_eq!(two.tick().await.unwrap().unwrap().queued, 1);
    assert_eq!(one.tick().await.unwrap(), None);
}

#[tokio::test]
async fn crash_after_a_tick_and_a_restart_before_the_next_queue_nothing_twice() {
    let world = World::new().await;
    world.put(every("crm", 5)).await.unwrap();
    world.clock.advance(5 * MINUTE);
    assert_eq!(world.scheduler("before").tick().await.unwrap().unwrap().queued, 1);
    world.work().await;
    // The next process has another name and must wait for the lead.
    let after = world.scheduler("after");
    assert_eq!(after.tick().await.unwrap(), None);
    world.clock.advance(GONE);
    assert_eq!(after.tick().await.unwrap(), Some(NOTHING));
    assert_eq!(world.task("crm").await.next_sync_at, Some(at("01T00:10:00")));
}

#[tokio::test]
async fn scheduler_that_is_stopped_gives_up_the_lead() {
    let world = World::new().await;
    let stop = Cancel::default();
    let (sweep, told) = told();
    let running = tokio::spawn(world.sweeping("one", vec![sweep]).run(stop.clone()));
    told.acquire().await.unwrap().forget();
    assert_eq!(world.store.lead("two", LEAD_LEASE).await.unwrap(), None);
    stop.cancel();
    running.await.unwrap();
    assert!(world.store.lead("two", LEAD_LEASE).await.unwrap().is_some());
}
