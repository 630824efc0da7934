//! API keys as a resource, and who asks.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Ask, World, key_id};

const KEYS: &str = "/api/api-keys";

fn form(role: &str) -> Value {
    json!({"name": "ci", "role": role})
}

/// Made by a key, in a tenant where one is named.
async fn make(world: &World, key: &str, tenant: Option<&str>, content: &Value) -> Answer {
    let ask = Ask::post(KEYS).key(key).json(content);
    world.send(tenant.into_iter().fold(ask, Ask::tenant)).await
}

#[tokio::test]
async fn key_is_shown_once_opens_what_it_says_and_is_revoked() {
    let world = World::new().await;
    let admin = &world.acme.admin;
    let content = json!({"name": "ci", "role": "viewer", "expires_at": "2026-02-01T00:00:00Z"});
    let made = make(&world, admin, None, &content).await.is(201);
    assert_eq!(made.header("cache-control"), "no-store");
    let key = made.json["api_key"].as_str().unwrap();
    let me = world.get(key, "/api/me").await.is(200);
    assert_eq!((&me.json["role"], &me.json["tenant"]), (&json!("viewer"), &json!("acme")));
    assert_eq!((&me.json["name"], &me.json["allowed"]), (&json!("ci"), &json!(["read"])));

    let path = made.header("location").to_owned();
    assert_eq!(path, format!("{KEYS}/{}", key_id(key)));
    let shown = world.get(admin, &path).await.is(200);
    let secret = &key[20..];
    assert!(!String::from_utf8_lossy(&shown.bytes).contains(secret));
    assert_eq!(shown.json["expires_at"], "2026-02-01T00:00:00Z");
    let listed = world.get(admin, KEYS).await.is(200);
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 4);
    assert!(!String::from_utf8_lossy(&listed.bytes).contains(secret));

    let stale = Ask::new(Method::DELETE, &path).key(admin).if_match("\"x\"");
    world.send(stale).await.refused(412, "api.precondition-failed");
    world.delete(admin, &path).await.is(204);
    world.get(key, "/api/me").await.is(401);
    assert_eq!(world.get(admin, &path).await.json["revoked_at"], "2026-01-01T12:00:00Z");
    world.delete(admin, &path).await.is(204);
}

#[tokio::test]
async fn nobody_makes_a_key_that_allows_more_than_their_own() {
    let world = World::new().await;
    for key in [&world.acme.viewer, &world.acme.editor] {
        make(&world, key, None, &form("viewer")).await.refused(403, "api.forbidden");
        world.get(key, KEYS).await.refused(403, "api.forbidden");
    }
    make(&world, &world.acme.admin, None, &form("admin")).await.is(201);
    make(&world, &world.acme.admin, None, &form("operator")).await.refused(403, "api.forbidden");
    let operator = &world.operator;
    make(&world, operator, None, &form("operator")).await.is(201);
    make(&world, operator, Some("acme"), &form("admin")).await.is(201);
    for (tenant, role) in [(None, "admin"), (Some("acme"), "operator")] {
        let answer = make(&world, operator, tenant, &form(role)).await;
        answer.refused(422, "api.invalid");
        assert_eq!(answer.json["errors"][0]["pointer"], "/role");
    }
}

#[tokio::test]
async fn keys_of_a_tenant_and_of_operators_are_apart() {
    let world = World::new().await;
    let list = async |ask: Ask| {
        let answer = world.send(ask).await.is(200);
        let items = answer.json["items"].as_array().unwrap().clone();
        let names = items.into_iter().map(|it| it["name"].as_str().unwrap().to_owned());
        names.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    let own = list(Ask::get(KEYS).key(&world.acme.admin)).await;
    assert_eq!(own, ["admin of acme", "editor of acme", "viewer of acme"]);
    assert_eq!(list(Ask::get(KEYS).key(&world.operator).tenant("acme")).await, own);
    assert_eq!(list(Ask::get(KEYS).key(&world.operator)).await, ["operator of the host"]);
    let path = format!("{KEYS}/{}", key_id(&world.acme.admin));
    for method in [Method::GET, Method::DELETE] {
        for key in [&world.globex.admin, &world.operator] {
            let ask = Ask::new(method.clone(), &path).key(key);
            world.send(ask).await.refused(404, "api.not-found");
        }
    }
}

#[tokio::test]
async fn last_key_of_an_operator_stays() {
    let world = World::new().await;
    let path = format!("{KEYS}/{}", key_id(&world.operator));
    world.delete(&world.operator, &path).await.refused(409, "api.conflict");
    make(&world, &world.operator, None, &form("operator")).await.is(201);
    world.delete(&world.operator, &path).await.is(204);
    world.get(&world.operator, "/api/me").await.is(401);
}

#[tokio::test]
async fn what_makes_no_key_says_why() {
    let world = World::new().await;
    for (content, pointer) in [
        (json!({"name": "x", "role": "king"}), "/role"),
        (json!({"name": "x", "role": "viewer", "secret": "mine"}), "/secret"),
        (json!({"name": "x", "role": "viewer", "expires_at": "tomorrow"}), "/expires_at"),
    ] {
        let answer = make(&world, &world.acme.admin, None, &content).await;
        answer.refused(422, "api.invalid");
        assert_eq!(answer.json["errors"][0]["pointer"], pointer, "{content}");
    }
    let past = "2025-01-01T00:00:00Z";
    for content in [
        json!({"name": "", "role": "viewer"}),
        json!({"name": "x".repeat(1_000), "role": "viewer"}),
        json!({"name": "x", "role": "viewer", "expires_at": past}),
    ] {
        let answer = make(&world, &world.acme.admin, None, &content).await;
        answer.refused(422, "api.invalid");
    }
}

#[tokio::test]
async fn operator_is_told_what_they_may_do() {
    let world = World::new().await;
    let me = world.get(&world.operator, "/api/me").await.is(200);
    assert_eq!((&me.json["tenant"], &me.json["all_tenants"]), (&Value::Null, &json!(true)));
    assert_eq!((&me.json["version"], &me.json["build"]), (&json!("1.2.3"), &json!("build-1")));
    let allowed = me.json["allowed"].as_array().unwrap();
    assert!(allowed.contains(&json!("read")) && allowed.contains(&json!("tenants")));
    let me = world.send(Ask::get("/api/me").key(&world.operator).tenant("acme")).await.is(200);
    assert_eq!(me.json["tenant"], "acme");
}
