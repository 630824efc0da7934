//! The laws for operations in a row, put together at random.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value as Json;

use super::all;
use super::laws::{either, fail, run};
use crate::{Chain, Class, Kind, Value};

/// Operations at random, each of which takes what the one before gives.
fn composition(picks: &[Index], source: &Kind) -> (Vec<Json>, Chain) {
    let examples: Vec<Json> =
        all().map(|spec| serde_json::from_str(spec.example.op).unwrap()).collect();
    let (mut ops, mut chain) = (Vec::new(), Chain::default());
    for pick in picks {
        // The next one in the table that fits, so that chains are not short for rare types.
        let start = pick.index(examples.len());
        for op in examples.iter().cycle().skip(start).take(examples.len()) {
            ops.push(op.clone());
            match Chain::build(&ops, source) {
                Ok((longer, _)) if longer.class() != Class::OneWay => {
                    chain = longer;
                    break;
                }
                _ => drop(ops.pop()),
            }
        }
    }
    (ops, chain)
}

/// Values that providers send, among them those of the examples.
fn values() -> impl Strategy<Value = Value<'static>> {
    let inputs = all().map(|spec| Value::parse(spec.example.input.as_bytes()).unwrap());
    let texts = "[ a-zA-ZéÉ0-9.,;:/+-]{0,12}".prop_map(Value::text);
    let lists = prop::collection::vec("[ a-z]{0,3}".prop_map(Value::text), 0..4);
    prop_oneof![
        select(inputs.collect::<Vec<_>>()),
        texts,
        super::laws::decimals(),
        any::<i32>().prop_map(|number| Value::Number(number.into())),
        any::<bool>().prop_map(Value::Bool),
        lists.prop_map(Value::List),
        Just(Value::Null),
        Just(Value::Missing),
    ]
}

fn kinds() -> impl Strategy<Value = Kind> {
    let list = Kind::List(Box::new(Kind::Text));
    let pair = Kind::Tuple(vec![Kind::Decimal, Kind::Text]);
    let kinds = [Kind::Any, Kind::Text, Kind::Integer, Kind::Decimal, Kind::Bool, Kind::Object];
    select(Vec::from(kinds).into_iter().chain([list, pair]).collect::<Vec<_>>())
}

#[test]
fn whatever_is_put_in_a_row_keeps_the_laws() {
    let picks = prop::collection::vec(any::<Index>(), 1..6);
    run(&(picks, kinds(), values(), values()), |(picks, kind, base, other)| {
        let (ops, chain) = composition(&picks, &kind);
        either(&chain, &base, &other).map_err(|e| fail(format!("{e} of {ops:?}")))
    });
}
