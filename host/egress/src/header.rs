//! Headers: which of them a guest may set, and which of an answer's it may see.

use std::collections::HashSet;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use model::Error;
use package::header::is_host_only;

use crate::denial::invalid;

/// The most headers of a request; providers' APIs need a handful.
pub(crate) const REQUEST_HEADERS_MAX: usize = 64;
/// The most bytes of a request's headers together; servers refuse 8 to 16 KiB.
pub(crate) const REQUEST_HEADER_BYTES_MAX: usize = 16 << 10;

/// Headers of an answer that a guest does not see: credentials and their challenges, framing that
/// no longer fits the decoded body, and what belongs to one hop.
const HIDDEN: &[&str] = &[
    "authentication-info",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "cookie",
    "keep-alive",
    "set-cookie",
    "set-cookie2",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
];

/// Turns a guest's headers into checked ones. `owned` are the endpoint's and the credential's.
pub(crate) fn from_guest(
    pairs: &[(String, String)],
    owned: &HashSet<HeaderName>,
) -> Result<HeaderMap, Error> {
    check_size(pairs)?;
    // Room for the host's own, so that the map does not grow once more.
    let mut headers = HeaderMap::with_capacity(pairs.len() + 8);
    for (name, value) in pairs {
        let parsed = HeaderName::try_from(name.as_str())
            .map_err(|_bad| refused(name, "is not a header name"))?;
        if is_host_only(parsed.as_str()) {
            return Err(refused(name, "is set by the host"));
        }
        if owned.contains(&parsed) {
            return Err(refused(name, "is set by the manifest or the credential"));
        }
        let value = HeaderValue::try_from(value.as_str())
            .map_err(|_bad| refused(name, "has a value with a line end or a control character"))?;
        headers.append(parsed, value);
    }
    Ok(headers)
}

/// The headers that a guest sees: lower-case, in the order of arrival of each name.
///
/// `credential` is the name under which the credential went out; an answer that repeats it is cut.
pub(crate) fn for_guest(
    headers: &HeaderMap,
    credential: Option<&HeaderName>,
) -> Vec<(String, String)> {
    let named = connection_names(headers);
    headers
        .iter()
        .filter(|(name, _)| !is_hidden(name.as_str()))
        .filter(|(name, _)| Some(*name) != credential)
        .filter(|(name, _)| !named.iter().any(|it| it.eq_ignore_ascii_case(name.as_str())))
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect()
}

fn check_size(pairs: &[(String, String)]) -> Result<(), Error> {
    if pairs.len() > REQUEST_HEADERS_MAX {
        return Err(invalid(
            "egress.header",
            format!("{} headers are more than {REQUEST_HEADERS_MAX}", pairs.len()),
        ));
    }
    let bytes: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > REQUEST_HEADER_BYTES_MAX {
        return Err(invalid(
            "egress.header",
            format!("headers of {bytes} bytes are more than {REQUEST_HEADER_BYTES_MAX}"),
        ));
    }
    Ok(())
}

fn is_hidden(name: &str) -> bool {
    HIDDEN.contains(&name) || name.starts_with("proxy-")
}

/// The names that `Connection` declares to be for one hop (RFC 9110 §7.6.1).
fn connection_names(headers: &HeaderMap) -> Vec<&str> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect()
}

fn refused(name: &str, why: &str) -> Error {
    // The name is the guest's text: cut and escaped, so that it cannot forge a log line.
    let name: String = name.escape_default().take(64).collect();
    invalid("egress.header", format!("header `{name}` {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(pairs: &[(&str, &str)]) -> Result<HeaderMap, Error> {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let owned = HashSet::from([HeaderName::from_static("x-api-key")]);
        from_guest(&pairs, &owned)
    }

    #[track_caller]
    fn refuses(name: &str, value: &str) {
        let error = guest(&[(name, value)]).unwrap_err();
        assert_eq!(error.code, "egress.header", "{name}");
        assert!(!error.message.contains(['\r', '\n', '\0']), "{}", error.message);
    }

    #[test]
    fn guest_sets_what_is_its_own() {
        let headers = guest(&[
            ("Accept", "application/json"),
            ("If-Match", "\"1\""),
            ("Prefer", "odata.maxpagesize=5"),
            ("prefer", "return=minimal"),
        ])
        .unwrap();
        assert_eq!(headers.len(), 4);
        assert_eq!(headers.get_all("prefer").iter().count(), 2);
    }

    #[test]
    fn smuggled_frame_host_or_credential_is_refused_in_any_case() {
        let names = "Host Authorization Cookie Content-Length TE Trailer Transfer-Encoding \
            Connection Keep-Alive Upgrade Proxy-Authorization Proxy-Connection Proxy-X \
            X-Forwarded-For X-Forwarded-Host X-Forwarded-X Forwarded Via Accept-Encoding Expect \
            X-Api-Key X-Real-IP HTTP2-Settings X-HTTP-Method-Override X-Original-URL";
        for name in names.split_whitespace() {
            refuses(name, "x");
            refuses(&name.to_ascii_lowercase(), "x");
            refuses(&name.to_ascii_uppercase(), "x");
        }
    }

    #[test]
    fn line_end_in_a_header_is_refused() {
        for value in ["a\r\nHost: b", "a\nb", "a\rb", "a\0b", "\u{7f}", "a\u{1}"] {
            refuses("x-a", value);
        }
        for name in ["", "a b", "a:b", "a\r\nb", "a\0", "Host ", " Host", "h\u{f6}st", "a\tb", "\n"]
        {
            refuses(name, "x");
        }
    }

    #[test]
    fn headers_are_bounded() {
        let many: Vec<_> = (0..=REQUEST_HEADERS_MAX).map(|_| ("x-a", "b")).collect();
        assert!(guest(&many).is_err());
        refuses("x-a", &"b".repeat(REQUEST_HEADER_BYTES_MAX));
    }

    #[test]
    fn answer_is_stripped_of_cookies_challenges_and_hops() {
        let mut headers = HeaderMap::new();
        let pairs = "content-type:a set-cookie:a www-authenticate:a connection:x-hop,close x-hop:a \
            keep-alive:a content-encoding:gzip content-length:3 transfer-encoding:chunked \
            proxy-authenticate:a authorization:a x-api-key:a link:a link:b etag:c";
        for (name, value) in pairs.split_whitespace().filter_map(|pair| pair.split_once(':')) {
            headers
                .append(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
        }
        let seen = for_guest(&headers, Some(&HeaderName::from_static("x-api-key")));
        let seen: Vec<_> = seen.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        assert_eq!(seen, ["content-type:a", "link:a", "link:b", "etag:c"]);
    }
}
