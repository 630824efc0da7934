//! Texts by the number of their characters, which are Unicode scalar values: `é` may be one or two.

use std::borrow::Cow;
use std::ops::Range;

use super::part::{Part, PartOf};
use super::rewrite::{Rewrite, Rewritten};
use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::{Class, Fault};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "substring",
        summary: "some characters from within a text",
        params: &[
            Param {
                name: "start",
                kind: ParamKind::Count,
                required: true,
                summary: "characters before the part",
            },
            Param {
                name: "length",
                kind: ParamKind::Count,
                required: false,
                summary: "characters of the part; to the end when left out",
            },
        ],
        types: "text → text",
        class: "needs-base",
        reverse: "the part in place of the old one; a conflict if it would not be read again",
        standard: None,
        example: Example {
            op: r#"{"op": "substring", "start": 1, "length": 2}"#,
            input: r#""añb😀""#,
            output: r#""ñb""#,
        },
        build: substring,
    },
    Spec {
        name: "pad",
        summary: "fills a text to a number of characters",
        params: &[
            Param {
                name: "length",
                kind: ParamKind::Count,
                required: true,
                summary: "characters that the text has at least, up to 1024",
            },
            Param {
                name: "with",
                kind: ParamKind::Text,
                required: false,
                summary: "the character to fill with; a space when left out",
            },
            Param {
                name: "side",
                kind: ParamKind::Choice(&["start", "end"]),
                required: false,
                summary: "where to fill; at the start when left out",
            },
        ],
        types: "text → text",
        class: "canonicalising",
        reverse: "the text without what fills it",
        standard: None,
        example: Example {
            op: r#"{"op": "pad", "length": 5, "with": "0"}"#,
            input: r#""42""#,
            output: r#""00042""#,
        },
        build: pad,
    },
    Spec {
        name: "truncate",
        summary: "the first characters of a text",
        params: &[Param {
            name: "length",
            kind: ParamKind::Count,
            required: true,
            summary: "characters that are kept at most",
        }],
        types: "text → text",
        class: "needs-base",
        reverse: "the whole text if its beginning did not change, else the new one",
        standard: None,
        example: Example {
            op: r#"{"op": "truncate", "length": 3}"#,
            input: r#""Lovelace""#,
            output: r#""Lov""#,
        },
        build: truncate,
    },
];

/// Characters to fill up to: no fixed-width field of a provider is wider.
const PAD_MAX: usize = 1024;

fn substring(args: &mut Args) -> Result<Box<dyn Lens>, BuildError> {
    let start = args.need("start", Args::count)?;
    let length = args.count("length")?.unwrap_or(usize::MAX);
    Ok(Box::new(PartOf(Substring { start, length })))
}

fn pad(args: &mut Args) -> Result<Box<dyn Lens>, BuildError> {
    let length = args.need("length", Args::count)?;
    if length > PAD_MAX {
        return Err(BuildError::limit(format!("the parameter `length` is more than {PAD_MAX}")));
    }
    let with = args.character("with")?.unwrap_or(' ');
    let side = args.choice("side", &[("start", Side::Start), ("end", Side::End)])?;
    Ok(Box::new(Rewritten(Pad { length, with, side: side.unwrap_or(Side::Start) })))
}

fn truncate(args: &mut Args) -> Result<Box<dyn Lens>, BuildError> {
    Ok(Box::new(PartOf(Truncate { length: args.need("length", Args::count)? })))
}

/// Where the character with this index begins, or the end of the text.
fn byte_of(text: &str, index: usize) -> usize {
    // No character is shorter than a byte, so that short texts need no count.
    if index >= text.len() {
        return text.len();
    }
    text.char_indices().nth(index).map_or(text.len(), |(at, _)| at)
}

#[derive(Debug)]
struct Substring {
    start: usize,
    length: usize,
}

impl Part for Substring {
    fn find(&self, text: &str) -> Option<Range<usize>> {
        let start = byte_of(text, self.start);
        let rest = text.get(start..).unwrap_or_default();
        Some(start..start + byte_of(rest, self.length))
    }
}

#[derive(Debug)]
struct Truncate {
    length: usize,
}

impl Part for Truncate {
    fn find(&self, text: &str) -> Option<Range<usize>> {
        Some(0..byte_of(text, self.length))
    }

    fn put(&self, part: &str, _base: &str) -> String {
        part.to_owned()
    }
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Start,
    End,
}

#[derive(Debug)]
struct Pad {
    length: usize,
    with: char,
    side: Side,
}

impl Rewrite for Pad {
    const CLASS: Class = Class::Canonicalising;

    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        let Some(missing) = self.missing(&text) else { return Ok(text) };
        let filling = std::iter::repeat_n(self.with, missing).collect::<String>();
        Ok(Cow::Owned(match self.side {
            Side::Start => filling + &text,
            Side::End => text.into_owned() + &filling,
        }))
    }

    fn back<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        if self.missing(&text) != Some(0) {
            // Not filled by this operation.
            return Ok(text);
        }
        let stripped = match self.side {
            Side::Start => text.trim_start_matches(self.with),
            Side::End => text.trim_end_matches(self.with),
        };
        Ok(Cow::Owned(stripped.to_owned()))
    }
}

impl Pad {
    /// The characters that a text lacks, unless it is longer.
    fn missing(&self, text: &str) -> Option<usize> {
        let fits = byte_of(text, self.length) == text.len();
        fits.then(|| self.length.saturating_sub(text.chars().count()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws;
    use crate::{Kind, Value};

    const PART: &str = r#"{"op": "substring", "start": 1, "length": 2}"#;
    const PAD: &str = r#"{"op": "pad", "length": 3, "with": "0"}"#;
    const CUT: &str = r#"{"op": "truncate", "length": 3}"#;

    #[track_caller]
    fn check(op: &str, source: &str, view: &str) {
        assert_eq!(laws::get(op, &format!("{source:?}")), format!("{view:?}"));
    }

    #[track_caller]
    fn check_put(op: &str, view: &str, base: &str, source: &str) {
        assert_eq!(laws::put(op, &format!("{view:?}"), base), source);
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        check(PART, "ñ😀éx", "😀é");
        check(PART, "a", "");
        check(PART, "", "");
        check(r#"{"op": "substring", "start": 2}"#, "añb😀", "b😀");
        check(r#"{"op": "substring", "start": 18446744073709551615}"#, "a", "");
        check(CUT, "😀😀😀😀", "😀😀😀");
        check(CUT, "ab", "ab");
        check(PAD, "é", "00é");
        check(PAD, "1234", "1234");
        check(r#"{"op": "pad", "length": 3, "side": "end", "with": "·"}"#, "a", "a··");
    }

    #[test]
    fn a_part_is_put_where_it_was_or_is_a_conflict() {
        check_put(PART, "XY", r#""abcd""#, r#""aXYd""#);
        check_put(PART, "X", r#""abcd""#, "mapping.conflict");
        check_put(PART, "X", r#""ab""#, r#""aX""#);
        check_put(PART, "XYZ", r#""abc""#, "mapping.conflict");
        check_put(PART, "XY", "null", "mapping.conflict");
        check_put(r#"{"op": "substring", "start": 0, "length": 2}"#, "XY", "null", r#""XY""#);
    }

    #[test]
    fn what_was_cut_stays_until_the_beginning_changes() {
        check_put(CUT, "Lov", r#""Lovelace""#, r#""Lovelace""#);
        check_put(CUT, "Ada", r#""Lovelace""#, r#""Ada""#);
        check_put(CUT, "Byron", r#""Lovelace""#, "mapping.conflict");
    }

    #[test]
    fn what_fills_a_text_does_not_go_back() {
        check_put(PAD, "007", r#""1""#, r#""7""#);
        check_put(PAD, "007", r#""07""#, r#""07""#);
        check_put(PAD, "000", "null", r#""""#);
        check_put(PAD, "0012", "null", r#""0012""#);
    }

    #[test]
    fn the_laws_hold_for_any_text() {
        let text = || any::<String>().prop_map(Value::text);
        let digits = "[01]{0,5}".prop_map(Value::text);
        laws::hold(PAD, &Kind::Text, text());
        laws::hold(PAD, &Kind::Text, digits);
        laws::hold(r#"{"op": "pad", "length": 9, "side": "end"}"#, &Kind::Text, text());
        let three = || "[aé😀]{0,3}".prop_map(Value::text);
        laws::hold_for(CUT, &Kind::Text, text(), three());
        let (long, two) = ("[aé😀]{4,9}".prop_map(Value::text), "[bñ]{2}".prop_map(Value::text));
        laws::hold_for(PART, &Kind::Text, long, two);
    }
}
