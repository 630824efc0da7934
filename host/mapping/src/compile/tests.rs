//! Schemas that are well-formed and wrong.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::{Compiled, Source, compile};
use crate::diagnostic::{Diagnostic, Severity};
use crate::{Class, Kind, Schema, Types};

fn schema(record_type: &str, fields: &Json) -> Schema {
    let schema = json!({
        "format": 1, "name": "t", "entity": "e", "type": record_type, "fields": fields,
    });
    Schema::parse(&schema.to_string()).unwrap_or_else(|e| panic!("{e:?}"))
}

fn source() -> Source {
    Source::new([
        ("/text".to_owned(), Kind::Text),
        ("/day".to_owned(), Kind::Date),
        ("/number".to_owned(), Kind::Decimal),
        ("/tags".to_owned(), Kind::List(Box::new(Kind::Text))),
    ])
}

fn diagnostics(fields: &Json) -> Vec<Diagnostic> {
    let schema = schema("c_opportunity", fields);
    match compile(&schema, &Types::built_in(), &source()) {
        Ok(Compiled { warnings, .. }) => warnings,
        Err(errors) => errors,
    }
}

/// Compiles one field map beside that of the required field, and expects this first message.
#[track_caller]
fn check(field: &Json, expected: &str) {
    let name = json!({"from": "/name", "to": "name", "on_error": "reject_record"});
    let found = diagnostics(&json!([name, field]));
    let found = found.first().map(ToString::to_string).unwrap_or_default();
    assert_eq!(found, expected);
}

#[test]
fn types_are_checked_from_end_to_end() {
    check(&json!({"from": "/number", "to": "amount"}), "");
    check(&json!({"from": "/text", "ops": ["to_decimal"], "to": "amount"}), "");
    check(&json!({"from": "/day", "to": "close_date"}), "");
    check(&json!({"from": "/unknown", "to": "close_date"}), "");
    check(
        &json!({"from": "/text", "to": "amount"}),
        "error at /fields/1/to: `amount` is decimal, and this gives text; add to_decimal [mapping.type]",
    );
    check(
        &json!({"from": "/tags", "to": "description"}),
        "error at /fields/1/to: `description` is text, and this gives list of text; add list_join [mapping.type]",
    );
    check(
        &json!({"from": "/number", "ops": ["trim"], "to": "stage"}),
        "error at /fields/1/ops/0: `trim`: takes text, would get decimal (from \"/number\") [op.type]",
    );
    check(
        &json!({"from": "/text", "ops": ["trim"], "to": "closed"}),
        "error at /fields/1/ops/0: `closed` is bool, and this gives text; add to_bool [mapping.type]",
    );
}

#[test]
fn a_message_names_field_operation_and_both_types() {
    let found = diagnostics(&json!([{"from": "/number", "ops": ["trim"], "to": "name"}]));
    let found = serde_json::to_value(&found[0]).unwrap();
    let expected = json!({
        "severity": "error", "code": "op.type", "field": 0, "pointer": "/fields/0/ops/0",
        "op": "trim", "expected": "text", "found": "decimal",
        "message": "`trim`: takes text, would get decimal (from \"/number\")",
    });
    assert_eq!(found, expected);
}

#[test]
fn unknown_names_are_refused_with_what_was_probably_meant() {
    check(
        &json!({"from": "/text", "to": "closeDate"}),
        "error at /fields/1/to: `c_opportunity` has no field \"closeDate\"; is it `close_date`? [schema.target]",
    );
    check(
        &json!({"from": "/text", "ops": ["trimm"], "to": "stage"}),
        "error at /fields/1/ops/0: there is no operation \"trimm\"; `plughouse mapping ops` lists them (from \"/text\") [op.unknown]",
    );
}

#[test]
fn a_one_way_operation_is_refused_where_the_field_is_written_back() {
    let constant = json!([{"op": "const", "value": "x"}]);
    let found = diagnostics(&json!([{"from": "/text", "ops": constant, "to": "name"}]));
    assert_eq!((found[0].code, found[0].op.as_deref()), ("mapping.one-way", Some("const")));
    assert!(found[0].message.contains("goes one way only"), "{}", found[0]);
    assert!(found[0].message.contains("`name` is written back"), "{}", found[0]);
    let found = diagnostics(&json!([{"ops": constant, "to": "name", "direction": "in"}]));
    assert_eq!(found, []);
}

#[test]
fn field_maps_do_not_meet_at_either_end() {
    check(
        &json!({"from": "/text", "to": "name"}),
        "error at /fields/1/to: `name` has a value already, from /fields/0 [schema.duplicate-target]",
    );
    check(
        &json!({"from": "/name", "to": "stage"}),
        "error at /fields/1/from: \"/name\" would be written back twice, by this field and, as \
         \"/name\", by /fields/0; write \"direction\": \"in\" on one of them [schema.overlap]",
    );
    check(
        &json!({"from": "/name/first", "to": "stage"}),
        "error at /fields/1/from: \"/name/first\" would be written back twice, by this field and, \
         as \"/name\", by /fields/0; write \"direction\": \"in\" on one of them [schema.overlap]",
    );
    check(&json!({"from": "/name/first", "to": "stage", "direction": "in"}), "");
    check(
        &json!({"from": "", "to": "stage"}),
        "error at /fields/1/from: the whole record cannot be written back; name a path within it, \
         or write \"direction\": \"in\" [schema.source]",
    );
}

#[test]
fn sources_and_targets_are_as_many_as_the_operations_make_of_them() {
    check(
        &json!({"from": ["/a", "/b"], "to": "stage"}),
        "error at /fields/1: several sources need an operation that makes one value of them, as concat [schema.source]",
    );
    check(
        &json!({"to": "stage"}),
        "error at /fields/1: there is neither a source nor an operation; write `from`, a JSON Pointer [schema.source]",
    );
    check(
        &json!({"from": "/text", "ops": ["trim"], "to": ["stage", "pipeline"]}),
        "error at /fields/1/to: 2 targets take 2 values, and this gives text [mapping.type]",
    );
    check(
        &json!({"from": "/number", "to": "amount", "on_error": {"default": "x"}}),
        "error at /fields/1/on_error/default: the default of `amount` does not fit: expected decimal, found text [mapping.default]",
    );
}

#[test]
fn more_sources_than_anyone_has_are_refused() {
    let from = |map: usize| (0..15).map(|i| format!("/{map}_{i}")).collect::<Vec<_>>();
    let ops = json!([{"op": "coalesce"}]);
    let maps = (0..150).map(|i| json!({"from": from(i), "ops": ops, "to": format!("f{i}")}));
    let found = diagnostics(&maps.collect());
    let found = found.iter().find(|d| d.code == "schema.size").unwrap();
    assert!(found.message.contains("2250 different sources"), "{found}");
}

#[test]
fn what_is_required_is_mapped() {
    let found = diagnostics(&json!([{"from": "/text", "to": "stage"}]));
    assert_eq!((found[0].code, found[0].severity), ("schema.required", Severity::Error));
    let schema = schema("c_nothing", &json!([]));
    let found = compile(&schema, &Types::built_in(), &Source::default()).unwrap_err();
    assert_eq!((found[0].code, found[0].pointer.as_str()), ("schema.record-type", "/type"));
}

#[test]
fn errors_of_all_fields_and_operations_are_told() {
    let found = diagnostics(&json!([
        {"from": "/number", "ops": ["a", "trim", "b", {"op": "trim", "x": 1}], "to": "name"},
        {"from": "/text", "to": "amount"},
        {"from": "/text", "to": "nothing"},
    ]));
    let errors = found.iter().filter(|d| d.severity == Severity::Error);
    let places: Vec<_> = errors.map(|d| d.pointer.as_str()).collect();
    let expected = [
        "/fields/2/from",
        "/fields/0/ops/0",
        "/fields/0/ops/2",
        "/fields/0/ops/3",
        "/fields/1/to",
        "/fields/2/to",
    ];
    assert_eq!(places, expected);
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let warned = |ops: Json| {
        let fields =
            json!([{"from": "/text", "ops": ops, "to": "name", "on_error": "reject_record"}]);
        let found = diagnostics(&fields);
        found.first().map(ToString::to_string).unwrap_or_default()
    };
    let expected = "warning at /fields/0/ops/1: `trim` has nothing left to do after `trim`; leave \
                    it out [lint.no-effect]";
    assert_eq!(warned(json!(["trim", "trim"])), expected);
    let expected = "warning at /fields/0/ops/1: `upper` undoes what `lower` does before it; leave \
                    `lower` out [lint.no-effect]";
    assert_eq!(warned(json!(["lower", "upper"])), expected);
    let affix = |op: &str, text: &str| json!({"op": op, "text": text});
    let expected = "warning at /fields/0/ops/1: `prefix_strip` undoes what `prefix_add` does \
                    before it; leave both out [lint.no-effect]";
    assert_eq!(warned(json!([affix("prefix_add", "a"), affix("prefix_strip", "a")])), expected);
    assert_eq!(warned(json!([affix("prefix_add", "ab"), affix("prefix_strip", "a")])), "");
    let table = json!({"op": "enum_map", "table": {"a": "x", "b": "x"}});
    let expected = "warning at /fields/0/ops/0: \"a\" and \"b\" both become \"x\"; a new \"x\" is \
                    written back as one of them [lint.not-injective]";
    assert_eq!(warned(json!([table])), expected);
}

#[test]
fn classes_and_digests_follow_the_schema() {
    let types = Types::built_in();
    let compile = |fields: Json| {
        let schema = schema("c_opportunity", &fields);
        compile(&schema, &types, &source()).unwrap().program
    };
    let name = json!({"from": "/name", "to": "name"});
    let one = compile(json!([name, {"from": "/text", "ops": ["trim"], "to": "stage"}]));
    let same =
        compile(json!([name, {"to": ["stage"], "from": ["/text"], "ops": [{"op": "trim"}]}]));
    let other = compile(json!([name, {"from": "/text", "ops": ["lower"], "to": "stage"}]));
    assert_eq!(one.digest(), same.digest());
    assert_ne!(one.digest(), other.digest());
    assert_eq!(one.class_of("name"), Some(Class::Bijective));
    assert_eq!(one.class_of("stage"), Some(Class::Canonicalising));
    assert_eq!(one.class_of("amount"), None);
}

#[test]
fn large_tables_and_many_unknown_fields_are_checked_without_delay() {
    let table: serde_json::Map<_, _> =
        (0..40_000).map(|i| (i.to_string(), json!(i.to_string()))).collect();
    let start = Instant::now();
    let table = json!([{"op": "enum_map", "table": table}]);
    assert_eq!(
        diagnostics(&json!([{"from": "/text", "to": "name", "ops": table}]))[0].code,
        "op.limit"
    );
    let maps = vec![json!({"from": "/a", "to": vec!["unknown"; 16]}); 1_000];
    assert_eq!(diagnostics(&json!(maps)).len(), 100);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn a_thousand_fields_compile_without_delay() {
    let fields: Vec<_> = (0..1_000)
        .map(|i| json!({"from": format!("/{i}"), "to": format!("f{i}"), "ops": ["trim", "lower"]}))
        .collect();
    let members: Vec<_> =
        (0..1_000).map(|i| json!({"name": format!("f{i}"), "kind": "text"})).collect();
    let record_type = json!({"name": "x_wide", "fields": members}).to_string();
    let types = Types::built_in().with([crate::RecordType::parse(&record_type).unwrap()]).unwrap();
    let schema = schema("x_wide", &json!(fields));
    let start = Instant::now();
    assert!(compile(&schema, &types, &Source::default()).is_ok());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}
