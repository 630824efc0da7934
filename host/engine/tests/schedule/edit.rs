//! What people do to tasks.

use engine::schedule::{Draft, PutError, pause, preview, put, resume};
use model::store::StoreErrorKind;
use model::task::{Direction, Schedule, TaskStore as _};

use crate::world::{MINUTE, World, at, cron, every, tenant, within};

#[track_caller]
fn conflict(error: &PutError) {
    assert!(
        matches!(error, PutError::Store(error) if error.kind() == StoreErrorKind::Conflict),
        "{error}"
    );
}

#[tokio::test]
async fn task_is_replaced_under_its_revision_alone() {
    let world = World::new().await;
    let first = put(&world.desk(), &every("crm", 5), Some(0)).await.unwrap();
    assert_eq!(first.revision, 1);
    conflict(&put(&world.desk(), &every("crm", 6), Some(0)).await.unwrap_err());
    let second = put(&world.desk(), &every("crm", 6), Some(1)).await.unwrap();
    assert_eq!((second.revision, second.created), (2, first.created));
    conflict(&put(&world.desk(), &every("crm", 7), Some(1)).await.unwrap_err());
    conflict(&put(&world.desk(), &every("new", 7), Some(1)).await.unwrap_err());
    assert_eq!(world.store.tasks(&tenant(), None, 9).await.unwrap().len(), 1);
    assert!(world.store.remove_task(&tenant(), &second.id).await.unwrap());
    assert!(!world.store.remove_task(&tenant(), &second.id).await.unwrap());
}

#[tokio::test]
async fn edit_that_leaves_the_schedule_alone_keeps_its_place() {
    let world = World::new().await;
    world.put(within(cron("crm", "0 3 * * *"), 8, 18)).await.unwrap();
    world.clock.set(at("01T05:00:00"));
    let entities = vec!["contact".to_owned()];
    let edited = within(Draft { entities, ..cron("crm", "0 3 * * *") }, 8, 18);
    assert_eq!(world.put(edited).await.unwrap().next_sync_at, Some(at("01T08:00:00")));
    let moved = world.put(within(cron("crm", "0 4 * * *"), 8, 18)).await.unwrap();
    assert_eq!(moved.next_sync_at, Some(at("02T08:00:00")));
}

#[tokio::test]
async fn paused_task_is_not_queued_and_makes_up_for_nothing() {
    let world = World::new().await;
    let task = world.put(every("crm", 5)).await.unwrap();
    let name = (&task.tenant, &task.id);
    let paused = pause(&world.desk(), name, "migration", None).await.unwrap().unwrap();
    assert_eq!((paused.paused.as_deref(), paused.next_sync_at), (Some("migration"), None));
    let scheduler = world.scheduler("one");
    assert_eq!(world.tick_until(&scheduler, "01T00:32:00").await, []);
    // An edit does not end the pause.
    assert_eq!(world.put(every("crm", 10)).await.unwrap().next_sync_at, None);
    let resumed = resume(&world.desk(), name, None).await.unwrap().unwrap();
    assert_eq!((resumed.paused, resumed.next_sync_at), (None, Some(at("01T00:40:00"))));
    assert_eq!(world.tick_until(&scheduler, "01T00:41:00").await.len(), 1);
    let unknown = "unknown".parse().unwrap();
    assert!(pause(&world.desk(), (&tenant(), &unknown), "x", None).await.unwrap().is_none());
    assert!(resume(&world.desk(), (&tenant(), &unknown), None).await.unwrap().is_none());
}

#[tokio::test]
async fn preview_shows_the_times_that_will_be() {
    let world = World::new().await;
    let draft = Draft { jitter: 3 * MINUTE, ..cron("crm", "*/10 * * * *") };
    let shown = preview(&draft, world.clock.now(), 3).unwrap();
    assert_eq!(shown.len(), 3);
    world.put(draft).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(world.task("crm").await.next_sync_at.unwrap());
        world.clock.set(seen[seen.len() - 1]);
        world.scheduler("one").tick().await.unwrap().unwrap();
        world.work().await;
    }
    assert_eq!(seen, shown);
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_with_what_to_write() {
    let world = World::new().await;
    let check = async |draft: Draft, expected: &str| {
        let error = world.put(draft).await.unwrap_err();
        assert!(
            matches!(error, PutError::Invalid(_)) && error.to_string().contains(expected),
            "{error}"
        );
    };
    check(
        Draft { connection: "nobody".parse().unwrap(), ..every("crm", 5) },
        "no connection nobody",
    )
    .await;
    check(Draft { direction: Direction::Outbound, ..every("crm", 5) }, "write `inbound`").await;
    check(cron("crm", "61 * * * *"), "write five fields").await;
    check(cron("crm", "0 0 31 2 *"), "no time that ever comes").await;
    check(every("crm", 0), "one minute to 366 days").await;
    check(within(every("crm", 5), 8, 8), "leave it out").await;
    let zone = "Mars/Olympus".to_owned();
    let schedule = Schedule::Cron { expression: "0 0 * * *".to_owned(), zone };
    check(Draft { schedule, ..every("crm", 5) }, "Europe/Berlin").await;
    let entities = vec![String::new()];
    let error = world.put(Draft { entities, ..every("crm", 5) }).await.unwrap_err();
    assert!(error.to_string().contains("entity"), "{error}");
}
