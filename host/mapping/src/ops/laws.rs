//! The laws that every operation keeps, and the table that says what each does.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use super::{ParamKind, all};
use crate::{Chain, Class, Kind, NoReferences, Value};

/// The chain of operations written as JSON: one operation or a list of them.
#[track_caller]
pub(crate) fn chain(ops: &str, source: &Kind) -> Chain {
    let ops = match serde_json::from_str(ops).unwrap() {
        Json::Array(ops) => ops,
        op => vec![op],
    };
    Chain::build(&ops, source).unwrap_or_else(|e| panic!("{ops:?}: {e}")).0
}

/// What comes out for a JSON value, as JSON or as the code of the fault.
#[track_caller]
pub(crate) fn get(ops: &str, source: &str) -> String {
    let value = Value::parse(source.as_bytes()).unwrap();
    match chain(ops, &Kind::Any).get(value, &NoReferences) {
        Ok(view) => view.to_json(),
        Err(failed) => failed.fault.code.to_owned(),
    }
}

/// What goes back for a view and the source that was last seen, all in JSON.
#[track_caller]
pub(crate) fn put(ops: &str, view: &str, base: &str) -> String {
    let [view, base] = [view, base].map(|json| Value::parse(json.as_bytes()).unwrap());
    match chain(ops, &Kind::Any).put(view, &base, &NoReferences) {
        Ok(source) => source.to_json(),
        Err(failed) => failed.fault.code.to_owned(),
    }
}

/// Checks the laws on sources of the domain; the views of other sources stand for edits.
#[track_caller]
pub(crate) fn hold<S>(ops: &str, kind: &Kind, sources: S)
where
    S: Strategy<Value = Value<'static>>,
{
    let chain = chain(ops, kind);
    run(&(&sources, &sources), |(base, other)| {
        get_put(&chain, &base)?;
        let view = chain.get(other, &NoReferences).map_err(fail)?;
        put_get(&chain, &view, &base)
    });
}

/// Checks the laws on sources and views of the domain.
#[track_caller]
pub(crate) fn hold_for<S, V>(ops: &str, kind: &Kind, sources: S, views: V)
where
    S: Strategy<Value = Value<'static>>,
    V: Strategy<Value = Value<'static>>,
{
    let chain = chain(ops, kind);
    run(&(sources, views), |(base, view)| {
        get_put(&chain, &base)?;
        put_get(&chain, &view, &base)
    });
}

/// Numbers of up to 19 digits, some of them behind the point.
pub(crate) fn decimals() -> impl Strategy<Value = Value<'static>> {
    let number = (any::<i64>(), 0..9_u32).prop_map(|(digits, scale)| Decimal::new(digits, scale));
    number.prop_map(Value::Number)
}

/// Runs a test with values of a strategy.
#[track_caller]
pub(crate) fn run<S: Strategy>(strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    // Files of past failures would be looked for beside every source file.
    let config = Config { failure_persistence: None, ..Config::default() };
    if let Err(e) = TestRunner::new(config).run(strategy, test) {
        panic!("{e}");
    }
}

pub(crate) fn fail(e: impl std::fmt::Display) -> TestCaseError {
    TestCaseError::fail(e.to_string())
}

/// GetPut: what was not edited goes back as it came. What is bijective, or tidies, needs no base
/// for that.
fn get_put(chain: &Chain, source: &Value<'static>) -> Result<(), TestCaseError> {
    let get = |source: &Value<'static>| chain.get(source.clone(), &NoReferences).map_err(fail);
    let view = get(source)?;
    if chain.class() == Class::OneWay {
        return Ok(());
    }
    let back = chain.put(view.clone(), source, &NoReferences).map_err(fail)?;
    prop_assert_eq!(&back, source, "GetPut");
    if chain.class() <= Class::Canonicalising {
        let fresh = chain.put(view.clone(), &Value::Missing, &NoReferences).map_err(fail)?;
        prop_assert_eq!(get(&fresh)?, view, "without a base");
        if chain.class() == Class::Bijective {
            prop_assert_eq!(&fresh, source, "bijective");
        }
    }
    Ok(())
}

/// PutGet: an edit arrives.
fn put_get(
    chain: &Chain,
    view: &Value<'static>,
    base: &Value<'static>,
) -> Result<(), TestCaseError> {
    if chain.class() == Class::OneWay {
        return Ok(());
    }
    let source = chain.put(view.clone(), base, &NoReferences).map_err(fail)?;
    let again = chain.get(source, &NoReferences).map_err(fail)?;
    prop_assert_eq!(&again, view, "PutGet");
    Ok(())
}

/// Checks the laws where sources may be out of the domain: then there is a fault, and an edit is
/// never lost in silence.
pub(crate) fn either(
    chain: &Chain,
    base: &Value<'static>,
    other: &Value<'static>,
) -> Result<(), TestCaseError> {
    let get = |source: &Value<'static>| chain.get(source.clone(), &NoReferences);
    let put = |view: &Value<'static>| chain.put(view.clone(), base, &NoReferences);
    if chain.class() == Class::OneWay {
        drop(get(base));
        return Ok(());
    }
    if let Ok(view) = get(base) {
        prop_assert_eq!(put(&view), Ok(base.clone()), "GetPut");
    }
    let Ok(view) = get(other) else { return Ok(()) };
    if view.is_missing() || (view.is_empty() && chain.takes_empty()) {
        return Ok(());
    }
    if let Ok(source) = put(&view) {
        prop_assert_eq!(get(&source), Ok(view), "PutGet from {:?}", source);
    }
    Ok(())
}

#[test]
fn every_example_is_what_comes_out() {
    for spec in all() {
        let (example, (input, kind)) = (&spec.example, spec.example_source());
        let chain = chain(example.op, &kind);
        let output = chain.get(input, &NoReferences).unwrap_or_else(|e| panic!("{e}"));
        let expected: Json = serde_json::from_str(example.output).unwrap();
        let found: Json = serde_json::from_str(&output.to_json()).unwrap();
        assert_eq!(found, expected, "{}", spec.name);
        let classes = [Class::Bijective, Class::Canonicalising, Class::NeedsBase, Class::OneWay];
        assert!(classes.iter().any(|class| spec.class.starts_with(class.as_str())), "{spec:?}");
        let class = chain.class().as_str();
        assert!(spec.class.contains(class), "{}: is {class}", spec.name);
    }
}

#[test]
fn every_specification_is_complete_and_its_name_unique() {
    let mut names = std::collections::BTreeSet::new();
    for spec in all() {
        assert!(names.insert(spec.name), "{} is there twice", spec.name);
        for text in [spec.summary, spec.types, spec.class, spec.reverse] {
            assert!(!text.is_empty() && !text.ends_with('.'), "{}: {text:?}", spec.name);
        }
        assert!(spec.params.iter().all(|param| !param.summary.is_empty()), "{}", spec.name);
    }
}

/// JSON that no parameter of this kind may be.
fn wrong(kind: ParamKind) -> &'static [fn() -> Json] {
    match kind {
        ParamKind::Json => &[],
        ParamKind::Text | ParamKind::Choice(_) => &[|| json!(7), || json!(null)],
        ParamKind::Count => &[|| json!(-1), || json!(1.5), || json!("1")],
        ParamKind::Decimal => &[|| json!("a"), || json!(true), || json!("1e99")],
        ParamKind::Bool => &[|| json!("true"), || json!(1)],
        ParamKind::Texts => &[|| json!("a"), || json!([1])],
        ParamKind::Table => &[|| json!(["a"]), || json!({"a": []})],
        ParamKind::Ops => &[|| json!("trim"), || json!([1]), || json!(["no such operation"])],
    }
}

#[test]
fn unknown_missing_and_wrong_parameters_are_refused() {
    for spec in all() {
        let op = match serde_json::from_str(spec.example.op).unwrap() {
            Json::Object(members) => members,
            name => serde_json::Map::from_iter([("op".to_owned(), name)]),
        };
        let refused = |change: &dyn Fn(&mut serde_json::Map<String, Json>), what: &str| {
            let mut op = op.clone();
            change(&mut op);
            let built = Chain::build(&[op.clone().into()], &Kind::Any);
            let e = built.err().unwrap_or_else(|| panic!("{} takes {what}: {op:?}", spec.name));
            assert!(e.pointer.starts_with("/0"), "{e:?}");
            assert!(e.op.is_some() || e.code == "op.shape" || e.code == "op.unknown", "{e:?}");
        };
        refused(&|op| drop(op.insert("no such parameter".to_owned(), json!(1))), "an unknown one");
        for param in spec.params {
            if param.required {
                refused(&|op| drop(op.remove(param.name)), param.name);
            }
            for json in wrong(param.kind) {
                refused(&|op| drop(op.insert(param.name.to_owned(), json())), param.name);
            }
        }
    }
}
