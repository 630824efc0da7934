//! JSON in texts.

use super::{BuildError, Example, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "json_parse",
        summary: "reads the JSON in a text; members in the order of their names",
        params: &[],
        types: "text → any",
        class: "canonicalising",
        reverse: "canonical JSON: members in the order of their names, no spaces, no zeros at the \
                  end of a fraction",
        standard: Some("RFC 8259; RFC 8785 for the order, with exact numbers"),
        example: Example {
            op: r#""json_parse""#,
            input: r#""{\"b\": [1.50], \"a\": null}""#,
            output: r#"{"a": null, "b": [1.5]}"#,
        },
        build: |_| Ok(Box::new(JsonParse)),
    },
    Spec {
        name: "json_stringify",
        summary: "writes a value as canonical JSON",
        params: &[],
        types: "any → text",
        class: "canonicalising",
        reverse: "reads the JSON",
        standard: Some("RFC 8785, with exact numbers"),
        example: Example {
            op: r#""json_stringify""#,
            input: r#"{"b": [1.50], "a": null}"#,
            output: r#""{\"a\":null,\"b\":[1.5]}""#,
        },
        build: |_| Ok(Box::new(JsonStringify { source: Kind::Any })),
    },
];

#[derive(Debug)]
struct JsonParse;

impl Lens for JsonParse {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Text)?;
        Ok(Kind::Any)
    }

    fn class(&self) -> Class {
        Class::Canonicalising
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        parse(&source)
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        stringify(view)
    }
}

#[derive(Debug)]
struct JsonStringify {
    source: Kind,
}

impl Lens for JsonStringify {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        self.source = source.clone();
        Ok(Kind::Text)
    }

    fn class(&self) -> Class {
        Class::Canonicalising
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        stringify(source)
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        parse(&view)?.typed(&self.source)
    }
}

fn parse<'a>(text: &Value<'_>) -> Result<Value<'a>, Fault> {
    match text {
        Value::Text(text) => Value::parse(text.as_bytes()).map(|v| canonical(v).into_owned()),
        other => Err(Fault::kind(&Kind::Text, other)),
    }
}

fn stringify(value: Value<'_>) -> Result<Value<'_>, Fault> {
    let json = canonical(value).to_json();
    Fault::unless_text_fits(json.len())?;
    Ok(Value::text(json))
}

/// The value with its members in order and its numbers without zeros at their end.
pub(super) fn canonical(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Number(number) => Value::Number(number.normalize()),
        Value::List(items) => Value::List(items.into_iter().map(canonical).collect()),
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| (name, canonical(value)));
            let mut members: Vec<_> = members.collect();
            // RFC 8785 §3.2.3 compares the units of UTF-16.
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            Value::Object(members)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;
    use serde_json::json;

    use super::*;
    use crate::ops::laws::{get, hold, put};

    #[track_caller]
    fn check(source: &str, canonical: &str) {
        assert_eq!(get(r#""json_stringify""#, source), json!(canonical).to_string());
    }

    /// RFC 8785 §3.2.3 and §3.2.2.2.
    #[test]
    fn json_is_canonical() {
        check("[ 1.50 , -0, 1e2 ]", "[1.5,0,100]");
        check(r#"{"b": 1, "a": {"d": [], "c": "\u0041\/"}}"#, r#"{"a":{"c":"A/","d":[]},"b":1}"#);
        check(r#"{"\ufb33": 1, "\ud83d\ude00": 2, "1": 3}"#, "{\"1\":3,\"😀\":2,\"\u{fb33}\":1}");
        check(r#""a\"b\\\n\u000f""#, r#""a\"b\\\n\u000f""#);
        check("true", "true");
    }

    #[test]
    fn json_goes_back_canonical_unless_it_is_untouched() {
        let base = json!(r#"{ "a" : 1.0 }"#).to_string();
        assert_eq!(put(r#""json_parse""#, r#"{"a": 1}"#, &base), base);
        assert_eq!(put(r#""json_parse""#, r#"{"a": 2}"#, &base), json!(r#"{"a":2}"#).to_string());
    }

    #[test]
    fn bad_json_is_refused() {
        let op = r#""json_parse""#;
        for text in ["", "{", "NaN", "[1,]", "nul", "\"", "1 2", "{\"a\":1,}", "'a'", "01"] {
            assert_eq!(get(op, &json!(text).to_string()), "mapping.json", "{text}");
        }
        assert_eq!(get(op, &json!(r#""\ud800""#).to_string()), "mapping.unicode");
        assert_eq!(get(op, &json!("1e400").to_string()), "mapping.number-range");
        assert_eq!(get(op, &json!("[".repeat(1 << 20)).to_string()), "mapping.json");
        let wide = json!(format!("[{}0]", "0,".repeat(500_000))).to_string();
        assert!(get(op, &wide).starts_with("[0,0"));
        let long = json!("\u{1}".repeat(200_000)).to_string();
        assert_eq!(get(r#""json_stringify""#, &long), "mapping.text-length");
    }

    fn values() -> impl Strategy<Value = Value<'static>> + Clone {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            (any::<i64>(), 0..6_u32).prop_map(|(n, s)| Value::Number(Decimal::new(n, s))),
            "\\PC{0,8}".prop_map(Value::text),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let members = proptest::collection::btree_map("\\PC{0,4}", inner.clone(), 0..4);
            let object = members
                .prop_map(|m| Value::Object(m.into_iter().map(|(k, v)| (k.into(), v)).collect()));
            prop_oneof![
                proptest::collection::vec(inner, 0..4).prop_map(Value::List),
                object.prop_map(canonical),
            ]
        })
        .prop_filter("null is not read", |value| !value.is_empty())
    }

    #[test]
    fn laws_hold() {
        hold(r#""json_stringify""#, &Kind::Any, values());
        let texts = values().prop_map(|value| Value::text(value.to_json()));
        hold(r#""json_parse""#, &Kind::Text, texts);
        let loose = values().prop_map(|value| Value::text(format!(" {}\n", value.to_json())));
        hold(r#""json_parse""#, &Kind::Text, loose);
    }
}
