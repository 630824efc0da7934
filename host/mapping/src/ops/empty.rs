//! Values that stand for nothing, and values for nothing.

use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "const",
        summary: "the same value for every record",
        params: &[Param {
            name: "value",
            kind: ParamKind::Json,
            required: true,
            summary: "the value, not null",
        }],
        types: "any → any",
        class: "one-way",
        reverse: "nothing",
        standard: None,
        example: Example {
            op: r#"{"op": "const", "value": "hubspot"}"#,
            input: "null",
            output: r#""hubspot""#,
        },
        build: |args| Ok(Box::new(Const(given(args)?))),
    },
    Spec {
        name: "default",
        summary: "a value for what is missing or null",
        params: &[Param {
            name: "value",
            kind: ParamKind::Json,
            required: true,
            summary: "the value, of the type of the others",
        }],
        types: "any → any",
        class: "needs-base",
        reverse: "the value; nothing where there was nothing and nothing changed",
        standard: None,
        example: Example { op: r#"{"op": "default", "value": 0}"#, input: "null", output: "0" },
        build: |args| Ok(Box::new(Default(given(args)?))),
    },
    Spec {
        name: "nullify",
        summary: "null for values that stand for nothing",
        params: &[Param {
            name: "values",
            kind: ParamKind::Json,
            required: true,
            summary: "a list of texts, numbers or truth values, as [\"\", \"N/A\"]",
        }],
        types: "any → any",
        class: "needs-base",
        reverse: "the value; null as the one of the list that was there",
        standard: None,
        example: Example {
            op: r#"{"op": "nullify", "values": ["", "N/A"]}"#,
            input: r#""N/A""#,
            output: "null",
        },
        build: |args| Ok(Box::new(Nullify(scalars(args)?))),
    },
];

fn given(args: &mut Args) -> Result<Value<'static>, BuildError> {
    match args.need("value", Args::value)? {
        Value::Null => Err(BuildError::parameter("the parameter `value` is null")),
        value => Ok(value),
    }
}

fn scalars(args: &mut Args) -> Result<Vec<Value<'static>>, BuildError> {
    let scalar =
        |value: &Value<'_>| matches!(value, Value::Text(_) | Value::Number(_) | Value::Bool(_));
    match args.need("values", Args::value)? {
        Value::List(values) if values.iter().all(scalar) => Ok(values),
        _ => Err(BuildError::parameter(
            "the parameter `values` must be a list of texts, numbers or truth values",
        )),
    }
}

#[derive(Debug)]
struct Const(Value<'static>);

impl Lens for Const {
    fn view(&mut self, _source: &Kind) -> Result<Kind, BuildError> {
        Ok(self.0.kind())
    }

    fn class(&self) -> Class {
        Class::OneWay
    }

    fn takes_empty(&self) -> bool {
        true
    }

    fn get<'a>(&self, _source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        Ok(self.0.clone())
    }
}

#[derive(Debug)]
struct Default(Value<'static>);

impl Lens for Default {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        self.0 = self.0.clone().typed(source).map_err(|fault| {
            BuildError::parameter(format!("the parameter `value` is of another type: {fault}"))
        })?;
        Ok(source.clone())
    }

    fn class(&self) -> Class {
        Class::NeedsBase
    }

    fn takes_empty(&self) -> bool {
        true
    }

    fn keeps(&self) -> bool {
        true
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        Ok(if source.is_empty() { self.0.clone() } else { source })
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        Ok(view)
    }
}

#[derive(Debug)]
struct Nullify(Vec<Value<'static>>);

impl Lens for Nullify {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        Ok(source.clone())
    }

    fn class(&self) -> Class {
        Class::NeedsBase
    }

    fn keeps(&self) -> bool {
        true
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        Ok(if self.0.contains(&source) { Value::Null } else { source })
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        if self.0.contains(&view) {
            return Err(Fault::conflict("this value stands for null at the provider"));
        }
        Ok(view)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws;
    use crate::{Chain, Kind, NoReferences, Value};

    const DEFAULT: &str = r#"{"op": "default", "value": "none"}"#;
    const NULLIFY: &str = r#"{"op": "nullify", "values": ["", "N/A", 0]}"#;

    #[test]
    fn nothing_becomes_the_default_and_goes_back_as_nothing() {
        let chain = laws::chain(DEFAULT, &Kind::Text);
        for source in [Value::Missing, Value::Null] {
            let view = chain.get(source.clone(), &NoReferences).unwrap();
            assert_eq!(view, Value::text("none"));
            assert_eq!(chain.put(view, &source, &NoReferences).unwrap(), source);
        }
        assert_eq!(laws::put(DEFAULT, r#""x""#, "null"), r#""x""#);
        assert_eq!(laws::put(DEFAULT, r#""none""#, r#""x""#), r#""none""#);
        assert_eq!(laws::put(DEFAULT, "null", r#""x""#), "null");
    }

    #[test]
    fn tokens_of_nothing_become_null_and_go_back_as_they_were() {
        assert_eq!(laws::get(NULLIFY, r#""""#), "null");
        assert_eq!(laws::get(NULLIFY, "0.0"), "null");
        assert_eq!(laws::get(NULLIFY, r#""n/a""#), r#""n/a""#);
        assert_eq!(laws::put(NULLIFY, "null", r#""N/A""#), r#""N/A""#);
        assert_eq!(laws::put(NULLIFY, "null", r#""x""#), "null");
        assert_eq!(laws::put(NULLIFY, r#""""#, r#""x""#), "mapping.conflict");
    }

    #[test]
    fn a_default_of_another_type_is_refused_when_the_schema_is_saved() {
        let ops = [serde_json::from_str(r#"{"op": "default", "value": "2026-02-30"}"#).unwrap()];
        assert_eq!(Chain::build(&ops, &Kind::Date).unwrap_err().code, "op.parameter");
        assert_eq!(Chain::build(&ops, &Kind::Integer).unwrap_err().code, "op.parameter");
        assert!(Chain::build(&ops, &Kind::Any).is_ok());
    }

    #[test]
    fn the_laws_hold() {
        let text = || any::<String>().prop_map(Value::text);
        let views = "[a-z]{1,3}".prop_map(Value::text);
        laws::hold(r#"{"op": "const", "value": [1]}"#, &Kind::Text, text());
        laws::hold_for(DEFAULT, &Kind::Text, prop_oneof![text(), Just(Value::Null)], text());
        let sources = prop_oneof![text(), Just(Value::text("N/A")), Just(Value::text(""))];
        laws::hold_for(NULLIFY, &Kind::Text, sources, prop_oneof![views, Just(Value::Null)]);
    }
}
