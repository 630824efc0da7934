//! What is found when all credentials are looked at.

use std::time::Duration;

use engine::credential::{IdleRule, Reviewed};
use model::ConnectionState;
use model::credential::{Access, AccessLog as _, Actor};
use model::task::{Direction, Schedule, Task, TaskStore as _};
use plughouse_testkit::Answer;
use serde_json::json;

use crate::provider::Instead;
use crate::world::{Process, World, connection, whose};

const DAY: Duration = Duration::from_hours(24);

/// A connection whose token lives for so long and cannot be refreshed.
async fn mortal(world: &World, process: &Process, life: Duration) {
    let (query, browser) = world.browse(process, &connection("user")).await;
    let token = json!({
        "access_token": "sim_at_only", "expires_in": life.as_secs(), "scope": "read contacts",
    });
    world.provider.instead(Instead::Says(Answer::value(200, &token)));
    let finished = process.credentials.finish(&query, Some(&browser), None);
    world.drive(finished).await.unwrap();
}

async fn reviewed(world: &World, process: &Process) -> Reviewed {
    world.drive(process.credentials.review(&IdleRule::default())).await.unwrap()
}

async fn use_it(world: &World) {
    let (tenant, connection) = whose();
    let now = world.clock.now();
    let access = Access {
        id: 0,
        tenant,
        connection,
        actor: Actor::Job("1".to_owned()),
        slot: "account".to_owned(),
        endpoint: "api".to_owned(),
        first: now,
        last: now,
        uses: 1,
    };
    world.store.note_access(access).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn connection_that_nobody_uses_is_suspended_though_it_is_kept_alive() {
    let world = World::new().await;
    let process = world.process("one");
    world.authorised(&process).await;
    world.pass(20 * DAY).await;
    use_it(&world).await;
    world.pass(20 * DAY).await;
    world.drive(process.credentials.refresh_due(10)).await.unwrap();
    assert_eq!(reviewed(&world, &process).await, Reviewed::default());
    world.pass(10 * DAY).await;
    let spared = IdleRule { exempt: [whose().0].into(), ..IdleRule::default() };
    let off = IdleRule { after: None, ..IdleRule::default() };
    for rule in [spared, off] {
        let left = world.drive(process.credentials.review(&rule)).await.unwrap();
        assert_eq!(left, Reviewed::default());
    }
    assert_eq!(reviewed(&world, &process).await, Reviewed { idle: 1, ..Reviewed::default() });
    assert_eq!(world.state().await, ConnectionState::Disabled);
    assert!(world.reason().await.starts_with("idle since 2026-01-21"));

    let (tenant, id) = whose();
    process.credentials.enable(&tenant, &id).await.unwrap();
    assert_eq!(reviewed(&world, &process).await, Reviewed::default());
    world.pass(30 * DAY).await;
    assert_eq!(reviewed(&world, &process).await.idle, 1);
}

#[tokio::test(start_paused = true)]
async fn connection_that_is_synced_once_a_quarter_is_not_idle() {
    let world = World::new().await;
    let process = world.process("one");
    let connection = world.authorised(&process).await;
    let mut task = Task {
        tenant: connection.tenant,
        id: "quarterly".parse().unwrap(),
        connection: connection.id,
        package: connection.package,
        schedule: Schedule::Every(90 * DAY),
        window: None,
        jitter: Duration::ZERO,
        direction: Direction::Inbound,
        entities: Vec::new(),
        paused: None,
        created: world.clock.now(),
        next_sync_at: Some(world.clock.now().saturating_add(90 * DAY).unwrap()),
        last_sync_at: None,
        revision: 0,
    };
    world.store.put_task(task.clone(), None).await.unwrap();
    world.pass(60 * DAY).await;
    assert_eq!(reviewed(&world, &process).await, Reviewed::default());
    (task.paused, task.next_sync_at) = (Some("no need".to_owned()), None);
    world.store.put_task(task, None).await.unwrap();
    assert_eq!(reviewed(&world, &process).await.idle, 1);
}

#[tokio::test(start_paused = true)]
async fn what_only_a_person_can_renew_is_told_a_week_before_it_ends() {
    let world = World::new().await;
    let process = world.process("one");
    mortal(&world, &process, 20 * DAY).await;
    assert_eq!(reviewed(&world, &process).await, Reviewed::default());
    assert_eq!(process.credentials.expiring(None, 19 * DAY).await.unwrap(), []);
    assert_eq!(process.credentials.expiring(None, 20 * DAY).await.unwrap().len(), 1);
    world.pass(13 * DAY).await;
    assert_eq!(reviewed(&world, &process).await, Reviewed { expiring: 1, ..Reviewed::default() });
    assert_eq!(world.state().await, ConnectionState::Expiring);
    assert_eq!(reviewed(&world, &process).await, Reviewed::default());
    world.pass(7 * DAY).await;
    assert_eq!(reviewed(&world, &process).await, Reviewed { ended: 1, ..Reviewed::default() });
    assert_eq!(world.state().await, ConnectionState::NeedsReauthorisation);
    assert_eq!(reviewed(&world, &process).await, Reviewed::default());
}

#[tokio::test(start_paused = true)]
async fn inventory_tells_what_was_granted_and_what_was_not() {
    let world = World::new().await;
    let process = world.process("one");
    mortal(&world, &process, 20 * DAY).await;
    let (tenant, id) = whose();
    let grants = process.credentials.inventory(&tenant).await.unwrap();
    let [grant] = &grants[..] else { panic!("{grants:?}") };
    assert_eq!((&grant.connection, grant.method.as_str(), grant.renews), (&id, "user", false));
    assert_eq!(grant.grant.scopes, ["read", "contacts"]);
    assert_eq!(grant.scopes.more, ["contacts"]);
    assert_eq!(grant.scopes.missing, [""; 0]);
    assert_eq!((grant.authorised, grant.used), (world.clock.now(), None));
    assert_eq!(process.credentials.inventory(&"nobody".parse().unwrap()).await.unwrap(), []);
}
