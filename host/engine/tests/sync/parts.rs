//! Instances of one entity with different fields, each with a type and a schema of its own.

use engine::mapping::{
    ContractEdit, DerivePorts, Derived, Deriving, Mapping, Mappings, Origin, derive, types,
};
use engine::replay::{Ports, ReplayPlan, Scope, impact, replay};
use engine::sync::PartsFrom;
use model::Connection;
use model::adapter::{Entity, FieldKind, Next};
use model::run::Run;
use model::schema::{SchemaKind, SchemaStore as _};
use serde_json::{Value, json};

use crate::derived::field;
use crate::provider::{Scripted, page};
use crate::schemas::with;
use crate::world::World;

const TASKS: &str = "0a-1b";
const BOOKS: &str = "0a-2c";

/// A provider of two databases; of books it says that they have these fields.
fn provider(books: &[(&str, FieldKind)]) -> Scripted {
    let mut provider = Scripted::new(|request| {
        let row = |id: &str, values: Value| with("row", id, &json!({"p": values}));
        let rows = match request.part.as_deref() {
            // More than are looked at for samples, and all before those of the other one.
            Some(TASKS) => (0..60)
                .map(|n| row(&format!("a{n:02}"), json!({"Title": n.to_string(), "Done": true})))
                .collect(),
            Some(BOOKS) => vec![row("b1", json!({"Title": "7", "Pages": "300", "Author": "Ann"}))],
            _ => Vec::new(),
        };
        Ok(page(rows, Next::Done(String::new())))
    });
    let offer = |part: &str, fields: &[(&str, FieldKind)]| Entity {
        name: "row".to_owned(),
        part: Some(part.to_owned()),
        label: String::new(),
        fields: fields.iter().copied().map(field).collect(),
        details: Vec::new(),
    };
    let tasks = [("Title", FieldKind::Text), ("Done", FieldKind::Boolean)];
    provider.offers = Ok(vec![offer(TASKS, &tasks), offer(BOOKS, books)]);
    provider
}

const BOOK: [(&str, FieldKind); 2] = [("Title", FieldKind::Text), ("Pages", FieldKind::Integer)];

async fn ask(world: &World, adapter: &mut Scripted, part: &str) -> Derived {
    let connection = Connection::new(
        world.plan.tenant.clone(),
        world.plan.connection.clone(),
        world.plan.package.name.clone(),
        "",
    );
    let deriving = Deriving {
        connection: &connection,
        entity: "row",
        part: Some(part),
        contract: ContractEdit::default(),
        at: None,
        author: None,
        now: world.clock.now(),
    };
    let ports = DerivePorts { adapter, schemas: &world.store, records: &world.store };
    derive(&deriving, ports).await.unwrap()
}

/// The newest derived schemas of these parts.
async fn mappings(world: &World, parts: &[&str]) -> Mappings {
    let tenant = &world.plan.tenant;
    let types = types(&world.store, tenant).await.unwrap();
    let mut mappings = Mappings::default();
    for part in parts {
        let name = format!("crm_row_{}", part.replace('-', "_"));
        let saved = world.store.schema(tenant, SchemaKind::Conversion, &name, None).await;
        let saved = saved.unwrap().unwrap();
        let mapping = Mapping::new(&saved.text, Origin::Saved(saved.head.version), &types);
        mappings = mappings.with_part("row", Some(part), Some(mapping.unwrap()));
    }
    mappings
}

/// A connection with both databases read and derived, and both schemas in use.
async fn scene() -> (World, Run) {
    let mut world = World::new(&["row"]);
    world.entity().parts = PartsFrom::Discovery;
    let mut provider = provider(&BOOK);
    world.run(&mut provider).await;
    for part in [TASKS, BOOKS] {
        ask(&world, &mut provider, part).await;
    }
    world.plan.mappings = mappings(&world, &[TASKS, BOOKS]).await;
    world.wait();
    let run = world.run(&mut provider).await;
    (world, run)
}

fn plan(world: &World, mappings: Mappings, scope: Scope) -> ReplayPlan {
    ReplayPlan {
        tenant: world.plan.tenant.clone(),
        connection: world.plan.connection.clone(),
        package: world.plan.package.clone(),
        lease: None,
        job: None,
        mark: None,
        entities: vec!["row".to_owned()],
        scope,
        again: false,
        mappings,
    }
}

/// Records that a replay would find current, changed, and mapped no more.
async fn look(world: &World, plan: &ReplayPlan) -> (u64, u64, u64) {
    let found = impact(plan, &world.store, &world.cancel, &|_| {}).await.unwrap();
    let row = &found.entities["row"];
    (row.current, row.changed, row.unmapped)
}

#[tokio::test]
async fn parts_of_one_entity_are_mapped_by_schemas_of_their_own_in_one_sync() {
    let (world, run) = scene().await;
    let row = &run.entities["row"];
    assert_eq!(row.schema.as_deref(), Some("crm_row_0a_1b@1, crm_row_0a_2c@1"));
    assert_eq!((row.inserted, row.rejected), (61, 0));
    let records = world.canonical().await;
    let of = |name: &str| records.iter().filter(|r| r.record_type == name).collect::<Vec<_>>();
    let (tasks, books) = (of("crm_row_0a_1b"), of("crm_row_0a_2c"));
    assert_eq!((tasks.len(), books.len()), (60, 1));
    let doc = |record: &model::canonical::CanonicalRecord| {
        serde_json::from_slice::<Value>(&record.doc).unwrap()
    };
    assert_eq!(doc(tasks[0]), json!({"title": "0", "done": true}));
    assert_eq!(doc(books[0]), json!({"title": "7", "pages": 300}));
}

#[tokio::test]
async fn changed_schema_of_a_part_is_replayed_upon_its_records_alone() {
    let (world, _) = scene().await;
    let wider = [BOOK[0], BOOK[1], ("Author", FieldKind::Text)];
    ask(&world, &mut provider(&wider), BOOKS).await;
    let plan = plan(&world, mappings(&world, &[TASKS, BOOKS]).await, Scope::All);
    assert_eq!(look(&world, &plan).await, (60, 1, 0));
    let listener = |_: engine::sync::Progress<'_>| {};
    let (clock, cancel) = (world.clock.clone(), world.cancel.clone());
    let ports = Ports { store: &world.store, clock, cancel, listener: &listener };
    let run = replay(&plan, ports).await.unwrap();
    let row = &run.entities["row"];
    assert_eq!((row.read, row.updated), (1, 1));
    assert_eq!(row.schema.as_deref(), Some("crm_row_0a_1b@1, crm_row_0a_2c@2"));
    let book = json!({"title": "7", "pages": 300, "author": "Ann"});
    assert!(world.docs().await.contains(&book));
    assert_eq!(look(&world, &plan).await, (61, 0, 0));
}

#[tokio::test]
async fn replay_of_one_part_or_of_the_rest_leaves_the_others() {
    let (world, _) = scene().await;
    let part = Scope::Part(TASKS.to_owned());
    let rest = Scope::Outside(vec![TASKS.to_owned()]);
    let both = mappings(&world, &[TASKS, BOOKS]).await;
    assert_eq!(look(&world, &plan(&world, both.clone(), part.clone())).await, (60, 0, 0));
    assert_eq!(look(&world, &plan(&world, both, rest.clone())).await, (1, 0, 0));
    assert_eq!(look(&world, &plan(&world, Mappings::default(), part)).await, (0, 0, 60));
    assert_eq!(look(&world, &plan(&world, Mappings::default(), rest)).await, (0, 0, 1));
}

#[tokio::test]
async fn part_that_has_no_schema_of_its_own_follows_its_entity() {
    let (mut world, _) = scene().await;
    let title = json!([{"from": "/p/Title", "to": "title"}]);
    let entity = crate::schemas::mapping("row", "c_note", &title);
    let books = mappings(&world, &[BOOKS]).await;
    world.plan.mappings = books.with("row", Some(entity));
    assert_eq!(look(&world, &plan(&world, world.plan.mappings.clone(), Scope::All)).await.0, 1);
    world.wait();
    world.run(&mut provider(&BOOK)).await;
    let live = world.canonical().await.into_iter().filter(|record| !record.removed);
    let notes = live.filter(|record| record.record_type == "c_note").count();
    assert_eq!(notes, 60);
}
