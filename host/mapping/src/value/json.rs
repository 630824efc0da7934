//! Values from JSON and to JSON, digit for digit.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;

use plughouse_scan::{Kind as TokenKind, Token};
use serde_json::Value as Json;

use super::{Money, Value};
use crate::{Fault, exact};

impl<'a> Value<'a> {
    /// A picked value; its texts are borrowed unless they are escaped.
    pub fn read(token: Token<'a>) -> Result<Self, Fault> {
        match token.kind() {
            TokenKind::String => token.text().map(Self::Text).ok_or_else(Fault::surrogate),
            _ => Reader { rest: token.raw() }.value(),
        }
    }

    /// A JSON text.
    pub fn parse(json: &'a [u8]) -> Result<Self, Fault> {
        let refuse = |e| Fault::new("mapping.json", format!("not valid JSON: {e}"));
        plughouse_scan::validate(json).map_err(refuse)?;
        let mut reader = Reader { rest: json };
        reader.space();
        reader.value()
    }

    /// A parsed JSON; fractions of more than 15 digits are refused, as they may have lost some.
    pub fn from_json(json: &Json) -> Result<Value<'static>, Fault> {
        Ok(match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => Value::Number(exact::from_json(number).ok_or_else(|| {
                let message = format!("write {number}, which has too many digits, as text");
                Fault::new("mapping.number-range", message)
            })?),
            Json::String(text) => Value::text(text.clone()),
            Json::Array(items) => {
                Value::List(items.iter().map(Value::from_json).collect::<Result<_, _>>()?)
            }
            Json::Object(members) => {
                let member = |(name, json): (&String, _)| {
                    Ok((Cow::Owned(name.clone()), Value::from_json(json)?))
                };
                Value::Object(members.iter().map(member).collect::<Result<_, Fault>>()?)
            }
        })
    }

    /// Appends the value as JSON: days and instants as RFC 3339 texts, an amount of money as
    /// `{"amount": "12.30", "currency": "EUR"}`. Missing members and elements are left out.
    pub fn write(&self, out: &mut String) {
        match self {
            Self::Missing | Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => print(out, number),
            Self::Text(text) => quote(text, out),
            Self::Date(date) => print(out, &format_args!("\"{date}\"")),
            Self::DateTime(time) => print(out, &format_args!("\"{time}\"")),
            Self::Money(Money { amount, currency }) => {
                print(out, &format_args!(r#"{{"amount":"{amount}","currency":"#));
                quote(currency, out);
                out.push('}');
            }
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().filter(|item| !item.is_missing()).enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                let there = members.iter().filter(|(_, value)| !value.is_missing());
                for (index, (name, value)) in there.enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    quote(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// The value as JSON.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }
}

/// Writing to a string does not fail.
fn print(out: &mut String, value: &dyn std::fmt::Display) {
    let written = write!(out, "{value}");
    debug_assert!(written.is_ok());
}

/// Appends a text in quotes, escaped where JSON needs it.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    let is_special = |byte| matches!(byte, b'"' | b'\\' | 0..0x20);
    // Sixteen bytes at once, and without a way out, are looked at like one; the last ones overlap.
    let count = |found, &byte: &u8| {
        found | u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\')
    };
    let is_plain = |chunk: &[u8; 16]| chunk.iter().fold(0, count) == 0;
    let (chunks, _) = text.as_bytes().as_chunks();
    if text.as_bytes().last_chunk().is_some_and(is_plain) && chunks.iter().all(is_plain) {
        out.push_str(text);
        out.push('"');
        return;
    }
    while let Some(at) = rest.bytes().position(is_special) {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = tail.chars();
        match chars.next() {
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(c @ ('"' | '\\')) => out.extend(['\\', c]),
            Some(c) => print(out, &format_args!("\\u{:04x}", u32::from(c))),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// Reads JSON that has been checked, at most [`plughouse_scan::DEPTH_MAX`] deep.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Result<Value<'a>, Fault> {
        match self.rest.first() {
            Some(b'{') => self.object(),
            Some(b'[') => self.list(),
            Some(b'"') => self.text().map(Value::Text),
            Some(b't') => Ok(self.word("true", Value::Bool(true))),
            Some(b'f') => Ok(self.word("false", Value::Bool(false))),
            Some(b'n') => Ok(self.word("null", Value::Null)),
            _ => self.number(),
        }
    }

    fn list(&mut self) -> Result<Value<'a>, Fault> {
        let mut items = Vec::new();
        self.advance(1);
        self.space();
        while !self.closed(b']') {
            items.push(self.value()?);
        }
        Ok(Value::List(items))
    }

    fn object(&mut self) -> Result<Value<'a>, Fault> {
        let mut members = Vec::new();
        self.advance(1);
        self.space();
        while !self.closed(b'}') {
            let name = self.text()?;
            self.space();
            self.advance(1);
            self.space();
            members.push((name, self.value()?));
        }
        Ok(Value::Object(last_of_each(members)))
    }

    /// Passes over the comma or the end of a container that comes next, and tells which it was.
    fn closed(&mut self, end: u8) -> bool {
        self.space();
        let closed = self.rest.first().is_none_or(|byte| *byte == end);
        if closed || self.rest.first() == Some(&b',') {
            self.advance(1);
            self.space();
        }
        closed
    }

    fn text(&mut self) -> Result<Cow<'a, str>, Fault> {
        let (mut len, mut escaped) = (1, false);
        loop {
            match self.rest.get(len) {
                Some(b'\\') => {
                    escaped = true;
                    len += 2;
                }
                Some(b'"') | None => break,
                Some(_) => len += 1,
            }
        }
        let raw = self.take(len + 1);
        if escaped {
            return serde_json::from_slice(raw).map(Cow::Owned).ok().ok_or_else(Fault::surrogate);
        }
        let plain = raw.get(1..len).unwrap_or_default();
        std::str::from_utf8(plain).map(Cow::Borrowed).ok().ok_or_else(Fault::surrogate)
    }

    fn number(&mut self) -> Result<Value<'a>, Fault> {
        let digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let raw = self.take(self.rest.iter().take_while(|byte| digit(byte)).count().max(1));
        let text = str::from_utf8(raw).unwrap_or_default();
        exact::parse(text).map(Value::Number).ok_or_else(|| {
            let shown = Fault::quote(text);
            let message = format!("the number {shown} has more than 28 digits");
            Fault::new("mapping.number-range", message)
        })
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Value<'a> {
        self.advance(word.len());
        value
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn advance(&mut self, len: usize) {
        self.take(len);
    }

    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }
}

/// The members, each name once: the last value of a name wins, as in the scanner.
fn last_of_each<'a>(members: Vec<(Cow<'a, str>, Value<'a>)>) -> Vec<(Cow<'a, str>, Value<'a>)> {
    let mut seen = HashSet::with_capacity(members.len());
    let again: Vec<_> = members.iter().rev().map(|(name, _)| !seen.insert(name.as_ref())).collect();
    if seen.len() == members.len() {
        return members;
    }
    let kept = members.into_iter().zip(again.into_iter().rev());
    kept.filter_map(|(member, again)| (!again).then_some(member)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is read and written again, or the code of the fault.
    fn copied(json: &str) -> String {
        Value::parse(json.as_bytes()).map_or_else(|fault| fault.code.into(), |v| v.to_json())
    }

    #[track_caller]
    fn check(json: &str, expected: &str) {
        assert_eq!(copied(json), expected);
        let paths = plughouse_scan::Paths::new(["/a"]).unwrap();
        let (mut scratch, text) = (plughouse_scan::Scratch::default(), format!("{{\"a\":{json}}}"));
        if let Ok(picks) = paths.scan(text.as_bytes(), &mut scratch) {
            let value = Value::read(picks.get(0).unwrap());
            assert_eq!(value.map_or_else(|fault| fault.code.into(), |v| v.to_json()), expected);
        }
    }

    #[test]
    fn json_is_copied_digit_for_digit() {
        check(" null ", "null");
        check("1.50", "1.50");
        check("-0.0", "0.0");
        check("12345678901234567890123456.78", "12345678901234567890123456.78");
        check(r#" [ true , "a\u00e9\/\n" , {} , [ ] ] "#, r#"[true,"aé/\n",{},[]]"#);
        check(r#"{"a" : 1, "\u0062\"": {"c":[]}}"#, r#"{"a":1,"b\"":{"c":[]}}"#);
        check(r#""\u001f\"\\""#, r#""\u001f\"\\""#);
    }

    #[test]
    fn the_last_of_equal_names_wins() {
        check(r#"{"a":1,"b":2,"\u0061":3}"#, r#"{"b":2,"a":3}"#);
    }

    #[test]
    fn what_cannot_be_kept_is_a_fault() {
        check(r#""\ud800""#, "mapping.unicode");
        check(r#"["\udc00x"]"#, "mapping.unicode");
        check("1e99", "mapping.number-range");
        check(&"9".repeat(30), "mapping.number-range");
        for json in ["", "nul", "[1", "1 2", "NaN", "{\"a\"}", "\"\u{1}\""] {
            assert_eq!(copied(json), "mapping.json", "{json}");
        }
        assert_eq!(copied(&"[".repeat(1 << 20)), "mapping.json");
        assert_eq!(Value::parse(b"\"\xff\"").unwrap_err().code, "mapping.json");
    }

    #[test]
    fn large_and_deep_json_is_read_in_one_pass() {
        let deep = "[".repeat(127) + &"]".repeat(127);
        check(&deep, &deep);
        let members: Vec<_> = (0..50_000).map(|n| format!("\"k{n}\":{n}")).collect();
        let wide = format!("{{{}}}", members.join(","));
        check(&wide, &wide);
    }

    #[test]
    fn missing_members_are_not_written_and_null_ones_are() {
        let object = vec![("a".into(), Value::Missing), ("b".into(), Value::Null)];
        assert_eq!(Value::Object(object).to_json(), r#"{"b":null}"#);
        assert_eq!(Value::List(vec![Value::Missing, Value::Bool(true)]).to_json(), "[true]");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_read_and_written_as_serde_json_does(text: String) {
            let json = serde_json::to_string(&text).unwrap();
            let value = Value::parse(json.as_bytes()).unwrap();
            prop_assert_eq!(&value, &Value::text(text.as_str()));
            let again: String = serde_json::from_str(&value.to_json()).unwrap();
            prop_assert_eq!(again, text);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            prop_assert_eq!(Value::parse(&bytes).is_ok(), serde_json::from_slice::<Json>(&bytes).is_ok());
        }
    }
}
