//! Beginnings and ends of texts.

use std::borrow::Cow;

use super::rewrite::{Rewrite, Rewritten};
use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::{Class, Fault};

const TEXT: Param = Param {
    name: "text",
    kind: ParamKind::Text,
    required: true,
    summary: "the beginning or end; not empty",
};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "prefix_add",
        summary: "puts a text in front",
        params: &[TEXT],
        types: "text → text",
        class: "bijective",
        reverse: "takes it away; without it, a conflict",
        standard: None,
        example: Example {
            op: r#"{"op": "prefix_add", "text": "crm-"}"#,
            input: r#""7""#,
            output: r#""crm-7""#,
        },
        build: |args| build(args, End::Front, Act::Add),
    },
    Spec {
        name: "prefix_strip",
        summary: "takes a text from the front; refuses one that does not begin so",
        params: &[TEXT],
        types: "text → text",
        class: "bijective",
        reverse: "puts it in front",
        standard: None,
        example: Example {
            op: r#"{"op": "prefix_strip", "text": "crm-"}"#,
            input: r#""crm-7""#,
            output: r#""7""#,
        },
        build: |args| build(args, End::Front, Act::Strip),
    },
    Spec {
        name: "suffix_add",
        summary: "puts a text behind",
        params: &[TEXT],
        types: "text → text",
        class: "bijective",
        reverse: "takes it away; without it, a conflict",
        standard: None,
        example: Example {
            op: r#"{"op": "suffix_add", "text": " GmbH"}"#,
            input: r#""Tinte""#,
            output: r#""Tinte GmbH""#,
        },
        build: |args| build(args, End::Back, Act::Add),
    },
    Spec {
        name: "suffix_strip",
        summary: "takes a text from the end; refuses one that does not end so",
        params: &[TEXT],
        types: "text → text",
        class: "bijective",
        reverse: "puts it behind",
        standard: None,
        example: Example {
            op: r#"{"op": "suffix_strip", "text": " EUR"}"#,
            input: r#""12 EUR""#,
            output: r#""12""#,
        },
        build: |args| build(args, End::Back, Act::Strip),
    },
];

#[derive(Clone, Copy, Debug)]
enum End {
    Front,
    Back,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Add,
    Strip,
}

fn build(args: &mut Args, end: End, act: Act) -> Result<Box<dyn Lens>, BuildError> {
    let text = args.need("text", Args::text)?;
    if text.is_empty() {
        return Err(BuildError::parameter("the parameter `text` is empty"));
    }
    Ok(Box::new(Rewritten(Affix { text, end, act })))
}

#[derive(Debug)]
struct Affix {
    text: String,
    end: End,
    act: Act,
}

impl Rewrite for Affix {
    const CLASS: Class = Class::Bijective;

    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        match self.act {
            Act::Add => self.add(&text),
            Act::Strip => self.strip(&text),
        }
    }

    fn back<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        match self.act {
            Act::Add => self.strip(&text),
            Act::Strip => self.add(&text),
        }
    }
}

impl Affix {
    fn add<'a>(&self, text: &str) -> Result<Cow<'a, str>, Fault> {
        Fault::unless_text_fits(text.len() + self.text.len())?;
        Ok(Cow::Owned(match self.end {
            End::Front => [&self.text, text].concat(),
            End::Back => [text, &self.text].concat(),
        }))
    }

    fn strip<'a>(&self, text: &Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        fn rest<'t>(affix: &Affix, text: &'t str) -> Option<&'t str> {
            match affix.end {
                End::Front => text.strip_prefix(&affix.text),
                End::Back => text.strip_suffix(&affix.text),
            }
        }
        let stripped = match text {
            Cow::Borrowed(text) => rest(self, text).map(Cow::Borrowed),
            Cow::Owned(text) => rest(self, text).map(|rest| Cow::Owned(rest.to_owned())),
        };
        stripped.ok_or_else(|| {
            let verb = match self.end {
                End::Front => "begin",
                End::Back => "end",
            };
            let (text, affix) = (Fault::quote(text), Fault::quote(&self.text));
            Fault::new("mapping.affix", format!("{text} does not {verb} with {affix}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws;
    use super::super::rewrite::table::{check, refuses};
    use crate::{Kind, Value};

    fn op(name: &str, text: &str) -> String {
        format!(r#"{{"op": {name:?}, "text": {text:?}}}"#)
    }

    #[test]
    fn affixes_come_and_go() {
        check(&op("prefix_add", "a-"), "", "a-");
        check(&op("prefix_add", "é"), "é", "éé");
        check(&op("prefix_strip", "a-"), "a-a-b", "a-b");
        check(&op("suffix_add", "!"), "hi", "hi!");
        check(&op("suffix_strip", "😀"), "😀😀", "😀");
        refuses(&op("prefix_strip", "a-"), "b", "mapping.affix");
        refuses(&op("suffix_strip", "a"), "A", "mapping.affix");
        refuses(&op("prefix_add", "a-"), &"x".repeat(1 << 20), "mapping.text-length");
    }

    #[test]
    fn an_edit_without_the_affix_does_not_go_back() {
        assert_eq!(laws::put(&op("prefix_add", "a-"), r#""b""#, r#""x""#), "mapping.affix");
    }

    #[test]
    fn the_laws_hold_for_any_text() {
        let text = || any::<String>().prop_map(Value::text);
        laws::hold(&op("prefix_add", "a-"), &Kind::Text, text());
        laws::hold(&op("suffix_add", "ß"), &Kind::Text, text());
        let prefixed = any::<String>().prop_map(|rest| Value::text(format!("a-{rest}")));
        laws::hold(&op("prefix_strip", "a-"), &Kind::Text, prefixed);
        let suffixed = any::<String>().prop_map(|rest| Value::text(format!("{rest}ß")));
        laws::hold(&op("suffix_strip", "ß"), &Kind::Text, suffixed);
    }
}
