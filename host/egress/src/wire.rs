//! The request target as it goes out: the guest's raw path byte for byte, then encoded pairs.

use std::fmt::Write as _;

use http::uri::PathAndQuery;
use model::{Error, ErrorKind};

use crate::escape;

/// The longest target, in bytes. Servers refuse 8 to 32 KiB; Graph's delta links come near 8.
pub(crate) const TARGET_BYTES_MAX: usize = 32 << 10;

/// Builds the target and refuses, by name, a byte that no request line can carry.
pub(crate) fn target(path: &str, query: &[(String, String)]) -> Result<PathAndQuery, Error> {
    let mut target = String::with_capacity(path.len() + query_bytes(query));
    target.push_str(path);
    let mut separator = if path.contains('?') { '&' } else { '?' };
    if path.ends_with(['?', '&']) {
        separator = '\0';
    }
    for (name, value) in query {
        if separator != '\0' {
            target.push(separator);
        }
        separator = '&';
        encode(&mut target, name);
        target.push('=');
        encode(&mut target, value);
    }
    checked(target)
}

/// Refuses a query that names what the credential is to name, in any spelling a server may read:
/// which of two it takes is not this host's to know.
pub(crate) fn refuse_owned(
    path: &str,
    query: &[(String, String)],
    owned: &[String],
) -> Result<(), Error> {
    if owned.is_empty() {
        return Ok(());
    }
    let raw = path.split_once('?').map_or("", |(_, raw)| raw).split(['&', ';']);
    let raw = raw.map(|pair| pair.split('=').next().unwrap_or_default().replace('+', " "));
    for name in raw.chain(query.iter().map(|(name, _)| name.clone())) {
        let name = escape::plain(name.as_bytes());
        // `key[]` and `key[x]` are `key` to several frameworks.
        let name = name.split(|byte| *byte == b'[').next().unwrap_or_default().trim_ascii();
        if let Some(owned) = owned.iter().find(|it| name.eq_ignore_ascii_case(it.as_bytes())) {
            return Err(Error::new(
                ErrorKind::Invalid,
                "egress.query",
                format!("the query parameter `{owned}` is the credential's"),
            ));
        }
    }
    Ok(())
}

/// The text with everything but RFC 3986's unreserved characters encoded.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    encode(&mut out, text);
    out
}

/// Appends a pair to a target that was built before; for credentials that travel in the query.
pub(crate) fn with_pair(target: &PathAndQuery, pair: &str) -> Result<PathAndQuery, Error> {
    let separator = if target.query().is_some() { '&' } else { '?' };
    checked(format!("{target}{separator}{pair}"))
}

fn checked(target: String) -> Result<PathAndQuery, Error> {
    if target.len() > TARGET_BYTES_MAX {
        return Err(invalid(format!("path and query are longer than {TARGET_BYTES_MAX} bytes")));
    }
    let query = target.find('?').unwrap_or(target.len());
    let mut bytes = target.bytes().enumerate();
    if let Some((at, byte)) = bytes.find(|(at, byte)| !is_sendable(*byte, *at > query)) {
        return Err(invalid(format!(
            "byte {byte:#04x} at offset {at} of the path cannot be sent; percent-encode it"
        )));
    }
    let length = target.len();
    let parsed = PathAndQuery::from_maybe_shared(bytes::Bytes::from(target))
        .map_err(|error| invalid(format!("the path cannot be sent: {error}")))?;
    // The parser cuts what it takes for a fragment; nothing may be lost between check and wire.
    if parsed.as_str().len() == length {
        Ok(parsed)
    } else {
        Err(invalid("the path cannot be sent unchanged".to_owned()))
    }
}

/// Visible ASCII without the fragment's `#`, without `\`, which some servers read as `/`, and
/// without the few that `http::Uri` refuses, so that the error names them.
fn is_sendable(byte: u8, in_query: bool) -> bool {
    let refused = match byte {
        b'#' | b'\\' | b'<' | b'>' => true,
        b'"' => in_query,
        b'`' => !in_query,
        _ => false,
    };
    (0x21..=0x7e).contains(&byte) && !refused
}

fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _written = write!(out, "%{byte:02X}");
        }
    }
}

fn query_bytes(query: &[(String, String)]) -> usize {
    // Room for a third of the value being encoded; a guess, not a bound.
    query.iter().map(|(name, value)| 2 + name.len() + value.len() * 5 / 3).sum()
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, "egress.path", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, query: &[(&str, &str)], expected: &str) {
        let query: Vec<_> =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(target(path, &query).unwrap().as_str(), expected);
    }

    #[track_caller]
    fn refused(path: &str, text: &str) {
        let error = target(path, &[]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(error.message.contains(text), "{}", error.message);
    }

    #[test]
    fn raw_path_is_not_touched() {
        for path in [
            "/x?$skiptoken=%3ccookie%20pagenumber=%222%22%20/%3e&$filter=name eq 'O''Neil'"
                .replace(' ', "%20")
                .as_str(),
            "/a/%252Fabc%3D%3D",
            "/x?a=b+c&d=(e)!@*'~[]{}|^`",
            "/x?path=%2e%2e%2F..//",
            "/?",
        ] {
            check(path, &[], path);
        }
    }

    #[test]
    fn pairs_are_encoded_and_appended() {
        check("/x", &[("q", "a b&c=d/é")], "/x?q=a%20b%26c%3Dd%2F%C3%A9");
        check("/x?y=1", &[("q", "+"), ("r", "")], "/x?y=1&q=%2B&r=");
        check("/x?", &[("q", "1")], "/x?q=1");
        check("/x?y=1&", &[("q", "1")], "/x?y=1&q=1");
        check("/x", &[("a#b", "\r\n\0")], "/x?a%23b=%0D%0A%00");
    }

    #[test]
    fn name_of_the_credential_is_refused_in_every_spelling() {
        let owned = ["api_key".to_owned()];
        for path in [
            "/x?api_key=1",
            "/x?a=b&API_Key",
            "/x?a;api_key=1",
            "/x?api%5Fkey=1",
            "/x?%61%70i_key=",
            "/x?api_key[]=1",
            "/x?api_key%5B0%5D=1",
            "/x?+api_key=1",
        ] {
            assert_eq!(refuse_owned(path, &[], &owned).unwrap_err().code, "egress.query", "{path}");
        }
        for name in ["api_key", "API_KEY", "api_key[]", " api_key", "api%5fkey"] {
            let pair = [(name.to_owned(), "1".to_owned())];
            assert!(refuse_owned("/x", &pair, &owned).is_err(), "{name}");
            assert!(refuse_owned("/x", &pair, &[]).is_ok(), "{name}");
        }
        for path in ["/x", "/api_key", "/x?q=api_key", "/x?api_keys=1", "/x?my_api_key=1", "/x?"] {
            assert!(refuse_owned(path, &[], &owned).is_ok(), "{path}");
        }
    }

    #[test]
    fn byte_that_cannot_be_sent_is_named() {
        refused("/x?a=b c", "0x20 at offset 6");
        refused("/x?a=\r\nHost:b", "0x0d at offset 5");
        refused("/x?\0", "0x00");
        refused("/x?é", "0xc3");
        refused("/x?a#b", "0x23");
        refused("/x?a\\b", "0x5c");
        refused(&format!("/{}", "a".repeat(TARGET_BYTES_MAX)), "longer");
    }

    #[test]
    fn every_visible_byte_survives_or_is_named() {
        for byte in 0x21..=0x7e_u8 {
            for path in [format!("/{}", char::from(byte)), format!("/x?{}", char::from(byte))] {
                match target(&path, &[]) {
                    Ok(sent) => assert_eq!(sent.as_str(), path),
                    Err(error) => {
                        let named = error.message.contains(&format!("{byte:#04x}"));
                        assert!(named && b"#\\<>\"`".contains(&byte), "{error}");
                    }
                }
            }
        }
    }
}
