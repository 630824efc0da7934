//! Texts with other texts in place of some.

use std::borrow::Cow;

use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

pub(super) const SPECS: &[Spec] = &[Spec {
    name: "replace",
    summary: "puts a text in place of another, everywhere",
    params: &[
        Param {
            name: "find",
            kind: ParamKind::Text,
            required: true,
            summary: "what goes; not empty",
        },
        Param {
            name: "with",
            kind: ParamKind::Text,
            required: true,
            summary: "what comes; may be empty",
        },
    ],
    types: "text → text",
    class: "needs-base",
    reverse: "the text as it is; a conflict if something in it would be replaced again",
    standard: None,
    example: Example {
        op: r#"{"op": "replace", "find": "_", "with": " "}"#,
        input: r#""closed_won""#,
        output: r#""closed won""#,
    },
    build,
}];

fn build(args: &mut Args) -> Result<Box<dyn Lens>, BuildError> {
    let find = args.need("find", Args::text)?;
    if find.is_empty() {
        return Err(BuildError::parameter("the parameter `find` is empty"));
    }
    Ok(Box::new(Replace { find, with: args.need("with", Args::text)? }))
}

#[derive(Debug)]
struct Replace {
    find: String,
    with: String,
}

impl Lens for Replace {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Text)?;
        Ok(Kind::Text)
    }

    fn class(&self) -> Class {
        Class::NeedsBase
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        self.replaced(source.into_text()?).map(Value::Text)
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let text = view.into_text()?;
        if self.replaced(text.clone())? == text {
            return Ok(Value::Text(text));
        }
        let (text, find) = (Fault::quote(&text), Fault::quote(&self.find));
        Err(Fault::conflict(format!("{find} in {text} would be replaced when it is read again")))
    }
}

impl Replace {
    fn replaced<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        let count = text.matches(&self.find).count();
        if count == 0 {
            return Ok(text);
        }
        let kept = text.len() - count * self.find.len();
        Fault::unless_text_fits(kept.saturating_add(count.saturating_mul(self.with.len())))?;
        Ok(Cow::Owned(text.replace(&self.find, &self.with)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws;
    use crate::{Kind, Value};

    const OP: &str = r#"{"op": "replace", "find": "ab", "with": "é"}"#;

    #[test]
    fn all_occurrences_are_replaced_once() {
        assert_eq!(laws::get(OP, r#""ababb ab""#), r#""ééb é""#);
        assert_eq!(
            laws::get(r#"{"op": "replace", "find": "a", "with": "aa"}"#, r#""a""#),
            r#""aa""#
        );
        let grows = format!(r#"{{"op": "replace", "find": "a", "with": "{}"}}"#, "b".repeat(2000));
        assert_eq!(laws::get(&grows, &format!("\"{}\"", "a".repeat(1000))), "mapping.text-length");
    }

    #[test]
    fn an_edit_goes_back_unless_it_would_be_replaced() {
        assert_eq!(laws::put(OP, r#""é""#, r#""ab""#), r#""ab""#);
        assert_eq!(laws::put(OP, r#""éx""#, r#""ab""#), r#""éx""#);
        assert_eq!(laws::put(OP, r#""xab""#, r#""ab""#), "mapping.conflict");
    }

    #[test]
    fn the_laws_hold() {
        let sources = "[abé]{0,6}".prop_map(Value::text);
        laws::hold_for(OP, &Kind::Text, sources, "[bé]{0,6}".prop_map(Value::text));
    }
}
