//! Mapping again what is stored.

use std::sync::atomic::{AtomicUsize, Ordering};

use engine::mapping::Mappings;
use engine::replay::{Impact, Ports, ReplayPlan, Scope, impact, replay};
use engine::sync::{Cancel, Progress};
use model::canonical::RelationshipStatus;
use model::record::Record;
use model::run::{Run, RunKind, RunStatus};
use model::store::{RecordStore, StoreError, StoreErrorKind};
use serde_json::json;

use crate::provider::Scripted;
use crate::schemas::{all, crm, mapping, with};
use crate::store::{Fault, Faulty};
use crate::world::{World, start};

/// More than two batches.
const MANY: usize = 1200;

/// Contacts whose mail is written in upper case, as the first schema leaves it.
async fn filled(count: usize) -> World {
    let mut world = World::new(&["contact"]);
    let plain = json!([{"from": "/email", "to": "email"}]);
    world.plan.mappings =
        Mappings::default().with("contact", Some(mapping("contact", "c_contact", &plain)));
    let contact = |n: usize| {
        let email = if n == 0 { "0@x.example".to_owned() } else { format!("{n}@X.example") };
        with("contact", &format!("{n:04}"), &json!({"email": email}))
    };
    let records: Vec<Record> = (0..count).map(contact).collect();
    let run = world.run(&mut Scripted::new(move |request| Ok(all(request, &records)))).await;
    assert_eq!(run.status, RunStatus::Succeeded);
    world
}

fn plan(world: &World, mappings: Mappings) -> ReplayPlan {
    ReplayPlan {
        tenant: world.plan.tenant.clone(),
        connection: world.plan.connection.clone(),
        package: world.plan.package.clone(),
        lease: None,
        entities: world.plan.entities.iter().map(|entity| entity.name.clone()).collect(),
        scope: Scope::All,
        again: false,
        mappings,
    }
}

async fn look(world: &World, plan: &ReplayPlan) -> Impact {
    impact(plan, &world.store, &Cancel::default()).await.unwrap()
}

async fn run_on(
    world: &World,
    store: &dyn RecordStore,
    plan: &ReplayPlan,
    listener: impl Fn(Progress<'_>) + Send + Sync,
) -> Result<Run, StoreError> {
    let (clock, cancel) = (world.clock.clone(), world.cancel.clone());
    replay(plan, Ports { store, clock, cancel, listener: &listener }).await
}

async fn run(world: &World, plan: &ReplayPlan) -> Run {
    run_on(world, &world.store, plan, |_| {}).await.unwrap()
}

#[tokio::test]
async fn replay_changes_what_was_told_before() {
    let world = filled(10).await;
    let before = world.canonical().await;
    let plan = plan(&world, crm());
    let told = look(&world, &plan).await;
    let contact = &told.entities["contact"];
    assert_eq!((contact.changed, contact.unchanged, contact.new), (9, 1, 0));
    assert_eq!((contact.examples.len(), contact.examples[0].id.as_str()), (3, "0001"));
    let change = serde_json::to_value(&contact.examples[0].fields).unwrap();
    assert_eq!(change, json!([{"name": "email", "before": "1@X.example", "after": "1@x.example"}]));
    assert_eq!(world.canonical().await, before, "a look changes nothing");

    let run = run(&world, &plan).await;
    assert_eq!((run.kind, run.status), (RunKind::Replay, RunStatus::Succeeded));
    let report = &run.entities["contact"];
    assert_eq!((report.updated, report.unchanged, report.rejected), (9, 1, 0));
    assert_eq!(report.schema.as_deref(), Some("test.contact@1"));
    assert!(
        world.docs().await.iter().all(|doc| doc["email"].as_str().unwrap().ends_with("@x.example"))
    );

    let told = look(&world, &plan).await;
    assert!(told.is_nothing());
    assert_eq!(told.entities["contact"].current, 10);
}

#[tokio::test]
async fn replay_that_is_stopped_ends_at_a_batch_and_the_next_one_does_the_rest() {
    let mut world = filled(MANY).await;
    let plan = plan(&world, crm());
    let cancel = world.cancel.clone();
    let stop = move |progress: Progress<'_>| {
        if matches!(progress, Progress::Page { .. }) {
            cancel.cancel();
        }
    };
    let stopped = run_on(&world, &world.store, &plan, stop).await.unwrap();
    assert_eq!(stopped.status, RunStatus::Cancelled);
    assert_eq!(stopped.entities["contact"].read, 500);

    world.cancel = Cancel::default();
    let rest = run(&world, &plan).await;
    assert_eq!((rest.status, rest.entities["contact"].read), (RunStatus::Succeeded, 700));
    assert!(look(&world, &plan).await.is_nothing());
}

#[tokio::test]
async fn replay_whose_store_fails_between_batches_is_resumed() {
    let world = filled(MANY).await;
    let plan = plan(&world, crm());
    let faulty = Faulty::new(&world.store, Fault::Refuse(StoreErrorKind::Unavailable), 1);
    let error = run_on(&world, &faulty, &plan, |_| {}).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(world.last_run().await.status, RunStatus::Failed);
    let batches = AtomicUsize::new(0);
    let count = |progress: Progress<'_>| {
        if matches!(progress, Progress::Page { .. }) {
            batches.fetch_add(1, Ordering::Relaxed);
        }
    };
    let rest = run_on(&world, &world.store, &plan, count).await.unwrap();
    assert_eq!((rest.entities["contact"].read, batches.into_inner()), (700, 2));
    assert!(look(&world, &plan).await.is_nothing());
}

#[tokio::test]
async fn replay_that_another_run_has_followed_writes_no_more() {
    let world = filled(MANY).await;
    let plan = plan(&world, crm());
    let take_over = Fault::TakeOver(Box::new(start(&world)));
    let faulty = Faulty::new(&world.store, take_over, 1);
    let error = run_on(&world, &faulty, &plan, |_| {}).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fenced);
    let left = look(&world, &plan).await;
    assert_eq!((left.entities["contact"].current, left.entities["contact"].changed), (500, 700));
}

#[tokio::test]
async fn reference_to_what_came_later_is_found_by_a_replay() {
    let mut world = World::new(&["contact", "company"]);
    world.plan.mappings = crm();
    let records = [
        with("contact", "1", &json!({"email": "a@x.example", "company": "c1"})),
        with("company", "c1", &json!({"name": "Acme"})),
    ];
    world.run(&mut Scripted::new(move |request| Ok(all(request, &records)))).await;
    assert_eq!(world.docs().await, [json!({"name": "Acme"}), json!({"email": "a@x.example"})]);

    let plan = plan(&world, crm());
    assert_eq!(look(&world, &plan).await.entities["contact"].changed, 1);
    assert_eq!(run(&world, &plan).await.entities["contact"].updated, 1);
    let acme = world.canonical().await[0].id.to_string();
    assert_eq!(world.docs().await[1], json!({"email": "a@x.example", "company": acme}));
    assert_eq!(look(&world, &plan).await.entities["contact"].current, 1);
}

#[tokio::test]
async fn rejected_records_are_told_before_and_kept_after() {
    let world = filled(3).await;
    let strict = json!([{"from": "/email", "ops": ["to_int", "to_string"], "to": "email",
        "on_error": "reject_record", "direction": "in"}]);
    let mappings =
        Mappings::default().with("contact", Some(mapping("contact", "c_contact", &strict)));
    let plan = plan(&world, mappings);
    let told = look(&world, &plan).await;
    assert_eq!(told.entities["contact"].rejected, 3);
    let code = told.entities["contact"].examples[0].error.as_ref().map(|error| error.code.as_str());
    assert_eq!(code, Some("mapping.number"));
    let run = run(&world, &plan).await;
    assert_eq!(run.entities["contact"].rejected, 3);
    let records = world.canonical().await;
    assert!(records.iter().all(|r| r.relationships[0].status == RelationshipStatus::Unmapped));
    assert_eq!(world.docs().await[0], json!({"email": "0@x.example"}), "the document stays");
    assert!(look(&world, &plan).await.is_nothing(), "who is rejected is not tried again");
    let again = ReplayPlan { again: true, ..plan };
    assert_eq!(look(&world, &again).await.entities["contact"].rejected, 3);
}

#[tokio::test]
async fn entity_whose_schema_is_taken_away_is_mapped_no_more() {
    let world = filled(3).await;
    let plan = plan(&world, Mappings::default());
    assert_eq!(look(&world, &plan).await.entities["contact"].unmapped, 3);
    run(&world, &plan).await;
    let records = world.canonical().await;
    assert!(records.iter().all(|r| r.relationships[0].status == RelationshipStatus::Unmapped));
    assert!(look(&world, &plan).await.is_nothing());
}
