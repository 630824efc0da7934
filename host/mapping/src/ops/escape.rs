//! Texts within addresses and within markup.

use std::borrow::Cow;

use super::rewrite::{Rewrite, Rewritten};
use super::{Example, Spec};
use crate::{Class, Fault};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "url_encode",
        summary: "percent-encodes everything but letters, digits and `-._~`",
        params: &[],
        types: "text → text",
        class: "bijective",
        reverse: "decodes",
        standard: Some("RFC 3986 §2.1, §2.3"),
        example: Example {
            op: r#""url_encode""#,
            input: r#""a b/é""#,
            output: r#""a%20b%2F%C3%A9""#,
        },
        build: |_| Ok(Box::new(Rewritten(UrlEncode))),
    },
    Spec {
        name: "url_decode",
        summary: "decodes what is percent-encoded",
        params: &[],
        types: "text → text",
        class: "canonicalising",
        reverse: "encodes everything but letters, digits and `-._~`",
        standard: Some("RFC 3986 §2.1"),
        example: Example {
            op: r#""url_decode""#,
            input: r#""a%20b%2f%c3%a9""#,
            output: r#""a b/é""#,
        },
        build: |_| Ok(Box::new(Rewritten(UrlDecode))),
    },
    Spec {
        name: "html_escape",
        summary: "writes `&`, `<`, `>` and quotation marks as character references",
        params: &[],
        types: "text → text",
        class: "bijective",
        reverse: "reads the character references",
        standard: Some("HTML, character references"),
        example: Example {
            op: r#""html_escape""#,
            input: r#""R&D <1>""#,
            output: r#""R&amp;D &lt;1&gt;""#,
        },
        build: |_| Ok(Box::new(Rewritten(HtmlEscape))),
    },
    Spec {
        name: "html_unescape",
        summary: "reads numeric character references and `&amp;`, `&lt;`, `&gt;`, `&quot;`, \
                  `&apos;` and `&nbsp;`; what is no reference, or of another name, stays",
        params: &[],
        types: "text → text",
        class: "canonicalising",
        reverse: "writes `&`, `<`, `>` and quotation marks as character references",
        standard: Some("HTML, character references"),
        example: Example {
            op: r#""html_unescape""#,
            input: r#""R&amp;D &#x2013; &copy;""#,
            output: r#""R&D – &copy;""#,
        },
        build: |_| Ok(Box::new(Rewritten(HtmlUnescape))),
    },
];

#[derive(Debug)]
struct UrlEncode;

impl Rewrite for UrlEncode {
    const CLASS: Class = Class::Bijective;

    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        url_encode(text)
    }

    fn back<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        url_decode(text)
    }
}

#[derive(Debug)]
struct UrlDecode;

impl Rewrite for UrlDecode {
    const CLASS: Class = Class::Canonicalising;

    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        url_decode(text)
    }

    fn back<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        url_encode(text)
    }
}

/// Whether RFC 3986 §2.3 lets it stand for itself everywhere.
pub(super) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn url_encode(text: Cow<'_, str>) -> Result<Cow<'_, str>, Fault> {
    let plain = text.bytes().filter(|byte| is_unreserved(*byte)).count();
    Fault::unless_text_fits(plain + (text.len() - plain) * 3)?;
    if plain == text.len() {
        return Ok(text);
    }
    let mut encoded = String::with_capacity(plain + (text.len() - plain) * 3);
    for byte in text.bytes() {
        push_octet(&mut encoded, byte, is_unreserved(byte));
    }
    Ok(Cow::Owned(encoded))
}

fn url_decode(text: Cow<'_, str>) -> Result<Cow<'_, str>, Fault> {
    if !text.contains('%') {
        return Ok(text);
    }
    let mut octets = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let octet = if byte == b'%' { escaped(&mut bytes) } else { Some(byte) };
        octets.push(octet.ok_or_else(|| {
            let message = "a `%` must stand in front of two hexadecimal digits";
            Fault::new("mapping.percent", message)
        })?);
    }
    String::from_utf8(octets).map(Cow::Owned).map_err(|e| {
        Fault::new("mapping.percent", format!("what is percent-encoded is no text: {e}"))
    })
}

/// The octet that two hexadecimal digits write; nothing is taken if there are none.
pub(super) fn escaped(bytes: &mut std::str::Bytes<'_>) -> Option<u8> {
    let mut ahead = bytes.clone();
    let mut digit = || {
        let digit = char::from(ahead.next()?).to_digit(16)?;
        u8::try_from(digit).ok()
    };
    let octet = digit()? << 4 | digit()?;
    *bytes = ahead;
    Some(octet)
}

/// Appends an octet as it is if it is ASCII and may be, or percent-encoded.
pub(super) fn push_octet(text: &mut String, octet: u8, plain: bool) {
    if plain {
        text.push(char::from(octet));
        return;
    }
    let digit = |half| char::from_digit(half, 16).unwrap_or('0').to_ascii_uppercase();
    let octet = u32::from(octet);
    text.extend(['%', digit(octet >> 4), digit(octet & 15)]);
}

#[derive(Debug)]
struct HtmlEscape;

impl Rewrite for HtmlEscape {
    const CLASS: Class = Class::Bijective;

    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        html_escape(text)
    }

    fn back<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        Ok(html_unescape(text))
    }
}

#[derive(Debug)]
struct HtmlUnescape;

impl Rewrite for HtmlUnescape {
    const CLASS: Class = Class::Canonicalising;

    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        Ok(html_unescape(text))
    }

    fn back<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        html_escape(text)
    }
}

/// The references by name; of two for a character, the first is written.
const NAMED: &[(char, &str)] = &[
    ('&', "amp"),
    ('<', "lt"),
    ('>', "gt"),
    ('"', "quot"),
    ('\'', "#39"),
    ('\'', "apos"),
    ('\u{a0}', "nbsp"),
];

/// Bytes of a reference, as `&#1114111;`.
const REFERENCE_MAX: usize = 10;

fn reference(c: char) -> Option<&'static str> {
    let named = NAMED.iter().find(|(named, _)| *named == c && c.is_ascii());
    named.map(|(_, name)| *name)
}

pub(super) fn html_escape(text: Cow<'_, str>) -> Result<Cow<'_, str>, Fault> {
    let longer: usize = text.chars().filter_map(reference).map(|name| name.len() + 1).sum();
    Fault::unless_text_fits(text.len() + longer)?;
    if longer == 0 {
        return Ok(text);
    }
    let mut escaped = String::with_capacity(text.len() + longer);
    for c in text.chars() {
        match reference(c) {
            Some(name) => escaped.extend(["&", name, ";"]),
            None => escaped.push(c),
        }
    }
    Ok(Cow::Owned(escaped))
}

pub(super) fn html_unescape(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains('&') {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let known = referenced(after);
        plain.push(known.map_or('&', |(c, _)| c));
        rest = known.map_or(after, |(_, rest)| rest);
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// The character of the reference at the beginning, and what follows it.
fn referenced(text: &str) -> Option<(char, &str)> {
    let end = text.bytes().take(REFERENCE_MAX).position(|byte| byte == b';')?;
    let (name, rest) = (text.get(..end)?, text.get(end + 1..)?);
    if let Some((c, _)) = NAMED.iter().find(|(_, known)| *known == name) {
        return Some((*c, rest));
    }
    let digits = name.strip_prefix('#')?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16),
        None if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse(),
        _ => return None,
    };
    // References to control characters are errors, and no text should get them that way.
    let c = code.ok().and_then(char::from_u32)?;
    (!c.is_control() || c.is_whitespace()).then_some((c, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rewrite::table::{check, refuses};
    use crate::ops::laws::{get, hold, put};
    use crate::{Kind, Value};

    /// RFC 3986 §2.2 to §2.5.
    #[test]
    fn texts_are_percent_encoded() {
        check("url_encode", "AZaz09-._~", "AZaz09-._~");
        check(
            "url_encode",
            ":/?#[]@!$&'()*+,;=",
            "%3A%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D",
        );
        check("url_encode", "A\u{c0}\u{30a2} %", "A%C3%80%E3%82%A2%20%25");
        check("url_decode", "%e3%82%a2+%41", "\u{30a2}+A");
        for text in ["%", "%4", "%4g", "%%41", "%ff", "%C3"] {
            refuses("url_decode", text, "mapping.percent");
        }
        refuses("url_encode", &" ".repeat(400_000), "mapping.text-length");
    }

    #[test]
    fn markup_is_escaped() {
        check(
            "html_escape",
            r#"<a href="x">R&D's</a>"#,
            "&lt;a href=&quot;x&quot;&gt;R&amp;D&#39;s&lt;/a&gt;",
        );
        check("html_escape", "&amp;", "&amp;amp;");
        check("html_unescape", "&#233;&#xE9;&#XE9;&apos;&nbsp;", "ééé'\u{a0}");
        check(
            "html_unescape",
            "a & b; &; &#; &#x; &copy; &#0; &#xD800; &#1114112; &amp",
            "a & b; &; &#; &#x; &copy; &#0; &#xD800; &#1114112; &amp",
        );
        check("html_unescape", "&amp;lt;", "&lt;");
        refuses("html_escape", &"&".repeat(300_000), "mapping.text-length");
        let hostile = serde_json::json!("&#".repeat(500_000)).to_string();
        assert_eq!(get(r#""html_unescape""#, &hostile), hostile);
    }

    #[test]
    fn an_edit_that_only_an_encoding_would_tell_is_none() {
        assert_eq!(put(r#""url_decode""#, r#""é""#, r#""%c3%a9""#), r#""%c3%a9""#);
        assert_eq!(put(r#""html_unescape""#, r#""é""#, r#""&#233;""#), r#""&#233;""#);
        assert_eq!(put(r#""html_unescape""#, r#""é!""#, r#""&#233;""#), r#""é!""#);
    }

    #[test]
    fn laws_hold() {
        for op in [r#""url_encode""#, r#""html_escape""#, r#""html_unescape""#] {
            hold(op, &Kind::Text, "(\\PC|[&<>\"';#]|amp){0,8}".prop_map(Value::text));
        }
        hold(r#""url_decode""#, &Kind::Text, "([a-z ]|%[46][1-9a-f]){0,8}".prop_map(Value::text));
    }
}
