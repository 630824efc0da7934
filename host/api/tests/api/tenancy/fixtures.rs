//! Something of acme's for every name that stands in a path.

use std::collections::BTreeMap;

use engine::mapping::{Mapping, Mappings, Origin};
use mapping::Types;
use model::absence::{Fate, Judged};
use model::conflict::{ConflictKind, ConflictStore as _};
use model::run::{RunKind, RunStatus};
use model::store::EntityEnd;
use serde_json::{Value, json};

use crate::support::{World, id, key_id};
use crate::{conflicts, dead_letters};

/// Names in paths that stand for nothing of a tenant.
pub(super) const OF_NO_TENANT: [&str; 5] = ["code", "id", "provider", "publisher", "tenant"];

/// Names that stand for a part of what stands before them, and what acme's has.
pub(super) const PARTS: [(&str, &str); 2] = [("entity", "contact"), ("version", "1")];

/// A connection of acme's, and its integration.
const CONNECTION: &str = "acme-crm";

/// What acme has none of: the package of the world brings no schema along.
pub(super) const ABSENT: [&str; 1] = ["/api/bindings/{connection}/{entity}/active"];

/// A thing.
pub(super) struct Fixture {
    /// What names it.
    pub(super) there: String,
    /// What would name it, and names nothing.
    pub(super) not_there: String,
}

/// Things of acme's, by what paths call them.
pub(super) async fn of_acme(world: &World) -> BTreeMap<&'static str, Fixture> {
    let connection = json!({
        "id": CONNECTION, "provider": "crm", "method": "key", "fields": {"token": "t"},
    });
    world.post(&world.acme.admin, "/api/connections", &connection).await.is(201);
    let run = world.begin(CONNECTION, RunKind::Sync).await;
    world.synced(&run, &["1"]).await;
    let absence = vec![Judged { live: 1_000, absent: 500, fate: Fate::Held }];
    let entity = EntityEnd {
        entity: "contact".to_owned(),
        status: RunStatus::Succeeded,
        absence,
        ..EntityEnd::default()
    };
    world.end(&run, RunStatus::Succeeded, vec![entity]).await;
    let conflict = conflicts::found(CONNECTION, "1", ConflictKind::BothChanged);
    world.store.put_conflicts(vec![conflict]).await.unwrap();
    dead_letters::bury(world, &[(CONNECTION, "crm.no")]).await;
    let task = json!({
        "id": "acme-task", "connection": CONNECTION, "schedule": {"every-seconds": 3_600},
    });
    let pause = json!({"what": {"kind": "connection", "connection": CONNECTION}, "reason": "x"});
    let schema = json!({
        "format": 1, "name": "acme-mail", "entity": "contact", "type": "c_contact", "fields": [],
    });
    let fields = json!([{"name": "size", "kind": "integer"}]);
    let record_type = json!({"name": "shoe", "summary": "A shoe.", "fields": fields});
    let made = async |list: &str, content: Value| made(world, list, &content).await;
    let first = async |list: &str| first(world, list).await;
    let there = [
        ("api_key", key_id(&world.acme.viewer).to_string()),
        ("conflict", first("/api/conflicts").await),
        ("connection", CONNECTION.to_owned()),
        ("consumer", made("/api/event-consumers", json!({"name": "acme-books"})).await),
        ("draft", made("/api/drafts", json!({"kind": "schema", "content": {}})).await),
        ("integration", CONNECTION.to_owned()),
        ("letter", first("/api/dead-letters").await),
        ("operation", operation(world)),
        ("pause", made("/api/pauses", pause).await),
        ("record", first("/api/records").await),
        ("run", first("/api/runs").await),
        ("schema", made("/api/schemas", json!({ "schema": schema })).await),
        ("task", made("/api/sync-tasks", task).await),
        ("type", made("/api/record-types", json!({"record_type": record_type})).await),
    ];
    let bound = json!({"schema": {"name": "acme-mail", "version": 1}});
    let binding = format!("/api/bindings/{CONNECTION}/contact");
    world.put(&world.acme.editor, &binding, "\"r0\"", &bound).await.is(200);
    let active = Mapping::new(&schema.to_string(), Origin::Saved(1), &Types::built_in()).unwrap();
    world.adapters.script().mappings = Mappings::default().with("contact", Some(active));
    there.map(|(name, there)| (name, Fixture { not_there: changed(&there), there })).into()
}

/// Makes a thing: its name.
async fn made(world: &World, list: &str, content: &Value) -> String {
    let made = world.post(&world.acme.admin, list, content).await.is(201);
    made.header("location").rsplit('/').next().unwrap().to_owned()
}

/// The id of the first thing of a list.
async fn first(world: &World, list: &str) -> String {
    let listed = world.get(&world.acme.admin, list).await.is(200).json;
    let id = &listed["items"][0]["id"];
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

fn operation(world: &World) -> String {
    let begun = world.ports.operations.begin(&id("acme"), "test", async |_| Ok(Value::Null));
    begun.unwrap().id
}

/// A name of the same form that names nothing: another letter or digit at its end.
fn changed(name: &str) -> String {
    let mut name = name.to_owned();
    let other = match name.pop() {
        Some('7') => '8',
        Some(last) if last.is_ascii_digit() => '7',
        Some('a') => 'b',
        _ => 'a',
    };
    name.push(other);
    name
}
