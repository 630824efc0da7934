//! Record types that follow what a provider says of its fields.

use engine::mapping::{
    ContractEdit, DerivePorts, Derived, Deriving, Mapping, MappingError, Mappings, Origin, Saved,
    derive, types,
};
use mapping::record_type::{Changed, Policy};
use model::adapter::{Entity, Field, FieldKind};
use model::run::Run;
use model::schema::{NewSchema, SchemaKind, SchemaStore as _};
use model::store::RecordStore as _;
use model::{Connection, Error, ErrorKind};
use serde_json::{Value, json};

use crate::provider::Scripted;
use crate::schemas::{all, with};
use crate::world::World;

const DATE: (&str, FieldKind) = ("Due", FieldKind::Date);
const PRICE: (&str, FieldKind) = ("Net price", FieldKind::Decimal);
const TITLE: (&str, FieldKind) = ("Title", FieldKind::Text);

pub(crate) fn field((name, kind): (&str, FieldKind)) -> Field {
    Field {
        name: name.to_owned(),
        label: String::new(),
        kind,
        required: false,
        writable: true,
        unique: false,
        choices: Vec::new(),
        target: None,
        details: Vec::new(),
    }
}

/// A provider of these records, which says that they have these fields.
fn provider(fields: &[(&str, FieldKind)], records: &[Value]) -> Scripted {
    let payload =
        |(n, values): (usize, &Value)| with("task", &n.to_string(), &json!({"p": values}));
    let records: Vec<_> = records.iter().enumerate().map(payload).collect();
    let mut provider = Scripted::new(move |request| Ok(all(request, &records)));
    let entity = Entity {
        name: "task".to_owned(),
        part: None,
        label: String::new(),
        fields: fields.iter().copied().map(field).collect(),
        details: Vec::new(),
    };
    provider.offers = Ok(vec![entity]);
    provider
}

/// A connection whose type has a title and a price.
async fn scene(contract: ContractEdit) -> World {
    let world = World::new(&["task"]);
    let records = [json!({"Title": "A", "Net price": "1.50"})];
    let mut provider = provider(&[TITLE, PRICE], &records);
    world.run(&mut provider).await;
    let derived = ask(&world, &mut provider, contract).await.unwrap();
    assert_eq!(derived.changes.len(), 1);
    assert_eq!(versions(&derived), (Some((1, true)), Some((1, true))));
    world
}

async fn ask(
    world: &World,
    adapter: &mut Scripted,
    contract: ContractEdit,
) -> Result<Derived, MappingError> {
    asked(world, adapter, contract, None).await
}

async fn asked(
    world: &World,
    adapter: &mut Scripted,
    contract: ContractEdit,
    at: Option<&str>,
) -> Result<Derived, MappingError> {
    let connection = Connection::new(
        world.plan.tenant.clone(),
        world.plan.connection.clone(),
        world.plan.package.name.clone(),
        "",
    );
    let deriving = Deriving {
        connection: &connection,
        entity: "task",
        part: None,
        contract,
        at,
        author: None,
        now: world.clock.now(),
    };
    let ports = DerivePorts { adapter, schemas: &world.store, records: &world.store };
    derive(&deriving, ports).await
}

/// A version, and whether it is new.
type Version = Option<(u32, bool)>;

/// Newest version of the type and of the schema.
fn versions(derived: &Derived) -> (Version, Version) {
    let of = |saved: Option<&Saved>| saved.map(|saved| (saved.version, saved.changed));
    (of(derived.record_type.as_ref()), of(derived.schema.as_ref()))
}

fn contract(policy: Policy) -> ContractEdit {
    ContractEdit { field: Some(policy), kind: Some(policy), object: None }
}

/// Reads the records through the newest derived schema.
async fn sync(world: &mut World, records: &[Value]) -> Run {
    let tenant = &world.plan.tenant;
    let saved = world.store.schema(tenant, SchemaKind::Conversion, "crm_task", None).await;
    let saved = saved.unwrap().unwrap();
    let types = types(&world.store, tenant).await.unwrap();
    let mapping = Mapping::new(&saved.text, Origin::Saved(saved.head.version), &types).unwrap();
    world.plan.mappings = Mappings::default().with("task", Some(mapping));
    world.wait();
    world.run(&mut provider(&[], records)).await
}

#[tokio::test]
async fn fields_of_the_provider_become_a_type_that_maps_its_records() {
    let mut world = scene(ContractEdit::default()).await;
    let records = [json!({"Title": "A", "Net price": "2.50"}), json!({"Net price": ""})];
    let run = sync(&mut world, &records).await;
    assert_eq!(run.entities["task"].schema.as_deref(), Some("crm_task@1"));
    let docs = world.docs().await;
    assert_eq!(docs[0], json!({"title": "A", "net_price": 2.50}));
    assert_eq!(docs[1], json!({"net_price": null}));
    let again = ask(&world, &mut provider(&[TITLE, PRICE], &[]), ContractEdit::default()).await;
    let again = again.unwrap();
    assert_eq!(versions(&again), (Some((1, false)), Some((1, false))));
    assert!(again.changes.is_empty(), "{again:?}");
}

/// What each policy does about a field that is new, one that is gone and one of another kind.
#[track_caller]
fn check(derived: &Derived, policy: Policy, expected: [Policy; 3]) {
    let [text, decimal, date] = ["text", "decimal", "date"];
    let told: Vec<_> = derived.changes.iter().map(|c| (c.origin.as_str(), c.policy)).collect();
    let origins = ["Net price", "Due", "Title"];
    assert_eq!(told, origins.into_iter().zip(expected).collect::<Vec<_>>(), "{policy:?}");
    match &derived.changes[0].changed {
        Changed::Retyped { from, to } => assert_eq!((from.to_string(), to.to_string()), {
            (decimal.to_owned(), text.to_owned())
        }),
        other => panic!("{other:?}"),
    }
    assert!(
        matches!(&derived.changes[1].changed, Changed::Added(kind) if kind.to_string() == date)
    );
    assert_eq!(derived.changes[2].changed, Changed::Removed);
}

#[tokio::test]
async fn type_follows_the_provider_as_its_contract_says() {
    let now = [("Net price", FieldKind::Text), DATE];
    let values = [
        json!({"Title": "B", "Net price": "much", "Due": "2026-01-02"}),
        json!({"Title": "C", "Net price": "3"}),
    ];
    for (policy, [kind, added, gone], new, docs) in [
        (
            Policy::Evolve,
            [Policy::Evolve; 3],
            true,
            vec![
                json!({"title": "B", "net_price": "much", "due": "2026-01-02"}),
                json!({"title": "C", "net_price": "3"}),
            ],
        ),
        (
            Policy::Freeze,
            [Policy::Freeze; 3],
            false,
            vec![json!({"title": "B"}), json!({"title": "C", "net_price": 3})],
        ),
        (
            Policy::DiscardValue,
            [Policy::DiscardValue, Policy::DiscardValue, Policy::Evolve],
            false,
            vec![json!({"title": "B"}), json!({"title": "C", "net_price": 3})],
        ),
        (
            Policy::DiscardRow,
            [Policy::DiscardRow, Policy::DiscardRow, Policy::Evolve],
            false,
            vec![json!({"title": "C", "net_price": 3})],
        ),
    ] {
        let mut world = scene(contract(policy)).await;
        let derived = ask(&world, &mut provider(&now, &[]), ContractEdit::default()).await.unwrap();
        check(&derived, policy, [kind, added, gone]);
        assert_eq!(derived.frozen, policy == Policy::Freeze);
        let version = |changed| Some(if changed { (2, true) } else { (1, false) });
        // That a field is gone is kept with the type wherever it is not frozen.
        let expected = (version(policy != Policy::Freeze), version(new));
        assert_eq!(versions(&derived), expected, "{policy:?}");
        let run = sync(&mut world, &values).await;
        assert_eq!(world.docs().await, docs, "{policy:?}");
        assert_eq!(run.entities["task"].rejected, u64::from(policy == Policy::DiscardRow));
    }
}

#[tokio::test]
async fn frozen_type_follows_once_its_contract_lets_it() {
    let world = scene(contract(Policy::Freeze)).await;
    let fields = [TITLE, PRICE, DATE];
    let frozen = ask(&world, &mut provider(&fields, &[]), ContractEdit::default()).await.unwrap();
    assert!(frozen.frozen);
    let thawed = ask(&world, &mut provider(&fields, &[]), contract(Policy::Evolve)).await.unwrap();
    assert_eq!(versions(&thawed), (Some((2, true)), Some((2, true))));
    let frozen = ask(&world, &mut provider(&fields, &[]), contract(Policy::Freeze)).await.unwrap();
    assert!(!frozen.frozen && frozen.changes.is_empty());
    assert_eq!(versions(&frozen), (Some((3, true)), Some((2, false))));
}

#[tokio::test]
async fn new_entity_stays_out_where_the_contract_says_so() {
    let world = World::new(&["task"]);
    let contract = ContractEdit { object: Some(Policy::Freeze), ..ContractEdit::default() };
    let derived = ask(&world, &mut provider(&[TITLE], &[]), contract).await.unwrap();
    assert_eq!((derived.frozen, versions(&derived)), (true, (None, None)));
}

#[tokio::test]
async fn what_no_type_can_be_made_of_is_refused_with_what_to_do() {
    let world = World::new(&["task"]);
    let mut silent = provider(&[], &[]);
    let mut broken = provider(&[], &[]);
    broken.offers = Err(Error::new(ErrorKind::Unavailable, "test.down", "try later"));
    let mut other = provider(&[TITLE], &[]);
    other.offers.as_mut().unwrap()[0].name = "note".to_owned();
    let mut fresh = provider(&[TITLE], &[]);
    for (adapter, says) in [
        (&mut silent, "offers no fields for entity task"),
        (&mut broken, "try later"),
        (&mut other, "does not offer entity task"),
        (&mut fresh, "sync it first"),
    ] {
        let error = ask(&world, adapter, ContractEdit::default()).await.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    let derived = asked(&world, &mut fresh, ContractEdit::default(), Some("/p")).await.unwrap();
    assert_eq!(versions(&derived), (Some((1, true)), Some((1, true))));
}

#[tokio::test]
async fn record_with_an_unknown_field_is_left_out_where_the_contract_says_so() {
    let edit = ContractEdit { field: Some(Policy::DiscardRow), ..ContractEdit::default() };
    let mut world = scene(edit).await;
    let run = sync(&mut world, &[json!({"Title": "B"}), json!({"Title": "C", "Due": "x"})]).await;
    assert_eq!(run.entities["task"].rejected, 1);
    assert_eq!(world.docs().await, [json!({"title": "B"})]);
    let run = run.reference();
    let reject = world.store.rejects(&run, 10).await.unwrap().remove(0);
    assert_eq!(reject.error.code, "mapping.contract");
    assert!(reject.error.message.contains("no field \"Due\""), "{}", reject.error.message);

    let offered = &mut provider(&[TITLE, PRICE], &[]);
    let derived = ask(&world, offered, contract(Policy::DiscardValue)).await.unwrap();
    assert_eq!(versions(&derived), (Some((2, true)), Some((1, false))));
    let run = sync(&mut world, &[json!({"Title": "B"}), json!({"Title": "C", "Due": "x"})]).await;
    assert_eq!(run.entities["task"].rejected, 0);
}

#[tokio::test]
async fn field_maps_that_a_person_has_edited_stay_until_the_place_is_said_anew() {
    let world = scene(ContractEdit::default()).await;
    let (tenant, kind) = (world.plan.tenant.clone(), SchemaKind::Conversion);
    let newest =
        async || world.store.schema(&tenant, kind, "crm_task", None).await.unwrap().unwrap();
    let mut edited: Value = serde_json::from_str(&newest().await.text).unwrap();
    edited["fields"][0]["ops"] = json!(["trim"]);
    let new = NewSchema {
        tenant: tenant.clone(),
        kind,
        name: "crm_task".to_owned(),
        text: edited.to_string(),
        author: None,
        expected: 1,
        at: world.clock.now(),
    };
    world.store.put_schema(new).await.unwrap();
    let offered = &mut provider(&[TITLE, PRICE, DATE], &[]);
    ask(&world, offered, ContractEdit::default()).await.unwrap();
    let text = newest().await.text;
    assert!(text.contains("trim") && text.contains("/p/Due"), "{text}");
    asked(&world, offered, ContractEdit::default(), Some("/q")).await.unwrap();
    let text = newest().await.text;
    assert!(!text.contains("trim") && !text.contains("/p/") && text.contains("/q/Title"), "{text}");
}
