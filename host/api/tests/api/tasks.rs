//! Sync tasks.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Ask, World};

const TASKS: &str = "/api/sync-tasks";

fn task() -> Value {
    json!({"id": "nightly", "connection": "crm", "schedule": {"every-seconds": 3600}})
}

/// The task with other members.
fn with(members: &Value) -> Value {
    let mut task = task();
    let object = task.as_object_mut().unwrap();
    object.extend(members.as_object().unwrap().clone());
    task
}

async fn world() -> World {
    let world = World::new().await;
    world.connected("crm").await;
    world
}

#[tokio::test]
async fn task_is_made_replaced_paused_resumed_and_removed() {
    let world = world().await;
    let key = &world.acme.editor;
    let window = json!({"from": "22:00", "until": "6:30", "zone": "Europe/Vienna"});
    let form = with(&json!({"window": window, "jitter_seconds": 60, "entities": ["contact"]}));
    let made = world.post(key, TASKS, &form).await.is(201);
    assert_eq!(made.header("location"), "/api/sync-tasks/nightly");
    assert_eq!(made.json["window"]["until"], "06:30");
    let path = "/api/sync-tasks/nightly";
    let replaced = world.put(key, path, made.tag(), &task()).await.is(200);
    assert_eq!(replaced.json["window"], Value::Null);
    assert_eq!(replaced.json["next_sync_at"], "2026-01-01T13:00:00Z");
    let pause = |tag: &str| Ask::post("/api/sync-tasks/nightly/pause").key(key).if_match(tag);
    let reason = json!({"reason": "migration"});
    let paused = world.send(pause(replaced.tag()).json(&reason)).await.is(200);
    assert_eq!(
        (&paused.json["paused"], &paused.json["next_sync_at"]),
        (&json!("migration"), &Value::Null)
    );
    world.send(pause(replaced.tag()).json(&reason)).await.refused(412, "api.precondition-failed");
    let resume = Ask::post("/api/sync-tasks/nightly/resume").key(key);
    world.send(resume).await.refused(428, "api.precondition-required");
    let resume = Ask::post("/api/sync-tasks/nightly/resume").key(key).if_match(paused.tag());
    assert_eq!(world.send(resume).await.is(200).json["paused"], Value::Null);
    let remove = Ask::new(Method::DELETE, path).key(key).if_match(paused.tag());
    world.send(remove).await.refused(412, "api.precondition-failed");
    world.delete(key, path).await.is(204);
    world.get(key, path).await.refused(404, "api.not-found");
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_at_its_place() {
    let world = world().await;
    let key = &world.acme.editor;
    let cron = |expression: &str, zone: &str| json!({"schedule": {"cron": {"expression": expression, "zone": zone}}});
    let window =
        |from: &str, until: &str| json!({"window": {"from": from, "until": until, "zone": "UTC"}});
    let wrong = [
        (json!({"schedule": {"every-seconds": 59}}), "one minute to 366 days"),
        (json!({"schedule": {"every-seconds": -1}}), "/schedule/every-seconds"),
        (json!({"schedule": {"every-hours": 1}}), "unknown variant"),
        (cron("61 * * * *", "UTC"), "61"),
        (cron("0 6 * * *", "Mars/Olympus"), "Mars/Olympus"),
        (cron("0 0 30 2 *", "UTC"), "ever comes"),
        (window("25:00", "06:00"), "/window/from"),
        (window("22:00", "x"), "/window/until"),
        (window("22:00", "22:00"), "whole day"),
        (json!({"jitter_seconds": 90_000}), "too long"),
        (json!({"direction": "outbound"}), "inbound"),
        (json!({"connection": "other"}), "no connection other"),
        (json!({"connection": "No Name"}), "/connection"),
        (json!({"id": null}), "/id"),
        (json!({"enabled": true}), "unknown field"),
    ];
    for (members, part) in wrong {
        let answer = world.post(key, TASKS, &with(&members)).await;
        answer.refused(422, "api.invalid");
        let text = String::from_utf8_lossy(&answer.bytes);
        assert!(text.contains(part), "{members}: {text}");
    }
    assert_eq!(world.get(key, TASKS).await.is(200).json, json!({"items": []}));
}

#[tokio::test]
async fn task_that_is_run_at_once_is_one_job() {
    let world = world().await;
    let key = &world.acme.editor;
    world.post(key, TASKS, &task()).await.is(201);
    let path = "/api/sync-tasks/nightly/run";
    let first = world.post(key, path, &json!({"full": true})).await.is(202);
    assert_eq!(
        first.header("location"),
        format!("/api/operations/{}", first.json["id"].as_str().unwrap())
    );
    let second = world.post(key, path, &json!({})).await.is(202);
    assert_eq!(second.json["id"], first.json["id"]);
    world.post(key, path, &json!({"fast": true})).await.refused(422, "api.invalid");
    world.post(key, "/api/sync-tasks/weekly/run", &json!({})).await.refused(404, "api.not-found");
}

#[tokio::test]
async fn times_are_shown_before_a_task_is_made_and_after() {
    let world = world().await;
    let key = &world.acme.viewer;
    let daily = json!({"connection": "crm", "schedule": {"cron": {"expression": "30 6 * * *", "zone": "UTC"}}});
    let times = world.post(key, "/api/schedule-previews", &daily).await.is(200);
    assert_eq!(times.json["next"][1], "2026-01-03T06:30:00Z");
    assert_eq!(times.json["next"].as_array().unwrap().len(), 5);
    let never = with(&json!({"schedule": {"every-seconds": 1}}));
    world.post(key, "/api/schedule-previews", &never).await.refused(422, "api.invalid");
    world.post(&world.acme.editor, TASKS, &task()).await.is(201);
    let times = world.get(key, "/api/sync-tasks/nightly/preview").await.is(200);
    assert_eq!(times.json["next"][0], "2026-01-01T13:00:00Z");
}

#[tokio::test]
async fn tasks_are_listed_in_parts_and_by_connection() {
    let world = world().await;
    world.connected("shop").await;
    let key = &world.acme.editor;
    for (id, connection) in [("a", "crm"), ("b", "shop"), ("c", "crm")] {
        world.post(key, TASKS, &with(&json!({"id": id, "connection": connection}))).await.is(201);
    }
    let names = |answer: &Value| -> Vec<String> {
        let items = answer["items"].as_array().unwrap().iter();
        items.map(|task| task["id"].as_str().unwrap().to_owned()).collect()
    };
    let first = world.get(key, "/api/sync-tasks?connection=crm&limit=1").await.is(200).json;
    assert_eq!(names(&first), ["a"]);
    let next = format!("/api/sync-tasks?connection=crm&cursor={}", first["next"].as_str().unwrap());
    let second = world.get(key, &next).await.is(200).json;
    assert_eq!((names(&second), &second["next"]), (vec!["c".to_owned()], &Value::Null));
    world.get(key, "/api/sync-tasks?cursor=x").await.refused(400, "api.cursor");
    world.get(key, "/api/sync-tasks?limit=0").await.refused(400, "api.invalid");
    let none = world.get(&world.globex.editor, TASKS).await.is(200).json;
    assert_eq!(none, json!({"items": []}));
}
