//! Tokens that are copied as they stand in the provider's record.

use plughouse_scan::{Kind as TokenKind, Token};

use super::plan::Verbatim;
use crate::value::DEPTH_MAX;
use crate::{Fault, Kind, Value};

/// Longer numbers are looked at: only they can be out of the range of binary floating point, in
/// which most readers of JSON keep numbers.
const PLAIN_NUMBER_BYTES_MAX: usize = 300;

/// Most tokens are as short as this, and so many bytes at once are copied without a call.
pub(super) const SHORT: usize = 32;

/// Appends a token of the payload that is not null, or says why it does not fit; then `out` is as
/// long as before.
#[inline]
pub(super) fn copy(
    token: &Token<'_>,
    wanted: Verbatim,
    payload: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let (raw, at) = (token.raw(), token.span().range().start);
    let short = raw.len() <= SHORT && raw.first() == Some(&b'"');
    if short
        && matches!(wanted, Verbatim::Text | Verbatim::Any)
        && let Some(chunk) = payload.get(at..).and_then(<[u8]>::first_chunk::<SHORT>)
        // What stands behind the token may have a backslash, too; then it is looked at closer.
        && chunk.iter().fold(0, |found, &byte| found | u8::from(byte == b'\\')) == 0
    {
        push_short(chunk, raw.len(), out);
        return Ok(());
    }
    copy_checked(token, wanted, out)
}

/// Appends the first bytes of a chunk.
#[inline]
pub(super) fn push_short(chunk: &[u8; SHORT], len: usize, out: &mut Vec<u8>) {
    let end = out.len() + len;
    out.extend_from_slice(chunk);
    out.truncate(end);
}

/// The same for a token of any size and place.
pub(super) fn copy_checked(
    token: &Token<'_>,
    wanted: Verbatim,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let raw = token.raw();
    match (token.kind(), wanted) {
        (TokenKind::String, Verbatim::Text | Verbatim::Any) => whole(raw)?,
        (TokenKind::Number, Verbatim::Integer) if raw.iter().copied().any(is_fraction) => {
            let whole = Value::read(*token)?.typed(&Kind::Integer)?;
            out.extend_from_slice(whole.to_json().as_bytes());
            return Ok(());
        }
        (TokenKind::Number, Verbatim::Number | Verbatim::Integer | Verbatim::Any) => number(raw)?,
        (TokenKind::Boolean, Verbatim::Bool | Verbatim::Any) => {}
        (TokenKind::Object, Verbatim::Object | Verbatim::Any)
        | (TokenKind::Array, Verbatim::List | Verbatim::Any) => return compound(raw, out),
        _ => return Err(unfit(token, wanted)),
    }
    out.extend_from_slice(raw);
    Ok(())
}

#[cold]
fn unfit(token: &Token<'_>, wanted: Verbatim) -> Fault {
    let kind = match wanted {
        Verbatim::Any => Kind::Any,
        Verbatim::Bool => Kind::Bool,
        Verbatim::Integer => Kind::Integer,
        Verbatim::Number => Kind::Decimal,
        Verbatim::Text => Kind::Text,
        Verbatim::List => Kind::List(Box::new(Kind::Any)),
        Verbatim::Object => Kind::Object,
    };
    match Value::read(*token) {
        Ok(value) => Fault::kind(&kind, &value),
        Err(fault) => fault,
    }
}

/// Whether a number with this byte may have something behind the point.
fn is_fraction(byte: u8) -> bool {
    matches!(byte, b'.' | b'e' | b'E')
}

fn number(raw: &[u8]) -> Result<(), Fault> {
    if raw.len() <= PLAIN_NUMBER_BYTES_MAX && !raw.iter().copied().any(is_fraction) {
        return Ok(());
    }
    let text = str::from_utf8(raw).unwrap_or_default();
    let finite = text.parse().is_ok_and(f64::is_finite);
    if !finite {
        let message = format!("the number {} is out of range", Fault::quote(text));
        return Err(Fault::new("mapping.number-range", message));
    }
    Ok(())
}

/// Refuses halves of surrogate pairs, which are JSON by its grammar and no text for most readers.
fn whole(mut raw: &[u8]) -> Result<(), Fault> {
    while let Some(at) = raw.iter().position(|&byte| byte == b'\\') {
        raw = raw.get(at + 1..).unwrap_or_default();
        let unit = |raw: &[u8]| {
            let digits = raw.strip_prefix(b"u")?.get(..4)?;
            u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
        };
        let (first, rest) = (unit(raw), raw.get(5..).unwrap_or_default());
        raw = match first {
            Some(0xd800..0xdc00) => match rest.strip_prefix(b"\\").map(|low| (unit(low), low)) {
                Some((Some(0xdc00..0xe000), low)) => low.get(5..).unwrap_or_default(),
                _ => return Err(Fault::surrogate()),
            },
            Some(0xdc00..0xe000) => return Err(Fault::surrogate()),
            // The byte behind the backslash may be another one.
            _ => raw.get(1..).unwrap_or_default(),
        };
    }
    Ok(())
}

/// Appends an object or a list without the spaces between its parts.
fn compound(raw: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let start = out.len();
    let copied = parts(raw, out);
    if copied.is_err() {
        out.truncate(start);
    }
    copied
}

fn parts(mut raw: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut depth = 0_usize;
    while let Some(&first) = raw.first() {
        let len = match first {
            b'"' => {
                let len = string_len(raw);
                whole(raw.get(..len).unwrap_or_default())?;
                len
            }
            b'-' | b'0'..=b'9' => {
                let ends =
                    |byte: &u8| matches!(byte, b',' | b'}' | b']' | b'\t' | b'\n' | b'\r' | b' ');
                let len = raw.iter().position(ends).unwrap_or(raw.len());
                number(raw.get(..len).unwrap_or_default())?;
                len
            }
            _ => 1,
        };
        depth = match first {
            b'{' | b'[' => depth + 1,
            b'}' | b']' => depth.saturating_sub(1),
            _ => depth,
        };
        if depth > DEPTH_MAX {
            let message = format!("nested deeper than {DEPTH_MAX} levels");
            return Err(Fault::new("mapping.depth", message));
        }
        let (part, rest) = raw.split_at_checked(len).unwrap_or((raw, &[]));
        if !matches!(first, b' ' | b'\t' | b'\n' | b'\r') {
            out.extend_from_slice(part);
        }
        raw = rest;
    }
    Ok(())
}

/// The bytes of the string that begins here, quotes included.
fn string_len(raw: &[u8]) -> usize {
    let mut len = 1;
    loop {
        match raw.get(len) {
            Some(b'\\') => len += 2,
            Some(b'"') | None => return len + 1,
            Some(_) => len += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use plughouse_scan::{Paths, Scratch};

    use super::*;

    #[track_caller]
    fn check(json: &str, wanted: Verbatim, expected: Result<&str, &str>) {
        for behind in [String::new(), ",7".repeat(SHORT)] {
            check_within(&format!("[{json}{behind}]"), wanted, expected);
        }
    }

    #[track_caller]
    fn check_within(json: &str, wanted: Verbatim, expected: Result<&str, &str>) {
        let paths = Paths::new(["/0"]).unwrap();
        let mut scratch = Scratch::default();
        let token = paths.scan(json.as_bytes(), &mut scratch).unwrap().get(0).unwrap();
        let mut out = b"before".to_vec();
        let copied = copy(&token, wanted, json.as_bytes(), &mut out).map_err(|fault| fault.code);
        let found = str::from_utf8(&out).unwrap().strip_prefix("before").unwrap();
        match expected {
            Ok(text) => assert_eq!((copied, found), (Ok(()), text)),
            Err(code) => assert_eq!((copied, found), (Err(code), "")),
        }
    }

    #[test]
    fn a_token_of_the_wanted_kind_is_copied() {
        check(r#""a\n\u00e9""#, Verbatim::Text, Ok(r#""a\n\u00e9""#));
        check("1.50", Verbatim::Number, Ok("1.50"));
        check(
            "12345678901234567890123456789012345",
            Verbatim::Integer,
            Ok("12345678901234567890123456789012345"),
        );
        check("true", Verbatim::Any, Ok("true"));
        check("7", Verbatim::Text, Err("mapping.type"));
        check("1.5", Verbatim::Integer, Err("mapping.type"));
        check("1.50e2", Verbatim::Integer, Ok("150"));
        check("7.00", Verbatim::Integer, Ok("7"));
        check("[1]", Verbatim::Object, Err("mapping.type"));
        check("{}", Verbatim::Text, Err("mapping.type"));
    }

    #[test]
    fn a_text_is_checked_wherever_its_backslash_stands() {
        for before in (0..70).map(|len| "x".repeat(len)) {
            let text = |escape: &str| format!(r#""{before}{escape}{before}""#);
            let [good, bad, none] = [r"\u00e9", r"\ud800", ""].map(text);
            check(&good, Verbatim::Text, Ok(&good));
            check(&bad, Verbatim::Text, Err("mapping.unicode"));
            check(&none, Verbatim::Any, Ok(&none));
        }
    }

    #[test]
    fn spaces_within_values_are_left_out_and_those_within_texts_kept() {
        check("{ \"a b\" : [ 1 ,\n\"\\\" x\" ] }", Verbatim::Object, Ok(r#"{"a b":[1,"\" x"]}"#));
        check(r#"["\\", " "]"#, Verbatim::List, Ok(r#"["\\"," "]"#));
    }

    #[test]
    fn what_most_readers_of_json_refuse_is_not_copied() {
        check(r#""\ud83d\ude00""#, Verbatim::Text, Ok(r#""\ud83d\ude00""#));
        check(r#""\ud83d""#, Verbatim::Text, Err("mapping.unicode"));
        check(r#""\ud83dx\ude00""#, Verbatim::Any, Err("mapping.unicode"));
        check(r#""\ude00""#, Verbatim::Text, Err("mapping.unicode"));
        check(r#""\\ud83d""#, Verbatim::Text, Ok(r#""\\ud83d""#));
        check(r#"{"a": ["\ud83d"]}"#, Verbatim::Any, Err("mapping.unicode"));
        check("1e400", Verbatim::Number, Err("mapping.number-range"));
        check("[1, -1e400]", Verbatim::Any, Err("mapping.number-range"));
        check(&"9".repeat(400), Verbatim::Integer, Err("mapping.number-range"));
        let deep = "[".repeat(127) + &"]".repeat(127);
        let mut out = Vec::new();
        assert!(
            compound(deep.as_bytes(), &mut out).is_err_and(|fault| fault.code == "mapping.depth")
        );
        assert!(out.is_empty());
    }
}
