//! App registrations.

use axum::http::Method;
use model::credential::{AppStore as _, Incident};
use serde_json::json;

use crate::support::{Ask, World, id};

const APP: &str = "/api/apps/example/crm";

fn put(key: &str, content: &serde_json::Value) -> Ask {
    Ask::new(Method::PUT, APP).key(key).json(content)
}

#[tokio::test]
async fn tenants_own_app_goes_before_the_deployments_and_is_seen_by_nobody_else() {
    let world = World::new().await;
    let form = json!({ "client_id": "all", "client_secret": "hunter2-hunter2" });
    world.send(put(&world.operator, &form)).await.is(201);
    world.get(&world.acme.admin, APP).await.refused(404, "api.not-found");
    let own = json!({ "client_id": "acmes", "client_secret": "hunter3-hunter3" });
    let made = world.send(put(&world.acme.admin, &own)).await.is(201);
    assert_eq!((&made.json["tenant"], &made.json["generation"]), (&json!("acme"), &json!(1)));
    assert!(!String::from_utf8_lossy(&made.bytes).contains("hunter"));
    world.get(&world.globex.admin, APP).await.refused(404, "api.not-found");
    let serves = async |tenant| {
        let app = world.store.app("example/crm", Some(&id(tenant))).await;
        app.unwrap().unwrap().0.client_id
    };
    assert_eq!((serves("acme").await, serves("globex").await), ("acmes".into(), "all".into()));
    let listed = &world.get(&world.operator, "/api/apps").await.is(200).json["items"];
    assert_eq!(
        (listed[0]["client_id"].as_str(), listed.as_array().unwrap().len()),
        (Some("all"), 1)
    );
    let as_operator = Ask::get(APP).key(&world.operator).tenant("acme");
    assert_eq!(world.send(as_operator).await.is(200).json["client_id"], "acmes");
}

#[tokio::test]
async fn app_is_replaced_by_who_has_read_it() {
    let world = World::new().await;
    let form = json!({ "client_id": "first", "client_secret": "hunter2-hunter2" });
    let first = world.send(put(&world.acme.admin, &form)).await.is(201);
    world.send(put(&world.acme.admin, &form)).await.refused(428, "api.precondition-required");
    let second = json!({ "client_id": "second" });
    let second = world.put(&world.acme.admin, APP, first.tag(), &second).await.is(200);
    assert_eq!(second.json["generation"], 2);
    let (_, sealed) = world.store.app("example/crm", Some(&id("acme"))).await.unwrap().unwrap();
    assert!(sealed.is_none(), "without a secret it has none from then on");
    world
        .put(&world.acme.admin, APP, first.tag(), &form)
        .await
        .refused(412, "api.precondition-failed");
    world.delete(&world.acme.admin, APP).await.is(204);
    world.delete(&world.acme.admin, APP).await.refused(404, "api.not-found");
}

#[tokio::test]
async fn incident_of_an_app_is_shown() {
    let world = World::new().await;
    world.send(put(&world.operator, &json!({ "client_id": "c" }))).await.is(201);
    let (app, _) = world.store.app("example/crm", None).await.unwrap().unwrap();
    let incident = Incident {
        since: world.clock.now(),
        code: "invalid_client".to_owned(),
        message: "the secret has expired".to_owned(),
        probe_at: world.clock.now(),
        last: None,
        suspected: false,
    };
    world.store.app_incident(&app, Some(incident)).await.unwrap();
    let shown = world.get(&world.operator, APP).await.is(200);
    assert_eq!(shown.json["incident"]["code"], "invalid_client");
}

#[tokio::test]
async fn what_is_no_app_is_refused() {
    let world = World::new().await;
    let form = json!({ "client_id": "c" });
    world.send(put(&world.acme.editor, &form)).await.refused(403, "api.forbidden");
    let elsewhere = json!({ "client_id": "c", "origin": "http://127.0.0.1:1" });
    world.send(put(&world.acme.admin, &elsewhere)).await.refused(403, "api.forbidden");
    world.send(put(&world.operator, &elsewhere)).await.is(201);
    let control = json!({ "client_id": "c\n" });
    world.send(put(&world.acme.admin, &control)).await.refused(422, "credential.refused-input");
    let unknown = json!({ "client_id": "c", "secret": "hunter2-hunter2" });
    let refused = world.send(put(&world.acme.admin, &unknown)).await.is(422);
    assert!(!String::from_utf8_lossy(&refused.bytes).contains("hunter2"));
    let path = "/api/apps/Example/cr%2Fm";
    let ask = Ask::new(Method::PUT, path).key(&world.operator).json(&form);
    world.send(ask).await.refused(404, "api.not-found");
}
