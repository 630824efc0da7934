//! Drafts.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Ask, World};

const DRAFTS: &str = "/api/drafts";

fn draft(content: &Value) -> Value {
    json!({"kind": "schema", "subject": "crm.contact", "content": content})
}

#[tokio::test]
async fn draft_is_begun_changed_and_removed_by_who_has_its_version() {
    let world = World::new().await;
    let key = &world.acme.editor;
    let made = world.post(key, DRAFTS, &draft(&json!({"rows": [1.50]}))).await.is(201);
    let (place, first) = (made.header("location").to_owned(), made.tag().to_owned());
    assert_eq!(made.json["content"], json!({"rows": [1.5]}));
    assert_eq!(made.json["revision"], 1);
    let changed = world.put(key, &place, &first, &draft(&json!("two"))).await.is(200);
    assert_eq!(world.get(key, &place).await.is(200).json, changed.json);
    let late = world.put(key, &place, &first, &draft(&json!("three"))).await;
    late.refused(412, "api.precondition-failed");
    let ask = Ask::new(Method::PUT, &place).key(key).json(&draft(&json!(1)));
    world.send(ask).await.refused(428, "api.precondition-required");
    let stale = Ask::new(Method::DELETE, &place).key(key).if_match(&first);
    world.send(stale).await.refused(412, "api.precondition-failed");
    world.delete(key, &place).await.is(204);
    world.delete(key, &place).await.refused(404, "api.not-found");
    world.put(key, &place, "*", &draft(&json!(1))).await.refused(404, "api.not-found");
}

#[tokio::test]
async fn content_comes_back_as_it_was_written() {
    let world = World::new().await;
    let text = r#"{"kind":"schema","content":{ "b" : 1.50, "a":12345678901234567890123 }}"#;
    let ask = Ask::post(DRAFTS).key(&world.acme.editor).header("content-type", "application/json");
    let made = world.send(ask.content(text)).await.is(201);
    let kept = r#""content":{ "b" : 1.50, "a":12345678901234567890123 }"#;
    assert!(String::from_utf8_lossy(&made.bytes).contains(kept));
}

#[tokio::test]
async fn drafts_are_listed_by_kind_without_their_contents() {
    let world = World::new().await;
    let key = &world.acme.editor;
    for kind in ["schema", "integration", "schema"] {
        let draft = json!({"kind": kind, "content": null});
        world.post(key, DRAFTS, &draft).await.is(201);
    }
    let all = world.get(key, DRAFTS).await.is(200).json;
    assert_eq!(all["items"].as_array().unwrap().len(), 3);
    let first = world.get(key, "/api/drafts?kind=schema&limit=1").await.is(200).json;
    assert_eq!(first["items"][0]["kind"], "schema");
    assert!(first["items"][0].get("content").is_none());
    let next = first["next"].as_str().unwrap();
    let next = format!("/api/drafts?kind=schema&cursor={next}");
    let rest = world.get(key, &next).await.is(200).json;
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    let end = format!("/api/drafts?kind=schema&cursor={}", rest["next"].as_str().unwrap());
    assert_eq!(world.get(key, &end).await.is(200).json, json!({"items": []}));
}

#[tokio::test]
async fn draft_that_is_none_is_refused() {
    let world = World::new().await;
    let key = &world.acme.editor;
    let made = world.post(key, DRAFTS, &draft(&json!(1))).await.is(201);
    let place = made.header("location").to_owned();
    let other = json!({"kind": "integration", "content": 1});
    world.put(key, &place, "*", &other).await.refused(422, "api.invalid");
    for wrong in [
        json!({"kind": "schema"}),
        json!({"kind": "No Kind", "content": 1}),
        json!({"kind": "schema", "content": 1, "subject": ""}),
        json!({"kind": "schema", "content": 1, "secret": 1}),
    ] {
        world.post(key, DRAFTS, &wrong).await.refused(422, "api.invalid");
    }
    let large = draft(&json!("x".repeat(1 << 20)));
    world.post(key, DRAFTS, &large).await.refused(413, "api.too-large");
    let deep =
        format!(r#"{{"kind":"schema","content":{}1{}}}"#, "[".repeat(9_000), "]".repeat(9_000));
    let ask = Ask::post(DRAFTS).key(key).header("content-type", "application/json").content(deep);
    let made = world.send(ask).await.is(201);
    assert_eq!(world.get(key, made.header("location")).await.status, 200);
    world.get(key, "/api/drafts?cursor=x").await.refused(400, "api.cursor");
}

#[tokio::test]
async fn drafts_are_their_tenants_and_no_matter_of_viewers() {
    let world = World::new().await;
    let made = world.post(&world.acme.editor, DRAFTS, &draft(&json!(1))).await.is(201);
    let place = made.header("location").to_owned();
    let theirs = &world.globex.editor;
    world.get(theirs, &place).await.refused(404, "api.not-found");
    world.put(theirs, &place, "*", &draft(&json!(2))).await.refused(404, "api.not-found");
    world.delete(theirs, &place).await.refused(404, "api.not-found");
    assert_eq!(world.get(theirs, DRAFTS).await.is(200).json["items"], json!([]));
    world.get(&world.acme.viewer, &place).await.refused(403, "api.forbidden");
    world.post(&world.acme.viewer, DRAFTS, &draft(&json!(1))).await.refused(403, "api.forbidden");
}
