//! A value of the input, read when it is needed.

use std::borrow::Cow;
use std::ops::Range;

/// A range of the input.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Span {
    /// The first byte.
    pub offset: u32,
    /// The number of bytes, never 0.
    pub len: u32,
}

impl Span {
    /// Both ends are below `SIZE_MAX`, so nothing saturates.
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let narrow = |n| u32::try_from(n).unwrap_or(u32::MAX);
        Self { offset: narrow(start), len: narrow(end - start) }
    }

    /// The same as a range of indices.
    #[inline]
    pub fn range(self) -> Range<usize> {
        let wide = |n| usize::try_from(n).unwrap_or(usize::MAX);
        wide(self.offset)..wide(self.offset).saturating_add(wide(self.len))
    }

    #[inline]
    pub(crate) fn of(self, json: &[u8]) -> &[u8] {
        json.get(self.range()).unwrap_or_default()
    }
}

/// What a value is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// `{}`
    Object,
    /// `[]`
    Array,
    /// A text in quotes.
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `null`
    Null,
}

/// A picked value: checked JSON, as it stands in the input.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Token<'a> {
    raw: &'a [u8],
    offset: u32,
}

impl<'a> Token<'a> {
    #[inline]
    pub(crate) fn new(json: &'a [u8], span: Span) -> Self {
        Self { raw: span.of(json), offset: span.offset }
    }

    /// The value as it stands in the input, quotes and escapes included.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Where it stands in the input.
    pub fn span(&self) -> Span {
        Span { offset: self.offset, len: u32::try_from(self.raw.len()).unwrap_or(u32::MAX) }
    }

    /// What it is.
    #[inline]
    pub fn kind(&self) -> Kind {
        match self.raw.first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Boolean,
            Some(b'n') => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// The text of a string, unescaped; `None` for other values and for half of a surrogate pair.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        unescape(self.raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?)
    }

    /// The digits of a number, unchanged: ids may have more of them than any integer type.
    pub fn number(&self) -> Option<&'a str> {
        if self.kind() == Kind::Number { std::str::from_utf8(self.raw).ok() } else { None }
    }

    /// The text of a string or the digits of a number: what identifies a record.
    pub fn scalar(&self) -> Option<Cow<'a, str>> {
        self.number().map(Cow::Borrowed).or_else(|| self.text())
    }

    /// A boolean.
    pub fn boolean(&self) -> Option<bool> {
        match self.raw {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }
}

/// The text of a checked string without its quotes; `None` for half of a surrogate pair.
pub(crate) fn unescape(raw: &[u8]) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(raw).ok()?;
    let Some(plain) = text.find('\\') else {
        return Some(Cow::Borrowed(text));
    };
    let mut out = String::with_capacity(text.len());
    let (head, mut rest) = text.split_at_checked(plain)?;
    out.push_str(head);
    while let Some(at) = rest.find('\\') {
        let (plain, escape) = rest.split_at_checked(at)?;
        out.push_str(plain);
        let (letter, tail) = escape.split_at_checked(2)?;
        rest = tail;
        out.push(match letter {
            r"\b" => '\u{8}',
            r"\f" => '\u{c}',
            r"\n" => '\n',
            r"\r" => '\r',
            r"\t" => '\t',
            r"\u" => {
                let (scalar, tail) = code_point(tail)?;
                rest = tail;
                scalar
            }
            _ => letter.chars().nth(1)?,
        });
    }
    out.push_str(rest);
    Some(Cow::Owned(out))
}

/// The character of the four digits behind `\u`, and of the other half of a pair behind them.
fn code_point(rest: &str) -> Option<(char, &str)> {
    let (high, rest) = unit(rest)?;
    if let Some(scalar) = char::from_u32(high) {
        return Some((scalar, rest));
    }
    let (low, rest) = unit(rest.strip_prefix(r"\u")?)?;
    if high > 0xdbff || !(0xdc00..=0xdfff).contains(&low) {
        return None;
    }
    let scalar = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    char::from_u32(scalar).map(|scalar| (scalar, rest))
}

fn unit(rest: &str) -> Option<(u32, &str)> {
    let (digits, rest) = rest.split_at_checked(4)?;
    u32::from_str_radix(digits, 16).ok().map(|unit| (unit, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, expected: Option<&str>) {
        let parsed: Option<String> = serde_json::from_str(&format!("\"{raw}\"")).ok();
        assert_eq!(parsed.as_deref(), expected, "the table itself is wrong");
        assert_eq!(unescape(raw.as_bytes()).as_deref(), expected);
    }

    #[test]
    fn escapes_are_undone_as_serde_json_does() {
        check("", Some(""));
        check("plain é", Some("plain é"));
        check(r#"a\"b\\c\/d"#, Some("a\"b\\c/d"));
        check(r"\b\f\n\r\t", Some("\u{8}\u{c}\n\r\t"));
        check(r"\u0069d\u00e9\u20ac", Some("idé€"));
        check(r"\ud83d\ude00!", Some("😀!"));
        check(r"\u0000", Some("\0"));
        check(r"\ud800", None);
        check(r"\ud800x", None);
        check(r"\ud800\n", None);
        check(r"\ud800\u0041", None);
        check(r"\udc00\ud800", None);
        check(r"\ud800\ud800", None);
    }

    #[test]
    fn values_know_what_they_are() {
        let token = |json: &'static str| Token::new(json.as_bytes(), Span::new(0, json.len()));
        assert_eq!(token("123456789012345678901234").number(), Some("123456789012345678901234"));
        assert_eq!(token("-1").scalar().as_deref(), Some("-1"));
        assert_eq!(token(r#""x""#).scalar().as_deref(), Some("x"));
        assert_eq!(token("{}").scalar(), None);
        assert_eq!(token("null").scalar(), None);
        assert_eq!(token("true").boolean(), Some(true));
        assert_eq!(token(r#""true""#).boolean(), None);
        assert!(token("null").is_null());
        assert_eq!(token("[]").kind(), Kind::Array);
    }
}
