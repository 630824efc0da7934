//! What schemas make of stored records.

use model::adapter::{Entity, Field, FieldKind};
use model::canonical::PageRecord;
use model::record::Record;
use model::run::RunKind;
use model::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::schemas::{mail, schema};
use crate::support::World;

const PREVIEW: &str = "/api/schemas/preview";

impl World {
    /// Acme's connection `crm`, with these contacts, mapped by nothing yet.
    pub(crate) async fn read(&self, contacts: &[(&str, Value)]) {
        self.connected("crm").await;
        let run = self.begin("crm", RunKind::Sync).await;
        let record = |(id, payload): &(&str, Value)| {
            PageRecord::from(Record {
                entity: "contact".to_owned(),
                id: (*id).to_owned(),
                version: None,
                modified: None,
                payload: payload.to_string().into(),
                contents: Vec::new(),
                details: Vec::new(),
            })
        };
        let records = contacts.iter().map(record).collect();
        self.commit(self.page(&run, records)).await;
    }
}

fn ada() -> (&'static str, Value) {
    ("1", json!({"mail": " A@B.ch ", "name": "Ada"}))
}

#[tokio::test]
async fn every_step_of_every_field_is_shown_and_what_goes_back() {
    let world = World::new().await;
    world.read(&[ada(), ("2", json!({"mail": 7}))]).await;
    let on = json!({"schema": {"draft": mail("a")}, "connection": "crm", "entity": "contact"});
    let found = world.post(&world.acme.viewer, PREVIEW, &on).await.is(200).json;
    assert_eq!((&found["schema"], &found["left_out"]), (&json!("a (not saved)"), &json!(0)));
    let first = &found["records"][0];
    assert_eq!((&first["id"], &first["output"]), (&json!("1"), &json!({"email": "A@b.ch"})));
    assert_eq!(
        first["fields"][0],
        json!({
            "from": ["/mail"], "to": ["email"], "source": " A@B.ch ",
            "steps": [{"op": "email_norm", "kind": "text", "value": "A@b.ch"}],
            "back": "A@b.ch", "round_trip": "tidied",
        })
    );
    let second = &found["records"][1];
    assert!(second["fields"][0]["steps"][0]["error"].as_str().unwrap().contains("text"));
    assert_eq!(second["issues"][0]["code"], "mapping.type");
    assert_eq!(second["issues"][0]["step"], 0);
}

#[tokio::test]
async fn records_are_chosen_by_id_or_given() {
    let world = World::new().await;
    world.read(&[ada(), ("2", json!({"mail": "x@y.ch"}))]).await;
    world.save(&mail("saved")).await;
    let strict = json!([{"from": "/mail", "to": "email", "on_error": "reject_record"}]);
    let ask = async |content: Value| world.post(&world.acme.viewer, PREVIEW, &content).await;
    let by_id = json!({"schema": {"saved": {"name": "saved", "version": 1}},
        "connection": "crm", "entity": "contact", "ids": ["2"]});
    let found = ask(by_id).await.is(200).json;
    assert_eq!(found["records"].as_array().unwrap().len(), 1);
    assert_eq!(found["records"][0]["output"], json!({"email": "x@y.ch"}));
    let given = json!({"schema": {"draft": schema("a", &strict)},
        "payloads": [{"mail": 7}, {"mail": "x@y.ch"}]});
    let found = ask(given).await.is(200).json;
    assert_eq!((&found["rejected"], &found["records"][0]["output"]), (&json!(1), &Value::Null));
    let active = json!({"connection": "crm", "entity": "contact"});
    ask(active).await.refused(409, "api.conflict");
}

#[tokio::test]
async fn preview_that_asks_for_what_is_not_there_is_refused() {
    let world = World::new().await;
    world.read(&[ada()]).await;
    let check = async |members: Value, status: u16, code: &str| {
        let mut content = json!({"schema": {"draft": mail("a")}, "connection": "crm",
            "entity": "contact"});
        content.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        world.post(&world.acme.viewer, PREVIEW, &content).await.refused(status, code);
    };
    check(json!({"connection": "other"}), 404, "api.not-found").await;
    check(json!({"entity": "shoe"}), 422, "api.invalid").await;
    check(json!({"entity": "company"}), 409, "api.conflict").await;
    check(json!({"ids": ["9"]}), 422, "api.invalid").await;
    check(json!({"limit": 101}), 422, "api.invalid").await;
    check(json!({"limit": 0}), 422, "api.invalid").await;
    check(json!({"ids": vec!["1"; 101]}), 422, "api.invalid").await;
    check(json!({"payloads": [{}]}), 422, "api.invalid").await;
    check(json!({"schema": {"saved": {"name": "no"}}}), 422, "api.invalid").await;
    check(json!({"schema": {"draft": {"format": 1}}}), 422, "mapping.refused").await;
    let theirs = json!({"connection": "crm", "entity": "contact"});
    world.post(&world.globex.viewer, PREVIEW, &theirs).await.refused(404, "api.not-found");
    world.post(&world.acme.viewer, PREVIEW, &json!({})).await.refused(422, "api.invalid");
}

#[tokio::test]
async fn answer_ends_before_it_grows_too_large() {
    let world = World::new().await;
    let text = "x".repeat(1 << 20);
    let payloads: Vec<_> = (0..3).map(|_| json!({"name": text})).collect();
    let fields = ["full_name", "job_title", "company_name", "stage", "city"];
    let fields = fields.map(|to| json!({"from": "/name", "to": to, "direction": "in"}));
    let schema = schema("a", &json!(fields));
    let content = json!({"schema": {"draft": schema}, "payloads": payloads});
    let found = world.post(&world.acme.viewer, PREVIEW, &content).await.is(200).json;
    assert_eq!(found["records"].as_array().unwrap().len(), 1);
    assert_eq!(found["left_out"], 2);
}

#[tokio::test]
async fn paths_of_stored_records_are_told() {
    let world = World::new().await;
    world.read(&[ada(), ("2", json!({"mail": null, "tags": [1]}))]).await;
    let path = "/api/schemas/paths?connection=crm&entity=contact";
    let found = world.get(&world.acme.viewer, path).await.is(200).json;
    assert_eq!((&found["records"], &found["more"]), (&json!(2), &json!(false)));
    assert_eq!(
        found["paths"][0],
        json!({"pointer": "/mail", "filled": 1, "kinds": {"null": 1, "text": 1},
            "examples": [" A@B.ch "]})
    );
    world.get(&world.globex.viewer, path).await.refused(404, "api.not-found");
    let other = "/api/schemas/paths?connection=crm&entity=shoe";
    world.get(&world.acme.viewer, other).await.refused(422, "api.invalid");
    let none = world.get(&world.acme.viewer, "/api/schemas/paths?connection=crm").await;
    none.refused(400, "api.invalid");
    let empty = "/api/schemas/paths?connection=crm&entity=company";
    assert_eq!(world.get(&world.acme.viewer, empty).await.is(200).json["paths"], json!([]));
}

fn offered(name: &str, label: &str, kind: FieldKind) -> Field {
    Field {
        name: name.to_owned(),
        label: label.to_owned(),
        kind,
        required: false,
        writable: true,
        unique: false,
        choices: Vec::new(),
        target: None,
        details: Vec::new(),
    }
}

fn offers(world: &World, fields: Vec<Field>) {
    let entity = Entity {
        name: "contact".to_owned(),
        part: None,
        label: "Contact".to_owned(),
        fields,
        details: Vec::new(),
    };
    world.adapters.script().entities = Ok(vec![entity]);
}

#[tokio::test]
async fn schema_is_suggested_from_records_and_what_the_account_says() {
    let world = World::new().await;
    world.read(&[("1", json!({"x1": "a@b.ch", "name": "Ada"}))]).await;
    offers(&world, vec![offered("x1", "Email", FieldKind::Text)]);
    let suggest = async |content: Value| {
        world.post(&world.acme.editor, "/api/schemas/suggest", &content).await
    };
    let on = json!({"connection": "crm", "entity": "contact", "record_type": "c_contact"});
    let found = suggest(on.clone()).await.is(200).json;
    assert_eq!(found["schema"]["name"], "crm.contact");
    let suggested = |found: &Value| {
        let all = found["suggestions"].as_array().unwrap().iter();
        all.map(|it| format!("{} → {}", it["from"], it["to"])).collect::<Vec<_>>()
    };
    assert_eq!(suggested(&found), [r#""/name" → "full_name""#, r#""/x1" → "email""#]);
    assert!(found.get("not_discovered").is_none());
    let unavailable = Error::new(ErrorKind::Unavailable, "crm.down", "nobody is there");
    world.adapters.script().entities = Err(unavailable);
    let found = suggest(on).await.is(200).json;
    assert!(found["not_discovered"].as_str().unwrap().contains("nobody is there"));
    assert_eq!(suggested(&found), [r#""/name" → "full_name""#]);
    let refused = [
        (json!({"connection": "crm", "entity": "contact"}), 422, "api.invalid"),
        (json!({"connection": "crm", "entity": "contact", "record_type": "x"}), 422, "api.invalid"),
        (
            json!({"connection": "crm", "entity": "company", "record_type": "c_company"}),
            409,
            "api.conflict",
        ),
        (json!({"connection": "x", "entity": "contact"}), 404, "api.not-found"),
    ];
    for (content, status, code) in refused {
        suggest(content).await.refused(status, code);
    }
}

#[tokio::test]
async fn type_follows_what_the_account_says_of_its_fields() {
    let world = World::new().await;
    world.read(&[("1", json!({"size": 42, "colour": "red"}))]).await;
    offers(&world, vec![offered("size", "Size", FieldKind::Integer)]);
    let derive = async |contract: Value| {
        let content = json!({"connection": "crm", "entity": "contact", "contract": contract});
        world.post(&world.acme.editor, "/api/schemas/derive", &content).await
    };
    let found = derive(json!({})).await.is(200).json;
    assert_eq!(found["record_type"]["version"], 1);
    let name = found["record_type"]["name"].as_str().unwrap();
    world.get(&world.acme.viewer, &format!("/api/record-types/{name}")).await.is(200);
    world.get(&world.acme.viewer, &format!("/api/schemas/{name}")).await.is(200);
    assert_eq!(derive(json!({})).await.is(200).json["record_type"]["changed"], false);
    let fields = [("size", FieldKind::Integer), ("colour", FieldKind::Text)];
    offers(&world, fields.map(|(name, kind)| offered(name, name, kind)).to_vec());
    let frozen = derive(json!({"field": "freeze"})).await.is(200).json;
    assert_eq!((&frozen["frozen"], &frozen["record_type"]["version"]), (&json!(true), &json!(1)));
    let change = json!({"field": "colour", "changed": "added", "to": "text", "policy": "freeze"});
    assert_eq!(frozen["changes"], json!([change]));
    derive(json!({"field": "thaw"})).await.refused(422, "api.invalid");
}
