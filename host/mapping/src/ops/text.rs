//! Spaces and cases of texts. A text is a row of Unicode characters, whatever they look like.

use std::borrow::Cow;

use super::rewrite::{Rewrite, Rewritten};
use super::{Example, Spec};
use crate::{Class, Fault};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "trim",
        summary: "removes white space from both ends",
        params: &[],
        types: "text → text",
        class: "canonicalising",
        reverse: "the trimmed text; unchanged spaces stay",
        standard: Some("Unicode White_Space"),
        example: Example { op: r#""trim""#, input: r#""  Ada ""#, output: r#""Ada""# },
        build: |_| Ok(Box::new(Rewritten(Trim))),
    },
    Spec {
        name: "collapse_ws",
        summary: "trims, and makes one space of all white space between words",
        params: &[],
        types: "text → text",
        class: "canonicalising",
        reverse: "the tidied text; unchanged spaces stay",
        standard: Some("Unicode White_Space"),
        example: Example {
            op: r#""collapse_ws""#,
            input: r#"" Ada \n Lovelace""#,
            output: r#""Ada Lovelace""#,
        },
        build: |_| Ok(Box::new(Rewritten(CollapseWs))),
    },
    Spec {
        name: "lower",
        summary: "writes all letters small",
        params: &[],
        types: "text → text",
        class: "canonicalising",
        reverse: "the small letters; the old ones if only cases differ",
        standard: Some("Unicode 3.13 toLowercase"),
        example: Example { op: r#""lower""#, input: r#""ÅDA""#, output: r#""åda""# },
        build: |_| Ok(Box::new(Rewritten(Lower))),
    },
    Spec {
        name: "upper",
        summary: "writes all letters large",
        params: &[],
        types: "text → text",
        class: "canonicalising",
        reverse: "the large letters; the old ones if only cases differ",
        standard: Some("Unicode 3.13 toUppercase"),
        example: Example { op: r#""upper""#, input: r#""straße""#, output: r#""STRASSE""# },
        build: |_| Ok(Box::new(Rewritten(Upper))),
    },
    Spec {
        name: "title",
        summary: "writes the first letter of each word large and the others small; an apostrophe \
                  does not end a word, a hyphen does",
        params: &[],
        types: "text → text",
        class: "canonicalising",
        reverse: "the text in this form; the old letters if only cases differ",
        standard: None,
        example: Example {
            op: r#""title""#,
            input: r#""jean-luc O'HARA""#,
            output: r#""Jean-Luc O'hara""#,
        },
        build: |_| Ok(Box::new(Rewritten(Title))),
    },
];

#[derive(Debug)]
struct Trim;

impl Rewrite for Trim {
    const CLASS: Class = Class::Canonicalising;

    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        Ok(match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        })
    }
}

#[derive(Debug)]
struct CollapseWs;

impl Rewrite for CollapseWs {
    const CLASS: Class = Class::Canonicalising;

    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        // A space in front stands for the one that trimming would remove.
        let mut before = ' ';
        let mut tidy = |c: char| {
            let tidy = !c.is_whitespace() || (c == ' ' && before != ' ');
            before = c;
            tidy
        };
        if text.chars().all(&mut tidy) && !text.ends_with(' ') {
            return Ok(text);
        }
        let mut out = String::with_capacity(text.len());
        for word in text.split_whitespace() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
        Ok(Cow::Owned(out))
    }
}

#[derive(Debug)]
struct Lower;

impl Rewrite for Lower {
    const CLASS: Class = Class::Canonicalising;

    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
            return Ok(text);
        }
        sized(text.to_lowercase())
    }
}

#[derive(Debug)]
struct Upper;

impl Rewrite for Upper {
    const CLASS: Class = Class::Canonicalising;

    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_lowercase()) {
            return Ok(text);
        }
        sized(text.to_uppercase())
    }
}

#[derive(Debug)]
struct Title;

impl Rewrite for Title {
    const CLASS: Class = Class::Canonicalising;

    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        sized(title(&text))
    }
}

fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut within = false;
    for c in text.chars() {
        if within {
            out.extend(c.to_lowercase());
        } else {
            begin(c, &mut out);
        }
        within = c.is_alphanumeric() || (within && is_joint(c));
    }
    out
}

/// The beginning of a word, of which Unicode has letters of their own: `ǆ` becomes `ǅ` and `ß`
/// becomes `Ss`, and Georgian stays small.
fn begin(c: char, out: &mut String) {
    match c {
        'Ǆ'..='ǆ' => out.push('ǅ'),
        'Ǉ'..='ǉ' => out.push('ǈ'),
        'Ǌ'..='ǌ' => out.push('ǋ'),
        'Ǳ'..='ǳ' => out.push('ǲ'),
        'ა'..='ჿ' => out.push(c),
        _ => {
            let mut upper = c.to_uppercase();
            out.extend(upper.next());
            out.extend(upper.flat_map(char::to_lowercase));
        }
    }
}

/// What goes on with a word though it is no letter: apostrophes and accents of their own.
fn is_joint(c: char) -> bool {
    matches!(c, '\'' | '’' | '\u{300}'..='\u{36f}' | '\u{483}'..='\u{487}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Other cases may be longer.
fn sized<'a>(text: String) -> Result<Cow<'a, str>, Fault> {
    Fault::unless_text_fits(text.len())?;
    Ok(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws;
    use super::super::rewrite::table::check;
    use crate::{Kind, Value};

    #[test]
    fn white_space_goes_whatever_alphabet_it_is_of() {
        check("trim", "\u{a0}\t Ada \u{3000}", "Ada");
        check("trim", "   ", "");
        check("trim", "a  b", "a  b");
        check("collapse_ws", "\u{2003}Ada\n\nKing  Lovelace ", "Ada King Lovelace");
        check("collapse_ws", "a b", "a b");
        check("collapse_ws", "a\tb", "a b");
        check("collapse_ws", "", "");
    }

    #[test]
    fn letters_change_by_unicode() {
        check("lower", "ÀÉÎ İ ΟΔΟΣ", "àéî i\u{307} οδος");
        check("upper", "straße ﬁ", "STRASSE FI");
        check("title", "ada LOVELACE-king", "Ada Lovelace-King");
        check("title", "o’neill's 3rd", "O’neill's 3rd");
        check("title", "ßen ǆep ﬁn", "Ssen ǅep Fin");
        check("title", "e\u{301}cole ქართული", "E\u{301}cole ქართული");
    }

    #[test]
    fn an_edit_of_spaces_or_cases_alone_goes_back_as_it_was() {
        #[track_caller]
        fn check(op: &str, view: &str, base: &str, source: &str) {
            assert_eq!(laws::put(op, view, base), source);
        }
        check(r#""lower""#, r#""Bob""#, r#""BOB""#, r#""BOB""#);
        check(r#""lower""#, r#""rob""#, r#""BOB""#, r#""rob""#);
        check(r#""title""#, r#""mcdonald""#, r#""McDonald""#, r#""McDonald""#);
        check(r#""trim""#, r#""a ""#, r#""  a""#, r#""  a""#);
        check(r#""trim""#, r#""b ""#, r#""  a""#, r#""b""#);
        check(r#""trim""#, "null", r#""  a""#, "null");
    }

    #[test]
    fn what_is_no_text_is_refused_and_what_is_not_there_passes() {
        #[track_caller]
        fn check(source: &str, expected: &str) {
            assert_eq!(laws::get(r#"["trim", "title"]"#, source), expected);
        }
        check("7", "mapping.type");
        check("[]", "mapping.type");
        check("null", "null");
        let grows = format!("\"{}\"", "ΐ".repeat(300_000));
        assert_eq!(laws::get(r#""upper""#, &grows), "mapping.text-length");
    }

    #[test]
    fn the_laws_hold_for_any_text() {
        let texts = || any::<String>().prop_map(Value::text);
        let spaced = || "[ \t\u{a0}aB]{0,12}".prop_map(Value::text);
        for op in ["trim", "collapse_ws", "lower", "upper", "title"] {
            laws::hold(&format!("{op:?}"), &Kind::Text, texts());
            laws::hold(&format!("{op:?}"), &Kind::Text, spaced());
        }
    }
}
