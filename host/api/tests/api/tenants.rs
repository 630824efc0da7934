//! Tenants.

use axum::http::Method;
use model::integration::IntegrationStore as _;
use serde_json::json;

use crate::support::{Ask, World};

#[tokio::test]
async fn tenant_is_made_renamed_and_removed() {
    let world = World::new().await;
    let made = json!({ "id": "initech", "name": "Initech" });
    let made = world.post(&world.operator, "/api/tenants", &made).await.is(201);
    let path = made.header("location").to_owned();
    assert_eq!(path, "/api/tenants/initech");
    let again = json!({ "id": "initech" });
    world.post(&world.operator, "/api/tenants", &again).await.refused(409, "api.conflict");

    let name = json!({ "name": "Initech Ltd" });
    let renamed = world.patch(&world.operator, &path, made.tag(), &name).await.is(200);
    assert_eq!(
        (&renamed.json["name"], &renamed.json["id"]),
        (&json!("Initech Ltd"), &json!("initech"))
    );
    world
        .patch(&world.operator, &path, made.tag(), &name)
        .await
        .refused(412, "api.precondition-failed");
    let blind = Ask::new(Method::PATCH, &path).key(&world.operator).json(&name);
    world.send(blind).await.refused(428, "api.precondition-required");

    world.delete(&world.operator, &path).await.is(204);
    world.get(&world.operator, &path).await.refused(404, "api.not-found");
    world.delete(&world.operator, &path).await.refused(404, "api.not-found");
}

#[tokio::test]
async fn tenant_with_an_integration_stays() {
    let world = World::new().await;
    let connection = model::Connection::new(
        "acme".parse().unwrap(),
        "crm".parse().unwrap(),
        "example/crm",
        "key",
    );
    model::store::Catalogue::put_connection(&*world.store, connection).await.unwrap();
    let acme = "acme".parse().unwrap();
    let crm = model::IntegrationId::of(&"crm".parse().unwrap());
    assert!(world.store.integration(&acme, &crm).await.unwrap().is_some());
    world.delete(&world.operator, "/api/tenants/acme").await.refused(409, "api.conflict");
    world.get(&world.acme.viewer, "/api/sync-tasks").await.is(200);
}

#[tokio::test]
async fn tenants_come_in_parts() {
    let world = World::new().await;
    let mut path = "/api/tenants?limit=1".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = world.get(&world.operator, &path).await.is(200).json;
        seen.extend(page["items"].as_array().unwrap().iter().map(|it| it["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/tenants?limit=1&cursor={next}");
    }
    assert_eq!(seen, ["acme", "globex"]);
}

#[tokio::test]
async fn what_is_no_tenant_is_refused_and_tenants_are_the_operators() {
    let world = World::new().await;
    let bad = json!({ "id": "Ünïcode" });
    let answer = world.post(&world.operator, "/api/tenants", &bad).await;
    answer.refused(422, "api.invalid");
    assert_eq!(answer.json["errors"][0]["pointer"], "/id");
    let long = json!({ "id": "x", "name": "x".repeat(10_000) });
    world.post(&world.operator, "/api/tenants", &long).await.refused(422, "api.invalid");
    world.get(&world.operator, "/api/tenants/no%20name").await.refused(404, "api.not-found");
    world.get(&world.acme.admin, "/api/tenants").await.refused(403, "api.forbidden");
    world.get(&world.acme.admin, "/api/tenants/acme").await.refused(403, "api.forbidden");
}
