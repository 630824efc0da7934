//! Some items of a list, some members of an object.

use std::borrow::Cow;
use std::collections::HashSet;

use super::predicate::{Predicate, TEST};
use super::{Args, BuildError, Example, LIST_MAX, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

const KEYS: Param = Param {
    name: "keys",
    kind: ParamKind::Texts,
    required: true,
    summary: "the names of the members",
};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "list_filter",
        summary: "leaves the items for which a test holds",
        params: &[TEST],
        types: "list of any → list of any",
        class: "needs-base",
        reverse: "the items in the places of those that were shown, between the hidden ones; a \
                  conflict if the test does not hold for one",
        standard: None,
        example: Example {
            op: r#"{"op": "list_filter", "test": {"at": "/type", "equals": "work"}}"#,
            input: r#"[{"type": "work", "n": 1}, {"type": "home", "n": 2}]"#,
            output: r#"[{"type": "work", "n": 1}]"#,
        },
        build: |args| Ok(Box::new(ListFilter(Predicate::take(args)?))),
    },
    Spec {
        name: "pick",
        summary: "leaves the members of these names",
        params: &[KEYS],
        types: "object → object",
        class: "needs-base",
        reverse: "the base with these members",
        standard: None,
        example: Example {
            op: r#"{"op": "pick", "keys": ["a"]}"#,
            input: r#"{"a": 1, "b": 2}"#,
            output: r#"{"a": 1}"#,
        },
        build: |args| Ok(Box::new(Members { keys: keys(args)?, picked: true })),
    },
    Spec {
        name: "omit",
        summary: "leaves the members of other names",
        params: &[KEYS],
        types: "object → object",
        class: "needs-base",
        reverse: "the base with these members",
        standard: None,
        example: Example {
            op: r#"{"op": "omit", "keys": ["a"]}"#,
            input: r#"{"a": 1, "b": 2}"#,
            output: r#"{"b": 2}"#,
        },
        build: |args| Ok(Box::new(Members { keys: keys(args)?, picked: false })),
    },
];

fn keys(args: &mut Args) -> Result<HashSet<String>, BuildError> {
    Ok(args.need("keys", Args::texts)?.into_iter().collect())
}

/// The base with other parts in place of those that are shown: in their places as long as there
/// are any, then behind the last one.
fn merge<T>(base: Vec<T>, shown: impl Fn(&T) -> bool, parts: Vec<T>) -> Vec<T> {
    let last = base.iter().rposition(&shown).map_or(base.len(), |at| at + 1);
    let mut merged = Vec::with_capacity(base.len() + parts.len());
    let mut parts = parts.into_iter();
    for (at, part) in base.into_iter().enumerate() {
        if at == last {
            merged.extend(parts.by_ref());
        }
        if shown(&part) {
            merged.extend(parts.next());
        } else {
            merged.push(part);
        }
    }
    merged.extend(parts);
    merged
}

#[derive(Debug)]
struct ListFilter(Predicate);

impl Lens for ListFilter {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.list()
    }

    fn class(&self) -> Class {
        Class::NeedsBase
    }

    fn get<'a>(&self, source: Value<'a>, work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let mut items = source.into_items()?;
        items.retain(|item| self.0.holds(item, work));
        Ok(Value::List(items))
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let items = view.into_items()?;
        if let Some(at) = items.iter().position(|item| !self.0.holds(item, work)) {
            let message = format!("the test does not hold for item {at}, which would be lost");
            return Err(Fault::conflict(message));
        }
        let base = match base {
            Value::List(_) => base.clone().into_items()?,
            _ => Vec::new(),
        };
        let merged = merge(base, |item| self.0.holds(item, work), items);
        if merged.len() > LIST_MAX {
            let message = format!("the list would have more than {LIST_MAX} items");
            return Err(Fault::new("mapping.list-length", message));
        }
        Ok(Value::List(merged))
    }
}

#[derive(Debug)]
struct Members {
    keys: HashSet<String>,
    picked: bool,
}

impl Members {
    fn shows(&self, name: &str) -> bool {
        self.keys.contains(name) == self.picked
    }
}

impl Lens for Members {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Object)?;
        Ok(Kind::Object)
    }

    fn class(&self) -> Class {
        Class::NeedsBase
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let mut members = source.into_members()?;
        members.retain(|(name, _)| self.shows(name));
        Ok(Value::Object(members))
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let members = view.into_members()?;
        if let Some((name, _)) = members.iter().find(|(name, _)| !self.shows(name)) {
            let name = Fault::quote(name);
            return Err(Fault::conflict(format!("the member {name} would not be read again")));
        }
        let base = match base {
            Value::Object(members) => members.clone(),
            _ => Vec::new(),
        };
        let shown = |(name, _): &(Cow<'_, str>, Value<'_>)| self.shows(name);
        Ok(Value::Object(merge(base, shown, members)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ops::laws::{get, hold, put};

    const LARGE: &str = r#"{"op": "list_filter", "test": {"above": 10}}"#;
    const PICK: &str = r#"{"op": "pick", "keys": ["a", "b"]}"#;
    const OMIT: &str = r#"{"op": "omit", "keys": ["c", "d"]}"#;

    #[test]
    fn hidden_items_keep_their_places() {
        assert_eq!(get(LARGE, "[1,11,2,12,3]"), "[11,12]");
        assert_eq!(put(LARGE, "[21,22]", "[1,11,2,12,3]"), "[1,21,2,22,3]");
        assert_eq!(put(LARGE, "[21]", "[1,11,2,12,3]"), "[1,21,2,3]");
        assert_eq!(put(LARGE, "[21,22,23]", "[1,11,2,12,3]"), "[1,21,2,22,23,3]");
        assert_eq!(put(LARGE, "[21]", "[1,2]"), "[1,2,21]");
        assert_eq!(put(LARGE, "[21]", "null"), "[21]");
        assert_eq!(put(LARGE, "[]", "[1,11]"), "[1]");
        assert_eq!(put(LARGE, "[2]", "[1,11]"), "mapping.conflict");
    }

    #[test]
    fn hidden_members_stay() {
        assert_eq!(get(PICK, r#"{"a":1,"c":2,"b":3}"#), r#"{"a":1,"b":3}"#);
        assert_eq!(get(OMIT, r#"{"a":1,"c":2,"b":3}"#), r#"{"a":1,"b":3}"#);
        assert_eq!(put(PICK, r#"{"a":9}"#, r#"{"a":1,"c":2,"b":3}"#), r#"{"a":9,"c":2}"#);
        assert_eq!(put(OMIT, r#"{"e":9}"#, r#"{"c":2}"#), r#"{"c":2,"e":9}"#);
        assert_eq!(put(PICK, r#"{"c":9}"#, r#"{"c":2}"#), "mapping.conflict");
        assert_eq!(put(OMIT, r#"{"c":9}"#, r#"{"c":2}"#), "mapping.conflict");
    }

    #[test]
    fn laws_hold() {
        let item = (0..20_i64).prop_map(|n| Value::Number(n.into()));
        let lists = proptest::collection::vec(item, 0..8).prop_map(Value::List);
        hold(LARGE, &Kind::List(Box::new(Kind::Integer)), lists);
        let names = proptest::sample::subsequence(vec!["a", "b", "c", "d"], 0..=4).prop_shuffle();
        let objects = names.prop_map(|names| {
            let member = |name| (Cow::Borrowed(name), Value::text(name));
            Value::Object(names.into_iter().map(member).collect())
        });
        hold(PICK, &Kind::Object, objects.clone());
        hold(OMIT, &Kind::Object, objects);
    }
}
