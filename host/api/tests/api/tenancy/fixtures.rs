//! Something of acme's for every name that stands in a path.

use std::collections::BTreeMap;

use model::conflict::{ConflictKind, ConflictStore as _};
use model::run::{RunKind, RunStatus};
use serde_json::{Value, json};

use crate::support::{World, id};
use crate::{conflicts, dead_letters};

/// Names in paths that stand for nothing of a tenant, or for a part of what stands before them.
pub(super) const OF_NO_TENANT: [&str; 7] =
    ["code", "entity", "id", "provider", "publisher", "tenant", "version"];

/// A connection of acme's, and its integration.
const CONNECTION: &str = "acme-crm";

/// A thing.
pub(super) struct Fixture {
    /// What names it.
    pub(super) there: String,
    /// What would name it, and names nothing.
    pub(super) not_there: String,
}

/// Things of acme's, by what paths call them.
pub(super) async fn of_acme(world: &World) -> BTreeMap<&'static str, Fixture> {
    world.connected(CONNECTION).await;
    let run = world.begin(CONNECTION, RunKind::Sync).await;
    world.synced(&run, &["1"]).await;
    world.end(&run, RunStatus::Succeeded, Vec::new()).await;
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
        ("api_key", world.acme.viewer[3..19].to_owned()),
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
