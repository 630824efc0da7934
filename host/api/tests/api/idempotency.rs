//! Requests that are sent once more.

use std::time::Duration;

use model::api_key::ApiKeyStore as _;
use model::idempotency::{Asked, Heard, IdempotencyStore as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{Answer, Ask, World, id, key_id};

const KEYS: &str = "/api/api-keys";

fn form() -> Value {
    json!({"name": "ci", "role": "viewer"})
}

fn ask(key: &str, name: &str, content: &Value) -> Ask {
    Ask::post(KEYS).key(key).header("idempotency-key", name).json(content)
}

async fn keys(world: &World) -> usize {
    world.store.api_keys(Some(&id("acme"))).await.unwrap().len()
}

fn replayed(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == "true"
}

#[tokio::test]
async fn request_is_acted_on_once_and_answered_alike() {
    let world = World::new().await;
    let before = keys(&world).await;
    let first = world.send(ask(&world.acme.admin, "one", &form())).await.is(201);
    let again = world.send(ask(&world.acme.admin, "\"one\"", &form())).await.is(201);
    assert_eq!(keys(&world).await, before + 1);
    assert!(!replayed(&first) && replayed(&again));
    for name in ["location", "etag", "content-type", "cache-control"] {
        assert_eq!(first.header(name), again.header(name), "{name}");
        assert_ne!(first.header(name), "");
    }
    assert_ne!(first.header("x-request-id"), again.header("x-request-id"));
    assert_eq!(first.json["key"], again.json["key"]);
    let secret = first.json["api_key"].as_str().unwrap();
    assert!(again.json.get("api_key").is_none(), "what is shown once is not kept");
    assert!(!String::from_utf8_lossy(&again.bytes).contains(&secret[20..]));
    world.send(ask(&world.acme.admin, "two", &form())).await.is(201);
    assert_eq!(keys(&world).await, before + 2);
    world.clock.advance(Duration::from_hours(24));
    world.send(ask(&world.acme.admin, "one", &form())).await.is(201);
    assert_eq!(keys(&world).await, before + 3, "a day later nobody repeats anything");
}

#[tokio::test]
async fn name_of_one_request_is_not_that_of_another() {
    let world = World::new().await;
    world.send(ask(&world.acme.admin, "one", &form())).await.is(201);
    let other = json!({"name": "other", "role": "viewer"});
    world.send(ask(&world.acme.admin, "one", &other)).await.refused(422, "api.idempotency");
    let elsewhere = Ask::post("/api/operations/op-1/stop").key(&world.acme.admin);
    let elsewhere = elsewhere.header("idempotency-key", "one");
    world.send(elsewhere).await.refused(422, "api.idempotency");
    for (key, tenant) in [(&world.globex.admin, "globex"), (&world.operator, "acme")] {
        let answer = world.send(ask(key, "one", &form()).tenant(tenant)).await.is(201);
        assert!(!replayed(&answer), "others have names of their own");
    }
    let answer = world.send(ask(&world.operator, "one", &form()).tenant("globex")).await.is(201);
    assert!(!replayed(&answer), "so has each tenant that an operator names");
}

#[tokio::test]
async fn refusal_is_kept_and_names_the_request_that_it_is_told_to() {
    let world = World::new().await;
    let bad = json!({"name": "ci", "role": "king"});
    for again in [false, true] {
        let answer = world.send(ask(&world.acme.admin, "one", &bad)).await;
        answer.refused(422, "api.invalid");
        assert_eq!(replayed(&answer), again);
    }
}

#[tokio::test]
async fn who_may_not_do_a_thing_leaves_no_trace_of_trying() {
    let world = World::new().await;
    for _ in 0..2 {
        let answer = world.send(ask(&world.acme.viewer, "one", &form())).await;
        answer.refused(403, "api.forbidden");
        assert!(!replayed(&answer));
    }
}

#[tokio::test]
async fn host_that_died_over_a_request_does_not_act_on_it_again() {
    let world = World::new().await;
    let admin = &world.acme.admin;
    let content = form().to_string();
    let asked = Asked { scope: format!("{}/acme", key_id(admin)), key: "one".to_owned() };
    // Without the key nobody can tell from what is kept what the content was.
    let hash = Sha256::new().chain_update(format!("{admin}\nPOST {KEYS}\n"));
    let hash = hash.chain_update(&content);
    let heard = world.store.hear(&asked, hash.finalize().into()).await.unwrap();
    assert_eq!(heard, Heard::New);
    let before = keys(&world).await;
    let answer = world.send(ask(admin, "one", &form())).await;
    answer.refused(409, "api.idempotency");
    assert_eq!(answer.header("retry-after"), "2", "it may still be at work");
    world.clock.advance(Duration::from_mins(1));
    let answer = world.send(ask(admin, "one", &form())).await;
    answer.refused(409, "api.idempotency");
    assert_eq!(answer.header("retry-after"), "");
    assert!(answer.json["detail"].as_str().unwrap().contains("look whether"));
    assert_eq!(keys(&world).await, before);
}

#[tokio::test]
async fn name_that_is_none_is_refused_and_other_methods_need_none() {
    let world = World::new().await;
    let before = keys(&world).await;
    for name in ["", "a b", "\"", &"x".repeat(256)] {
        let answer = world.send(ask(&world.acme.admin, name, &form())).await;
        answer.refused(400, "api.malformed");
    }
    let twice = ask(&world.acme.admin, "a", &form()).header("idempotency-key", "a");
    world.send(twice).await.refused(400, "api.malformed");
    assert_eq!(keys(&world).await, before);
    let get = Ask::get(KEYS).key(&world.acme.admin).header("idempotency-key", "a b");
    world.send(get).await.is(200);
    let large = ask(&world.acme.admin, "one", &form()).content("x".repeat((4 << 20) + 1));
    world.send(large).await.refused(413, "api.too-large");
}

#[tokio::test]
async fn package_file_may_be_as_large_under_a_name_as_without() {
    let world = World::new().await;
    let bring = |key: &str| {
        let large = Ask::post("/api/plugins").key(key).header("idempotency-key", "one");
        large.header("content-type", "application/octet-stream").content(vec![0; 5 << 20])
    };
    world.send(bring(&world.operator)).await.refused(422, "engine.package-file");
    // Who may bring none is not waited for.
    world.send(bring(&world.acme.admin)).await.refused(413, "api.too-large");
}
