//! What no provider should send, for every operation.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use rust_decimal::Decimal;

use super::all;
use super::laws::chain;
use crate::{Class, DateTime, Kind, Money, NoReferences, Value};

/// Bytes of a text: time that grows faster than the text shows.
const SIZE: usize = 32 << 10;

/// One operation on one value, without optimisation and beside other tests.
const LONG: Duration = Duration::from_secs(5);

fn values() -> Vec<Value<'static>> {
    let texts =
        ["a", " ", "\u{0}", "é", "\u{10ffff}", ";", "&#", "%", "../", "<a ", "**_", "9", "("];
    let texts = texts.iter().map(|part| part.repeat(SIZE / part.len()));
    let odd =
        ["", "NaN", "-0", "1e999", "\u{feff}", "\u{202e}abc", "2024-02-30", "+", "@", "/", "{"];
    let texts = texts.chain(odd.map(str::to_owned)).map(Value::text);
    let deep = (0..100).fold(Value::Null, |value, at| match at % 2 {
        0 => Value::List(vec![value]),
        _ => Value::Object(vec![(Cow::Borrowed("a"), value)]),
    });
    let wide = |len: i64| (0..len).map(move |n| Value::Number((len - n).into()));
    let names = (0..10_000).map(|n| (Cow::Owned(format!("n{n}")), Value::Bool(n % 2 == 0)));
    let others = [
        Value::List(wide(10_000).collect()),
        Value::List(wide(20_000).collect()),
        Value::List(vec![Value::text("x".repeat(100)); 10_000]),
        Value::List(vec![deep.clone(); 100]),
        Value::Object(names.collect()),
        deep,
        Value::Number(Decimal::MAX),
        Value::Number(Decimal::MIN),
        Value::Number(Decimal::new(1, 28)),
        Value::Bool(true),
        Value::Missing,
        Value::Null,
    ];
    texts.chain(others).chain(typed()).collect()
}

/// The first and the last of the types that JSON does not have.
fn typed() -> impl Iterator<Item = Value<'static>> {
    let times = [Timestamp::MIN, Timestamp::MAX].into_iter().flat_map(|at| {
        let offsets = [Offset::MIN, Offset::UTC, Offset::MAX];
        offsets.map(|offset| Value::DateTime(DateTime { at, offset }))
    });
    let amounts = [Decimal::MIN, Decimal::MAX, Decimal::new(1, 28)].into_iter();
    let amounts = amounts.map(|amount| Value::Money(Money { amount, currency: "EUR".to_owned() }));
    [Date::MIN, Date::MAX].map(Value::Date).into_iter().chain(times).chain(amounts)
}

#[test]
fn no_operation_panics_or_takes_long() {
    let values = values();
    for spec in all() {
        let chain = chain(spec.example.op, &Kind::Any);
        for value in &values {
            let begun = Instant::now();
            let view = chain.get(value.clone(), &NoReferences);
            if chain.class() != Class::OneWay {
                drop(chain.put(value.clone(), &Value::Missing, &NoReferences));
                if let Ok(view) = view {
                    drop(chain.put(view, value, &NoReferences));
                }
            }
            let (name, took) = (spec.name, begun.elapsed());
            assert!(took < LONG, "{name}: {took:?} for {:.60}", value.to_json());
        }
    }
}
