//! What ticks queue, and what they do not queue twice.

use std::time::Duration;

use engine::schedule::{Draft, run_now};
use engine::work::job::Order;
use futures_util::future::join_all;
use model::queue::Enqueued;
use model::task::{Schedule, Task, TaskStore as _};

use crate::world::{MINUTE, World, at, cron, every, told, within};

#[tokio::test]
async fn task_is_queued_at_its_times_and_shows_the_next() {
    let world = World::new().await;
    let scheduler = world.scheduler("one");
    let task = world.put(every("crm", 15)).await.unwrap();
    assert_eq!(task.next_sync_at, Some(at("01T00:15:00")));
    let mut queued = Vec::new();
    for until in ["01T00:16:00", "01T00:31:00", "01T00:46:00"] {
        queued.extend(world.tick_until(&scheduler, until).await);
        world.work().await;
    }
    let expected = ["01T00:15:00", "01T00:30:00", "01T00:45:00"];
    assert_eq!(queued.iter().map(|(at, _)| at.as_str()).collect::<Vec<_>>(), expected);
    let task = world.task("crm").await;
    assert_eq!(
        (task.next_sync_at, task.last_sync_at),
        (Some(at("01T01:00:00")), Some(at("01T00:45:00")))
    );
    assert_eq!(task.revision, 1);
}

#[tokio::test]
async fn job_says_what_is_to_be_read() {
    let world = World::new().await;
    let scheduler = world.scheduler("one");
    let entities = vec!["contact".to_owned()];
    world.put(Draft { entities: entities.clone(), ..every("crm", 1) }).await.unwrap();
    world.tick_until(&scheduler, "01T00:01:00").await;
    let leased = world.claim().await.unwrap();
    assert_eq!(leased.lease.session, "sync/crm");
    assert_eq!(leased.package.as_deref(), Some("acme/hub"));
    let Ok(Order::Sync(order)) = Order::parse(&leased.jobs[0].payload) else {
        panic!("the job reads nothing")
    };
    assert!(order.is_scheduled());
    assert_eq!((order.entities, order.full), (entities, false));
    assert_eq!((order.connection.as_str(), order.task.unwrap().as_str()), ("crm", "crm"));
}

#[tokio::test]
async fn task_that_is_run_by_hand_asks_for_a_person() {
    let world = World::new().await;
    world.put(every("crm", 60)).await.unwrap();
    let answer = run_now(&world.store, &world.task("crm").await, true, None).await.unwrap();
    assert!(matches!(answer, Some(Enqueued::New(_))), "{answer:?}");
    let leased = world.claim().await.unwrap();
    let Ok(Order::Sync(order)) = Order::parse(&leased.jobs[0].payload) else {
        panic!("the job reads nothing")
    };
    assert!(order.full && order.task.is_some() && !order.is_scheduled());
}

#[tokio::test]
async fn task_whose_job_waits_or_works_is_not_queued_again() {
    let world = World::new().await;
    let scheduler = world.scheduler("one");
    world.put(every("crm", 1)).await.unwrap();
    let queued = world.tick_until(&scheduler, "01T00:05:00").await;
    assert_eq!(queued, [("01T00:01:00".to_owned(), 1)]);
    let leased = world.claim().await.unwrap();
    assert_eq!(world.tick_until(&scheduler, "01T00:10:00").await, []);
    world.finish(leased).await;
    world.clock.advance(MINUTE);
    assert_eq!(world.tick_until(&scheduler, "01T00:15:00").await, [("01T00:11:00".to_owned(), 1)]);
    // By hand neither.
    let task = world.task("crm").await;
    let answer = run_now(&world.store, &task, false, None).await.unwrap();
    assert!(matches!(answer, Some(Enqueued::Duplicate(_))), "{answer:?}");
}

#[tokio::test]
async fn what_was_missed_is_made_up_for_by_one_job() {
    let world = World::new().await;
    world.put(every("crm", 5)).await.unwrap();
    world.put(cron("nightly", "0 3 * * *")).await.unwrap();
    world.clock.advance(Duration::from_hours(50));
    let ticked = world.scheduler("one").tick().await.unwrap().unwrap();
    assert_eq!((ticked.due, ticked.queued), (2, 2));
    assert_eq!(world.task("crm").await.next_sync_at, Some(at("03T02:05:00")));
    assert_eq!(world.task("nightly").await.next_sync_at, Some(at("03T03:00:00")));
}

#[tokio::test]
async fn what_was_missed_waits_for_its_hours() {
    let world = World::new().await;
    world.put(within(every("crm", 5), 8, 18)).await.unwrap();
    world.clock.advance(Duration::from_hours(44));
    let scheduler = world.scheduler("one");
    let ticked = scheduler.tick().await.unwrap().unwrap();
    assert_eq!((ticked.due, ticked.queued), (1, 0));
    assert_eq!(world.task("crm").await.next_sync_at, Some(at("03T08:00:00")));
    assert_eq!(world.tick_until(&scheduler, "03T08:02:00").await, [("03T08:00:00".to_owned(), 1)]);
}

#[tokio::test]
async fn task_whose_time_zone_is_gone_stops_and_harms_no_other() {
    let world = World::new().await;
    let task = world.put(every("crm", 1)).await.unwrap();
    let expression = "* * * * *".to_owned();
    let schedule = Schedule::Cron { expression, zone: "Atlantis/Poseidonis".to_owned() };
    let lost = Task { id: "lost".parse().unwrap(), schedule, ..task };
    world.store.put_task(lost, None).await.unwrap();
    let queued = world.tick_until(&world.scheduler("one"), "01T00:03:00").await;
    assert_eq!(queued.len(), 1);
    assert_eq!(world.task("lost").await.next_sync_at, None);
}

#[tokio::test]
async fn tasks_beyond_one_batch_are_all_queued_by_one_tick() {
    let world = World::new().await;
    let put = async |number| world.put(every(&format!("t{number}"), 1)).await.unwrap();
    join_all((0..2_500).map(put)).await;
    world.clock.advance(MINUTE);
    let ticked = world.scheduler("one").tick().await.unwrap().unwrap();
    assert_eq!((ticked.due, ticked.queued), (2_500, 2_500));
    assert_eq!(world.stats().await.queued, 2_500);
}

#[tokio::test]
async fn each_tick_is_followed_by_the_sweeps() {
    let world = World::new().await;
    let (sweep, told) = told();
    let scheduler = world.sweeping("one", vec![sweep]);
    world.tick_until(&scheduler, "01T00:02:00").await;
    assert_eq!(told.available_permits(), 3);
    // Whoever has not the lead sweeps nothing.
    let (sweep, told) = crate::world::told();
    assert_eq!(world.sweeping("two", vec![sweep]).tick().await.unwrap(), None);
    assert_eq!(told.available_permits(), 0);
}
