//! Lists of texts in one text.

use std::borrow::Cow;

use super::{Args, BuildError, Example, LIST_MAX, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

const SEPARATOR: Param = Param {
    name: "separator",
    kind: ParamKind::Text,
    required: true,
    summary: "what stands between two items, as `;`; in no item",
};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "list_join",
        summary: "makes one text of a list of texts",
        params: &[SEPARATOR],
        types: "list of text → text",
        class: "bijective",
        reverse: "the items; the empty text is the list without items",
        standard: None,
        example: Example {
            op: r#"{"op": "list_join", "separator": ";"}"#,
            input: r#"["mail", "post"]"#,
            output: r#""mail;post""#,
        },
        build: |args| Ok(Box::new(ListJoin(Separator::of(args)?))),
    },
    Spec {
        name: "list_split",
        summary: "makes a list of the texts between the separators; of the empty text one without \
                  items",
        params: &[SEPARATOR],
        types: "text → list of text",
        class: "bijective",
        reverse: "joins the items; a conflict if one has the separator in it",
        standard: None,
        example: Example {
            op: r#"{"op": "list_split", "separator": ";"}"#,
            input: r#""mail;post""#,
            output: r#"["mail", "post"]"#,
        },
        build: |args| Ok(Box::new(ListSplit(Separator::of(args)?))),
    },
];

#[derive(Debug)]
struct Separator(String);

impl Separator {
    fn of(args: &mut Args) -> Result<Self, BuildError> {
        let separator = args.need("separator", Args::text)?;
        if separator.is_empty() {
            return Err(BuildError::parameter("the parameter `separator` is empty"));
        }
        Ok(Self(separator))
    }

    fn join<'a>(&self, list: Value<'a>) -> Result<Value<'a>, Fault> {
        let items = list.into_items()?;
        let items: Vec<_> = items.into_iter().map(Value::into_text).collect::<Result<_, _>>()?;
        if let Some(item) = items.iter().find(|item| item.contains(&self.0)) {
            let item = Fault::quote(item);
            return Err(Fault::conflict(format!("the item {item} has the separator in it")));
        }
        if matches!(items.as_slice(), [only] if only.is_empty()) {
            return Err(Fault::conflict("one empty item would be read as no item"));
        }
        let bytes = items.iter().map(|item| item.len() + self.0.len()).sum();
        Fault::unless_text_fits(bytes)?;
        let joined = items.join(self.0.as_str());
        // Joined by the end of one item and the beginning of the next, a separator may come early.
        if !items.is_empty() && joined.split(&self.0).ne(items.iter().map(Cow::as_ref)) {
            return Err(Fault::conflict("two items and the separator would be read as others"));
        }
        Ok(Value::text(joined))
    }

    fn split<'a>(&self, text: Value<'a>) -> Result<Value<'a>, Fault> {
        let text = text.into_text()?;
        if text.is_empty() {
            return Ok(Value::List(Vec::new()));
        }
        if text.matches(&self.0).nth(LIST_MAX - 1).is_some() {
            let message = format!("the list would have more than {LIST_MAX} items");
            return Err(Fault::new("mapping.list-length", message));
        }
        Ok(Value::List(match text {
            Cow::Borrowed(text) => text.split(&self.0).map(Value::text).collect(),
            Cow::Owned(text) => {
                text.split(&self.0).map(|item| Value::text(item.to_owned())).collect()
            }
        }))
    }
}

fn texts() -> Kind {
    Kind::List(Box::new(Kind::Text))
}

#[derive(Debug)]
struct ListJoin(Separator);

impl Lens for ListJoin {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&texts())?;
        Ok(Kind::Text)
    }

    fn class(&self) -> Class {
        Class::Bijective
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        self.0.join(source)
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        self.0.split(view)
    }
}

#[derive(Debug)]
struct ListSplit(Separator);

impl Lens for ListSplit {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Text)?;
        Ok(texts())
    }

    fn class(&self) -> Class {
        Class::Bijective
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        self.0.split(source)
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        self.0.join(view)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::Chain;
    use crate::ops::laws::{get, hold, put};

    const JOIN: &str = r#"{"op": "list_join", "separator": ";"}"#;
    const SPLIT: &str = r#"{"op": "list_split", "separator": ";"}"#;

    #[track_caller]
    fn check(list: &str, text: &str) {
        assert_eq!(get(JOIN, list), text);
        assert_eq!(put(JOIN, text, "null"), list);
        assert_eq!(get(SPLIT, text), list);
        assert_eq!(put(SPLIT, list, "null"), text);
    }

    #[test]
    fn lists_are_joined_and_split() {
        check("[]", r#""""#);
        check(r#"["a"]"#, r#""a""#);
        check(r#"["a","","b"]"#, r#""a;;b""#);
        check(r#"["",""]"#, r#"";""#);
    }

    #[test]
    fn items_that_would_be_read_as_others_are_refused() {
        assert_eq!(get(JOIN, r#"["a;b"]"#), "mapping.conflict");
        assert_eq!(get(JOIN, r#"[""]"#), "mapping.conflict");
        assert_eq!(
            get(r#"{"op": "list_join", "separator": "--"}"#, r#"["a-","b"]"#),
            "mapping.conflict"
        );
        assert_eq!(get(JOIN, "[1]"), "mapping.type");
        assert_eq!(get(JOIN, "[null]"), "mapping.type");
    }

    #[test]
    fn size_is_bounded() {
        let op = json!({"op": "list_join", "separator": ""});
        assert!(Chain::build(&[op], &texts()).is_err());
        assert_eq!(get(SPLIT, &json!(";".repeat(1 << 20)).to_string()), "mapping.list-length");
        assert!(get(SPLIT, &json!(";".repeat(9_999)).to_string()).starts_with('['));
        assert_eq!(get(JOIN, &json!(vec!["a"; 10_001]).to_string()), "mapping.list-length");
        assert_eq!(
            get(JOIN, &json!(vec!["a".repeat(600_000); 2]).to_string()),
            "mapping.text-length"
        );
    }

    #[test]
    fn laws_hold() {
        let items = proptest::collection::vec("[a-z]{1,4}", 0..5);
        let lists = items
            .clone()
            .prop_map(|items| Value::List(items.into_iter().map(Value::text).collect()));
        hold(JOIN, &texts(), lists);
        hold(SPLIT, &Kind::Text, items.prop_map(|items| Value::text(items.join(";"))));
        hold(
            r#"{"op": "list_split", "separator": ", "}"#,
            &Kind::Text,
            "[a, ]{0,8}".prop_map(Value::text),
        );
    }
}
