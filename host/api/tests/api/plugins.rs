//! Plugins: the way in, and what stands before it.

use axum::http::Method;
use bytes::Bytes;
use serde_json::json;

use crate::support::{Answer, Ask, PUBLISHER, Release, World};

const NARROW: Release = Release::PLAIN;
const NEXT: Release = Release { version: "1.1.0", ..Release::PLAIN };
const WIDE: Release =
    Release { version: "2.0.0", read: &["GET /v1/things", "GET /v1/people"], ..Release::PLAIN };

const SHOP: &str = "/api/plugins/acme/shop";

async fn bring(world: &World, path: &str, file: Bytes) -> Answer {
    let ask = Ask::post(path).key(&world.operator);
    world.send(ask.header("content-type", "application/octet-stream").content(file)).await
}

async fn approve(world: &World, content: serde_json::Value) -> Answer {
    world.post(&world.operator, &format!("{SHOP}/approve"), &content).await
}

async fn installed(release: &Release) -> World {
    let world = World::new().await;
    bring(&world, "/api/plugins", release.signed(PUBLISHER)).await.is(202);
    approve(&world, json!({ "digest": release.digest() })).await.is(200);
    world
}

#[tokio::test]
async fn new_plugin_waits_until_its_digest_is_approved() {
    let world = World::new().await;
    let answer = bring(&world, "/api/plugins", NARROW.signed(PUBLISHER)).await.is(202);
    assert_eq!(answer.header("location"), SHOP);
    let plan = &answer.json["pending"]["plan"];
    assert_eq!(answer.json["installed"], json!(null));
    assert_eq!(plan["signers"][0]["name"], "acme");
    let lines = plan["permissions"].to_string();
    assert!(lines.contains("https://shop.example") && lines.contains("GET /v1/things"), "{lines}");

    approve(&world, json!({ "digest": WIDE.digest() }))
        .await
        .refused(409, "engine.package-pending");
    let answer = approve(&world, json!({ "digest": NARROW.digest() })).await.is(200);
    assert_eq!(answer.json["installed"]["version"], "1.0.0");
    assert_eq!(
        (&answer.json["pending"], &answer.json["installed"]["refused"]),
        (&json!(null), &json!(null))
    );
    let row = &world.get(&world.operator, "/api/plugins").await.is(200).json["items"][0];
    assert_eq!(
        (&row["plugin"], &row["installed"]["digest"]),
        (&json!("acme/shop"), &json!(NARROW.digest()))
    );
    approve(&world, json!({ "digest": NARROW.digest() })).await.refused(404, "api.not-found");
}

#[tokio::test]
async fn version_that_asks_for_no_more_is_installed_at_once() {
    let world = installed(&NARROW).await;
    let answer = bring(&world, "/api/plugins", NEXT.signed(PUBLISHER)).await.is(201);
    assert_eq!(answer.json["installed"]["version"], "1.1.0");
    assert_eq!(world.get(&world.operator, SHOP).await.tag(), answer.tag());
}

#[tokio::test]
async fn version_that_asks_for_more_shows_the_difference_and_wants_its_name_typed() {
    let world = installed(&NARROW).await;
    let answer = bring(&world, "/api/plugins", WIDE.signed(PUBLISHER)).await.is(202);
    let plan = &answer.json["pending"]["plan"];
    assert_eq!(plan["added"], json!(["endpoint api: read GET /v1/people"]));
    assert_eq!((&plan["removed"], &plan["replaces"]), (&json!([]), &json!("1.0.0")));

    let digest = WIDE.digest();
    for untyped in [json!({ "digest": digest }), json!({ "digest": digest, "name": "shop" })] {
        approve(&world, untyped).await.refused(422, "engine.package-wider");
    }
    let shown = world.get(&world.operator, SHOP).await.is(200);
    assert_eq!(shown.json["installed"]["version"], "1.0.0");
    let typed = json!({ "digest": digest, "name": "acme/shop" });
    assert_eq!(approve(&world, typed).await.is(200).json["installed"]["version"], "2.0.0");

    // What is asked for no more is told, and an older version wants a reason.
    bring(&world, "/api/plugins", NEXT.signed(PUBLISHER))
        .await
        .refused(422, "engine.package-older");
    let path = "/api/plugins?downgrade_reason=2.0.0+loses+mail";
    let answer = bring(&world, path, NEXT.signed(PUBLISHER)).await.is(201);
    assert_eq!(answer.json["installed"]["version"], "1.1.0");
}

#[tokio::test]
async fn what_waits_is_rejected_by_its_digest_alone() {
    let world = World::new().await;
    bring(&world, "/api/plugins", NARROW.signed(PUBLISHER)).await.is(202);
    let reject = async |digest| {
        world.post(&world.operator, &format!("{SHOP}/reject"), &json!({ "digest": digest })).await
    };
    reject(WIDE.digest()).await.refused(409, "engine.package-pending");
    reject(NARROW.digest()).await.is(204);
    world.get(&world.operator, SHOP).await.refused(404, "api.not-found");
}

#[tokio::test]
async fn file_that_nobody_can_trust_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let refused = async |file: Bytes, status, code| {
        bring(&world, "/api/plugins", file).await.refused(status, code);
    };
    refused(Bytes::from_static(b"no package"), 422, "engine.package-file").await;
    refused(NARROW.unsigned(), 403, "engine.package-refused").await;
    refused(NARROW.signed(8), 403, "engine.package-refused").await;
    let mut tampered = NARROW.signed(PUBLISHER).to_vec();
    let at = tampered.windows(4).position(|four| four == b"shop").unwrap();
    tampered[at] = b'c';
    refused(tampered.into(), 422, "engine.package-file").await;
    let cut = NARROW.signed(PUBLISHER);
    refused(cut.slice(..cut.len() / 2), 422, "engine.package-file").await;
    refused(vec![0; (32 << 20) + 1].into(), 413, "api.too-large").await;
    let json = Ask::post("/api/plugins").key(&world.operator).json(&json!({}));
    world.send(json).await.refused(415, "api.media-type");
    let items = &world.get(&world.operator, "/api/plugins").await.is(200).json["items"];
    assert_eq!(items.as_array().unwrap().len(), 1, "{items}");
}

#[tokio::test]
async fn plugin_is_disabled_with_a_reason_and_removed() {
    let world = installed(&NARROW).await;
    let path = format!("{SHOP}/disable");
    let answer = world.post(&world.operator, &path, &json!({ "reason": "it leaks" })).await.is(200);
    assert_eq!(answer.json["disabled"], "it leaks");
    world.post(&world.operator, &path, &json!({ "reason": "" })).await.refused(422, "api.invalid");
    let enable = Ask::post(&format!("{SHOP}/enable")).key(&world.operator);
    let answer = world.send(enable).await.is(200);
    assert_eq!(answer.json["disabled"], json!(null));

    let stale = Ask::new(Method::DELETE, SHOP).key(&world.operator).if_match("\"old\"");
    world.send(stale).await.refused(412, "api.precondition-failed");
    world.delete(&world.operator, SHOP).await.is(204);
    world.delete(&world.operator, SHOP).await.refused(404, "api.not-found");
    world
        .post(&world.operator, &path, &json!({ "reason": "x" }))
        .await
        .refused(404, "api.not-found");
}

#[tokio::test]
async fn plugins_are_the_operators() {
    let world = World::new().await;
    world.get(&world.acme.admin, "/api/plugins").await.refused(403, "api.forbidden");
    let ask = Ask::post("/api/plugins").key(&world.acme.admin);
    let ask = ask.header("content-type", "application/octet-stream");
    world.send(ask.content(NARROW.signed(PUBLISHER))).await.refused(403, "api.forbidden");
}
