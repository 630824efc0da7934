//! Packages that bring conversion schemas.

use async_trait::async_trait;
use engine::install::InstallError;
use engine::mapping::{Mappings, Resolver};
use engine::replay::{self, ReplayPlan, replay};
use engine::sync::{self, Cancel, Choice, EntityPlan, PackageRef, SyncPlan, sync};
use model::adapter::{Account, Adapter, Called, Entity, Next, Page, PullRequest, Receipt};
use model::run::{Run, RunStatus};
use model::schema::{Binding, NewSchema, SchemaKind, SchemaStore as _};
use model::store::Catalogue as _;
use model::{Connection, Error, ErrorKind};

use crate::world::{Release, World};

async fn release(mapping: &'static str) -> Result<(), InstallError> {
    let world = World::new();
    let release = Release { mapping: Some(mapping), ..Release::default() };
    let released = world.release(&release).await.map(drop);
    let packages = world.store.packages().await.unwrap();
    assert_eq!((packages.is_empty(), world.asked() == 0), (released.is_err(), released.is_err()));
    released
}

#[track_caller]
fn check(error: &InstallError, says: &str) {
    assert!(error.is_refusal());
    let text = error.to_string();
    assert!(text.starts_with("mappings/thing.json") && text.contains(says), "{text}");
}

#[tokio::test]
async fn package_whose_schema_compiles_is_installed() {
    let fields = r#"{"format": 1, "name": "shop.thing", "entity": "thing", "type": "c_company",
        "fields": [{"from": "/name", "to": "name", "on_error": "reject_record"}]}"#;
    release(fields).await.unwrap();
}

#[tokio::test]
async fn package_whose_schema_cannot_be_used_is_refused_with_what_is_wrong() {
    for (text, says) in [
        ("nonsense", "JSON"),
        (
            r#"{"format": 1, "name": "s", "entity": "thing", "type": "c_company",
                "fields": [{"from": "/a", "to": "name", "ops": ["trimm"]}]}"#,
            "/fields/0/ops/0: there is no operation \"trimm\"",
        ),
        (
            r#"{"format": 1, "name": "s", "entity": "other", "type": "c_company",
                "fields": [{"from": "/a", "to": "name"}]}"#,
            "it maps entity `other`, and the manifest names it for `thing`",
        ),
        (
            r#"{"format": 1, "name": "s", "entity": "thing", "type": "c_note",
                "fields": [{"from": "/a", "to": "title"}]}"#,
            "it maps to `c_note`; the manifest says `c_company` for entity `thing`",
        ),
    ] {
        check(&release(text).await.unwrap_err(), says);
    }
}

/// Reads nothing, and of an entity that is refused does not even that.
struct Empty;

fn called<T>(outcome: Result<T, Error>) -> Called<T> {
    Called { outcome, receipt: Receipt::default() }
}

#[async_trait]
impl Adapter for Empty {
    async fn check(&mut self) -> Called<Account> {
        called(Err(Error::new(ErrorKind::Unsupported, "test.check", "not here")))
    }

    async fn discover(&mut self, _: Option<&str>, _: Option<&str>) -> Called<Vec<Entity>> {
        called(Ok(Vec::new()))
    }

    async fn pull(&mut self, request: PullRequest) -> Called<Page> {
        assert_ne!(request.entity, "order");
        called(Ok(Page {
            records: Vec::new(),
            tombstones: Vec::new(),
            rejects: Vec::new(),
            next: Next::Done(String::new()),
            details: Vec::new(),
        }))
    }
}

fn connection() -> Connection {
    Connection::new("main".parse().unwrap(), "shop".parse().unwrap(), "acme/shop", "none")
}

/// Binds the schema that a tenant has saved to entity `order`.
async fn bind(world: &World, connection: &Connection, text: &str) {
    let new = NewSchema {
        tenant: connection.tenant.clone(),
        kind: SchemaKind::Conversion,
        name: "order".to_owned(),
        text: text.to_owned(),
        author: None,
        expected: 0,
        at: model::Timestamp::UNIX_EPOCH,
    };
    let head = world.store.put_schema(new).await.unwrap();
    let binding = Binding {
        tenant: connection.tenant.clone(),
        connection: connection.id.clone(),
        entity: "order".to_owned(),
        part: None,
        schema: Some((head.name, head.version)),
        revision: 0,
        at: model::Timestamp::UNIX_EPOCH,
    };
    world.store.put_binding(binding, None).await.unwrap();
}

#[track_caller]
fn check_refused(run: &Run) {
    let order = &run.entities["order"];
    let error = order.error.as_ref().unwrap();
    assert_eq!((order.status, error.code.as_str()), (RunStatus::Failed, "mapping.schema"));
    assert!(error.message.contains("there is no record type `x_gone`"), "{error}");
    assert_eq!(run.entities["thing"].status, RunStatus::Succeeded);
    assert_eq!(run.status, RunStatus::Partial);
}

#[tokio::test]
async fn schema_that_compiles_no_more_refuses_its_entity_alone() {
    let world = World::new();
    let own = r#"{"format": 1, "name": "shop.thing", "entity": "thing", "type": "c_company",
        "fields": [{"from": "/name", "to": "name", "on_error": "reject_record"}]}"#;
    world.release(&Release { mapping: Some(own), ..Release::default() }).await.unwrap();
    let package = world.load("acme/shop").await.unwrap().package;
    let connection = connection();
    world.store.put_connection(connection.clone()).await.unwrap();
    let gone = r#"{"format": 1, "name": "order", "entity": "order", "type": "x_gone",
        "fields": [{"from": "/a", "to": "a"}]}"#;
    bind(&world, &connection, gone).await;
    let resolver = Resolver { schemas: &world.store, connection: &connection, package: &package };
    let mappings: Mappings = resolver.active().await.unwrap();
    assert!(mappings.get("thing", None).is_some() && mappings.refused("thing").is_none());
    assert!(mappings.get("order", None).is_none());

    let (name, digest) = (package.name().to_owned(), package.digest().to_owned());
    let reference = PackageRef { name, version: "1.0.0".to_owned(), digest };
    let choice = Choice::default();
    let manifest = package.manifest();
    let mut plan = SyncPlan::of(reference.clone(), manifest, &connection, &choice).unwrap();
    let order = EntityPlan { name: "order".to_owned(), ..plan.entities[0].clone() };
    plan.entities.insert(0, order);
    plan.mappings = mappings.clone();
    let (store, cancel, listener) = (&world.store, Cancel::default(), |_: sync::Progress<'_>| {});
    let clock = model::Clock::manual("2026-01-01T12:00:00Z".parse().unwrap());
    let ports = sync::Ports {
        adapter: &mut Empty,
        store,
        clock: clock.clone(),
        cancel: cancel.clone(),
        listener: &listener,
        metrics: engine::metrics::Metrics::default(),
    };
    check_refused(&sync(&plan, ports).await.unwrap());

    let mut plan = ReplayPlan::of(reference, manifest, &connection, &[], mappings).unwrap();
    plan.entities.insert(0, "order".to_owned());
    let impact = replay::impact(&plan, store, &cancel, &|_| {}).await.unwrap();
    assert_eq!(impact.entities["order"].error.as_ref().unwrap().code, "mapping.schema");
    let ports = replay::Ports { store, clock, cancel, listener: &listener };
    check_refused(&replay(&plan, ports).await.unwrap());
}
