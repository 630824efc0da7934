//! The whole story by HTTP alone, from the first key to the events.

use std::collections::BTreeSet;

use e2e::{CONNECTION, Served};
use model::Clock;
use plughouse_testkit::hubspot::Kind;
use serde_json::{Value, json};

use crate::world::{PLUGIN, People, TENANT, World, all, ended, key, sync};

/// Contacts of the account.
const CONTACTS: u64 = 250;

/// How long ago a change was that a search of the provider surely shows, in milliseconds.
const SETTLED_MS: i64 = 120_000;

/// What the simulator has, as ids.
fn contacts(world: &World) -> BTreeSet<String> {
    world.account.with(|account| account.provider.ids(Kind::Contacts).into_iter().collect())
}

/// The ids at the provider of records.
fn external(records: &[Value]) -> BTreeSet<String> {
    let of = |record: &Value| record["external_relationships"][0]["external_id"].clone();
    records.iter().map(|record| of(record).as_str().unwrap().to_owned()).collect()
}

#[test]
fn host_is_set_up_connected_and_read_by_http_alone() {
    let world = World::authorised(CONTACTS);
    let served = Served::start(&world.host);
    let operator = served.api();
    assert_eq!(operator.get("/api/me")["role"], "operator");

    bring_the_plugin(&world, &served);
    let people = People::of(&operator, TENANT);
    let app = operator.ask("PUT", "/api/apps/plughouse/hubspot", &world.app());
    assert_eq!((app.status, app.text.contains("canary")), (201, false), "{}", app.text);
    let new = json!({"id": "sales", "name": "Sales", "provider": "hubspot"});
    people.admin.post("/api/integrations", &new, 201);
    world.authorise(&people, "sales");
    let integration = people.admin.get("/api/integrations/sales");
    assert_eq!(integration["connections"][0]["id"], CONNECTION, "{integration}");
    let tested = people.admin.post("/api/integrations/sales/test", &Value::Null, 200);
    assert_eq!(tested["works"], true, "{tested}");

    run_a_task(&people);
    records_are_the_provider_s(&world, &people);
    schema_is_tried(&people);
    follow_the_changes(&world, &people);
    others_see_nothing(&people);
    assert_eq!(served.stop(), Some(0));
}

/// Sends the plugin, reads what it asks for, and says yes.
fn bring_the_plugin(world: &World, served: &Served) {
    let operator = served.api();
    let brought = world.submit(&operator);
    assert_eq!((brought.status, brought.header("location")), (202, PLUGIN), "{}", brought.text);
    let plugin = operator.get(PLUGIN);
    let (pending, plan) = (&plugin["pending"], &plugin["pending"]["plan"]);
    assert!(plugin["installed"].is_null() && pending["refused"].is_null(), "{plugin}");
    assert_eq!(plan["signers"][0]["name"], "plughouse", "{plan}");
    let asks =
        |it: &&Value| it.as_str().unwrap().contains("https://api.hubapi.com, with the account");
    assert!(plan["permissions"].as_array().unwrap().iter().any(|it| asks(&it)), "{plan}");
    let approve = |body: &Value| {
        let answered = operator.ask("POST", &format!("{PLUGIN}/approve"), body);
        (answered.status, answered.json())
    };
    // Another one than was looked at.
    assert_eq!(approve(&json!({"digest": format!("sha256:{}", "0".repeat(64))})).0, 409);
    let (status, installed) = approve(&json!({"digest": pending["digest"]}));
    assert_eq!((status, &installed["pending"]), (200, &Value::Null), "{installed}");
    assert_eq!(installed["installed"]["grant"], plan["permissions"], "{installed}");
}

/// A task reads the contacts at once; its counters add up.
fn run_a_task(people: &People) {
    let editor = key(&people.admin, "editor");
    let task = json!({
        "id": "hourly", "connection": CONNECTION, "schedule": {"every-seconds": 3600},
        "entities": ["contact"],
    });
    let made = editor.post("/api/sync-tasks", &task, 201);
    assert!(made["next_sync_at"].is_string(), "{made}");
    let queued = editor.post("/api/sync-tasks/hourly/run", &json!({}), 202);
    let operation = ended(&editor, &queued);
    assert_eq!(operation["status"], "succeeded", "{operation}");
    let run = all(&editor, "/api/runs?connection=crm").remove(0);
    assert_eq!(operation["result"]["run"], run["id"], "{operation}");
    let contact = &run["entities"]["contact"];
    assert_eq!((&run["task"], &contact["read"]), (&"hourly".into(), &CONTACTS.into()), "{run}");
    let kinds = ["created", "updated", "unchanged", "deleted", "rejected", "skipped"];
    let sum: u64 = kinds.iter().map(|kind| contact[kind].as_u64().unwrap()).sum();
    assert_eq!((contact["read"].as_u64(), &contact["created"]), (Some(sum), &CONTACTS.into()));
    let outcomes = editor.get(&format!("/api/runs/{}/outcomes", run["id"].as_str().unwrap()));
    assert_eq!(outcomes["counts"]["created"], CONTACTS, "{outcomes}");
}

/// Lists, the export and the list by a relationship hold what the provider has.
fn records_are_the_provider_s(world: &World, people: &People) {
    let viewer = key(&people.admin, "viewer");
    let expected = contacts(world);
    let listed = all(&viewer, "/api/records?type=c_contact&limit=100");
    assert_eq!((listed.len(), external(&listed)), (expected.len(), expected.clone()));
    let exported = viewer.send("GET", "/api/records/export?type=c_contact", &[], &[]);
    assert_eq!(exported.header("content-type"), "application/x-ndjson");
    let lines = exported.text.lines().map(|line| serde_json::from_str(line).unwrap());
    assert_eq!(lines.collect::<Vec<Value>>(), listed);

    let id = expected.first().unwrap();
    let one = format!("/api/records?connection=crm&entity=contact&external_id={id}");
    let found = all(&viewer, &one).remove(0);
    let email = world.account.with(|account| account.provider.value(Kind::Contacts, id, "email"));
    assert_eq!(found["record"]["email"], json!(email), "{found}");
    let record = format!("/api/records/{}", found["id"].as_str().unwrap());
    let source = viewer.get(&format!("{record}/sources"))["items"][0]["payload"].clone();
    assert_eq!(source["properties"]["email"], json!(email), "{source}");
    let shown = viewer.send("GET", &record, &[], &[]);
    let again = viewer.send("GET", &record, &[("if-none-match", shown.header("etag"))], &[]);
    assert_eq!((shown.json(), again.status), (found, 304));
}

/// The schema of the package is tried on what was read.
fn schema_is_tried(people: &People) {
    let tried = json!({"connection": CONNECTION, "entity": "contact", "limit": 3});
    let preview = people.admin.post("/api/schemas/preview", &tried, 200);
    assert_eq!(preview["records"].as_array().map(Vec::len), Some(3), "{preview}");
    assert_eq!(preview["rejected"], 0, "{preview}");
}

/// Who has a copy follows what changes.
fn follow_the_changes(world: &World, people: &People) {
    let exported = people.admin.send("GET", "/api/records/export?type=c_contact", &[], &[]);
    let position = exported.header("plughouse-position");
    let id = contacts(world).pop_first().unwrap();
    let at = Clock::system().now().as_millisecond() - SETTLED_MS;
    world.account.with(|account| {
        let name = [("firstname", "Renamed")];
        account.provider.update(Kind::Contacts, &id, at, &name).unwrap();
    });
    let operation = sync(&people.admin, "sales");
    assert_eq!(operation["status"], "succeeded", "{operation}");
    let changes = people.admin.get(&format!("/api/records/changes?after={position}"));
    let items = changes["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["change"]), (1, &"updated".into()), "{changes}");
    assert_eq!(items[0]["record"]["record"]["given_name"], "Renamed", "{changes}");
    let events = all(&people.admin, "/api/events");
    let told = |kind: &str| events.iter().filter(|it| it["event"]["type"] == kind).count();
    assert_eq!(told("run-finished"), 2, "{events:#?}");
    let last = events.iter().rfind(|it| it["event"]["type"] == "canonical-changed").unwrap();
    assert!(last["event"]["changes"].to_string().contains(items[0]["id"].as_str().unwrap()));
}

/// Another tenant, with the ids of the first one in hand.
fn others_see_nothing(people: &People) {
    let other = People::of(&people.operator, "other").admin;
    for list in ["integrations", "connections", "records", "runs", "events", "sync-tasks"] {
        assert_eq!(other.get(&format!("/api/{list}"))["items"], json!([]), "{list}");
    }
    let record = people.admin.get("/api/records?limit=1")["items"][0]["id"].clone();
    let record = format!("records/{}", record.as_str().unwrap());
    let places =
        [&record, "integrations/sales", "connections/crm", "runs/crm:1", "sync-tasks/hourly"];
    for place in places {
        let path = format!("/api/{place}");
        let (own, theirs) =
            (people.admin.send("GET", &path, &[], &[]), other.send("GET", &path, &[], &[]));
        assert_eq!((own.status, theirs.status), (200, 404), "{place}: {}", theirs.text);
    }
}
