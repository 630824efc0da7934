//! Jobs whose package may not run.

use std::time::Duration;

use model::run::RunStatus;
use model::{Error, ErrorKind};

use crate::inbound::{Pages, order, plan, read, runs};
use crate::world::World;

#[tokio::test(start_paused = true)]
async fn job_waits_for_a_package_that_is_disabled_and_begins_when_it_may_run() {
    let world = World::new(plan()).await;
    world.adapter(|| Pages::new(|_| None));
    let disabled = || Error::new(ErrorKind::Denied, "engine.package", "it was disabled");
    *world.desk.refused.lock().unwrap() = Some(disabled());
    let crew = world.readers();
    let job = world.enqueue(order(false)).await;
    for _ in 0..5 {
        world.pass(Duration::from_mins(1)).await;
        // The next tick of the schedule brings no second one.
        assert_eq!(world.enqueue(order(false)).await, job);
        let stats = world.stats().await;
        assert_eq!((stats.queued, stats.dead), (1, 0));
    }
    *world.desk.refused.lock().unwrap() = None;
    // Between the look and the read it can be disabled too.
    *world.desk.adapter.lock().unwrap() = Box::new(move || Err(disabled()));
    world.pass(Duration::from_mins(3)).await;
    let stats = world.stats().await;
    assert_eq!((stats.queued, stats.dead), (1, 0));
    world.adapter(|| Pages::new(|_| None));
    world.pass_until(Duration::from_secs(10), |stats| stats.done == 1).await;
    assert_eq!(read(&runs(&world).await), [(RunStatus::Succeeded, 10)]);
    crew.stop().await;
}
