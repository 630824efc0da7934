//! Bindings, and what they change.

use engine::mapping::{Mapping, Mappings, Origin};
use mapping::Types;
use model::queue::{JobQueue as _, Queue};
use serde_json::{Value, json};

use crate::schemas::{mail, schema};
use crate::support::{World, id};

const CONTACT: &str = "/api/bindings/crm/contact";

async fn world() -> World {
    let world = World::new().await;
    let contact = |id, mail: &str| (id, json!({"mail": mail}));
    world.read(&[contact("1", "A@b.ch"), contact("2", "c@d.ch")]).await;
    world.save(&mail("crm.contact")).await;
    world
}

fn bound(name: &str) -> Value {
    json!({"schema": {"name": name}})
}

#[tokio::test]
async fn schema_is_bound_and_undone_by_who_has_the_version() {
    let world = world().await;
    let key = &world.acme.editor;
    let free = world.get(&world.acme.viewer, CONTACT).await.is(200);
    assert_eq!((&free.json["schema"], free.tag()), (&Value::Null, "\"r0\""));
    let put = world.put(key, CONTACT, free.tag(), &bound("crm.contact")).await.is(200);
    assert_eq!(put.json["schema"], json!({"name": "crm.contact", "version": 1}));
    let late = world.put(key, CONTACT, free.tag(), &bound("crm.contact")).await;
    late.refused(412, "api.precondition-failed");
    assert_eq!(world.get(key, CONTACT).await.json, put.json);
    let part = format!("{CONTACT}?part=p1");
    world.put(key, &part, "\"r0\"", &bound("crm.contact")).await.is(200);
    let all = world.get(key, "/api/bindings/crm").await.is(200).json;
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    assert_eq!(all["items"][1]["part"], "p1");
    world.delete(key, CONTACT).await.is(204);
    world.delete(key, CONTACT).await.refused(404, "api.not-found");
    let undone = world.get(key, CONTACT).await.is(200);
    assert_eq!((&undone.json["schema"], undone.tag()), (&Value::Null, "\"r2\""));
}

#[tokio::test]
async fn only_what_fits_is_bound() {
    let world = world().await;
    let key = &world.acme.editor;
    let other = "/api/bindings/crm/company";
    let refused = world.put(key, other, "\"r0\"", &bound("crm.contact")).await;
    refused.refused(422, "api.invalid");
    world.put(key, CONTACT, "\"r0\"", &bound("none")).await.refused(422, "api.invalid");
    let version = json!({"schema": {"name": "crm.contact", "version": 7}});
    world.put(key, CONTACT, "\"r0\"", &version).await.refused(422, "api.invalid");
    let shoe = "/api/bindings/crm/shoe";
    world.put(key, shoe, "\"r0\"", &bound("crm.contact")).await.refused(404, "api.not-found");
    let viewer = world.put(&world.acme.viewer, CONTACT, "\"r0\"", &bound("crm.contact")).await;
    viewer.refused(403, "api.forbidden");
    for path in [CONTACT, "/api/bindings/crm", "/api/bindings/crm/contact/active"] {
        world.get(&world.globex.editor, path).await.refused(404, "api.not-found");
    }
    let theirs = world.put(&world.globex.editor, CONTACT, "*", &bound("crm.contact")).await;
    theirs.refused(404, "api.not-found");
}

#[tokio::test]
async fn active_schema_is_shown_with_its_text() {
    let world = world().await;
    let path = "/api/bindings/crm/contact/active";
    world.get(&world.acme.viewer, path).await.refused(404, "api.not-found");
    let text = mail("own").to_string();
    let package = Origin::Package("example/crm 1.0.0".to_owned());
    let mapping = Mapping::new(&text, package, &Types::built_in()).unwrap();
    world.adapters.script().mappings = Mappings::default().with("contact", Some(mapping));
    let active = world.get(&world.acme.viewer, path).await.is(200).json;
    assert_eq!((&active["name"], &active["schema"]), (&json!("own"), &mail("own")));
    assert_eq!(active["package"], "example/crm 1.0.0");
}

#[tokio::test]
async fn impact_of_a_binding_is_told_before_it_is_made() {
    let world = world().await;
    let key = &world.acme.editor;
    let strict = schema("x", &json!([{"from": "/mail", "to": "email"}]));
    for choice in [json!({"saved": {"name": "crm.contact"}}), json!({"draft": strict})] {
        let content = json!({"connection": "crm", "entity": "contact", "schema": choice});
        let begun = world.post(key, "/api/impact", &content).await.is(202);
        let ended = world.ended(&begun).await;
        assert_eq!((&ended["status"], &ended["kind"]), (&json!("succeeded"), &json!("impact")));
        assert_eq!(ended["result"]["entities"]["contact"]["new"], 2, "{ended}");
        assert_eq!(ended["progress"]["done"], 2);
    }
    let undo = json!({"connection": "crm", "entity": "contact", "undo": true});
    let begun = world.post(key, "/api/impact", &undo).await.is(202);
    assert_eq!(world.ended(&begun).await["result"]["entities"]["contact"]["new"], 0);
    let all = world.post(key, "/api/impact", &json!({"connection": "crm"})).await.is(202);
    assert_eq!(world.ended(&all).await["result"]["stopped"], false);
}

#[tokio::test]
async fn records_that_would_be_rejected_are_told_with_the_reason() {
    let world = world().await;
    let fields = json!([{"from": "/mail", "ops": ["to_decimal", "to_string"], "to": "job_title",
        "on_error": "reject_record", "direction": "in"}]);
    let content = json!({"connection": "crm", "entity": "contact",
        "schema": {"draft": schema("strict", &fields)}});
    let begun = world.post(&world.acme.editor, "/api/impact", &content).await.is(202);
    let ended = world.ended(&begun).await;
    let told = &ended["result"]["entities"]["contact"];
    assert_eq!((&told["schema"], &told["rejected"]), (&json!("strict (not saved)"), &json!(2)));
    let example = &told["examples"][0];
    assert_eq!((&example["id"], &example["fields"]), (&json!("1"), &json!([])), "{ended}");
    assert!(example["problem"]["code"].as_str().unwrap().starts_with("mapping."), "{ended}");
}

#[tokio::test]
async fn impact_of_nonsense_is_refused_at_once() {
    let world = world().await;
    let saved = json!({"saved": {"name": "crm.contact"}});
    for (content, status, code) in [
        (json!({"connection": "none"}), 404, "api.not-found"),
        (json!({"connection": "crm", "entity": "shoe"}), 422, "api.invalid"),
        (json!({"connection": "crm", "schema": saved}), 422, "api.invalid"),
        (json!({"connection": "crm", "entity": "company", "schema": saved}), 422, "api.invalid"),
        (
            json!({"connection": "crm", "entity": "contact", "schema": saved, "undo": true}),
            422,
            "api.invalid",
        ),
        (
            json!({"connection": "crm", "entity": "contact", "schema": {"draft": {}}}),
            422,
            "mapping.refused",
        ),
    ] {
        world.post(&world.acme.editor, "/api/impact", &content).await.refused(status, code);
    }
    let content = json!({"connection": "crm"});
    world.post(&world.globex.editor, "/api/impact", &content).await.refused(404, "api.not-found");
    world.post(&world.acme.viewer, "/api/impact", &content).await.refused(403, "api.forbidden");
}

#[tokio::test]
async fn replay_is_queued_in_the_line_of_the_connection() {
    let world = world().await;
    let content = json!({"connection": "crm", "entities": ["contact"]});
    let begun = world.post(&world.acme.editor, "/api/replay", &content).await.is(202);
    assert_eq!((&begun.json["kind"], &begun.json["status"]), (&json!("replay"), &json!("queued")));
    let stats = world.store.stats(&id("acme"), Queue::InboundScheduled).await.unwrap();
    assert_eq!(stats.queued, 1);
    let wrong = json!({"connection": "crm", "entities": ["contact", "shoe"]});
    let refused = world.post(&world.acme.editor, "/api/replay", &wrong).await;
    refused.refused(422, "api.invalid");
    assert_eq!(refused.json["errors"][0]["pointer"], "/entities/1");
    let theirs = world.post(&world.globex.editor, "/api/replay", &content).await;
    theirs.refused(404, "api.not-found");
}
