//! What somebody tries who means harm: from a page next door, or with a key that opens little.

use std::time::Duration;

use api::auth::CSRF;
use api::server::Exposed;
use axum::http::Method;
use http_body_util::BodyExt as _;
use model::api_key::ApiKeyStore as _;
use serde_json::{Value, json};

use crate::sessions::{ask as browser, signed_in};
use crate::support::{Ask, World, id, key_id};

const AUTHORIZE: &str = "/api/integrations/oauth/authorize/crm?accept=api";
const STREAM: &str = "/api/events/stream";

#[tokio::test]
async fn page_next_door_begins_nothing_in_the_name_of_a_session() {
    let world = World::new().await;
    let (cookie, token) = signed_in(&world, &world.acme.admin).await;
    let go = |site: &str| {
        let ask = browser(Method::GET, AUTHORIZE).header("cookie", &cookie);
        ask.header("accept", "text/html").header("sec-fetch-site", site)
    };
    for site in ["same-site", "cross-site"] {
        let answer = world.send(go(site).header(CSRF, &token)).await;
        answer.refused(403, "api.csrf");
        assert_eq!(answer.header("location"), "");
    }
    for site in ["same-origin", "none"] {
        assert_ne!(world.send(go(site)).await.status, 403, "{site}");
    }
}

#[tokio::test]
async fn signing_in_again_and_again_is_asking_too_often() {
    let world = World::new().await;
    let sign_in = || {
        let ask = Ask::post("/api/session").header("host", "localhost:1");
        ask.json(&json!({"api_key": world.acme.viewer}))
    };
    world.send(sign_in()).await.is(201);
    for _ in 0..999 {
        world.get(&world.acme.viewer, "/api/operations/op-1").await.is(404);
    }
    world.send(sign_in()).await.refused(429, "api.rate-limited");
}

#[tokio::test]
async fn who_shows_no_key_takes_no_memory() {
    let world = World::new().await;
    let ask = |key: usize| {
        let content: Value = json!({"api_key": "x".repeat(key)});
        Ask::post("/api/session").header("host", "localhost:1").json(&content)
    };
    world.send(ask(500)).await.refused(401, "api.unauthenticated");
    world.send(ask(2_000)).await.refused(413, "api.too-large");
}

#[tokio::test]
async fn key_that_came_in_the_clear_is_not_taken() {
    let world = World::new().await;
    let exposed = |ask: Ask| ask.extension(Exposed);
    let asked = Ask::get("/api/me").key(&world.acme.viewer);
    world.send(exposed(asked)).await.refused(403, "api.insecure");
    let sign_in = Ask::post("/api/session").header("host", "localhost:1");
    let sign_in = sign_in.json(&json!({"api_key": world.acme.viewer}));
    world.send(exposed(sign_in)).await.refused(403, "api.insecure");
    world.send(exposed(Ask::get("/api/health"))).await.is(200);
}

/// Reads a stream for some minutes; whether it was cut.
async fn is_cut(world: &World, ask: Ask, meanwhile: impl AsyncFnOnce()) -> bool {
    let mut body = ask.of(&world.router).await.into_body();
    assert!(body.frame().await.unwrap().is_ok(), "it has begun");
    meanwhile().await;
    let read = async {
        while let Some(part) = body.frame().await {
            if part.is_err() {
                return true;
            }
        }
        false
    };
    // Only now: what the store does on its way takes no time of this clock.
    tokio::time::pause();
    let cut = tokio::time::timeout(Duration::from_mins(10), read).await.unwrap_or(false);
    tokio::time::resume();
    cut
}

#[tokio::test]
async fn stream_ends_with_the_key_or_session_that_has_opened_it() {
    let world = World::new().await;
    let stream = || Ask::get(STREAM);
    let (key, other) = (&world.acme.viewer, &world.acme.editor);
    let revoke = async || {
        assert!(world.store.revoke_api_key(Some(&id("acme")), &key_id(key)).await.unwrap());
    };
    assert!(is_cut(&world, stream().key(key), revoke).await);
    assert!(!is_cut(&world, stream().key(other), async || {}).await);
    let (cookie, _) = signed_in(&world, other).await;
    let ask = browser(Method::GET, STREAM);
    let pass = async || world.clock.advance(Duration::from_hours(12));
    assert!(is_cut(&world, ask.header("cookie", &cookie), pass).await);
}
