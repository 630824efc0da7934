//! One item of a list.

use super::{Args, BuildError, Example, LIST_MAX, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

const REVERSE: &str = "the base with the item in that place; null only where the last item of the \
                       list goes away, as others would move";

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "list_first",
        summary: "the first item of a list; null if it has none",
        params: &[],
        types: "list of any → any",
        class: "needs-base",
        reverse: REVERSE,
        standard: None,
        example: Example { op: r#""list_first""#, input: "[7, 8]", output: "7" },
        build: |_| Ok(Box::new(Element::First)),
    },
    Spec {
        name: "list_last",
        summary: "the last item of a list; null if it has none",
        params: &[],
        types: "list of any → any",
        class: "needs-base",
        reverse: REVERSE,
        standard: None,
        example: Example { op: r#""list_last""#, input: "[7, 8]", output: "8" },
        build: |_| Ok(Box::new(Element::Last)),
    },
    Spec {
        name: "list_nth",
        summary: "an item of a list; null if it has fewer",
        params: &[Param {
            name: "index",
            kind: ParamKind::Count,
            required: true,
            summary: "which item, from 0",
        }],
        types: "list of any → any",
        class: "needs-base",
        reverse: REVERSE,
        standard: None,
        example: Example { op: r#"{"op": "list_nth", "index": 1}"#, input: "[7, 8]", output: "8" },
        build: |args| {
            let index = args.need("index", Args::count)?;
            if index >= LIST_MAX {
                let message = format!("`index` is {index}; a list has at most {LIST_MAX} items");
                return Err(BuildError::limit(message));
            }
            Ok(Box::new(Element::Nth(index)))
        },
    },
];

#[derive(Debug)]
enum Element {
    First,
    Last,
    Nth(usize),
}

impl Element {
    fn index(&self, len: usize) -> usize {
        match self {
            Self::First => 0,
            Self::Last => len.saturating_sub(1),
            Self::Nth(index) => *index,
        }
    }

    /// Takes the item away if that moves no other into its place.
    fn clear<'a>(&self, mut items: Vec<Value<'a>>) -> Result<Value<'a>, Fault> {
        let (index, len) = (self.index(items.len()), items.len());
        if index + 1 == len {
            items.pop();
        }
        let left = items.get(self.index(items.len()));
        if left.is_some_and(|item| !item.is_empty()) {
            let message = "clearing the item would put another in its place; map the whole list";
            return Err(Fault::conflict(message));
        }
        Ok(Value::List(items))
    }
}

impl Lens for Element {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.item()
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
        let items = source.into_items()?;
        let index = self.index(items.len());
        Ok(items.into_iter().nth(index).unwrap_or(Value::Null))
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let mut items = match base {
            Value::Missing | Value::Null if view.is_empty() => return Ok(view),
            Value::Missing | Value::Null => Vec::new(),
            base => base.clone().into_items()?,
        };
        if view.is_empty() {
            return self.clear(items);
        }
        let (index, len) = (self.index(items.len()), items.len());
        match items.get_mut(index) {
            Some(item) => *item = view,
            None if index == len && len < LIST_MAX => items.push(view),
            None => {
                let message = format!("the list has {len} items and no place for one at {index}");
                return Err(Fault::conflict(message));
            }
        }
        Ok(Value::List(items))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ops::laws::{get, hold, hold_for, put};

    const FIRST: &str = r#""list_first""#;
    const LAST: &str = r#""list_last""#;
    const THIRD: &str = r#"{"op": "list_nth", "index": 2}"#;

    #[test]
    fn items_are_picked() {
        for (source, first, last, third) in [
            ("[1,2,3,4]", "1", "4", "3"),
            ("[1]", "1", "1", "null"),
            ("[]", "null", "null", "null"),
            ("null", "null", "null", "null"),
            (r#""a""#, "mapping.type", "mapping.type", "mapping.type"),
        ] {
            assert_eq!(
                [get(FIRST, source), get(LAST, source), get(THIRD, source)],
                [first, last, third]
            );
        }
    }

    #[test]
    fn items_go_back_into_their_place() {
        assert_eq!(put(FIRST, "9", "[1,2]"), "[9,2]");
        assert_eq!(put(LAST, "9", "[1,2]"), "[1,9]");
        assert_eq!(put(THIRD, "9", "[1,2]"), "[1,2,9]");
        assert_eq!(put(THIRD, "9", "[1]"), "mapping.conflict");
        assert_eq!(put(FIRST, "9", "null"), "[9]");
    }

    #[test]
    fn clearing_moves_no_other_item_into_the_place() {
        assert_eq!(put(FIRST, "null", "[1]"), "[]");
        assert_eq!(put(FIRST, "null", "[1,2]"), "mapping.conflict");
        assert_eq!(put(LAST, "null", "[1,2]"), "mapping.conflict");
        assert_eq!(put(THIRD, "null", "[1,2,3]"), "[1,2]");
        assert_eq!(put(THIRD, "null", "[1,2,3,4]"), "mapping.conflict");
    }

    #[test]
    fn laws_hold() {
        let list = |len| {
            let item = (0..9_i64).prop_map(|n| Value::Number(n.into()));
            proptest::collection::vec(item, len).prop_map(Value::List)
        };
        let item = (0..9_i64).prop_map(|n| Value::Number(n.into()));
        let kind = Kind::List(Box::new(Kind::Integer));
        hold_for(FIRST, &kind, list(0..4), item.clone());
        hold_for(LAST, &kind, list(0..4), item.clone());
        hold_for(THIRD, &kind, list(2..5), item);
        for op in [FIRST, LAST, THIRD] {
            hold(op, &kind, list(3..4));
        }
    }
}
