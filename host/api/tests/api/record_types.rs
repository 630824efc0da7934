//! Record types.

use serde_json::{Value, json};

use crate::schemas::schema;
use crate::support::World;

const TYPES: &str = "/api/record-types";

fn shoe(fields: &Value) -> Value {
    json!({"record_type": {"name": "shoe", "summary": "A shoe.", "fields": fields}})
}

fn size() -> Value {
    shoe(&json!([{"name": "size", "kind": "integer"}]))
}

#[tokio::test]
async fn types_are_the_built_in_ones_and_the_tenants_own() {
    let world = World::new().await;
    world.post(&world.acme.editor, TYPES, &size()).await.is(201);
    let all = world.get(&world.acme.viewer, TYPES).await.is(200).json;
    let items = all["items"].as_array().unwrap();
    let find = |name: &str| items.iter().find(|item| item["name"] == name).unwrap();
    assert_eq!((find("c_contact")["built_in"].clone(), items.len()), (json!(true), 6));
    let field = &find("c_contact")["fields"][0];
    assert_eq!(
        (&field["name"], &field["kind"], &field["pii"]),
        (&json!("email"), &json!("text"), &json!(true))
    );
    assert_eq!(find("shoe")["built_in"], false);
    assert_eq!(find("shoe")["version"], 1);
    let theirs = world.get(&world.globex.viewer, TYPES).await.is(200).json;
    assert_eq!(theirs["items"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn type_is_saved_in_versions() {
    let world = World::new().await;
    let key = &world.acme.editor;
    let made = world.post(key, TYPES, &size()).await.is(201);
    let place = made.header("location").to_owned();
    assert_eq!(place, "/api/record-types/shoe");
    let more =
        shoe(&json!([{"name": "size", "kind": "integer"}, {"name": "laced", "kind": "bool"}]));
    let next = world.put(key, &place, made.tag(), &more).await.is(200);
    assert_eq!(next.json["version"], 2);
    world.put(key, &place, made.tag(), &size()).await.refused(412, "api.precondition-failed");
    let shown = world.get(&world.acme.viewer, &place).await.is(200);
    assert_eq!((&shown.json["record_type"], shown.tag()), (&more["record_type"], next.tag()));
    let old = world.get(key, "/api/record-types/shoe/versions/1").await.is(200);
    assert_eq!(old.json["record_type"], size()["record_type"]);
    let versions = world.get(key, "/api/record-types/shoe/versions").await.is(200).json;
    assert_eq!(versions["items"].as_array().unwrap().len(), 2);
    world.get(&world.globex.viewer, &place).await.refused(404, "api.not-found");
    world.put(&world.globex.editor, &place, "*", &size()).await.refused(404, "api.not-found");
}

#[tokio::test]
async fn built_in_types_are_shown_and_not_changed() {
    let world = World::new().await;
    let key = &world.acme.editor;
    let shown = world.get(key, "/api/record-types/c_company").await.is(200);
    assert_eq!(shown.json["record_type"]["fields"][0]["name"], "name");
    let fields = json!([{"name": "size", "kind": "integer"}]);
    let changed = json!({"record_type": {"name": "c_company", "fields": fields}});
    let put = world.put(key, "/api/record-types/c_company", shown.tag(), &changed).await;
    put.refused(409, "api.conflict");
    let made = world.post(key, TYPES, &changed).await;
    made.refused(422, "mapping.refused");
    assert_eq!(made.json["errors"][0]["pointer"], "/record_type/name");
    let none = world.get(key, "/api/record-types/c_company/versions").await;
    none.refused(404, "api.not-found");
}

#[tokio::test]
async fn type_that_would_break_a_schema_in_use_is_refused() {
    let world = World::new().await;
    let key = &world.acme.editor;
    world.connected("crm").await;
    let made = world.post(key, TYPES, &size()).await.is(201);
    let mut shoes = schema("crm.shoe", &json!([{"from": "/size", "to": "size"}]));
    shoes["type"] = json!("shoe");
    world.save(&shoes).await;
    let other = shoe(&json!([{"name": "length", "kind": "integer"}]));
    let bound = json!({"schema": {"name": "crm.shoe", "version": 1}});
    world.put(key, "/api/bindings/crm/contact", "\"r0\"", &bound).await.is(200);
    let refused = world.put(key, "/api/record-types/shoe", made.tag(), &other).await;
    refused.refused(409, "api.conflict");
    let detail = refused.json["detail"].as_str().unwrap();
    assert!(detail.contains("crm.shoe@1") && detail.contains("crm contact"), "{detail}");
    world.delete(key, "/api/bindings/crm/contact").await.is(204);
    world.put(key, "/api/record-types/shoe", made.tag(), &other).await.is(200);
}

#[tokio::test]
async fn type_that_is_none_is_refused_with_the_places() {
    let world = World::new().await;
    let key = &world.acme.editor;
    let wrong = shoe(&json!([{"name": "Size", "kind": "integer"}, {"name": "x", "kind": "shoe"}]));
    let refused = world.post(key, TYPES, &wrong).await;
    refused.refused(422, "mapping.refused");
    let errors = refused.json["errors"].as_array().unwrap();
    let pointers: Vec<_> = errors.iter().map(|it| it["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/record_type/fields/0/name", "/record_type/fields/1/kind"]);
    world.post(key, TYPES, &json!({})).await.refused(422, "api.invalid");
    world.post(&world.acme.viewer, TYPES, &size()).await.refused(403, "api.forbidden");
    world.get(key, "/api/record-types/none").await.refused(404, "api.not-found");
}
