//! Values looked up in tables.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "enum_map",
        summary: "replaces each of some words by another",
        params: &[
            Param {
                name: "table",
                kind: ParamKind::Table,
                required: true,
                summary: "the words of the source and what comes out for each; at most 10000",
            },
            Param {
                name: "default",
                kind: ParamKind::Text,
                required: false,
                summary: "what comes out for every other word; left out, those are refused",
            },
        ],
        types: "text → text",
        class: "bijective; needs-base if words share a result or there is a default",
        reverse: "the word of the table, of several the first by alphabet",
        standard: None,
        example: Example {
            op: r#"{"op": "enum_map", "table": {"1": "open", "2": "won"}}"#,
            input: r#""2""#,
            output: r#""won""#,
        },
        build: |args| {
            let table = args.need("table", Args::table)?;
            Ok(Box::new(EnumMap::new(table, args.text("default")?)?))
        },
    },
    Spec {
        name: "bool_map",
        summary: "replaces true and false by two other values",
        params: &[
            Param {
                name: "true",
                kind: ParamKind::Json,
                required: true,
                summary: "what comes out for true: a text or a number",
            },
            Param {
                name: "false",
                kind: ParamKind::Json,
                required: true,
                summary: "what comes out for false: another one of that type",
            },
        ],
        types: "bool → any",
        class: "bijective",
        reverse: "true or false",
        standard: None,
        example: Example {
            op: r#"{"op": "bool_map", "true": "active", "false": "archived"}"#,
            input: "false",
            output: r#""archived""#,
        },
        build: |args| {
            let yes = args.need("true", Args::value)?;
            let no = args.need("false", Args::value)?;
            Ok(Box::new(BoolMap::new(yes, no)?))
        },
    },
    Spec {
        name: "lookup_ref",
        summary: "finds the id of our record for the provider's id of it; unresolved is a fault \
                  with the code `mapping.unresolved`, that of a record that is not there yet",
        params: &[Param {
            name: "entity",
            kind: ParamKind::Text,
            required: true,
            summary: "the entity of the record that is meant",
        }],
        types: "text → text",
        class: "bijective",
        reverse: "the provider's id for the id of our record",
        standard: None,
        example: Example {
            op: r#"{"op": "lookup_ref", "entity": "company"}"#,
            input: "null",
            output: "null",
        },
        build: |args| Ok(Box::new(LookupRef { entity: args.need("entity", Args::text)? })),
    },
];

/// Words of one table: more are records, and belong to `lookup_ref`.
const WORDS_MAX: usize = 10_000;

#[derive(Debug)]
struct EnumMap {
    forth: HashMap<String, String>,
    back: HashMap<String, String>,
    default: Option<String>,
}

impl EnumMap {
    fn new(table: Vec<(String, String)>, default: Option<String>) -> Result<Self, BuildError> {
        if table.is_empty() || table.len() > WORDS_MAX {
            let message = format!("`table` must hold 1 to {WORDS_MAX} words");
            return Err(BuildError::limit(message));
        }
        let mut back = HashMap::with_capacity(table.len());
        for (word, result) in &table {
            // Members of JSON have no order that would survive; the alphabet is one.
            let first: &mut String = back.entry(result.clone()).or_insert_with(|| word.clone());
            if word < first {
                first.clone_from(word);
            }
        }
        Ok(Self { forth: table.into_iter().collect(), back, default })
    }
}

impl Lens for EnumMap {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Text)?;
        Ok(Kind::Text)
    }

    fn class(&self) -> Class {
        if self.default.is_none() && self.back.len() == self.forth.len() {
            Class::Bijective
        } else {
            Class::NeedsBase
        }
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let word = text(&source)?;
        let result = self.forth.get(word).or(self.default.as_ref());
        result.map(|result| Value::text(result.clone())).ok_or_else(|| {
            let word = Fault::quote(word);
            let message = format!("{word} is not in the table; add it, or give a `default`");
            Fault::new("mapping.enum", message)
        })
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let result = text(&view)?;
        self.back.get(result).map(|word| Value::text(word.clone())).ok_or_else(|| {
            let result = Fault::quote(result);
            let message = format!("no word of the table stands for {result}; add one");
            Fault::new("mapping.enum", message)
        })
    }
}

fn text<'v>(value: &'v Value<'_>) -> Result<&'v str, Fault> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(Fault::kind(&Kind::Text, other)),
    }
}

#[derive(Debug)]
struct BoolMap {
    yes: Value<'static>,
    no: Value<'static>,
}

impl BoolMap {
    fn new(yes: Value<'static>, no: Value<'static>) -> Result<Self, BuildError> {
        match (&yes, &no) {
            (Value::Text(_), Value::Text(_)) | (Value::Number(_), Value::Number(_))
                if yes != no =>
            {
                Ok(Self { yes, no })
            }
            _ => Err(BuildError::parameter("`true` and `false` must be two texts or two numbers")),
        }
    }
}

impl Lens for BoolMap {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Bool)?;
        let kinds = [self.yes.kind(), self.no.kind()];
        Ok(if kinds.contains(&Kind::Decimal) { Kind::Decimal } else { self.yes.kind() })
    }

    fn class(&self) -> Class {
        Class::Bijective
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        match source {
            Value::Bool(true) => Ok(self.yes.clone()),
            Value::Bool(false) => Ok(self.no.clone()),
            other => Err(Fault::kind(&Kind::Bool, &other)),
        }
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        if view == self.yes {
            Ok(Value::Bool(true))
        } else if view == self.no {
            Ok(Value::Bool(false))
        } else {
            let (yes, no) = (self.yes.to_json(), self.no.to_json());
            let message = format!("the value is neither {yes:.40} nor {no:.40}");
            Err(Fault::new("mapping.enum", message))
        }
    }
}

#[derive(Debug)]
struct LookupRef {
    entity: String,
}

impl LookupRef {
    fn found<'a>(&self, id: Option<String>, of: &str, whose: &str) -> Result<Value<'a>, Fault> {
        id.map(|id| Value::Text(Cow::Owned(id))).ok_or_else(|| {
            let (entity, id) = (&self.entity, Fault::quote(of));
            let message = format!("there is no {entity} with {whose} id {id} yet");
            Fault::new("mapping.unresolved", message)
        })
    }
}

impl Lens for LookupRef {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Text)?;
        Ok(Kind::Text)
    }

    fn class(&self) -> Class {
        Class::Bijective
    }

    fn get<'a>(&self, source: Value<'a>, work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let id = text(&source)?;
        self.found(work.refs.local(&self.entity, id), id, "the provider's")
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let id = text(&view)?;
        self.found(work.refs.external(&self.entity, id), id, "our")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::References;
    use crate::ops::laws::{chain, fail, get, hold, put, run};

    const STAGES: &str = r#"{"op": "enum_map", "table": {"1": "open", "2": "won", "3": "open"}}"#;
    const OTHERS: &str = r#"{"op": "enum_map", "table": {"1": "open"}, "default": "other"}"#;

    #[test]
    fn words_go_through_the_table() {
        assert_eq!(get(STAGES, r#""2""#), r#""won""#);
        assert_eq!(get(STAGES, r#""4""#), "mapping.enum");
        assert_eq!(get(OTHERS, r#""4""#), r#""other""#);
        assert_eq!(get(STAGES, "1"), "mapping.type");
    }

    #[test]
    fn of_words_that_share_a_result_the_base_decides_and_then_the_alphabet() {
        assert_eq!(put(STAGES, r#""open""#, r#""3""#), r#""3""#);
        assert_eq!(put(STAGES, r#""open""#, r#""2""#), r#""1""#);
        assert_eq!(put(OTHERS, r#""other""#, r#""7""#), r#""7""#);
        assert_eq!(put(OTHERS, r#""other""#, r#""1""#), "mapping.enum");
    }

    #[test]
    fn truth_has_two_names() {
        let op = r#"{"op": "bool_map", "true": 1, "false": 0}"#;
        assert_eq!(get(op, "true"), "1");
        assert_eq!(put(op, "0", "true"), "false");
        assert_eq!(put(op, "2", "true"), "mapping.enum");
        for (yes, no) in [("1", "1"), ("1", r#""0""#), ("null", "0"), ("[]", "[1]")] {
            let op = format!(r#"{{"op": "bool_map", "true": {yes}, "false": {no}}}"#);
            let op = serde_json::from_str(&op).unwrap();
            assert!(crate::Chain::build(&[op], &Kind::Bool).is_err(), "{yes} {no}");
        }
    }

    const COMPANY: &str = r#"{"op": "lookup_ref", "entity": "company"}"#;

    /// Every id but 9 has a prefix on our side.
    struct Prefixed;

    impl References for Prefixed {
        fn local(&self, entity: &str, id: &str) -> Option<String> {
            (id != "9").then(|| format!("{entity}-{id}"))
        }

        fn external(&self, entity: &str, id: &str) -> Option<String> {
            id.strip_prefix(entity)?.strip_prefix('-').map(str::to_owned)
        }
    }

    #[test]
    fn references_are_found_both_ways_and_unresolved_ones_have_their_code() {
        let chain = chain(COMPANY, &Kind::Text);
        let local = chain.get(Value::text("7"), &Prefixed).unwrap();
        assert_eq!(local, Value::text("company-7"));
        assert_eq!(chain.put(local, &Value::Missing, &Prefixed).unwrap(), Value::text("7"));
        for failed in [
            chain.get(Value::text("9"), &Prefixed).unwrap_err(),
            chain.put(Value::text("nobody"), &Value::Missing, &Prefixed).unwrap_err(),
        ] {
            assert_eq!(failed.fault.code, "mapping.unresolved");
        }
    }

    #[test]
    fn laws_hold_for_references_whatever_the_base_is() {
        let chain = chain(COMPANY, &Kind::Text);
        let known = "[0-8a-z-]{0,4}".prop_map(Value::text);
        let nothing = [Value::Missing, Value::Null, Value::text("9")];
        let bases = prop_oneof![proptest::sample::select(nothing.to_vec()), known.clone()];
        let views = "company-[0-8a-z-]{0,4}".prop_map(Value::text);
        run(&(known, views, bases), |(source, view, base)| {
            let get = |source: &Value<'static>| chain.get(source.clone(), &Prefixed).map_err(fail);
            let put = |view: &Value<'static>, base: &Value<'static>| {
                chain.put(view.clone(), base, &Prefixed).map_err(fail)
            };
            let seen = get(&source)?;
            prop_assert_eq!(&put(&seen, &source)?, &source, "GetPut");
            prop_assert_eq!(&put(&seen, &Value::Missing)?, &source, "without a base");
            prop_assert_eq!(&put(&seen, &base)?, &source, "with another base");
            prop_assert_eq!(get(&put(&view, &base)?)?, view, "PutGet");
            Ok(())
        });
    }

    #[test]
    fn laws_hold() {
        let words = |words: &'static [&str]| proptest::sample::select(words).prop_map(Value::text);
        hold(STAGES, &Kind::Text, words(&["1", "2", "3"]));
        let known = r#"{"op": "enum_map", "table": {"a": "b", "b": "a"}}"#;
        hold(known, &Kind::Text, words(&["a", "b"]));
        hold(r#"{"op": "bool_map", "true": "y", "false": "n"}"#, &Kind::Bool, {
            any::<bool>().prop_map(Value::Bool)
        });
    }
}
