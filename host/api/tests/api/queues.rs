//! Queues, pauses and breakers.

use axum::http::Method;
use model::breaker::{Hosts as _, Key, Outcome, REQUESTS_MIN};
use model::queue::{JobQueue as _, NewJob, Queue};
use serde_json::json;

use crate::support::{Ask, World, id};

fn job(tenant: &str, session: &str) -> NewJob {
    NewJob {
        tenant: id(tenant),
        queue: Queue::Delivery,
        session: session.to_owned(),
        connection: None,
        package: None,
        payload: bytes::Bytes::from_static(b"{}"),
        run_at: None,
        dedupe: Vec::new(),
    }
}

#[tokio::test]
async fn tenant_sees_its_queues_and_an_operator_the_sums() {
    let world = World::new().await;
    let jobs = [job("acme", "a"), job("acme", "b"), job("globex", "a")];
    world.store.enqueue(jobs.into()).await.unwrap();
    let queued = |answer: crate::support::Answer| {
        let items = answer.is(200).json["items"].as_array().unwrap().clone();
        assert_eq!(items.len(), Queue::ALL.len());
        let delivery = items.into_iter().find(|it| it["queue"] == "delivery").unwrap();
        delivery["queued"].as_u64().unwrap()
    };
    assert_eq!(queued(world.get(&world.acme.viewer, "/api/queues").await), 2);
    assert_eq!(queued(world.get(&world.operator, "/api/queues").await), 3);
    let of_globex = Ask::get("/api/queues").key(&world.operator).tenant("globex");
    assert_eq!(queued(world.send(of_globex).await), 1);
}

#[tokio::test]
async fn work_rests_until_its_pause_is_ended() {
    let world = World::new().await;
    let key = &world.acme.editor;
    for what in [
        json!({ "kind": "queue", "queue": "delivery" }),
        json!({ "kind": "session", "queue": "delivery", "session": "a/ä b" }),
        json!({ "kind": "package", "package": "example/crm" }),
        json!({ "kind": "connection", "connection": "crm" }),
    ] {
        let pause = json!({ "what": what, "reason": "moving house" });
        let made = world.post(key, "/api/pauses", &pause).await.is(201);
        assert_eq!((&made.json["what"], &made.json["until"]), (&what, &json!(null)));
        let path = made.header("location").to_owned();
        let listed = world.get(&world.acme.viewer, "/api/pauses").await.is(200).json;
        assert_eq!(listed["items"], json!([made.json]));
        let others = world.get(&world.globex.viewer, "/api/pauses").await.is(200).json;
        assert_eq!(others["items"], json!([]));
        world.delete(&world.globex.editor, &path).await.refused(404, "api.not-found");
        world.delete(key, &path).await.is(204);
        world.delete(key, &path).await.refused(404, "api.not-found");
    }
}

#[tokio::test]
async fn pause_that_cannot_be_is_refused() {
    let world = World::new().await;
    let queue = json!({ "kind": "queue", "queue": "delivery" });
    let refused = async |pause: serde_json::Value| {
        world.post(&world.acme.editor, "/api/pauses", &pause).await.refused(422, "api.invalid");
    };
    refused(json!({ "what": queue, "reason": "x", "until": "2026-01-01T12:00:00Z" })).await;
    refused(json!({ "what": queue, "reason": "x".repeat(2_000) })).await;
    refused(json!({ "what": { "kind": "queue", "queue": "mail" }, "reason": "x" })).await;
    refused(json!({ "what": { "kind": "unauthorised", "connection": "crm" }, "reason": "x" }))
        .await;
    refused(
        json!({ "what": { "kind": "session", "queue": "delivery", "session": "" }, "reason": "x" }),
    )
    .await;
    let pause = json!({ "what": queue, "reason": "x" });
    world.post(&world.acme.viewer, "/api/pauses", &pause).await.refused(403, "api.forbidden");
    world.delete(&world.acme.editor, "/api/pauses/x").await.refused(404, "api.not-found");
}

#[tokio::test]
async fn breaker_is_seen_by_its_tenant_and_reset_by_an_operator() {
    let world = World::new().await;
    let key = Key {
        tenant: id("acme"),
        package: "example/crm".to_owned(),
        host: "api.crm.example".to_owned(),
    };
    let breakers = &world.ports.breakers;
    for _ in 0..REQUESTS_MIN {
        let pass = breakers.admit(&key).unwrap();
        breakers.report(&key, pass, Outcome::Failed(None));
    }
    let listed = world.get(&world.acme.viewer, "/api/breakers").await.is(200).json;
    assert_eq!(listed["items"][0]["host"], "api.crm.example");
    assert_eq!(world.get(&world.globex.viewer, "/api/breakers").await.json["items"], json!([]));
    let all = world.get(&world.operator, "/api/breakers").await.is(200).json;
    assert_eq!(all["items"][0]["tenant"], "acme");

    let choice = json!({ "package": "example/crm", "host": "api.crm.example" });
    let path = "/api/breakers/reset";
    world.post(&world.acme.admin, path, &choice).await.refused(403, "api.forbidden");
    world.post(&world.operator, path, &choice).await.refused(400, "api.tenant");
    let reset = || Ask::new(Method::POST, path).key(&world.operator).tenant("acme").json(&choice);
    world.send(reset()).await.is(204);
    world.send(reset()).await.refused(404, "api.not-found");
    assert!(breakers.list(None).is_empty());
}
