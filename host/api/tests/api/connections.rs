//! Accounts that are entered, looked at, tested, switched, and removed.

use axum::http::Method;
use model::store::Catalogue as _;
use model::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::support::{Answer, Ask, World, id};

const SECRET: &str = "k3y-canary-entered";

fn form(name: &str) -> Value {
    json!({"id": name, "provider": "crm", "method": "key", "fields": {"token": SECRET}})
}

async fn entered(world: &World, name: &str) -> Answer {
    world.post(&world.acme.admin, "/api/connections", &form(name)).await
}

#[tokio::test]
async fn key_that_is_entered_connects_an_account_and_is_never_told() {
    let world = World::new().await;
    let made = entered(&world, "crm").await.is(201);
    assert_eq!(made.header("location"), "/api/connections/crm");
    assert_eq!(
        (&made.json["account"], &made.json["integration"]),
        (&"account-1".into(), &"crm".into())
    );
    assert_eq!(
        (&made.json["health"]["status"], &made.json["activity"]["status"]),
        (&"never-run".into(), &"idle".into())
    );
    let mut told = String::from_utf8_lossy(&made.bytes).into_owned();
    for path in [
        "/api/connections",
        "/api/connections/crm",
        "/api/connections/crm/grant",
        "/api/connections/crm/access",
        "/api/grants",
        "/api/integrations",
        "/api/integrations/crm",
        "/api/operations",
        "/api/events",
    ] {
        let answer = world.get(&world.acme.admin, path).await.is(200);
        told.push_str(&String::from_utf8_lossy(&answer.bytes));
    }
    assert!(!told.contains(SECRET), "{told}");
}

#[track_caller]
fn says(answer: &Answer, status: u16, code: &str, text: &str) {
    answer.refused(status, code);
    let told = answer.json.to_string();
    assert!(told.contains(text) && !told.contains(SECRET), "{told}");
}

#[tokio::test]
async fn what_does_not_fit_is_named_and_nothing_is_kept() {
    let world = World::new().await;
    let admin = &world.acme.admin;
    let post = async |content: Value| world.post(admin, "/api/connections", &content).await;
    let with = |name: &str, value: Value| {
        let mut form = form("crm");
        form[name] = value;
        form
    };
    let answer = post(with("fields", json!({"tokens": SECRET}))).await;
    says(&answer, 422, "api.invalid", "needs field `token`: Token");
    says(&post(with("fields", json!({"token": 5}))).await, 422, "api.invalid", "/fields/token");
    let answer = post(with("variables", json!({"region": "mars"}))).await;
    says(&answer, 422, "api.invalid", "region");
    let mut browser = with("method", "user".into());
    browser["fields"] = json!({});
    says(&post(browser).await, 422, "api.invalid", "oauth/authorize/crm");
    says(&post(with("provider", "erp".into())).await, 404, "api.not-found", "/provider");
    says(&post(with("secret", SECRET.into())).await, 422, "api.invalid", "unknown field");
    let elsewhere = with("overrides", json!({"api": "http://127.0.0.1:1"}));
    says(&post(elsewhere.clone()).await, 403, "api.forbidden", "operator");
    let refused = Error::new(ErrorKind::Denied, "credential.refused-input", "the key is wrong");
    world.adapters.script().account = Err(refused);
    says(&post(form("crm")).await, 403, "credential.refused-input", "the key is wrong");
    assert_eq!(world.store.connections(&id("acme")).await.unwrap(), []);
    assert_eq!(world.get(admin, "/api/integrations").await.json["total"]["count"], 0);
    // An operator may send requests elsewhere.
    let mut unchecked = elsewhere;
    unchecked["check"] = false.into();
    let ask = Ask::post("/api/connections").key(&world.operator).tenant("acme").json(&unchecked);
    assert_eq!(world.send(ask).await.is(201).json["overrides"]["api"], "http://127.0.0.1:1");
}

#[tokio::test]
async fn secrets_are_entered_again_for_the_same_account_alone() {
    let world = World::new().await;
    entered(&world, "crm").await.is(201);
    says(&entered(&world, "crm").await, 409, "api.conflict", "/api/connections/crm/reconnect");
    let again = json!({"fields": {"token": SECRET}});
    let path = "/api/connections/crm/reconnect";
    let shown = world.post(&world.acme.admin, path, &again).await.is(200);
    assert_eq!(shown.json["method"], "key");
    let moved = json!({"fields": {"token": SECRET}, "integration": "other"});
    says(&world.post(&world.acme.admin, path, &moved).await, 422, "api.invalid", "/integration");
    world.adapters.script().account.as_mut().unwrap().id = "account-2".to_owned();
    says(
        &world.post(&world.acme.admin, path, &again).await,
        409,
        "engine.other-account",
        "account",
    );
    let tested = world.post(&world.acme.editor, "/api/connections/crm/test", &json!({})).await;
    assert_eq!(
        (&tested.json["works"], &tested.json["problem"]["code"]),
        (&false.into(), &"engine.other-account".into())
    );
    let shown = world.get(&world.acme.viewer, "/api/connections/crm").await.is(200).json;
    assert_eq!(shown["health"]["status"], "needs-sign-in");
}

#[tokio::test]
async fn connection_is_switched_off_on_and_away() {
    let world = World::new().await;
    entered(&world, "crm").await.is(201);
    let admin = &world.acme.admin;
    let tested =
        world.post(&world.acme.editor, "/api/connections/crm/test", &json!({})).await.is(200);
    assert_eq!(
        (&tested.json["works"], &tested.json["label"]),
        (&true.into(), &"Example Ltd".into())
    );
    let before = world.get(admin, "/api/connections/crm").await.tag().to_owned();
    let off = json!({"reason": "holiday"});
    world.post(admin, "/api/connections/crm/disable", &off).await.is(204);
    let shown = world.get(admin, "/api/connections/crm").await.is(200).json;
    assert_eq!(
        (&shown["state"]["status"], &shown["activity"]["status"]),
        (&"disabled".into(), &"paused".into())
    );
    assert_eq!(shown["activity"]["reason"], "holiday");
    let stale = Ask::new(Method::DELETE, "/api/connections/crm").key(admin).if_match(&before);
    world.send(stale).await.refused(412, "api.precondition-failed");
    world.post(admin, "/api/connections/crm/enable", &json!({})).await.is(204);
    let revoked = world.post(admin, "/api/connections/crm/revoke", &json!({})).await.is(200);
    assert_eq!(revoked.json["grant"], "not-offered");
    world.delete(admin, "/api/connections/crm").await.is(200);
    world.get(admin, "/api/connections/crm").await.refused(404, "api.not-found");
    // Its integration stays.
    world.get(admin, "/api/integrations/crm").await.is(200);
}
