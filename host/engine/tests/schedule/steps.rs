//! Clocks that are put wrong and right again.

use engine::schedule::Scheduler;
use model::task::{Task, TaskStore as _};

use crate::world::{MINUTE, World, at, cron, every};

/// At which times something was queued, all work being done at once.
async fn ticked(world: &World, scheduler: &Scheduler, until: &str) -> String {
    let mut queued = Vec::new();
    while world.clock.now() <= at(until) {
        if scheduler.tick().await.unwrap().unwrap().queued > 0 {
            queued.push(world.clock.now().strftime("%H:%M").to_string());
        }
        world.work().await;
        world.clock.advance(MINUTE);
    }
    queued.join(" ")
}

#[tokio::test]
async fn clock_that_was_an_hour_ahead_lets_nothing_rest() {
    let world = World::new().await;
    let scheduler = world.scheduler("one");
    world.put(every("crm", 10)).await.unwrap();
    assert_eq!(ticked(&world, &scheduler, "01T00:20:00").await, "00:10 00:20");
    world.clock.set(at("01T01:21:00"));
    assert_eq!(ticked(&world, &scheduler, "01T01:41:00").await, "01:21 01:30 01:40");
    world.clock.set(at("01T00:42:00"));
    let expected = "00:50 01:00 01:10 01:20 01:30 01:40 01:50";
    assert_eq!(ticked(&world, &scheduler, "01T01:50:00").await, expected);
}

#[tokio::test]
async fn clock_that_was_an_hour_behind_lets_nothing_rest() {
    let world = World::new().await;
    let scheduler = world.scheduler("one");
    world.clock.set(at("01T02:00:00"));
    world.put(every("crm", 10)).await.unwrap();
    assert_eq!(ticked(&world, &scheduler, "01T02:10:00").await, "02:10");
    world.clock.set(at("01T01:11:00"));
    assert_eq!(ticked(&world, &scheduler, "01T01:30:00").await, "01:20 01:30");
    world.clock.set(at("01T02:31:00"));
    assert_eq!(ticked(&world, &scheduler, "01T02:50:00").await, "02:31 02:40 02:50");
}

#[tokio::test]
async fn time_of_day_comes_once_whichever_way_the_clock_steps() {
    let world = World::new().await;
    let scheduler = world.scheduler("one");
    world.put(cron("nightly", "0 1 * * *")).await.unwrap();
    assert_eq!(ticked(&world, &scheduler, "01T00:10:00").await, "");
    world.clock.set(at("01T01:11:00"));
    assert_eq!(ticked(&world, &scheduler, "01T01:15:00").await, "01:11");
    world.clock.set(at("01T00:16:00"));
    assert_eq!(ticked(&world, &scheduler, "01T01:59:00").await, "");
    assert_eq!(world.task("nightly").await.next_sync_at, Some(at("02T01:00:00")));
    world.clock.set(at("01T00:50:00"));
    assert_eq!(ticked(&world, &scheduler, "01T02:30:00").await, "");
    world.clock.set(at("02T00:59:00"));
    assert_eq!(ticked(&world, &scheduler, "02T01:10:00").await, "01:00");
}

#[tokio::test]
async fn clock_that_was_set_back_between_two_processes_lets_nothing_rest() {
    let world = World::new().await;
    world.put(every("crm", 10)).await.unwrap();
    world.clock.set(at("01T01:11:00"));
    assert_eq!(ticked(&world, &world.scheduler("before"), "01T01:11:00").await, "01:11");
    world.clock.set(at("01T00:11:00"));
    assert_eq!(ticked(&world, &world.scheduler("after"), "01T00:31:00").await, "00:20 00:30");
}

#[tokio::test]
async fn task_that_was_made_while_the_clock_was_ahead_does_not_wait_for_it() {
    let world = World::new().await;
    let scheduler = world.scheduler("one");
    world.clock.set(at("01T01:00:00"));
    world.put(every("crm", 10)).await.unwrap();
    assert_eq!(ticked(&world, &scheduler, "01T01:05:00").await, "");
    world.clock.set(at("01T00:06:00"));
    assert_eq!(ticked(&world, &scheduler, "01T00:21:00").await, "00:10 00:20");
}

#[tokio::test]
async fn tasks_are_due_as_they_stand_while_the_clock_goes_on() {
    let world = World::new().await;
    let task = world.put(every("crm", 10)).await.unwrap();
    let sooner = Task { next_sync_at: Some(at("01T00:07:00")), ..task };
    world.store.put_task(sooner, None).await.unwrap();
    let queued = ticked(&world, &world.scheduler("one"), "01T00:20:00").await;
    assert_eq!(queued, "00:07 00:10 00:20");
}
