//! Mapping again what is stored.

use std::sync::atomic::{AtomicUsize, Ordering};

use engine::mapping::Mappings;
use engine::replay::{Impact, Ports, ReplayPlan, Rest, Scope, impact, replay};
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
        job: None,
        mark: None,
        entities: world.plan.entities.iter().map(|entity| entity.name.clone()).collect(),
        scope: Scope::All,
        again: false,
        mappings,
    }
}

async fn look(world: &World, plan: &ReplayPlan) -> Impact {
    impact(plan, &world.store, &Cancel::default(), &|_| {}).await.unwrap()
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
async fn reference_to_what_came_with_a_later_sync_is_found_by_a_replay() {
    let mut world = World::new(&["contact"]);
    world.plan.mappings = crm();
    let records = [
        with("contact", "1", &json!({"email": "a@x.example", "company": "c1"})),
        with("company", "c1", &json!({"name": "Acme"})),
    ];
    let mut provider = Scripted::new(move |request| Ok(all(request, &records)));
    world.run(&mut provider).await;
    assert_eq!(world.last_run().await.kind, RunKind::Sync, "what has not come is not waited for");
    world.plan.entities[0].name = "company".to_owned();
    world.run(&mut provider).await;
    assert_eq!(world.docs().await, [json!({"name": "Acme"}), json!({"email": "a@x.example"})]);

    let plan = ReplayPlan { entities: vec!["contact".to_owned()], ..plan(&world, crm()) };
    assert_eq!(look(&world, &plan).await.entities["contact"].changed, 1);
    assert_eq!(run(&world, &plan).await.entities["contact"].updated, 1);
    let acme = world.canonical().await[0].id.to_string();
    assert_eq!(world.docs().await[1], json!({"email": "a@x.example", "company": acme}));
    assert_eq!(look(&world, &plan).await.entities["contact"].current, 1);
}

#[tokio::test]
async fn reference_to_what_came_later_in_the_same_sync_is_found_at_its_end() {
    let mut world = World::new(&["contact", "company"]);
    world.plan.mappings = crm();
    let records = [
        with("contact", "1", &json!({"email": "a@x.example", "company": "c1"})),
        with("contact", "2", &json!({"email": "b@x.example", "company": "never"})),
        with("company", "c1", &json!({"name": "Acme"})),
    ];
    let sync = world.run(&mut Scripted::new(move |request| Ok(all(request, &records)))).await;
    assert_eq!((sync.kind, sync.entities["contact"].inserted), (RunKind::Sync, 2));
    let acme = world.canonical().await[0].id.to_string();
    assert_eq!(world.docs().await[1], json!({"email": "a@x.example", "company": acme}));
    assert_eq!(world.docs().await[2], json!({"email": "b@x.example"}));
    let replay = world.last_run().await;
    assert_eq!((replay.kind, replay.id.0), (RunKind::Replay, sync.id.0 + 1), "one is enough");
    assert_eq!(replay.entities.keys().collect::<Vec<_>>(), ["contact"]);
}

#[tokio::test]
async fn replay_maps_what_others_refer_to_before_them_and_circles_once_more() {
    let mut world = World::new(&["contact", "company", "deal"]);
    let records = [
        with("contact", "1", &json!({"email": "a@x.example", "company": "z1"})),
        with("company", "z1", &json!({"name": "Acme", "parent": "z2"})),
        with("company", "z2", &json!({"name": "Globex"})),
    ];
    world.run(&mut Scripted::new(move |request| Ok(all(request, &records)))).await;
    let lookup = json!([{"op": "lookup_ref", "entity": "company"}]);
    let parent = json!({"from": "/parent", "ops": lookup, "to": "description", "direction": "in"});
    let company = json!([{"from": "/name", "to": "name", "on_error": "reject_record"}, parent]);
    let deal = json!([{"from": "/name", "to": "name", "on_error": "reject_record"},
        {"from": "/x", "ops": [{"op": "lookup_ref", "entity": "contact"}], "to": "stage"}]);
    world.plan.mappings = crm()
        .with("company", Some(mapping("company", "c_company", &company)))
        .with("deal", Some(mapping("deal", "c_opportunity", &deal)));
    let names = ["deal", "contact", "company"].map(str::to_owned);
    assert_eq!(world.plan.mappings.in_order(names), ["company", "contact", "deal"]);

    let entities = world.plan.mappings.in_order(["contact", "company"].map(str::to_owned));
    let plan = ReplayPlan { entities, ..plan(&world, world.plan.mappings.clone()) };
    run(&world, &plan).await;
    let ids: Vec<_> = world.canonical().await.iter().map(|r| r.id.to_string()).collect();
    assert_eq!(world.docs().await[0], json!({"name": "Acme", "description": ids[1]}));
    assert_eq!(world.docs().await[2], json!({"email": "a@x.example", "company": ids[0]}));
    let replays = world.last_run().await;
    assert_eq!(replays.entities.keys().collect::<Vec<_>>(), ["company"], "contacts were in order");
}

#[tokio::test]
async fn replay_of_all_goes_on_where_it_was_stopped() {
    let mut world = filled(MANY).await;
    let all = ReplayPlan { again: true, ..plan(&world, world.plan.mappings.clone()) };
    let cancel = world.cancel.clone();
    let stop = move |progress: Progress<'_>| {
        if matches!(progress, Progress::Page { .. }) {
            cancel.cancel();
        }
    };
    let (store, clock) = (&world.store, world.clock.clone());
    let ports = Ports { store, clock, cancel: world.cancel.clone(), listener: &stop };
    let stopped = engine::replay::run(&all, &ports).await.unwrap();
    let Rest { entities, mark } = stopped.rest.unwrap();
    assert_eq!(entities, ["contact"]);
    let ended = world.store.finish_run(stopped.end).await.unwrap();
    assert_eq!((ended.status, ended.entities["contact"].read), (RunStatus::Cancelled, 500));

    world.cancel = Cancel::default();
    let rest = run(&world, &ReplayPlan { entities, mark, ..all }).await;
    assert_eq!((rest.status, rest.entities["contact"].read), (RunStatus::Succeeded, 700));
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
