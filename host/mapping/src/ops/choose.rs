//! One of several sources, one of two ways.

use super::predicate::{Predicate, TEST};
use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Chain, Class, Fault, Kind, Value};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "coalesce",
        summary: "the first of several values that is neither missing nor null",
        params: &[],
        types: "list of any → any",
        class: "needs-base",
        reverse: "the value, to the source that supplied it, or to the first; null to all of them",
        standard: None,
        example: Example { op: r#""coalesce""#, input: "[null, 7, 8]", output: "7" },
        build: |_| Ok(Box::new(Coalesce { sources: 1 })),
    },
    Spec {
        name: "if",
        summary: "goes one of two ways, as a test of the value says",
        params: &[
            TEST,
            Param {
                name: "then",
                kind: ParamKind::Ops,
                required: true,
                summary: "the operations where the test holds",
            },
            Param {
                name: "else",
                kind: ParamKind::Ops,
                required: false,
                summary: "the operations where it does not; none when left out",
            },
        ],
        types: "any → any",
        class: "needs-base; one-way if an operation is",
        reverse: "the way of the base, or else the other; a conflict if neither leads back",
        standard: None,
        example: Example {
            op: r#"{"op": "if", "test": {"starts_with": "+"}, "then": ["phone_e164"]}"#,
            input: r#""+44 20 7946 0958""#,
            output: r#""+442079460958""#,
        },
        build: |args| {
            let test = Predicate::take(args)?;
            let then = args.need("then", Args::ops)?;
            Ok(Box::new(If { test, then, other: args.ops("else")?.unwrap_or_default() }))
        },
    },
];

#[derive(Debug)]
struct Coalesce {
    sources: usize,
}

/// What values of both types are.
fn both(a: &Kind, b: &Kind) -> Kind {
    match (a, b) {
        (a, b) if a == b => a.clone(),
        (Kind::Integer, Kind::Decimal) | (Kind::Decimal, Kind::Integer) => Kind::Decimal,
        _ => Kind::Any,
    }
}

impl Lens for Coalesce {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        match source {
            Kind::Tuple(kinds) => {
                self.sources = kinds.len();
                let mut kinds = kinds.iter().cloned();
                let first = kinds.next().unwrap_or(Kind::Any);
                Ok(kinds.fold(first, |a, b| both(&a, &b)))
            }
            other => other.item(),
        }
    }

    fn class(&self) -> Class {
        Class::NeedsBase
    }

    fn takes_empty(&self) -> bool {
        true
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        if source.is_empty() {
            return Ok(source);
        }
        let mut nothing = Value::Missing;
        for item in source.into_items()? {
            match item {
                Value::Missing => {}
                Value::Null => nothing = Value::Null,
                found => return Ok(found),
            }
        }
        Ok(nothing)
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let mut items = match base {
            Value::Missing | Value::Null => vec![Value::Missing; self.sources],
            base => base.clone().into_items()?,
        };
        if view.is_empty() {
            items.fill(view);
            return Ok(Value::List(items));
        }
        let supplied = items.iter().position(|item| !item.is_empty()).unwrap_or(0);
        match items.get_mut(supplied) {
            Some(item) => *item = view,
            None => items.push(view),
        }
        Ok(Value::List(items))
    }
}

#[derive(Debug)]
struct If {
    test: Predicate,
    then: Chain,
    other: Chain,
}

impl If {
    fn way(&self, holds: bool) -> &Chain {
        if holds { &self.then } else { &self.other }
    }

    /// Goes back one way, and makes sure that it is the way that leads to the view again.
    fn back<'a>(
        &self,
        holds: bool,
        view: &Value<'a>,
        base: &Value<'a>,
        work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let way = self.way(holds);
        let source = way.write(view.clone(), base, work)?;
        let again = way.read(source.clone(), work).ok();
        if self.test.holds(&source, work) == holds && again.as_ref() == Some(view) {
            return Ok(source);
        }
        Err(Fault::conflict("the test would lead the value that goes back another way"))
    }
}

impl Lens for If {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        let then = self.then.view(source).map_err(|e| e.within("then"))?;
        let other = self.other.view(source).map_err(|e| e.within("else"))?;
        Ok(both(&then, &other))
    }

    fn class(&self) -> Class {
        self.then.class().max(self.other.class()).max(Class::NeedsBase)
    }

    fn takes_empty(&self) -> bool {
        true
    }

    fn get<'a>(&self, source: Value<'a>, work: &Work<'_>) -> Result<Value<'a>, Fault> {
        Ok(self.way(self.test.holds(&source, work)).read(source, work)?)
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let holds = self.test.holds(base, work);
        // Both ways, on every level of those within each other: the work of the record bounds it.
        self.back(holds, &view, base, work)
            .or_else(|fault| self.back(!holds, &view, base, work).map_err(|_neither| fault))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::ops::laws::{chain, get, hold, hold_for, put};

    const COALESCE: &str = r#""coalesce""#;
    const BARE: &str = r#"{"op": "if", "test": {"starts_with": "a-"},
        "then": [{"op": "prefix_strip", "text": "a-"}]}"#;

    #[test]
    fn the_first_value_that_is_there_comes_out() {
        assert_eq!(get(COALESCE, r#"[null, "", "b"]"#), r#""""#);
        assert_eq!(get(COALESCE, "[null, null]"), "null");
        assert_eq!(get(COALESCE, "[]"), "null");
        assert_eq!(get(COALESCE, "7"), "mapping.type");
    }

    #[test]
    fn values_go_back_to_the_source_that_supplied_them() {
        assert_eq!(put(COALESCE, "9", "[null,7,8]"), "[null,9,8]");
        assert_eq!(put(COALESCE, "9", "[null,null]"), "[9,null]");
        assert_eq!(put(COALESCE, "null", "[null,7,8]"), "[null,null,null]");
        let kind = Kind::Tuple(vec![Kind::Text, Kind::Text]);
        let source =
            chain(COALESCE, &kind).put(Value::text("a"), &Value::Missing, &crate::NoReferences);
        assert_eq!(source.unwrap(), Value::List(vec![Value::text("a"), Value::Missing]));
    }

    #[test]
    fn a_test_decides_the_way() {
        assert_eq!(get(BARE, r#""a-x""#), r#""x""#);
        assert_eq!(get(BARE, r#""x""#), r#""x""#);
        let empty =
            r#"{"op": "if", "test": {"empty": true}, "then": [{"op": "default", "value": 7}]}"#;
        assert_eq!(get(empty, "null"), "7");
        assert_eq!(get(empty, "8"), "8");
    }

    #[test]
    fn a_value_goes_back_the_way_that_leads_to_it() {
        assert_eq!(put(BARE, r#""y""#, r#""a-x""#), r#""a-y""#);
        assert_eq!(put(BARE, r#""y""#, r#""x""#), r#""y""#);
        assert_eq!(put(BARE, r#""a-y""#, r#""x""#), r#""a-a-y""#, "the other way");
        let never = r#"{"op": "if", "test": {"all": []}, "then": [{"op": "enum_map", "table": {"a": "b"}}]}"#;
        assert_eq!(put(never, r#""c""#, r#""a""#), "mapping.enum");
    }

    #[test]
    fn errors_of_building_tell_the_way() {
        let op =
            json!({"op": "if", "test": {"empty": true}, "then": [], "else": ["trim", "epoch_s"]});
        let refused = Chain::build(&[op], &Kind::Text).unwrap_err();
        assert_eq!(refused.pointer, "/0/else/1");
    }

    #[test]
    fn laws_hold() {
        let number = || (0..4000_i64).prop_map(|n| Value::Number(n.into()));
        let source = prop_oneof![number(), Just(Value::Null), Just(Value::Missing)];
        let pair = (source.clone(), source).prop_map(|(a, b)| Value::List(vec![a, b]));
        let kind = Kind::Tuple(vec![Kind::Integer, Kind::Integer]);
        hold(COALESCE, &kind, pair.clone());
        hold_for(
            COALESCE,
            &kind,
            pair,
            prop_oneof![number(), Just(Value::Null), Just(Value::Missing)],
        );
        hold(BARE, &Kind::Text, "(a-){0,2}[a-c]{0,3}".prop_map(Value::text));
    }
}
