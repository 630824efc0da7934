//! Percent-encoding (RFC 3986 §2.1) for the raw paths of requests.

/// Encodes all but the unreserved characters (letters, digits, `-._~`), as a path segment or a
/// query value needs it.
///
/// ```
/// assert_eq!(plughouse_sdk::percent::encode("a/b c=é"), "a%2Fb%20c%3D%C3%A9");
/// ```
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    encode_into(&mut out, text);
    out
}

/// Joins segments into a path, each encoded; a segment of dots alone would change the path and is
/// refused by the host.
///
/// ```
/// assert_eq!(plughouse_sdk::percent::path(["users", "a/b", "items"]), "/users/a%2Fb/items");
/// ```
pub fn path<'a>(segments: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for segment in segments {
        out.push('/');
        encode_into(&mut out, segment);
    }
    out
}

/// Decodes every `%XX`; `None` when one is cut off or the result is not UTF-8. A `+` stays.
pub fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            out.push(digit(bytes.next()?)? << 4 | digit(bytes.next()?)?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

/// The parameters of a query (`a=1&b`), decoded, with `+` for a space; `None` as in [`decode`].
pub fn parse_query(query: &str) -> Option<Vec<(String, String)>> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Some((decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?))
    };
    parts.map(pair).collect()
}

fn encode_into(out: &mut String, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
            continue;
        }
        let hex = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().map_or('0', char::from);
        out.extend(['%', hex(byte >> 4), hex(byte & 15)]);
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(plain: &str, encoded: &str) {
        assert_eq!(encode(plain), encoded);
        assert_eq!(decode(encoded).as_deref(), Some(plain));
    }

    #[test]
    fn encoding_and_decoding_undo_each_other() {
        check("", "");
        check("AZaz09-._~", "AZaz09-._~");
        check("a b+c", "a%20b%2Bc");
        check("100%", "100%25");
        check("😀", "%F0%9F%98%80");
        check("\0\u{7f}", "%00%7F");
    }

    #[test]
    fn broken_encodings_are_none() {
        for broken in ["%", "%4", "%zz", "%FF", "%é1", "a%C3"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
        assert_eq!(decode("%c3%a9+").as_deref(), Some("é+"));
    }

    #[test]
    fn queries_are_split_and_decoded() {
        let pairs = parse_query("after=a%3D1&&x+y=1+2&flag").unwrap();
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("after", "a=1"), ("x y", "1 2"), ("flag", "")]);
        assert_eq!(parse_query("a=%f"), None);
    }
}
