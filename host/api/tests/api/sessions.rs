//! Browsers that are signed in, and pages that would like to be them.

use std::time::Duration;

use api::auth::CSRF;
use api::server::Secure;
use axum::http::Method;
use model::api_key::{ApiKeyStore as _, Role};
use serde_json::json;

use crate::support::{Answer, Ask, World, id, key_id};

const SESSION: &str = "/api/session";
const HOST: &str = "host.example";

/// A request of a browser over TLS.
pub(crate) fn ask(method: Method, path: &str) -> Ask {
    Ask::new(method, path).header("host", HOST).extension(Secure(true))
}

fn get(path: &str) -> Ask {
    ask(Method::GET, path)
}

fn sign_in(key: &str) -> Ask {
    ask(Method::POST, SESSION).json(&json!({"api_key": key}))
}

/// The cookie that an answer gives, as it is sent back.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// A browser that is signed in: its cookie, and its token.
pub(crate) async fn signed_in(world: &World, key: &str) -> (String, String) {
    let answer = world.send(sign_in(key)).await.is(201);
    (cookie(&answer), answer.json["csrf_token"].as_str().unwrap().to_owned())
}

/// Something that changes nothing if it is let through: the operation is not there.
fn change() -> Ask {
    ask(Method::POST, "/api/operations/op-1/stop")
}

#[tokio::test]
async fn browser_signs_in_looks_acts_and_signs_out() {
    let world = World::new().await;
    let answer = world.send(sign_in(&world.acme.editor)).await.is(201);
    let set = answer.header("set-cookie");
    let (value, attributes) = set.split_once("; ").unwrap();
    assert_eq!(attributes, "Max-Age=43200; Path=/; HttpOnly; SameSite=Strict; Secure");
    assert_eq!(value.strip_prefix("__Host-plughouse-session=").unwrap().len(), 64);
    assert_eq!(answer.json["expires_at"], "2026-01-02T00:00:00Z");
    assert_eq!((&answer.json["role"], &answer.json["tenant"]), (&json!("editor"), &json!("acme")));
    assert_eq!(answer.header("cache-control"), "no-store");

    let (cookie, token) = (cookie(&answer), answer.json["csrf_token"].as_str().unwrap());
    world.send(get("/api/sync-tasks").header("cookie", &cookie)).await.is(200);
    let me = world.send(get("/api/me").header("cookie", &cookie)).await.is(200);
    assert_eq!((&me.json["session"], &me.json["role"]), (&json!(true), &json!("editor")));
    world.send(change().header("cookie", &cookie).header(CSRF, token)).await.is(404);

    let shown = world.send(get(SESSION).header("cookie", &cookie)).await.is(200);
    assert_eq!(shown.json, answer.json, "another tab has the same token");
    let out = ask(Method::DELETE, SESSION).header("cookie", &cookie).header(CSRF, token);
    let answer = world.send(out).await.is(204);
    assert!(answer.header("set-cookie").starts_with("__Host-plughouse-session=; Max-Age=0;"));
    world.send(get("/api/sync-tasks").header("cookie", &cookie)).await.is(401);
}

#[tokio::test]
async fn page_of_another_origin_changes_nothing() {
    let world = World::new().await;
    let (cookie, token) = signed_in(&world, &world.acme.admin).await;
    let (_, other) = signed_in(&world, &world.acme.admin).await;
    let change = || change().header("cookie", &cookie);
    for ask in [
        change(),
        change().header(CSRF, ""),
        change().header(CSRF, &other),
        change().header(CSRF, &token).header("origin", "https://evil.example"),
        change().header(CSRF, &token).header("origin", "null"),
        change().header(CSRF, &token).header("origin", "http://host.example"),
        change().header(CSRF, &token).header("sec-fetch-site", "cross-site"),
        change().header(CSRF, &token).header("sec-fetch-site", "same-site"),
    ] {
        world.send(ask).await.refused(403, "api.csrf");
    }
    let own = change().header(CSRF, &token).header("origin", "https://host.example");
    world.send(own).await.is(404);
    world.send(change().header(CSRF, &token).header("sec-fetch-site", "same-origin")).await.is(404);
}

#[tokio::test]
async fn nobody_is_signed_in_by_a_page_of_another_origin() {
    let world = World::new().await;
    let key = &world.acme.viewer;
    for ask in [
        sign_in(key).header("origin", "https://evil.example"),
        sign_in(key).header("sec-fetch-site", "cross-site"),
    ] {
        let answer = world.send(ask).await;
        answer.refused(403, "api.csrf");
        assert_eq!(answer.header("set-cookie"), "");
    }
    let form = ask(Method::POST, SESSION)
        .header("content-type", "text/plain")
        .content(json!({"api_key": key}).to_string());
    world.send(form).await.refused(415, "api.media-type");
}

#[tokio::test]
async fn cookie_is_never_one_that_the_browser_has_brought() {
    let world = World::new().await;
    let planted = format!("__Host-plughouse-session={}", "a".repeat(64));
    let answer = world.send(sign_in(&world.acme.viewer).header("cookie", &planted)).await.is(201);
    let first = cookie(&answer);
    assert_ne!(first, planted);
    world.send(get(SESSION).header("cookie", &planted)).await.is(401);
    let again = sign_in(&world.globex.viewer).header("cookie", &first);
    let second = cookie(&world.send(again).await.is(201));
    world.send(get(SESSION).header("cookie", &first)).await.is(401);
    let shown = world.send(get(SESSION).header("cookie", &second)).await.is(200);
    assert_eq!(shown.json["tenant"], "globex");
}

#[tokio::test]
async fn session_ends_by_itself_and_with_its_key() {
    let world = World::new().await;
    let (cookie, _) = signed_in(&world, &world.acme.viewer).await;
    let look = async |cookie: &str| world.send(get(SESSION).header("cookie", cookie)).await.status;
    world.clock.advance(Duration::from_secs(12 * 3_600 - 1));
    assert_eq!(look(&cookie).await, 200);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(look(&cookie).await, 401);

    let key = world.key(Some("acme"), Role::Admin).await;
    let (cookie, _) = signed_in(&world, &key).await;
    assert_eq!(look(&cookie).await, 200);
    world.store.revoke_api_key(Some(&id("acme")), &key_id(&key)).await.unwrap();
    assert_eq!(look(&cookie).await, 401);
}

#[tokio::test]
async fn key_goes_before_the_cookie_and_has_no_session() {
    let world = World::new().await;
    let (cookie, _) = signed_in(&world, &world.acme.viewer).await;
    let both = || get("/api/me").header("cookie", &cookie);
    let me = world.send(both().key(&world.globex.admin)).await.is(200);
    assert_eq!((&me.json["tenant"], &me.json["session"]), (&json!("globex"), &json!(false)));
    world.send(both().key("ph_wrong")).await.is(401);
    world.get(&world.acme.viewer, SESSION).await.refused(404, "api.not-found");
    world.delete(&world.acme.viewer, SESSION).await.refused(404, "api.not-found");
}

#[tokio::test]
async fn cookie_goes_where_nobody_else_can_read_it() {
    let world = World::new().await;
    let sign_in = |host: &str| {
        Ask::post(SESSION).header("host", host).json(&json!({"api_key": world.acme.viewer}))
    };
    world.send(sign_in("host.example")).await.refused(403, "api.insecure");
    let answer = world.send(sign_in("127.0.0.1:8470")).await.is(201);
    assert!(answer.header("set-cookie").ends_with("; SameSite=Strict"));
    let cookie = cookie(&answer);
    assert!(cookie.starts_with("plughouse-session-8470="));
    let look = |host| Ask::get(SESSION).header("host", host).header("cookie", &cookie);
    world.send(look("127.0.0.1:8470")).await.is(200);
    world.send(look("127.0.0.1:9")).await.is(401);
}

#[tokio::test]
async fn whoever_guesses_here_is_locked_out_everywhere() {
    let world = World::new().await;
    for key in ["ph_x", ""].iter().cycle().take(20) {
        world.send(sign_in(key)).await.refused(401, "api.unauthenticated");
    }
    world.send(sign_in(&world.acme.viewer)).await.refused(429, "api.locked-out");
    world.get(&world.acme.viewer, "/api/me").await.refused(429, "api.locked-out");
}
