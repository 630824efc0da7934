//! Texts that people and machines get wrong.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value as Json, json};

use super::Schema;
use crate::diagnostic::Report;
use crate::{Source, Types, compile};

fn good() -> Json {
    json!({
        "format": 1,
        "name": "hubspot.contact",
        "entity": "contact",
        "type": "c_contact",
        "fields": [
            {"from": "/properties/email", "ops": ["trim", {"op": "lower"}], "to": "email",
             "on_error": "reject_record", "direction": "both"},
            {"from": ["/a", "/b"], "ops": [{"op": "concat", "separator": " "}], "to": ["x"],
             "on_error": {"default": null}, "direction": "in"},
        ],
        "url": {"from": "/url"},
    })
}

fn found(text: &str) -> Vec<String> {
    let diagnostics = Schema::parse(text).err().unwrap_or_default();
    diagnostics.iter().map(|d| format!("{} {}", d.code, d.pointer)).collect()
}

/// Replaces what stands at a pointer, and expects these errors.
#[track_caller]
fn check(pointer: &str, replacement: Json, expected: &[&str]) {
    let mut schema = good();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match (schema.pointer_mut(parent).unwrap(), key.parse::<usize>()) {
        (Json::Array(items), Ok(index)) => items[index] = replacement,
        (object, _) => object[key] = replacement,
    }
    assert_eq!(found(&schema.to_string()), expected);
}

#[track_caller]
fn check_text(text: &str, expected: &[&str]) {
    assert_eq!(found(text), expected);
}

#[test]
fn the_canonical_text_is_the_same_however_it_was_written() {
    let schema = Schema::parse(&good().to_string()).unwrap();
    let text = schema.to_json();
    assert_eq!(Schema::parse(&text).unwrap().to_json(), text);
    let expected = concat!(
        r#"{"entity":"contact","fields":["#,
        r#"{"from":"/properties/email","on_error":"reject_record","ops":["trim","lower"],"to":"email"},"#,
        r#"{"direction":"in","from":["/a","/b"],"on_error":{"default":null},"#,
        r#""ops":[{"op":"concat","separator":" "}],"to":"x"}],"#,
        r#""format":1,"name":"hubspot.contact","type":"c_contact","url":{"from":"/url"}}"#,
    );
    assert_eq!(text, expected);
}

#[test]
fn every_member_is_checked() {
    check("/format", json!(2), &["schema.format /format"]);
    check("/format", json!("1"), &["schema.format /format"]);
    check("/name", json!(""), &["schema.name /name"]);
    check("/name", json!("x".repeat(101)), &["schema.name /name"]);
    check("/entity", json!(7), &["schema.type /entity"]);
    check("/type", Json::Null, &["schema.type /type"]);
    check("/fields", json!({}), &["schema.type /fields"]);
    check("/fields/0", json!("email"), &["schema.type /fields/0"]);
    check("/fields/0/from", json!("properties"), &["schema.pointer /fields/0/from"]);
    check("/fields/0/from", json!("/a~2"), &["schema.pointer /fields/0/from"]);
    check("/fields/1/from", json!(["/a", 7]), &["schema.type /fields/1/from/1"]);
    check("/fields/0/to", json!([]), &["schema.missing-key /fields/0/to"]);
    check("/fields/0/to", json!("x".repeat(2_001)), &["schema.size /fields/0/to"]);
    check(
        "/fields/0/from",
        json!([format!("/{}", "x".repeat(2_000))]),
        &["schema.size /fields/0/from/0"],
    );
    check("/fields/0/to", json!(vec!["x"; 17]), &["schema.size /fields/0/to"]);
    check("/fields/0/ops", json!("trim"), &["schema.type /fields/0/ops"]);
    check("/fields/0/ops", json!(vec!["trim"; 33]), &["schema.size /fields/0/ops"]);
    check("/fields/0/on_error", json!("ignore"), &["schema.word /fields/0/on_error"]);
    check("/fields/0/on_error", json!({"value": 1}), &["schema.word /fields/0/on_error"]);
    check("/fields/0/direction", json!("out"), &["schema.word /fields/0/direction"]);
    check("/fields/0/dir~1ection", json!("in"), &["schema.unknown-key /fields/0/dir~01ection"]);
    check("/url", json!("/url"), &["schema.type /url"]);
    check("/extra", json!(1), &["schema.unknown-key /extra"]);
}

#[test]
fn everything_wrong_is_told_at_once_up_to_a_limit() {
    check_text(
        r#"{"format": 1, "name": "x", "fields": [{"form": "/a"}, {"to": 7}]}"#,
        &[
            "schema.missing-key ",
            "schema.missing-key ",
            "schema.missing-key /fields/0/to",
            "schema.unknown-key /fields/0/form",
            "schema.type /fields/1/to",
        ],
    );
    let mut schema = good();
    schema["fields"] = json!(vec![7; 500]);
    assert_eq!(found(&schema.to_string()).len(), Report::DIAGNOSTICS_MAX);
}

#[test]
fn keys_stand_once_and_containers_not_too_deep() {
    let twice = good().to_string().replace(r#""to":"email""#, r#""to":"email","to":"phone""#);
    check_text(&twice, &["schema.duplicate-key /fields/0/to"]);
    let escaped =
        good().to_string().replace(r#""to":"email""#, r#""to":"email","t\u006f":"phone""#);
    check_text(&escaped, &["schema.duplicate-key /fields/0/to"]);
    let long = "x".repeat(2_001);
    let long =
        good().to_string().replace(r#""to":"email""#, &format!(r#""to":"email","{long}":1"#));
    check_text(&long, &["schema.size /fields/0"]);
    let nested = "[".repeat(Schema::DEPTH_MAX) + &"]".repeat(Schema::DEPTH_MAX);
    let deep = good().to_string().replace(r#"{"op":"lower"}"#, &nested);
    let place = format!("/fields/0/ops/1{}", "/0".repeat(Schema::DEPTH_MAX - 4));
    check_text(&deep, &[&format!("schema.depth {place}")]);
}

#[test]
fn ten_thousand_field_maps_are_refused_in_one_message() {
    let mut schema = good();
    schema["fields"] = vec![schema["fields"][0].clone(); 5_000].into();
    assert_eq!(found(&schema.to_string()), ["schema.size /fields"]);
    schema["fields"] = vec![schema["fields"][0].clone(); 10_000].into();
    assert_eq!(found(&schema.to_string()), ["schema.size "]);
}

#[test]
fn numbers_that_would_lose_digits_are_refused() {
    let number = |digits: &str| {
        let mut report = Report::default();
        super::strict(digits, 1_000, 2, &mut report);
        !report.refuses()
    };
    assert!(number("0.1") && number("-12345678901234567") && number("18446744073709551615"));
    assert!(!number("0.1234567890123456") && !number("18446744073709551616") && !number("1e999"));
}

#[test]
fn what_is_too_large_or_no_json_is_refused_at_once() {
    check_text("", &["schema.syntax "]);
    check_text("{\"format\": NaN}", &["schema.syntax "]);
    check_text("{} {}", &["schema.syntax "]);
    check_text("[]", &["schema.type "]);
    check_text(&" ".repeat(Schema::TEXT_BYTES_MAX + 1), &["schema.size "]);
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let place = "/0".repeat(Schema::DEPTH_MAX);
    check_text(&deep, &[&format!("schema.depth {place}"), "schema.type "]);
}

/// What stands for a part of a text.
fn pieces() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\"",
        "null",
        "0",
        "1e99",
        "\"/a\"",
        "[\"/a\",\"\"]",
        "\"trim\"",
        "{\"op\":\"if\"}",
        "{\"op\":\"list_map\",\"ops\":[\"trim\"]}",
        "\"email\"",
        "\\",
        "é",
        "\"in\"",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn every_text_is_read_or_refused(
        edits in prop::collection::vec((any::<Index>(), 0..12_usize, pieces()), 0..4),
    ) {
        let mut text = good().to_string();
        for (start, len, piece) in edits {
            let start = start.index(text.len());
            let end = (start + len).min(text.len());
            if text.is_char_boundary(start) && text.is_char_boundary(end) {
                text.replace_range(start..end, piece);
            }
        }
        if let Ok(schema) = Schema::parse(&text) {
            let canonical = schema.to_json();
            prop_assert_eq!(&Schema::parse(&canonical).unwrap().to_json(), &canonical);
            drop(compile(&schema, &Types::built_in(), &Source::default()));
        }
    }
}
