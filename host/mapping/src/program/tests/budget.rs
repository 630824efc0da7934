//! The work of one record, counted.

use std::cell::Cell;

use serde_json::{Value as Json, json};

use super::{check_write, program, read, write};
use crate::work::{WORK_MAX, Work};
use crate::{Chain, Kind, NoReferences, References, RoundTrip, Value, preview};

/// Knows every record by its own name, and counts how often it is asked.
#[derive(Default)]
struct Counting(Cell<usize>);

impl References for Counting {
    fn local(&self, _entity: &str, id: &str) -> Option<String> {
        self.0.set(self.0.get() + 1);
        Some(id.to_owned())
    }

    fn external(&self, entity: &str, id: &str) -> Option<String> {
        self.local(entity, id)
    }
}

fn record(text: &str) -> String {
    json!({"text": text, "more": text, "anything": text}).to_string()
}

fn chain(ops: &[Json]) -> Chain {
    Chain::build(ops, &Kind::Any).unwrap().0
}

/// Three fields, two of which are too much; whatever is wrong with them is passed over.
fn fields(ops: &Json) -> Json {
    let to = ["text", "more", "anything"];
    to.map(|to| json!({"from": format!("/{to}"), "to": to, "ops": ops, "on_error": "skip_field"}))
        .into()
}

#[track_caller]
fn check_spent(ops: &[Json], source: &str, least: usize, most: usize) {
    let work = Work::new(&NoReferences);
    chain(ops).read(Value::parse(source.as_bytes()).unwrap(), &work).unwrap();
    assert!((least..=most).contains(&work.spent()), "{}", work.spent());
}

#[test]
fn a_record_that_takes_too_much_work_is_rejected_whatever_its_fields_allow() {
    let program = program(&fields(&json!(vec!["trim"; 32])));
    let payload = record(&"x".repeat(1 << 20));
    assert_eq!(read(&program, &payload), Err("more: mapping.budget".into()));
    let shown = preview(&program, payload.as_bytes(), &NoReferences);
    assert!(shown.output.is_none());
    let errors =
        shown.fields.iter().map(|field| field.steps.iter().filter_map(|s| s.error.clone()));
    let errors: Vec<Vec<_>> = errors.map(Iterator::collect).collect();
    assert_eq!(errors, [vec![], vec![Work::fault().to_string()], vec![]]);
    assert!(shown.fields[2].source.is_none(), "nothing is read any more");
    assert!(shown.fields.iter().all(|field| field.round_trip == RoundTrip::None));
    assert!(read(&program, &record(&"x".repeat(1 << 19))).is_ok());
}

#[test]
fn a_write_that_takes_too_much_work_is_refused() {
    let program = program(&fields(&json!(vec!["trim"; 32])));
    let [base, doc] = ["x", "y"].map(|text| record(&text.repeat(1 << 20)));
    let found = write(&program, &doc, &base);
    assert_eq!(found, Err("text: mapping.budget".into()));
    let fields = json!([{"from": "/a", "to": "text", "ops": vec!["trim"; 32]}]);
    check_write(&fields, r#"{"text": "y"}"#, r#"{"a": "x"}"#, Ok(r#"{"a":"y"}"#));
}

#[test]
fn the_steps_of_expressions_count() {
    let numbers = json!(vec![1; 10_000]).to_string();
    let all = json!({"op": "cel", "expr": "this.all(x, x > 0)"});
    check_spent(&[all], &numbers, 16 * 30_000, 16 * 31_000);
    // An expression that was stopped has worked as long as it may.
    let endless = json!({"op": "cel", "expr": "this.all(x, this.all(y, x > 0))"});
    let work = Work::new(&NoReferences);
    let failed = chain(&[endless]).read(Value::parse(numbers.as_bytes()).unwrap(), &work);
    assert_eq!(failed.unwrap_err().fault.code, "mapping.cel-steps");
    assert_eq!(work.spent(), 16 * 100_000);
}

#[test]
fn searches_and_tests_count() {
    let text = json!("x".repeat(1_000)).to_string();
    let searched = 16 * 1_000;
    let extract = json!({"op": "regex_extract", "pattern": "x+"});
    check_spent(&[extract], &text, searched, searched + 1_200);
    let replace = json!({"op": "regex_replace", "pattern": "x", "with": "y"});
    check_spent(
        &[replace],
        &text,
        searched + 1_000 * 500 / 33,
        searched + 1_000 * 500 / 31 + 1_200,
    );
    let tests = json!({"any": vec![json!({"matches": "y"}); 50]});
    check_spent(
        &[json!({"op": "if", "test": tests, "then": []})],
        &text,
        50 * searched,
        51 * searched,
    );
    let flags = json!(vec![1; 1_000]).to_string();
    let filter = json!({"op": "list_filter", "test": {"all": vec![json!({"above": 0}); 100]}});
    check_spent(&[filter], &flags, 16 * 100_000, 16 * 110_000);
}

#[test]
fn many_operations_on_small_values_are_far_from_the_end() {
    check_spent(&vec![json!("trim"); 32], r#""some text""#, 32 * 64, WORK_MAX / 5_000);
}

#[test]
fn fields_without_values_and_operations_cost_nothing() {
    check_spent(&[], r#""some text""#, 0, 0);
    check_spent(&vec![json!("trim"); 32], "null", 0, 0);
}

#[test]
fn operations_within_lists_are_counted_one_by_one() {
    let lookup = json!({"op": "lookup_ref", "entity": "thing"});
    let each = json!({"op": "list_map", "ops": vec![lookup; 32]});
    let refs = Counting::default();
    let work = Work::new(&refs);
    let list = Value::List(vec![Value::text("7"); 10_000]);
    let failed = chain(&vec![each; 32]).read(list, &work).unwrap_err();
    assert_eq!(failed.fault.code, "mapping.budget");
    assert!(work.is_spent());
    assert!((100_000..WORK_MAX / 64).contains(&refs.0.get()), "{}", refs.0.get());
}

#[test]
fn edits_that_are_tried_both_ways_on_every_level_come_to_an_end() {
    // The base goes the other way than the edit, so that both are tried on every level.
    let lookup = json!({"op": "lookup_ref", "entity": "thing"});
    let nested = (0..5).fold(lookup, |op, _| {
        json!({"op": "if", "test": {"starts_with": "a"}, "then": [op, op], "else": [op, op]})
    });
    let refs = Counting::default();
    let work = Work::new(&refs);
    let view = Value::text("a".repeat(1 << 10));
    let failed = chain(&vec![nested; 32]).write(view, &Value::text("b"), &work);
    assert!(failed.is_err() && work.is_spent(), "{}", work.spent());
    assert!(refs.0.get() < WORK_MAX >> 10, "{}", refs.0.get());
}
