//! Record types, alone and together.

use serde_json::{Value as Json, json};

use super::{Changed, Contract, Discovered, FieldKind, Policy, RecordType, Types, derive, evolve};
use crate::Kind;
use crate::diagnostic::Report;

fn codes<T: std::fmt::Debug>(result: Result<T, Vec<crate::Diagnostic>>) -> Vec<String> {
    let diagnostics = result.err().unwrap_or_default();
    diagnostics.iter().map(|d| format!("{} {}", d.code, d.pointer)).collect()
}

#[track_caller]
fn check(text: &Json, expected: &[&str]) {
    assert_eq!(codes(RecordType::parse(&text.to_string())), expected);
}

fn holder(name: &str, kind: &str) -> RecordType {
    let text = json!({"name": name, "fields": [{"name": "f", "kind": kind}]});
    RecordType::parse(&text.to_string()).unwrap()
}

#[test]
fn the_built_in_types_pass_every_check() {
    let text: Vec<Json> = serde_json::from_str(include_str!("built_in.json")).unwrap();
    assert_eq!(Types::built_in().iter().count(), text.len());
    assert_eq!(text.len(), 5);
    let renamed = text.into_iter().map(|json| {
        // Names with c_ are refused from everybody else.
        let text = json.to_string().replace("\"c_", "\"x_").replace(":c_", ":x_");
        RecordType::parse(&text).unwrap_or_else(|e| panic!("{e:?}"))
    });
    assert_eq!(codes(Types::default().with(renamed)), [""; 0]);
    for found in Types::built_in().iter() {
        assert_eq!(&RecordType::parse(&found.to_json()).unwrap(), found);
        assert!(found.fields.iter().all(|field| field.summary.ends_with('.')), "{}", found.name);
    }
}

#[test]
fn a_type_is_checked_as_a_whole() {
    let field = json!({"name": "f", "kind": "text"});
    check(&json!({"name": "x", "fields": [field]}), &[]);
    check(&json!({"name": "X y", "fields": [field]}), &["type.name /name"]);
    check(&json!({"name": "x", "fields": []}), &["type.size /fields"]);
    check(&json!({"name": "x", "fields": [field, field]}), &["type.duplicate-field /fields/1"]);
    check(&json!({"name": "x", "version": 0, "fields": [field]}), &["type.version /version"]);
    check(
        &json!({"name": "x", "fields": [field], "identity": [["g"]]}),
        &["type.identity /identity/0"],
    );
    check(
        &json!({"name": "x", "fields": [field], "identity": [[]]}),
        &["type.identity /identity/0"],
    );
    check(
        &json!({"name": "x", "fields": [{"name": "1", "kind": "string", "required": 1, "x": 2}]}),
        &[
            "type.name /fields/0/name",
            "type.kind /fields/0/kind",
            "schema.type /fields/0/required",
            "schema.unknown-key /fields/0/x",
        ],
    );
    check(
        &json!({"name": "x", "fields": [field], "contract": {"field": "ignore", "row": "freeze"}}),
        &["type.policy /contract/field", "schema.unknown-key /contract/row"],
    );
}

#[test]
fn kinds_are_read_as_they_are_written() {
    for text in ["text", "list:ref:c_contact", "list:list:list:text", "embed:x", "money"] {
        assert_eq!(FieldKind::parse(text).unwrap().to_string(), text);
    }
    for text in ["", "string", "list:", "ref:", "list:list:list:list:text", &"list:".repeat(9_999)]
    {
        assert!(FieldKind::parse(text).is_err(), "{text}");
    }
}

#[test]
fn types_may_name_each_other_and_may_not_hold_each_other() {
    let with = |types: &[(&str, &str)]| {
        let types = types.iter().map(|(name, kind)| holder(name, kind));
        Types::built_in().with(types)
    };
    assert_eq!(codes(with(&[("a", "ref:b"), ("b", "list:ref:a")])), [""; 0]);
    assert_eq!(codes(with(&[("a", "embed:b"), ("b", "embed:c_company")])), [""; 0]);
    assert_eq!(codes(with(&[("a", "ref:nothing")])), ["type.unknown /fields/0/kind"]);
    assert_eq!(codes(with(&[("c_a", "text")])), ["type.name /name"]);
    assert_eq!(codes(with(&[("a", "text"), ("a", "text")])), ["type.duplicate /name"]);
    let cycle = with(&[("a", "embed:b"), ("b", "list:embed:c"), ("c", "embed:b")]).unwrap_err();
    assert_eq!(cycle.len(), 1, "{cycle:?}");
    assert!(cycle[0].message.contains("b → c → b"), "{}", cycle[0]);
    let alone = with(&[("a", "embed:a")]).unwrap_err();
    assert!(alone[0].message.contains("a → a"), "{}", alone[0]);
}

#[test]
fn deep_and_many_types_are_refused() {
    let chain = |count: usize| {
        let next =
            |i: usize| if i + 1 < count { format!("embed:t{}", i + 1) } else { "text".into() };
        let types: Vec<_> = (0..count).map(|i| holder(&format!("t{i}"), &next(i))).collect();
        codes(Types::default().with(types))
    };
    assert_eq!(chain(9), [""; 0]);
    assert_eq!(chain(10), ["type.depth "]);
    assert_eq!(chain(1_000).len(), Report::DIAGNOSTICS_MAX);
    assert_eq!(chain(1_001), ["type.size "]);
}

fn discovered(name: &str, kind: &str) -> Discovered {
    Discovered { name: name.into(), label: String::new(), kind: kind.into(), required: true }
}

#[test]
fn a_type_is_derived_from_discovered_fields() {
    let fields = [
        discovered("Deal Größe (€)", "decimal"),
        discovered("Deal Gr e", "choices"),
        discovered("123", "something else"),
        discovered("🙂", "date-time"),
    ];
    let derived = derive("Sales pipeline", &fields, Contract::default()).unwrap();
    assert_eq!(derived.name, "sales_pipeline");
    let found: Vec<_> =
        derived.fields.iter().map(|field| format!("{} {}", field.name, field.kind)).collect();
    assert_eq!(found, ["deal_gr_e decimal", "deal_gr_e_2 list:text", "f_123 any", "f datetime"]);
    assert_eq!(RecordType::parse(&derived.to_json()).unwrap(), derived);
    let long = derive(
        &"Ünïcödé ".repeat(50),
        &[discovered(&"9".repeat(400), "text")],
        Contract::default(),
    )
    .unwrap();
    assert_eq!(RecordType::parse(&long.to_json()).unwrap(), long);
}

#[test]
fn what_is_derived_can_be_read_and_kept() {
    let long = |n: usize| discovered(&format!("{n:\"<400}"), "text");
    let fields: Vec<_> = (0..1_000).map(long).collect();
    let derived = derive("C Notes", &fields, Contract::default()).unwrap();
    assert_eq!((derived.name.as_str(), derived.fields.len()), ("x_c_notes", 1_000));
    assert_eq!(RecordType::parse(&derived.to_json()).unwrap(), derived);
    assert_eq!(codes(Types::built_in().with([derived])), [""; 0]);
    let passed_over = [discovered(&"9".repeat(401), "text"), discovered("a\u{0}", "text")];
    for unusable in [&passed_over[..], &[]] {
        assert_eq!(derive("t", unusable, Contract::default()), None);
        assert_eq!(evolve(None, "t", unusable, Contract::default()).record_type, None);
    }
}

#[track_caller]
fn check_evolution(policy: Policy, expected: &[&str], version: Option<u32>) {
    let contract = Contract { object: policy, field: policy, kind: policy };
    let old = derive(
        "t",
        &[discovered("a", "integer"), discovered("b", "text"), discovered("c", "text")],
        contract,
    )
    .unwrap();
    let new = [discovered("a", "decimal"), discovered("b", "integer"), discovered("d", "date")];
    let evolution = evolve(Some(&old), "t", &new, contract);
    let next = evolution.record_type.unwrap();
    let fields: Vec<_> = next.fields.iter().map(|f| format!("{} {}", f.name, f.kind)).collect();
    assert_eq!(fields, expected);
    assert_eq!((next.version != old.version).then_some(next.version), version);
    assert!(
        next.fields
            .iter()
            .all(|f| f.required == (f.name == "a" || f.name == "b" || version.is_none()))
    );
}

#[test]
fn a_type_follows_the_provider_as_far_as_the_contract_allows() {
    let old = ["a integer", "b text", "c text"];
    check_evolution(Policy::Evolve, &["a decimal", "b any", "c text", "d date"], Some(2));
    check_evolution(Policy::Freeze, &old, None);
}

#[test]
fn changes_tell_what_is_done_about_them() {
    let contract =
        Contract { object: Policy::Freeze, field: Policy::DiscardValue, kind: Policy::DiscardRow };
    let old =
        derive("t", &[discovered("a", "integer"), discovered("b", "text")], contract).unwrap();
    let new = [discovered("a", "text"), discovered("d", "date")];
    let evolution = evolve(Some(&old), "t", &new, contract);
    let changes: Vec<_> = evolution.changes.iter().map(|c| (c.origin.as_str(), c.policy)).collect();
    let expected = [("a", Policy::DiscardRow), ("d", Policy::DiscardValue), ("b", Policy::Evolve)];
    assert_eq!(changes, expected);
    assert!(!evolution.is_frozen());
    let next = evolution.record_type.unwrap();
    assert_eq!(next.field("a").map(|f| f.kind.kind()), Some(Kind::Integer));
    assert_eq!(next.field("d"), None);
    let unseen = evolve(None, "u", &new, contract);
    assert!(unseen.is_frozen() && unseen.record_type.is_none());
    assert_eq!(unseen.changes[0].changed, Changed::Entity);
}

#[test]
fn following_twice_changes_nothing_more() {
    let contract = Contract::default();
    let old = derive("t", &[discovered("a", "text"), discovered("b", "text")], contract).unwrap();
    let new = [discovered("a", "integer")];
    let once = evolve(Some(&old), "t", &new, contract).record_type.unwrap();
    let twice = evolve(Some(&once), "t", &new, contract);
    assert_eq!((once.version, Some(&once)), (2, twice.record_type.as_ref()));
    assert_eq!(twice.changes, []);
}

#[test]
fn field_that_is_gone_is_told_once_and_may_come_back() {
    let (a, b) = (discovered("a", "text"), discovered("b", "integer"));
    let both = [a.clone(), b];
    let evolving = Contract::default();
    let frozen = Contract { field: Policy::Freeze, ..evolving };
    let old = derive("t", &both, evolving).unwrap();
    let gone = std::slice::from_ref(&a);
    assert!(evolve(Some(&old), "t", gone, frozen).is_frozen());
    let once = evolve(Some(&old), "t", gone, evolving).record_type.unwrap();
    assert_eq!(RecordType::parse(&once.to_json()).as_ref(), Ok(&once));
    assert_eq!(evolve(Some(&once), "t", gone, frozen).changes, []);
    let back = evolve(Some(&once), "t", &both, frozen);
    assert!(back.is_frozen() && matches!(back.changes[0].changed, Changed::Added(_)));
    let other = [a, discovered("b", "decimal")];
    let back = evolve(Some(&once), "t", &other, evolving).record_type.unwrap();
    let field = back.field("b").unwrap();
    assert_eq!(
        (field.kind.to_string().as_str(), field.gone, field.required),
        ("decimal", false, false)
    );
}

#[test]
fn fields_for_which_a_type_has_no_room_are_told() {
    let many = |count: usize| (0..count).map(|n| discovered(&format!("f{n}"), "text"));
    let told = |evolution: super::Evolution| {
        let no_room = |change: &&super::Change| matches!(change.changed, Changed::NoRoom(_));
        let told: Vec<_> = evolution.changes.iter().filter(no_room).cloned().collect();
        assert!(told.iter().all(|change| change.policy == Policy::DiscardValue));
        let fields = evolution.record_type.unwrap().fields.len();
        (fields, told.into_iter().map(|change| change.origin).collect::<Vec<_>>())
    };
    let max = RecordType::FIELDS_MAX;
    let contract = Contract::default();
    let more: Vec<_> = many(max + 1).collect();
    let beyond = vec![format!("f{max}")];
    assert_eq!(told(evolve(None, "t", &more, contract)), (max, beyond.clone()));
    let old = derive("t", &many(max - 1).collect::<Vec<_>>(), contract).unwrap();
    assert_eq!(told(evolve(Some(&old), "t", &more, contract)), (max, beyond));
}
