//! Parts of a text by what separates them.

use std::ops::Range;

use super::part::{Part, PartOf};
use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;

pub(super) const SPECS: &[Spec] = &[Spec {
    name: "split_pick",
    summary: "one of the parts between separators; null if there are fewer",
    params: &[
        Param {
            name: "separator",
            kind: ParamKind::Text,
            required: true,
            summary: "what stands between the parts; not empty",
        },
        Param {
            name: "index",
            kind: ParamKind::Count,
            required: true,
            summary: "parts before the one",
        },
        Param {
            name: "from",
            kind: ParamKind::Choice(&["start", "end"]),
            required: false,
            summary: "where to count from; the start when left out",
        },
    ],
    types: "text → text",
    class: "needs-base",
    reverse: "the part in place of the old one; a conflict if it would not be read again",
    standard: None,
    example: Example {
        op: r#"{"op": "split_pick", "separator": "/", "index": 0, "from": "end"}"#,
        input: r#""contacts/2026/17""#,
        output: r#""17""#,
    },
    build,
}];

fn build(args: &mut Args) -> Result<Box<dyn Lens>, BuildError> {
    let separator = args.need("separator", Args::text)?;
    if separator.is_empty() {
        return Err(BuildError::parameter("the parameter `separator` is empty"));
    }
    let index = args.need("index", Args::count)?;
    let from = args.choice("from", &[("start", From::Start), ("end", From::End)])?;
    Ok(Box::new(PartOf(SplitPick { separator, index, from: from.unwrap_or(From::Start) })))
}

#[derive(Clone, Copy, Debug)]
enum From {
    Start,
    End,
}

#[derive(Debug)]
struct SplitPick {
    separator: String,
    index: usize,
    from: From,
}

impl Part for SplitPick {
    fn find(&self, text: &str) -> Option<Range<usize>> {
        let between = self.separator.len();
        match self.from {
            From::Start => {
                let before = text.split(&self.separator).take(self.index);
                let start = before.map(|part| part.len() + between).sum();
                let part = text.get(start..)?.split(&self.separator).next()?;
                Some(start..start + part.len())
            }
            From::End => {
                let behind = text.rsplit(&self.separator).take(self.index);
                let behind = behind.map(|part| part.len() + between).sum();
                let end = text.len().checked_sub(behind)?;
                let part = text.get(..end)?.rsplit(&self.separator).next()?;
                Some(end - part.len()..end)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws;
    use crate::{Kind, Value};

    fn op(index: usize, from: &str) -> String {
        format!(r#"{{"op": "split_pick", "separator": ", ", "index": {index}, "from": {from:?}}}"#)
    }

    #[test]
    fn parts_are_counted_from_either_end() {
        #[track_caller]
        fn check(index: usize, from: &str, source: &str, view: &str) {
            assert_eq!(laws::get(&op(index, from), source), view);
        }
        check(0, "start", r#""a, b, c""#, r#""a""#);
        check(2, "start", r#""a, b, c""#, r#""c""#);
        check(3, "start", r#""a, b, c""#, "null");
        check(0, "end", r#""a, b, c""#, r#""c""#);
        check(2, "end", r#""a, b, c""#, r#""a""#);
        check(3, "end", r#""a, b, c""#, "null");
        check(0, "start", r#""""#, r#""""#);
        check(1, "end", r#"", ""#, r#""""#);
        check(usize::MAX, "start", r#""a""#, "null");
    }

    #[test]
    fn a_part_is_put_where_it_was_or_is_a_conflict() {
        #[track_caller]
        fn check(index: usize, view: &str, base: &str, source: &str) {
            assert_eq!(laws::put(&op(index, "start"), view, base), source);
        }
        check(1, r#""x""#, r#""a, b, c""#, r#""a, x, c""#);
        check(1, r#""x, y""#, r#""a, b, c""#, "mapping.conflict");
        check(1, r#""x""#, r#""a""#, "mapping.conflict");
        check(0, r#""x""#, "null", r#""x""#);
        check(1, "null", r#""a""#, r#""a""#);
    }

    #[test]
    fn the_laws_hold() {
        let lists = || "[ab]{0,2}(, [ab]{0,2}){2,4}".prop_map(Value::text);
        laws::hold(&op(1, "start"), &Kind::Text, lists());
        laws::hold(&op(2, "end"), &Kind::Text, lists());
    }
}
