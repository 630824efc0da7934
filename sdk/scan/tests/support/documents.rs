//! Random documents, random damage to them, and the comparison with `serde_json`.

use plughouse_scan::{Paths, Scratch, redact, validate};
use serde::de::IgnoredAny;
use serde_json::Value;

/// Where the choices come from: a generator, or the bytes of a property test.
pub(crate) trait Choose {
    /// A number below `n`, which is at least 1.
    fn below(&mut self, n: usize) -> usize;
}

/// Pointers that the keys below make likely.
pub(crate) const POINTERS: [&str; 12] = [
    "",
    "/id",
    "/a",
    "/a/id",
    "/a/b",
    "/a/b/0",
    "/list/1/id",
    "/0",
    "/é",
    "/a~1b",
    "/m~0n/id",
    "/",
];

const KEYS: [&str; 12] =
    ["id", "a", "b", "list", "0", "é", "a/b", "m~n", "", r"\u0069d", r"\u00e9", r"\ud83d\ude00"];

const SCALARS: [&str; 18] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "17",
    "-1.5e3",
    "123456789012345678901234",
    "1E400",
    "\"\"",
    r#""a\"\\\/\b\f\n\r\t""#,
    r#""\u0041\ud83d\ude00""#,
    r#""\ud800""#,
    r#""\udc00x""#,
    "\"é€😀 plain\"",
    "\"0123456789012345678901234567\"",
    "\"7\"",
    "\"\\u007f\u{7f}\"",
];

const DAMAGE: &[u8] = b"\"\\{}[],:0-.eEtnu \n\t\0\x1f\x7f\x80\xc3\xa9\xe2\xed\xa0\xf0\xff/d8";

/// A document of a few values.
pub(crate) fn document(choose: &mut impl Choose) -> Vec<u8> {
    let mut out = String::new();
    value(choose, &mut out, 0);
    space(choose, &mut out);
    out.into_bytes()
}

fn space(choose: &mut impl Choose, out: &mut String) {
    if choose.below(4) == 0 {
        out.push_str([" ", "\n  ", "\t", "\r\n"][choose.below(4)]);
    }
}

fn value(choose: &mut impl Choose, out: &mut String, depth: usize) {
    space(choose, out);
    let kind = if depth > 4 { 0 } else { choose.below(5) };
    let (open, close) = match kind {
        1 | 2 => ('{', '}'),
        3 => ('[', ']'),
        _ => return out.push_str(SCALARS[choose.below(SCALARS.len())]),
    };
    out.push(open);
    for n in 0..choose.below(5) {
        if n > 0 {
            space(choose, out);
            out.push(',');
        }
        if open == '{' {
            space(choose, out);
            out.extend(["\"", KEYS[choose.below(KEYS.len())], "\""]);
            space(choose, out);
            out.push(':');
        }
        value(choose, out, depth + 1);
    }
    space(choose, out);
    out.push(close);
}

/// Changes, removes, inserts, cuts or repeats a few bytes, or buries the document in brackets.
pub(crate) fn damage(choose: &mut impl Choose, json: &mut Vec<u8>) {
    for _ in 0..choose.below(4) {
        let at = choose.below(json.len().max(1));
        let byte = DAMAGE[choose.below(DAMAGE.len())];
        match choose.below(7) {
            0 | 1 if at < json.len() => json[at] = byte,
            2 if at < json.len() => drop(json.remove(at)),
            3 => json.insert(at, byte),
            4 => json.truncate(at),
            5 if choose.below(4) == 0 => bury(choose, json),
            _ => {
                let piece = json[at..(at + choose.below(9)).min(json.len())].to_vec();
                json.splice(at..at, piece);
            }
        }
    }
}

fn bury(choose: &mut impl Choose, json: &mut Vec<u8>) {
    let depth = 120 + choose.below(10);
    let (open, close) = if choose.below(2) == 0 { ("[", "]") } else { ("{\"a\":", "}") };
    *json = [open.repeat(depth).as_bytes(), json, close.repeat(depth).as_bytes()].concat();
}

/// What a comparison ended in.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Verdict {
    /// Both refuse.
    Refused,
    /// Both accept, and all picks are equal.
    Equal,
    /// `serde_json` makes a value of it no more than we do; only the grammar was compared.
    Grammar,
    /// We refuse half of a surrogate pair in a key, or too deep a nesting; `IgnoredAny` does not.
    Stricter,
}

/// Compares one input; panics at a difference that is not documented.
pub(crate) fn compare(paths: &Paths, lists: &Paths, scratch: &mut Scratch, json: &[u8]) -> Verdict {
    use plughouse_scan::ErrorKind::{Surrogate, TooDeep};
    let shown = || String::from_utf8_lossy(json).into_owned();
    let ours = validate(json);
    let picked = paths.scan(json, scratch).map(drop);
    assert_eq!(ours.is_ok(), picked.is_ok(), "the two halves differ: {}", shown());
    assert_eq!(ours.is_ok(), redact(json, &["id"]).is_ok(), "redact differs: {}", shown());
    let text = std::str::from_utf8(json).ok();
    let grammar = text.is_some_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
    let parsed: Option<Value> = serde_json::from_slice(json).ok();
    if let Err(error) = ours {
        assert!(parsed.is_none(), "refused, but serde_json parses: {}: {error}", shown());
        if !grammar {
            return Verdict::Refused;
        }
        assert!(matches!(error.kind(), Surrogate | TooDeep), "{error}: {}", shown());
        return Verdict::Stricter;
    }
    assert!(grammar, "accepted, but serde_json refuses: {}", shown());
    let Some(parsed) = parsed else {
        return Verdict::Grammar;
    };
    compare_picks(paths, scratch, json, &parsed);
    compare_list(lists, scratch, json, &parsed);
    compare_redaction(json, parsed);
    Verdict::Equal
}

fn reparse(token: Option<plughouse_scan::Token<'_>>) -> Option<Value> {
    token.map(|token| serde_json::from_slice(token.raw()).unwrap())
}

fn compare_picks(paths: &Paths, scratch: &mut Scratch, json: &[u8], parsed: &Value) {
    let picks = paths.scan(json, scratch).unwrap();
    for (position, pointer) in POINTERS.into_iter().enumerate() {
        let token = picks.get(position);
        let expected = parsed.pointer(pointer);
        assert_eq!(reparse(token).as_ref(), expected, "{pointer}");
        let text = token.and_then(|token| token.text());
        assert_eq!(text.as_deref(), expected.and_then(Value::as_str));
    }
}

/// `lists` iterates `/list` with [`POINTERS`] in each element.
fn compare_list(lists: &Paths, scratch: &mut Scratch, json: &[u8], parsed: &Value) {
    let picks = lists.scan(json, scratch).unwrap();
    let expected = parsed.pointer("/list").and_then(Value::as_array);
    assert_eq!(picks.list().map(|list| list.len()), expected.map(Vec::len));
    for (element, expected) in
        picks.list().into_iter().flatten().zip(expected.into_iter().flatten())
    {
        assert_eq!(reparse(Some(element.token())).as_ref(), Some(expected));
        for (position, pointer) in POINTERS.into_iter().enumerate() {
            assert_eq!(reparse(element.get(position)).as_ref(), expected.pointer(pointer));
        }
    }
}

fn compare_redaction(json: &[u8], mut parsed: Value) {
    empty(&mut parsed);
    let kept = redact(json, &["id", "m~n"]).unwrap();
    let found: Value = serde_json::from_slice(kept.as_deref().unwrap_or(json)).unwrap();
    assert_eq!(found, parsed);
}

fn empty(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(empty),
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    _ if name != "id" && name != "m~n" => empty(value),
                    Value::String(text) => text.clear(),
                    _ => *value = Value::Null,
                }
            }
        }
        _ => {}
    }
}
