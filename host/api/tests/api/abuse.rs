//! What somebody tries who means harm: from a page next door, or with a key that opens little.

use api::auth::CSRF;
use api::server::Secure;
use serde_json::{Value, json};

use crate::support::{Ask, World};

const AUTHORIZE: &str = "/api/integrations/oauth/authorize/crm?accept=api";

/// The cookie and the token of a browser that has signed in.
async fn signed_in(world: &World, key: &str) -> (String, String) {
    let sign_in = Ask::post("/api/session").header("host", "host.example").extension(Secure(true));
    let answer = world.send(sign_in.json(&json!({"api_key": key}))).await.is(201);
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    (cookie, answer.json["csrf_token"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn page_next_door_begins_nothing_in_the_name_of_a_session() {
    let world = World::new().await;
    let (cookie, token) = signed_in(&world, &world.acme.admin).await;
    let go = |site: &str| {
        let ask = Ask::get(AUTHORIZE).header("host", "host.example").extension(Secure(true));
        ask.header("cookie", &cookie).header("accept", "text/html").header("sec-fetch-site", site)
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
