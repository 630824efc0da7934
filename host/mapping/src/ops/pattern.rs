//! Regular expressions; time is linear in the text, as the engine never backtracks.

use std::ops::Range;

use regex::{Captures, Regex, RegexBuilder};
use serde_json::Value as Json;

use super::part::{Part, PartOf};
use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::{SEARCHED, Work};
use crate::{Class, Fault, Kind, Value};

const PATTERN: Param = Param {
    name: "pattern",
    kind: ParamKind::Text,
    required: true,
    summary: "the expression, up to 1000 bytes; without look-around and back-references",
};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "regex_replace",
        summary: "puts a text in place of everything that matches",
        params: &[
            PATTERN,
            Param {
                name: "with",
                kind: ParamKind::Text,
                required: true,
                summary: "what comes; ${1} or ${name} is a group of the match",
            },
        ],
        types: "text → text",
        class: "one-way",
        reverse: "nothing",
        standard: None,
        example: Example {
            op: r#"{"op": "regex_replace", "pattern": "(\\d+)/(\\d+)", "with": "${2}-${1}"}"#,
            input: r#""11/2026""#,
            output: r#""2026-11""#,
        },
        build: replace,
    },
    Spec {
        name: "regex_extract",
        summary: "what first matches, or a group of it; null if nothing does",
        params: &[
            PATTERN,
            Param {
                name: "group",
                kind: ParamKind::Count,
                required: false,
                summary: "the number of the group; 1 when left out, or 0, the whole match, if \
                          there is none",
            },
        ],
        types: "text → text",
        class: "needs-base",
        reverse: "the text in place of the old group; a conflict if it would not be read again",
        standard: None,
        example: Example {
            op: r##"{"op": "regex_extract", "pattern": "#(\\d+)"}"##,
            input: "\"Ticket #4711\"",
            output: r#""4711""#,
        },
        build: extract,
    },
];

/// Bytes of an expression: what is longer, nobody reads any more.
const PATTERN_MAX: usize = 1000;

/// Bytes of a compiled expression, and of what a search remembers: `\w+` needs some 50 KiB, as
/// there are letters in many alphabets.
const COMPILED_MAX: usize = 128 << 10;

/// Expressions of one schema, so that those of all tenants fit the memory of a host.
pub(crate) const EXPRESSIONS_MAX: usize = 200;

/// Bytes that all searches in one text may have to look at, as each may run to its end before it
/// knows: enough for any number of matches in 32 KiB.
const WORK_MAX: usize = 1 << 30;

/// How many of those bytes count as one of the work on a record: a search that soon finds a match
/// does not look at the rest. Two texts with as many matches as they may have are all of it.
const RESTS: usize = 32;

fn pattern(args: &mut Args) -> Result<Regex, BuildError> {
    compile(&args.need("pattern", Args::text)?)
}

/// An expression whose size is bounded, and with it the time of a search.
pub(super) fn compile(pattern: &str) -> Result<Regex, BuildError> {
    if pattern.len() > PATTERN_MAX {
        let message = format!("the expression is longer than {PATTERN_MAX} bytes");
        return Err(BuildError::limit(message));
    }
    let mut builder = RegexBuilder::new(pattern);
    builder.size_limit(COMPILED_MAX).dfa_size_limit(COMPILED_MAX);
    builder.build().map_err(|e| match e {
        regex::Error::CompiledTooBig(_) => {
            BuildError::limit("the expression is too large when compiled; repeat less in it")
        }
        e => {
            // The text of a syntax error draws the pattern over several lines.
            let text = e.to_string();
            let last = text.lines().last().unwrap_or_default();
            let why = last.strip_prefix("error: ").unwrap_or(last);
            BuildError::parameter(format!("the expression cannot be read: {why}"))
        }
    })
}

/// How many expressions there are in the operations of a schema.
pub(crate) fn expressions(json: &Json) -> usize {
    match json {
        Json::Array(items) => items.iter().map(expressions).sum(),
        Json::Object(members) => {
            let each = members.iter().map(|(name, json)| match (name.as_str(), json) {
                ("pattern" | "matches", Json::String(_)) => 1,
                // Calls in an expression of CEL.
                ("expr", Json::String(expr)) => expr.matches("matches").count(),
                (_, json) => expressions(json),
            });
            each.sum()
        }
        _ => 0,
    }
}

fn replace(args: &mut Args) -> Result<Box<dyn Lens>, BuildError> {
    let (pattern, with) = (pattern(args)?, args.need("with", Args::text)?);
    Ok(Box::new(RegexReplace { pattern, with }))
}

fn extract(args: &mut Args) -> Result<Box<dyn Lens>, BuildError> {
    let pattern = pattern(args)?;
    let groups = pattern.captures_len() - 1;
    let group = args.count("group")?.unwrap_or(groups.min(1));
    if group > groups {
        let message = format!("the parameter `group` is {group}; the pattern has {groups} groups");
        return Err(BuildError::parameter(message));
    }
    Ok(Box::new(PartOf(RegexExtract { pattern, group })))
}

#[derive(Debug)]
struct RegexExtract {
    pattern: Regex,
    group: usize,
}

impl Part for RegexExtract {
    fn find(&self, text: &str) -> Option<Range<usize>> {
        if self.group == 0 {
            return self.pattern.find(text).map(|found| found.range());
        }
        self.pattern.captures(text)?.get(self.group).map(|group| group.range())
    }

    fn work(&self, text: &str) -> usize {
        text.len() * SEARCHED
    }
}

#[derive(Debug)]
struct RegexReplace {
    pattern: Regex,
    with: String,
}

impl Lens for RegexReplace {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Text)?;
        Ok(Kind::Text)
    }

    fn class(&self) -> Class {
        Class::OneWay
    }

    fn get<'a>(&self, source: Value<'a>, work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let text = source.into_text()?;
        work.spend(text.len() * SEARCHED)?;
        if !self.pattern.is_match(&text) {
            return Ok(Value::Text(text));
        }
        self.replaced(&text, work).map(Value::text)
    }
}

impl RegexReplace {
    fn replaced(&self, text: &str, record: &Work<'_>) -> Result<String, Fault> {
        let mut out = String::with_capacity(text.len());
        let (mut behind, mut work) = (0, 0_usize);
        for found in self.pattern.captures_iter(text) {
            let Some(whole) = found.get(0) else { continue };
            let rest = text.len() - whole.start();
            record.spend(rest / RESTS)?;
            work = work.saturating_add(rest);
            if work > WORK_MAX {
                let message = "too many matches in so long a text; shorten it before";
                return Err(Fault::new("mapping.text-length", message));
            }
            out.push_str(text.get(behind..whole.start()).unwrap_or_default());
            self.expand(&found, &mut out)?;
            behind = whole.end();
        }
        out.push_str(text.get(behind..).unwrap_or_default());
        Fault::unless_text_fits(out.len())?;
        Ok(out)
    }

    /// Appends what comes in place of a match, checked before it is made: it may hold a large
    /// group many times.
    fn expand(&self, found: &Captures<'_>, out: &mut String) -> Result<(), Fault> {
        let widest = found.get(0).map_or(0, |whole| whole.len());
        let groups = self.with.matches('$').count();
        Fault::unless_text_fits(out.len().saturating_add(widest.saturating_mul(groups)))?;
        found.expand(&self.with, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws;
    use crate::{Chain, Kind, Value};

    fn replace(pattern: &str, with: &str) -> String {
        format!(r#"{{"op": "regex_replace", "pattern": {pattern:?}, "with": {with:?}}}"#)
    }

    fn extract(pattern: &str) -> String {
        format!(r#"{{"op": "regex_extract", "pattern": {pattern:?}}}"#)
    }

    #[test]
    fn matches_are_replaced_and_their_groups_kept() {
        #[track_caller]
        fn check(op: &str, source: &str, view: &str) {
            assert_eq!(laws::get(op, source), view);
        }
        check(&replace("[^0-9]", ""), r#""+49 (30) 12""#, r#""493012""#);
        check(&replace("(?i)ä", "${0}e"), r#""ÄbäX""#, r#""ÄebäeX""#);
        check(&replace("x*", "-"), r#""abc""#, r#""-a-b-c-""#);
        check(&replace("z", "-"), r#""abc""#, r#""abc""#);
        check(&extract("([a-z]+)@"), r#""Mail ada@x""#, r#""ada""#);
        check(&extract("[a-z]+@"), r#""Mail ada@x""#, r#""ada@""#);
        check(&extract("a(b)?"), r#""ac""#, "null");
        check(&extract("z"), r#""ac""#, "null");
    }

    #[test]
    fn a_group_is_put_where_it_was_or_is_a_conflict() {
        #[track_caller]
        fn check(view: &str, base: &str, source: &str) {
            assert_eq!(laws::put(&extract("#([0-9]+)"), view, base), source);
        }
        check(r#""7""#, "\"Ticket #42!\"", "\"Ticket #7!\"");
        check(r#""x""#, "\"Ticket #42!\"", "mapping.conflict");
        check(r#""7""#, r#""none""#, "mapping.conflict");
    }

    #[test]
    fn expressions_that_cannot_be_bounded_are_refused() {
        #[track_caller]
        fn check(pattern: &str, code: &str) {
            let op = serde_json::json!({"op": "regex_extract", "pattern": pattern});
            let e = Chain::build(&[op], &Kind::Text).unwrap_err();
            assert_eq!((e.code, e.message.lines().count()), (code, 1), "{e}");
        }
        check("(", "op.parameter");
        check(r"(a)\1", "op.parameter");
        check("(?=a)", "op.parameter");
        check(r"(\w{100}){100}", "op.limit");
        check(&"a".repeat(1001), "op.limit");
        check(&"(".repeat(900), "op.parameter");
    }

    #[test]
    fn the_expressions_of_a_schema_are_counted_wherever_they_stand() {
        let json = serde_json::json!([{"ops": [
            {"op": "regex_extract", "pattern": "a"},
            {"op": "list_filter", "keep": {"any": [{"matches": "a"}, {"equals": "pattern"}]}},
            {"op": "if", "then": [{"op": "regex_replace", "pattern": "b", "with": "matches"}]},
            {"op": "cel", "expr": "[a.matches('x'), b . matches ('y')]"},
        ]}]);
        assert_eq!(super::expressions(&json), 5);
    }

    #[test]
    fn expressions_that_explode_elsewhere_do_not_here() {
        let text = format!("\"{}\"", "a".repeat(1 << 20));
        assert_eq!(laws::get(&extract("(a+)+$b"), &text), "null");
        assert_eq!(laws::get(&replace("a*a*a*b", ""), &text), text);
        assert_eq!(laws::get(&replace("a", "b"), &text), "mapping.text-length");
        assert_eq!(laws::get(&replace("(a+)", "${1}${1}"), &text), "mapping.text-length");
    }

    #[test]
    fn the_laws_hold() {
        laws::hold(&replace("a", "b"), &Kind::Text, any::<String>().prop_map(Value::text));
        let tickets = || "[a-z ]{0,4}#[0-9]{1,4}[a-z ]{0,4}".prop_map(Value::text);
        laws::hold(&extract("#([0-9]+)"), &Kind::Text, tickets());
    }
}
