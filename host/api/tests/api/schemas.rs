//! Conversion schemas: versions, checks and what can be mapped.

use serde_json::{Value, json};

use crate::support::{Ask, World};

const SCHEMAS: &str = "/api/schemas";

/// A schema of contacts, with these field maps.
pub(crate) fn schema(name: &str, fields: &Value) -> Value {
    json!({"format": 1, "name": name, "entity": "contact", "type": "c_contact", "fields": fields})
}

/// One that takes the mail address.
pub(crate) fn mail(name: &str) -> Value {
    schema(name, &json!([{"from": "/mail", "ops": ["email_norm"], "to": "email"}]))
}

impl World {
    /// Saves a schema of acme.
    pub(crate) async fn save(&self, schema: &Value) -> u64 {
        let content = json!({ "schema": schema });
        let saved = self.post(&self.acme.editor, SCHEMAS, &content).await.is(201);
        saved.json["version"].as_u64().unwrap()
    }
}

#[tokio::test]
async fn schema_is_saved_in_versions_that_never_change() {
    let world = World::new().await;
    let key = &world.acme.editor;
    let made = world.post(key, SCHEMAS, &json!({"schema": mail("crm.contact")})).await.is(201);
    assert_eq!(made.header("location"), "/api/schemas/crm.contact");
    let first = made.tag().to_owned();
    let place = "/api/schemas/crm.contact";
    let more = schema("crm.contact", &json!([{"from": "/name", "to": "full_name"}]));
    let next = world.put(key, place, &first, &json!({ "schema": more })).await.is(200);
    assert_eq!(next.json["version"], 2);
    let same = world.put(key, place, next.tag(), &json!({ "schema": more })).await.is(200);
    assert_eq!(same.json["version"], 2, "the same text is no new version");
    let late = world.put(key, place, &first, &json!({"schema": mail("crm.contact")})).await;
    late.refused(412, "api.precondition-failed");
    let newest = world.get(&world.acme.viewer, place).await.is(200);
    assert_eq!((&newest.json["schema"], newest.tag()), (&more, next.tag()));
    let old = world.get(key, "/api/schemas/crm.contact/versions/1").await.is(200);
    assert_eq!(old.json["schema"], mail("crm.contact"));
    assert!(old.header("cache-control").contains("immutable"));
    let versions = world.get(key, "/api/schemas/crm.contact/versions?limit=1").await.is(200).json;
    assert_eq!(versions["items"][0]["version"], 2);
    let cursor = versions["next"].as_str().unwrap();
    let rest = format!("/api/schemas/crm.contact/versions?limit=1&cursor={cursor}");
    let rest = world.get(key, &rest).await.is(200).json;
    assert_eq!((&rest["items"][0]["version"], rest.get("next")), (&json!(1), None));
}

#[tokio::test]
async fn text_is_kept_as_it_was_written() {
    let world = World::new().await;
    let key = &world.acme.editor;
    let text = r#"{ "format":1,"name":"a b/ü",
        "entity":"contact", "type":"c_contact","fields":[]}"#;
    let ask = Ask::post(SCHEMAS).key(key).header("content-type", "application/json");
    let made = world.send(ask.content(format!(r#"{{"schema":{text}}}"#))).await.is(201);
    assert_eq!(made.header("location"), "/api/schemas/a%20b%2F%C3%BC");
    let shown = world.get(key, made.header("location")).await.is(200);
    assert!(String::from_utf8_lossy(&shown.bytes).contains(text));
}

#[tokio::test]
async fn schemas_are_listed_with_what_they_map() {
    let world = World::new().await;
    world.connected("crm").await;
    for name in ["a", "b"] {
        world.save(&mail(name)).await;
    }
    let bound = json!({"schema": {"name": "b"}});
    world.put(&world.acme.editor, "/api/bindings/crm/contact", "\"r0\"", &bound).await.is(200);
    let first = world.get(&world.acme.viewer, "/api/schemas?limit=1").await.is(200).json;
    assert_eq!(first["items"][0]["name"], "a");
    assert_eq!(first["items"][0]["used_by"], json!([]));
    let next = format!("/api/schemas?cursor={}", first["next"].as_str().unwrap());
    let rest = world.get(&world.acme.viewer, &next).await.is(200).json;
    let used = json!([{"version": 1, "connection": "crm", "entity": "contact"}]);
    assert_eq!((&rest["items"][0]["used_by"], rest.get("next")), (&used, None));
}

#[tokio::test]
async fn schema_that_does_not_compile_is_refused_with_the_places() {
    let world = World::new().await;
    let key = &world.acme.editor;
    let wrong = schema(
        "a",
        &json!([
            {"from": "/mail", "ops": ["trimm"], "to": "email"},
            {"from": "/name", "to": "no_such"},
        ]),
    );
    let refused = world.post(key, SCHEMAS, &json!({ "schema": wrong })).await;
    refused.refused(422, "mapping.refused");
    let errors = refused.json["errors"].as_array().unwrap();
    let pointers: Vec<_> = errors.iter().map(|it| it["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/schema/fields/0/ops/0", "/schema/fields/1/to"]);
    world.get(key, "/api/schemas/a").await.refused(404, "api.not-found");
    world.save(&mail("a")).await;
    let again = world.post(key, SCHEMAS, &json!({"schema": mail("a")})).await;
    again.refused(409, "api.conflict");
    let renamed = world.put(key, "/api/schemas/a", "*", &json!({"schema": mail("b")})).await;
    renamed.refused(422, "api.invalid");
    assert_eq!(renamed.json["errors"][0]["pointer"], "/schema/name");
    let new = world.put(key, "/api/schemas/b", "*", &json!({"schema": mail("b")})).await;
    new.refused(404, "api.not-found");
    let unread = world.post(key, SCHEMAS, &json!({"schema": mail("preview")})).await;
    unread.refused(422, "api.invalid");
    for (content, status) in [(json!({}), 422), (json!({"schema": 1}), 422)] {
        world.post(key, SCHEMAS, &content).await.is(status);
    }
}

#[tokio::test]
async fn large_and_deep_schemas_are_refused() {
    let world = World::new().await;
    let send = async |schema: String| {
        let ask = Ask::post(SCHEMAS).key(&world.acme.editor);
        let ask = ask.header("content-type", "application/json");
        world.send(ask.content(format!(r#"{{"schema":{schema}}}"#))).await
    };
    send(format!("\"{}\"", "x".repeat(1 << 20))).await.refused(413, "api.too-large");
    send(format!("\"{}\"", "x".repeat(4 << 20))).await.refused(413, "api.too-large");
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    send(deep).await.refused(422, "mapping.refused");
}

#[tokio::test]
async fn schemas_are_their_tenants_and_saved_by_editors() {
    let world = World::new().await;
    world.save(&mail("a")).await;
    let theirs = &world.globex.editor;
    for path in ["/api/schemas/a", "/api/schemas/a/versions", "/api/schemas/a/versions/1"] {
        world.get(theirs, path).await.refused(404, "api.not-found");
    }
    let content = json!({"schema": mail("a")});
    world.put(theirs, "/api/schemas/a", "*", &content).await.refused(404, "api.not-found");
    world.post(&world.acme.viewer, SCHEMAS, &content).await.refused(403, "api.forbidden");
    world.post(theirs, SCHEMAS, &content).await.is(201);
    for path in ["/api/schemas/a/versions/2", "/api/schemas/a/versions/x", "/api/schemas/%00"] {
        world.get(&world.acme.editor, path).await.refused(404, "api.not-found");
    }
}

#[tokio::test]
async fn check_tells_everything_and_saves_nothing() {
    let world = World::new().await;
    let check = async |content: Value| {
        world.post(&world.acme.viewer, "/api/schemas/validate", &content).await
    };
    let fields = json!([
        {"from": "/mail", "ops": ["trim", "trim"], "to": "email"},
        {"from": "/tags", "ops": ["count"], "to": "stage", "direction": "in"},
        {"from": "/name", "to": "full_name"},
    ]);
    let found = check(json!({"schema": schema("a", &fields)})).await.is(200).json;
    assert_eq!((&found["ok"], &found["name"]), (&json!(false), &json!("a")), "{found}");
    let fields = json!([
        {"from": "/mail", "ops": ["trim", "trim"], "to": "email"},
        {"from": "/name", "ops": ["lower"], "to": "full_name", "direction": "in"},
        {"from": "/title", "to": "job_title"},
    ]);
    let found = check(json!({"schema": schema("a", &fields)})).await.is(200).json;
    assert_eq!(found["ok"], true);
    assert_eq!(found["diagnostics"][0]["pointer"], "/fields/0/ops/1");
    assert_eq!(found["diagnostics"][0]["severity"], "warning");
    let rows = found["rows"].as_array().unwrap();
    let classes: Vec<_> = rows.iter().map(|row| row["class"].as_str().unwrap()).collect();
    assert_eq!(classes, ["canonicalising", "one-way", "bijective"]);
    let found = check(json!({"text": "{\"format\": 1,"})).await.is(200).json;
    assert_eq!((&found["ok"], &found["rows"]), (&json!(false), &json!([])));
    for wrong in [json!({}), json!({"text": "", "schema": {}}), json!({"text": 1})] {
        check(wrong).await.refused(422, "api.invalid");
    }
    assert_eq!(world.get(&world.acme.viewer, SCHEMAS).await.is(200).json["items"], json!([]));
}

#[tokio::test]
async fn check_considers_types_that_are_not_saved_yet() {
    let world = World::new().await;
    let mut schema = schema("a", &json!([{"from": "/size", "to": "size"}]));
    schema["type"] = json!("shoe");
    let check = async |types: Value| {
        let content = json!({"schema": schema, "record_types": types});
        world.post(&world.acme.viewer, "/api/schemas/validate", &content).await
    };
    let found = check(json!([])).await.is(200).json;
    assert_eq!(found["diagnostics"][0]["code"], "schema.record-type");
    let shoe = json!({"name": "shoe", "fields": [{"name": "size", "kind": "integer"}]});
    assert_eq!(check(json!([shoe])).await.is(200).json["ok"], true);
    let wrong =
        check(json!([shoe, {"name": "c_shoe", "fields": [{"name": "x", "kind": "text"}]}])).await;
    wrong.refused(422, "mapping.refused");
    assert_eq!(wrong.json["errors"][0]["pointer"], "/record_types/1/name");
}

#[tokio::test]
async fn operations_are_explained() {
    let world = World::new().await;
    let answer = world.get(&world.acme.viewer, "/api/transformations").await.is(200);
    let items = answer.json["items"].as_array().unwrap();
    let find = |name: &str| items.iter().find(|item| item["name"] == name).unwrap();
    assert!(items.len() > 50);
    assert_eq!(find("count")["class"], "one-way");
    assert_eq!(find("count")["example"]["output"], 3);
    let truncate = &find("truncate")["parameters"][0];
    assert_eq!((&truncate["name"], &truncate["kind"]), (&json!("length"), &json!("count")));
    let again = Ask::get("/api/transformations").key(&world.acme.viewer);
    world.send(again.header("if-none-match", answer.tag())).await.is(304);
}
