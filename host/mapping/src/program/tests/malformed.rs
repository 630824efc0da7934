//! Records that no provider should send.

use proptest::prelude::*;
use serde_json::json;

use super::{program, read, write};

#[track_caller]
fn check(payload: &str, expected: Result<&str, &str>) {
    let fields = json!([
        {"from": "/a", "to": "text"},
        {"from": "/a/b", "to": "more", "ops": ["trim"]},
        {"from": "/n", "to": "amount"},
        {"from": "/c", "to": "count"},
        {"from": "/l", "to": "tags"},
        {"from": "/o", "to": "nested"},
    ]);
    let fields = fields.as_array().unwrap().iter().cloned();
    let fields = fields.map(|mut field| {
        field["direction"] = json!("in");
        field
    });
    let found = read(&program(&fields.collect()), payload);
    assert_eq!(found.as_deref().map_err(String::as_str), expected);
}

#[test]
fn what_is_no_object_is_rejected() {
    for payload in
        ["", "{", "[]", "7", "null", "\"{}\"", "{\"a\": NaN}", "{\"a\": 1} x", "\u{feff}{}"]
    {
        let found = read(&program(&json!([{"from": "/a", "to": "text"}])), payload).unwrap_err();
        assert!(found == ": mapping.json" || found == ": mapping.type", "{payload}: {found}");
    }
}

#[test]
fn other_types_than_expected_leave_the_field_out() {
    check(r#"{"a": ["x"], "n": "1", "c": 1.5, "l": {}, "o": []}"#, Ok("{}"));
    check(r#"{"a": {"b": 7}}"#, Ok("{}"));
    check(r#"{"a": {"b": ["x"]}, "l": ["x", 7]}"#, Ok("{}"));
    check(
        r#"{"l": ["x", "y"], "o": {"b": null}}"#,
        Ok(r#"{"tags":["x","y"],"nested":{"b":null}}"#),
    );
}

#[test]
fn numbers_are_exact_or_refused() {
    check(
        r#"{"n": 0.1000000000000000000000000000000001}"#,
        Ok(r#"{"amount":0.1000000000000000000000000000000001}"#),
    );
    check(r#"{"n": 1e999}"#, Ok("{}"));
    check(r#"{"c": 1e2}"#, Ok(r#"{"count":100}"#));
    check(r#"{"c": 1e-2}"#, Ok("{}"));
    check(r#"{"n": -0, "c": -0}"#, Ok(r#"{"count":-0,"amount":-0}"#));
}

#[test]
fn halves_of_surrogate_pairs_are_left_out() {
    check(r#"{"a": "\ud800"}"#, Ok("{}"));
    check(r#"{"a": {"b": "\udc00"}}"#, Ok("{}"));
    check(r#"{"o": {"x": "\ud800"}}"#, Ok("{}"));
    check(r#"{"a": "\ud83d\ude00"}"#, Ok(r#"{"text":"\ud83d\ude00"}"#));
}

#[test]
fn long_texts_pass_and_deep_ones_are_refused() {
    let long = "x".repeat(1 << 20);
    check(&format!(r#"{{"a": "{long}"}}"#), Ok(&format!(r#"{{"text":"{long}"}}"#)));
    let deep = format!(r#"{{"o": {}{}}}"#, r#"{"x":"#.repeat(200), "}".repeat(200));
    check(&deep, Err(": mapping.json"));
}

#[test]
fn a_record_that_would_not_fit_the_memory_is_rejected() {
    let fields =
        ["text", "more", "anything"].map(|to| json!({"from": "/a", "to": to, "direction": "in"}));
    let payload = json!({"a": "x".repeat(6 << 20)}).to_string();
    assert_eq!(read(&program(&json!(fields)), &payload), Err("anything: mapping.doc-size".into()));
}

#[test]
fn the_last_of_equal_keys_counts_in_both_directions() {
    check(r#"{"a": "x", "a": "y"}"#, Ok(r#"{"text":"y"}"#));
    let program = program(&json!([{"from": "/a/b", "to": "text"}]));
    let patch = write(&program, r#"{"text":"z"}"#, r#"{"a": {"b": "x"}, "a": {"b": "y"}}"#);
    assert_eq!(patch.unwrap(), r#"{"a":{"b":"z"}}"#);
}

/// Bytes that are nearly JSON.
fn nearly_json() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\"",
        "\"n\"",
        "1",
        "-1.50e3",
        "null",
        "true",
        "\"\\ud800\"",
        "\"é\"",
        " ",
        "\"2026-01-01\"",
        "\\",
        "\"",
    ]);
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics(payload in nearly_json(), doc in nearly_json()) {
        let program = program(&json!([
            {"from": "/a", "to": "text", "ops": ["trim", "lower"]},
            {"from": "/b/a", "to": "at"},
            {"from": "/n", "to": "amount"},
        ]));
        let objects = [payload.clone(), format!("{{\"a\":{payload}}}")];
        for payload in &objects {
            if let Ok(mapped) = read(&program, payload) {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&mapped).is_ok(), "{}", mapped);
            }
            drop(write(&program, &doc, payload));
            drop(write(&program, &format!("{{\"text\":{doc}}}"), payload));
        }
    }
}
