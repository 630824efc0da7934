//! Parameters that nobody should write, for every operation.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value as Json, json};

use super::laws::{either, fail, run};
use super::{ParamKind, Spec, all};
use crate::{Chain, Kind, Value};

/// JSON for a parameter, mostly of the kind that it should be.
fn parameters() -> impl Strategy<Value = Json> {
    let texts = ["", "a", " ", "é", "{0}{a}", "%Y", "(a*)*", "$1", "\u{0}", "EUR", "0", "1e28"];
    let numbers = [json!(0), json!(1), json!(u64::MAX), json!(i64::MIN), json!(0.1), json!(1e300)];
    let others = [
        Json::Null,
        json!(true),
        json!([]),
        json!(["a", ""]),
        json!({"a": "b", "": ""}),
        json!(["trim"]),
        json!({"equals": "a"}),
    ];
    let texts = texts.into_iter().map(Json::from);
    select(texts.chain(numbers).chain(others).collect::<Vec<_>>())
}

/// An operation with some of its parameters.
fn operation() -> impl Strategy<Value = Json> {
    let specs = select(all().collect::<Vec<&'static Spec>>());
    (specs, prop::collection::vec(prop::option::of((parameters(), any::<u8>())), 8)).prop_map(
        |(spec, values)| {
            let mut op = Map::from_iter([("op".to_owned(), json!(spec.name))]);
            for (param, value) in spec.params.iter().zip(values) {
                match (param.kind, value) {
                    (_, None) => continue,
                    (ParamKind::Choice(words), Some((_, pick))) => {
                        let word = words.iter().cycle().nth(pick.into());
                        op.insert(param.name.to_owned(), json!(word))
                    }
                    (_, Some((value, _))) => op.insert(param.name.to_owned(), value),
                };
            }
            op.into()
        },
    )
}

#[test]
fn whatever_the_parameters_are_the_laws_hold_and_nothing_panics() {
    let values = ["", "a", "A ", " b c", "7", "é😀0", "2026-02-28T10:00:00Z"].map(Value::text);
    let numbers = ["0", "-1.5", "79228162514264337593543950335"];
    let numbers = numbers.map(|digits| Value::parse(digits.as_bytes()).unwrap());
    let list = Value::List(vec![Value::text("a"), Value::Null]);
    let object = Value::Object(vec![("a".into(), Value::text("b"))]);
    let others = [list, object, Value::Missing, Value::Null, Value::Bool(true)];
    let values: Vec<_> = values.into_iter().chain(numbers).chain(others).collect();
    let pairs = || values.iter().flat_map(|base| values.iter().map(move |other| (base, other)));
    run(&operation(), |op| {
        if let Ok((chain, _)) = Chain::build(std::slice::from_ref(&op), &Kind::Any) {
            for (base, other) in pairs() {
                either(&chain, base, other).map_err(|e| fail(format!("{e} of {op}")))?;
            }
        }
        Ok(())
    });
}
