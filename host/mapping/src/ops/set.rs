//! Lists whose order or repetitions mean nothing.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::json::canonical;
use super::{BuildError, Example, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "list_unique",
        summary: "leaves the first of equal items",
        params: &[],
        types: "list of any → list of any",
        class: "canonicalising",
        reverse: "the list; unchanged repetitions stay",
        standard: None,
        example: Example { op: r#""list_unique""#, input: "[2, 1, 2.0]", output: "[2, 1]" },
        build: |_| Ok(Box::new(Set(Tidy::Unique))),
    },
    Spec {
        name: "list_sort",
        summary: "sorts numbers by size, texts by their characters, false before true, and days \
                  and instants by time; null comes first",
        params: &[],
        types: "list of any → list of any",
        class: "canonicalising",
        reverse: "the list; an unchanged order stays",
        standard: Some("Unicode code points, without a language"),
        example: Example {
            op: r#""list_sort""#,
            input: r#"["b", "B", "a"]"#,
            output: r#"["B", "a", "b"]"#,
        },
        build: |_| Ok(Box::new(Set(Tidy::Sort))),
    },
];

#[derive(Clone, Copy, Debug)]
enum Tidy {
    Unique,
    Sort,
}

#[derive(Debug)]
struct Set(Tidy);

impl Tidy {
    fn apply(self, list: Value<'_>) -> Result<Value<'_>, Fault> {
        let mut items = list.into_items()?;
        match self {
            Self::Unique => {
                let mut seen = HashSet::with_capacity(items.len());
                items.retain(|item| seen.insert(canonical(item.clone()).to_json()));
            }
            Self::Sort => {
                comparable(&items)?;
                items.sort_by(order);
            }
        }
        Ok(Value::List(items))
    }
}

impl Lens for Set {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.list()
    }

    fn class(&self) -> Class {
        Class::Canonicalising
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        self.0.apply(source)
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let tidied = self.0.apply(view)?;
        let same = matches!(base, Value::List(_))
            && self.0.apply(base.clone()).is_ok_and(|base| base == tidied);
        Ok(if same { base.clone() } else { tidied })
    }
}

/// Refuses items of several types, and of one without an order; null fits every type.
pub(super) fn comparable(items: &[Value<'_>]) -> Result<(), Fault> {
    let mut kinds = items.iter().filter(|item| !item.is_empty()).map(Value::kind);
    let first = kinds.next().unwrap_or(Kind::Any);
    let other = kinds.find(|kind| !kind.fits(&first) && !first.fits(kind));
    let unsorted = matches!(first, Kind::List(_) | Kind::Object | Kind::Money);
    match other.or_else(|| unsorted.then(|| first.clone())) {
        None => Ok(()),
        Some(kind) => Err(Fault::new("mapping.type", format!("{first} and {kind} have no order"))),
    }
}

/// The order of values of one type.
pub(super) fn order(a: &Value<'_>, b: &Value<'_>) -> Ordering {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::DateTime(a), Value::DateTime(b)) => a.at.cmp(&b.at),
        _ => b.is_empty().cmp(&a.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ops::laws::{get, hold, put};

    const UNIQUE: &str = r#""list_unique""#;
    const SORT: &str = r#""list_sort""#;

    #[test]
    fn equal_items_are_left_once() {
        assert_eq!(get(UNIQUE, r#"["a","b","a",1,"1",1.0,null,null]"#), r#"["a","b",1,"1",null]"#);
        assert_eq!(get(UNIQUE, r#"[{"a":1,"b":2},{"b":2,"a":1},[],[]]"#), r#"[{"a":1,"b":2},[]]"#);
        assert_eq!(get(UNIQUE, "[]"), "[]");
    }

    #[test]
    fn items_of_one_type_are_sorted() {
        assert_eq!(get(SORT, "[10, 9, null, 9.5]"), "[null,9,9.5,10]");
        assert_eq!(get(SORT, r#"["é","z","Z","10","9"]"#), r#"["10","9","Z","z","é"]"#);
        assert_eq!(get(SORT, "[true, false]"), "[false,true]");
        assert_eq!(get(SORT, r#"[1, null, "a"]"#), "mapping.type");
        assert_eq!(get(SORT, "[[1], [2]]"), "mapping.type");
        assert_eq!(get(SORT, "{}"), "mapping.type");
    }

    #[test]
    fn an_edit_that_only_order_or_repetition_would_tell_is_none() {
        assert_eq!(put(SORT, "[3,1,2]", "[2,3,1]"), "[2,3,1]");
        assert_eq!(put(SORT, "[3,1]", "[2,3,1]"), "[1,3]");
        assert_eq!(put(UNIQUE, "[1,2,2]", "[1,1,2]"), "[1,1,2]");
    }

    #[test]
    fn laws_hold() {
        let item = (0..5_i64).prop_map(|n| Value::Number(n.into()));
        let lists = proptest::collection::vec(item, 0..8).prop_map(Value::List);
        let kind = Kind::List(Box::new(Kind::Integer));
        hold(UNIQUE, &kind, lists.clone());
        hold(SORT, &kind, lists);
    }
}
