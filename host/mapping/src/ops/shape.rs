//! Objects within objects.

mod tree;

use std::borrow::Cow;

use tree::Tree;

use super::pointer::Pointer;
use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

const PATH: Param = Param {
    name: "path",
    kind: ParamKind::Text,
    required: true,
    summary: "a JSON Pointer, as `/address/city`; at most 16 steps",
};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "path",
        summary: "descends to a value within an object or a list; missing when it is not there",
        params: &[PATH],
        types: "any → any",
        class: "needs-base",
        reverse: "the base with the value in that place",
        standard: Some("RFC 6901"),
        example: Example {
            op: r#"{"op": "path", "path": "/address/city"}"#,
            input: r#"{"address": {"city": "Bath", "zip": "BA1"}}"#,
            output: r#""Bath""#,
        },
        build: |args| Ok(Box::new(Path(pointer(args)?))),
    },
    Spec {
        name: "nest",
        summary: "puts a value into objects of its own",
        params: &[PATH],
        types: "any → object",
        class: "bijective",
        reverse: "takes the value out; a conflict if there is more beside it",
        standard: Some("RFC 6901"),
        example: Example {
            op: r#"{"op": "nest", "path": "/address/city"}"#,
            input: r#""Bath""#,
            output: r#"{"address": {"city": "Bath"}}"#,
        },
        build: |args| Ok(Box::new(Nest(pointer(args)?))),
    },
    Spec {
        name: "flatten",
        summary: "makes one object of objects within each other; lists and empty objects stay",
        params: &[Param {
            name: "separator",
            kind: ParamKind::Text,
            required: false,
            summary: "what stands between the names; a point when left out",
        }],
        types: "object → object",
        class: "bijective",
        reverse: "takes the names apart again",
        standard: None,
        example: Example {
            op: r#""flatten""#,
            input: r#"{"address": {"city": "Bath", "zip": "BA1"}}"#,
            output: r#"{"address.city": "Bath", "address.zip": "BA1"}"#,
        },
        build: |args| {
            let separator = args.text("separator")?.unwrap_or_else(|| ".".to_owned());
            if separator.is_empty() {
                return Err(BuildError::parameter("`separator` is empty"));
            }
            Ok(Box::new(Flatten { separator }))
        },
    },
];

fn pointer(args: &mut Args) -> Result<Pointer, BuildError> {
    Pointer::parse(&args.need("path", Args::text)?)
}

#[derive(Debug)]
struct Path(Pointer);

impl Lens for Path {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        if !matches!(source, Kind::List(_) | Kind::Tuple(_)) {
            source.must_fit(&Kind::Object)?;
        }
        Ok(Kind::Any)
    }

    fn class(&self) -> Class {
        Class::NeedsBase
    }

    fn takes_empty(&self) -> bool {
        true
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        match source {
            Value::Object(_) | Value::List(_) => Ok(self.0.take(source)),
            Value::Missing | Value::Null => Ok(source),
            other => Err(Fault::kind(&Kind::Object, &other)),
        }
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        if view.is_missing() && base.is_empty() {
            return Ok(Value::Missing);
        }
        self.0.set(base.clone(), view)
    }
}

#[derive(Debug)]
struct Nest(Pointer);

impl Lens for Nest {
    fn view(&mut self, _source: &Kind) -> Result<Kind, BuildError> {
        Ok(Kind::Object)
    }

    fn class(&self) -> Class {
        Class::Bijective
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        Ok(self.0.wrap(source))
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        self.0.unwrap(view)
    }
}

#[derive(Debug)]
struct Flatten {
    separator: String,
}

impl Lens for Flatten {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Object)?;
        Ok(Kind::Object)
    }

    fn class(&self) -> Class {
        Class::Bijective
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let mut flat = Flat { separator: &self.separator, members: Vec::new(), bytes: 0 };
        flat.push("", source.into_members()?)?;
        Ok(Value::Object(flat.members))
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let mut tree = Tree::new();
        for (name, value) in view.into_members()? {
            tree.insert(&name, &self.separator, value)?;
        }
        Ok(tree.into_value())
    }
}

struct Flat<'s, 'a> {
    separator: &'s str,
    members: Vec<(Cow<'a, str>, Value<'a>)>,
    bytes: usize,
}

impl<'a> Flat<'_, 'a> {
    /// Recursion is as deep as the value, which is bounded.
    fn push(&mut self, prefix: &str, members: Vec<(Cow<'a, str>, Value<'a>)>) -> Result<(), Fault> {
        for (name, value) in members {
            if name.contains(self.separator) {
                let (name, separator) = (Fault::quote(&name), &self.separator);
                let message = format!("the name {name} has the separator {separator:?} in it");
                return Err(Fault::conflict(message));
            }
            let name = format!("{prefix}{name}");
            match value {
                Value::Object(members) if !members.is_empty() => {
                    self.push(&format!("{name}{}", self.separator), members)?;
                }
                value => {
                    // A long name around many members is repeated in each of them.
                    self.bytes += name.len();
                    Fault::unless_text_fits(self.bytes)?;
                    self.members.push((Cow::Owned(name), value));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::Chain;
    use crate::ops::laws::{chain, get, hold, hold_for, put};

    const CITY: &str = r#"{"op": "path", "path": "/address/city"}"#;
    const SECOND: &str = r#"{"op": "path", "path": "/phones/1/number"}"#;

    #[test]
    fn paths_descend_and_tell_missing_from_null() {
        assert_eq!(get(CITY, r#"{"address": {"city": "Bath"}}"#), r#""Bath""#);
        assert_eq!(get(SECOND, r#"{"phones": [{}, {"number": 7}]}"#), "7");
        for source in ["{}", r#"{"address": {}}"#, r#"{"address": 7}"#, r#"{"address": ["city"]}"#]
        {
            let source = Value::parse(source.as_bytes()).unwrap();
            let view = chain(CITY, &Kind::Any).get(source, &crate::NoReferences);
            assert!(view.unwrap().is_missing());
        }
        assert_eq!(get(CITY, r#"{"address": null}"#), "null");
        assert_eq!(get(CITY, "7"), "mapping.type");
    }

    #[test]
    fn paths_write_into_the_base() {
        let base = r#"{"address": {"zip": "BA1", "city": "Bath"}, "id": 7}"#;
        let there = r#"{"address":{"zip":"BA1","city":"York"},"id":7}"#;
        assert_eq!(put(CITY, r#""York""#, base), there);
        assert_eq!(put(CITY, r#""York""#, "{}"), r#"{"address":{"city":"York"}}"#);
        assert_eq!(put(CITY, "null", base), r#"{"address":{"zip":"BA1","city":null},"id":7}"#);
        assert_eq!(
            put(SECOND, "8", r#"{"phones":[1,{"number":7}]}"#),
            r#"{"phones":[1,{"number":8}]}"#
        );
        assert_eq!(put(SECOND, "8", r#"{"phones":[1]}"#), "mapping.conflict");
        assert_eq!(put(CITY, r#""York""#, r#"{"address": "Bath"}"#), "mapping.conflict");
    }

    /// RFC 6901 §5.
    #[test]
    fn pointers_are_those_of_the_standard() {
        let document = r#"{"": 0, "a/b": 1, "c%d": 2, "m~n": 8, "~1": 9, "01": 3}"#;
        let table = [("/", "0"), ("/a~1b", "1"), ("/c%d", "2"), ("/m~0n", "8"), ("/~01", "9")];
        for (path, value) in table {
            assert_eq!(get(&json!({"op": "path", "path": path}).to_string(), document), value);
        }
        for path in ["", "a", "/~", "/~2", &"/a".repeat(17)] {
            let op = json!({"op": "path", "path": path});
            assert!(Chain::build(&[op], &Kind::Object).is_err(), "{path}");
        }
        assert_eq!(get(r#"{"op": "path", "path": "/01"}"#, "[1, 2]"), "null");
    }

    #[test]
    fn flat_names_are_taken_apart_again() {
        let op = r#""flatten""#;
        assert_eq!(
            get(op, r#"{"a": {"b": {}, "c": [{}]}, "d": 1}"#),
            r#"{"a.b":{},"a.c":[{}],"d":1}"#
        );
        assert_eq!(
            put(op, r#"{"a.b": 1, "d": 2, "a.c": 3}"#, "null"),
            r#"{"a":{"b":1,"c":3},"d":2}"#
        );
        assert_eq!(get(op, r#"{"a.b": 1}"#), "mapping.conflict");
        for view in [r#"{"a": 1, "a.b": 2}"#, r#"{"a.b": 2, "a": 1}"#] {
            assert_eq!(put(op, view, "null"), "mapping.conflict");
        }
        let deep = format!("{{{:?}: 1}}", ".".repeat(1000));
        assert_eq!(put(op, &deep, "null"), "mapping.depth");
        let many: Vec<_> = (0..2000).map(|n| format!("\"{n}\": 0")).collect();
        let repeated = format!("{{{:?}: {{{}}}}}", "x".repeat(1000), many.join(","));
        assert_eq!(get(op, &repeated), "mapping.text-length");
    }

    #[test]
    fn nothing_beside_a_nested_value_is_lost() {
        let op = r#"{"op": "nest", "path": "/a/b"}"#;
        assert_eq!(put(op, r#"{"a": {"b": 1, "c": 2}}"#, "null"), "mapping.conflict");
        assert_eq!(put(op, r#"{"a": {}}"#, "null"), "mapping.conflict");
    }

    fn addresses() -> impl Strategy<Value = Value<'static>> + Clone {
        let texts = || proptest::option::of("[a-z]{0,3}");
        (texts(), texts(), any::<bool>()).prop_map(|(city, zip, there)| {
            let member = |(name, text): (&'static str, Option<String>)| {
                (Cow::Borrowed(name), text.map_or(Value::Null, Value::text))
            };
            let address = [("city", city), ("zip", zip)].into_iter().map(member).collect();
            let id = (Cow::Borrowed("id"), Value::Bool(there));
            let address = (Cow::Borrowed("address"), Value::Object(address));
            Value::Object(if there { vec![address, id] } else { vec![id] })
        })
    }

    #[test]
    fn laws_hold() {
        hold(CITY, &Kind::Object, addresses());
        let views = prop_oneof![Just(Value::Null), "[a-z]{0,3}".prop_map(Value::text)];
        hold_for(CITY, &Kind::Object, addresses(), views);
        hold(r#""flatten""#, &Kind::Object, addresses());
        hold(r#"{"op": "nest", "path": "/a/b"}"#, &Kind::Any, "[a-z]{0,3}".prop_map(Value::text));
    }
}
