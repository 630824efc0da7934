//! The laws for whole programs made of operations at random.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value as Json, json};

use super::{apply, patch, program_from, read, write};
use crate::{Chain, Class, Kind, Source, Value, ops};

/// Operations at random, each of which takes what the one before gives.
fn composition(picks: &[Index], source: &Kind) -> (Vec<Json>, Kind, Class) {
    let all: Vec<Json> =
        ops::all().map(|spec| serde_json::from_str(spec.example.op).unwrap()).collect();
    let (mut ops, mut kind, mut class) = (Vec::new(), source.clone(), Class::Bijective);
    for pick in picks {
        ops.push(pick.get(&all).clone());
        match Chain::build(&ops, source) {
            Ok((chain, view)) if chain.class() != Class::OneWay => {
                (kind, class) = (view, chain.class());
            }
            _ => drop(ops.pop()),
        }
    }
    (ops, kind, class)
}

/// The field of `x_thing` for values of a type.
fn target(kind: &Kind) -> &'static str {
    match kind {
        Kind::Bool => "flag",
        Kind::Integer => "count",
        Kind::Decimal => "amount",
        Kind::Text => "text",
        Kind::Date => "day",
        Kind::DateTime => "at",
        Kind::Money => "price",
        Kind::Object => "nested",
        Kind::Any | Kind::List(_) | Kind::Tuple(_) => "anything",
    }
}

/// Values that providers send, among them those of the examples.
fn value() -> impl Strategy<Value = Json> {
    let examples = ops::all().map(|spec| serde_json::from_str(spec.example.input).unwrap());
    prop_oneof![
        prop::sample::select(examples.collect::<Vec<Json>>()),
        Just(Json::Null),
        any::<i32>().prop_map(Json::from),
        "[ a-zA-ZéÉ0-9.,;:/+-]{0,12}".prop_map(Json::from),
        prop::collection::vec("[a-z]{0,3}", 0..4).prop_map(Json::from),
        ("[a-z]{0,3}", any::<bool>()).prop_map(|(name, flag)| json!({ name: flag, "b": "x" })),
    ]
}

fn source_kind() -> impl Strategy<Value = Kind> {
    let list = Kind::List(Box::new(Kind::Text));
    let kinds = vec![Kind::Any, Kind::Text, Kind::Integer, Kind::Decimal, Kind::Object, list];
    prop::sample::select(kinds)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_as_it_was_meant(
        picks in prop::collection::vec(any::<Index>(), 0..6),
        kind in source_kind(),
        (base, edit) in (value(), value()),
    ) {
        let (ops, view, class) = composition(&picks, &kind);
        let fields = json!([{"from": "/p/a", "to": target(&view), "ops": ops}]);
        let source = Source::new([("/p/a".to_owned(), kind)]);
        let program = program_from(&fields, &source);
        let [base, edit] = [base, edit].map(|value| json!({"p": {"a": value, "kept": 1}}));
        let doc = read(&program, &edit.to_string()).unwrap();
        // What does not fit says so; what fits arrives.
        if let Ok(patch) = patch(&program, &doc, &base.to_string()) {
            let after = apply(&patch, &base);
            prop_assert_eq!(&after["p"]["kept"], &json!(1));
            if doc != "{}" {
                let again = read(&program, &after.to_string()).unwrap();
                // 1.0 may come back as 1, and what an operation only tidies a little tidier.
                let values = [&again, &doc].map(|doc| Value::parse(doc.as_bytes()).unwrap());
                let tidies = class == Class::Canonicalising;
                prop_assert!(tidies || values[0] == values[1], "{fields} {base} {edit}: {again}");
                let nothing = write(&program, &again, &after.to_string());
                prop_assert_eq!(nothing.as_deref(), Ok("{}"));
            }
        }
        // What was not edited is not written.
        let unedited = read(&program, &base.to_string()).unwrap();
        let patch = write(&program, &unedited, &base.to_string());
        prop_assert_eq!(patch.as_deref(), Ok("{}"), "{} {}", fields, base);
    }
}
