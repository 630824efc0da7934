//! Records that are mapped on their way into the store.

use engine::mapping::Mappings;
use model::canonical::RelationshipStatus;
use model::run::RunStatus;
use model::store::RecordStore as _;
use model::task::Direction;
use serde_json::{Value, json};

use crate::provider::Scripted;
use crate::schemas::{all, crm, mapping, with};
use crate::world::World;

fn world(entities: &[&str], mappings: Mappings) -> World {
    let mut world = World::new(entities);
    world.plan.mappings = mappings;
    world
}

/// Two companies and three people; one of them works nowhere, one where nobody has been.
fn provider() -> Scripted {
    let records = [
        with("company", "c1", &json!({"name": "Acme"})),
        with("company", "c2", &json!({"name": "Globex"})),
        with("contact", "1", &json!({"email": " A@x.example ", "company": "c2"})),
        with("contact", "2", &json!({"email": "b@x.example"})),
        with("contact", "3", &json!({"email": "c@x.example", "company": "c9"})),
    ];
    Scripted::new(move |request| Ok(all(request, &records)))
}

#[tokio::test]
async fn records_become_canonical_ones_that_refer_to_each_other() {
    let world = world(&["company", "contact"], crm());
    let run = world.run(&mut provider()).await;
    assert_eq!(run.status, RunStatus::Succeeded);
    assert_eq!(run.entities["contact"].schema.as_deref(), Some("test.contact@1"));
    let records = world.canonical().await;
    let globex = records[1].id.to_string();
    assert_eq!(
        world.docs().await,
        [
            json!({"name": "Acme"}),
            json!({"name": "Globex"}),
            json!({"email": "a@x.example", "company": globex}),
            json!({"email": "b@x.example"}),
            json!({"email": "c@x.example"}),
        ]
    );
    let link = &records[2].relationships[0];
    assert_eq!((link.provider.as_str(), link.connection.as_str()), ("test/provider", "crm"));
    assert_eq!((link.entity.as_str(), link.external_id.as_str()), ("contact", "1"));
    assert_eq!((link.status, link.direction), (RelationshipStatus::Linked, Direction::Both));

    world.wait();
    let again = world.run(&mut provider()).await;
    assert_eq!(again.entities["contact"].unchanged, 3);
    assert_eq!(world.canonical().await, records, "nothing is written twice");
}

#[tokio::test]
async fn record_that_its_schema_does_not_take_is_kept_as_it_came_and_told() {
    let world = world(&["company"], crm());
    let records =
        [with("company", "1", &json!({"name": 7})), with("company", "2", &json!({"name": "B"}))];
    let run = world.run(&mut Scripted::new(move |request| Ok(all(request, &records)))).await;
    assert_eq!((run.status, run.entities["company"].rejected), (RunStatus::Succeeded, 1));
    assert_eq!(world.ids().await, ["company/1", "company/2"]);
    assert_eq!(world.docs().await, [json!({"name": "B"})]);
    let run = run.reference();
    let rejects = world.store.rejects(&run, 10).await.unwrap();
    assert_eq!((rejects.len(), rejects[0].id.as_deref()), (1, Some("1")));
    assert_eq!(rejects[0].error.code, "mapping.type");
    let told = &rejects[0].error.message;
    assert!(told.contains("name from \"/name\"") && told.contains("expected text"), "{told}");
    assert_eq!(rejects[0].payload.as_deref(), Some(r#"{"name":7}"#));
}

#[tokio::test]
async fn all_references_of_a_list_are_found() {
    let contacts = json!([
        {"from": "/name", "to": "name", "on_error": "reject_record"},
        {"from": "/people", "to": "contacts", "direction": "in",
            "ops": [{"op": "list_map", "ops": [{"op": "lookup_ref", "entity": "contact"}]}]},
    ]);
    let mappings = crm().with("deal", Some(mapping("deal", "c_opportunity", &contacts)));
    let world = world(&["contact", "deal"], mappings);
    let long = "x".repeat(5000);
    let records = [
        with("contact", "1", &json!({"email": "a@x.example"})),
        with("contact", "2", &json!({"email": "b@x.example"})),
        with("deal", "7", &json!({"name": "D", "people": ["2", "1"]})),
        // Nothing that a provider writes there stops the page.
        with("deal", "8", &json!({"name": "E", "people": ["", "1", long]})),
    ];
    let run = world.run(&mut Scripted::new(move |request| Ok(all(request, &records)))).await;
    assert_eq!(run.status, RunStatus::Succeeded);
    let ids: Vec<_> = world.canonical().await.iter().map(|r| r.id.to_string()).collect();
    let docs = world.docs().await;
    assert_eq!(docs[2], json!({"name": "D", "contacts": [ids[1], ids[0]]}));
    assert_eq!(docs[3], json!({"name": "E"}));
}

#[tokio::test]
async fn one_thing_in_two_connections_is_one_canonical_record() {
    let mut world = world(&["company", "contact"], crm());
    world.run(&mut provider()).await;
    world.plan.connection = "mail".parse().unwrap();
    world.plan.entities.retain(|entity| entity.name == "contact");
    let same = [with("contact", "m1", &json!({"email": "B@X.example"}))];
    world.run(&mut Scripted::new(move |request| Ok(all(request, &same)))).await;
    let records = world.canonical().await;
    assert_eq!(records.len(), 5);
    let links: Vec<_> = records[3].relationships.iter().map(|l| l.external_id.as_str()).collect();
    assert_eq!(links, ["2", "m1"]);
}

#[tokio::test]
async fn without_a_schema_nothing_is_mapped() {
    let world = World::new(&["company"]);
    let run = world.run(&mut provider()).await;
    assert_eq!(run.entities["company"].schema, None);
    assert_eq!(world.docs().await, Vec::<Value>::new());
}
