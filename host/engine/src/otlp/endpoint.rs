//! Where a collector is.

use std::str::FromStr;

use serde::Deserialize;

/// A collector, as an operator has named it: it may be private, or not encrypted.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct Endpoint {
    origin: String,
    authority: String,
    path: String,
}

impl Endpoint {
    /// The address for a signal, and the origin that an operator has named for it.
    pub(super) fn address(&self, signal: &str) -> (String, String) {
        let Self { origin, authority, path } = self;
        (format!("https://{authority}{path}/v1/{signal}"), origin.clone())
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "it is no address like http://127.0.0.1:4318; write scheme, host, port and where \
             there is one the path before /v1/metrics, and nothing secret"
                .to_owned()
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"@?#\\\"".contains(&byte);
        if !["http", "https"].contains(&scheme) || !rest.bytes().all(plain) {
            return Err(wrong());
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.is_empty() {
            return Err(wrong());
        }
        Ok(Self {
            origin: format!("{scheme}://{authority}"),
            authority: authority.to_owned(),
            path: path.trim_end_matches('/').to_owned(),
        })
    }
}

impl TryFrom<String> for Endpoint {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, &str)>) {
        let found = text.parse::<Endpoint>().ok().map(|endpoint| endpoint.address("traces"));
        let expected = expected.map(|(url, origin)| (url.to_owned(), origin.to_owned()));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn signals_have_their_places_behind_the_path() {
        let local = ("https://127.0.0.1:4318/v1/traces", "http://127.0.0.1:4318");
        check("http://127.0.0.1:4318", Some(local));
        check("http://127.0.0.1:4318/", Some(local));
        let behind = ("https://otel.example/otlp/v1/traces", "https://otel.example");
        check("https://otel.example/otlp", Some(behind));
    }

    #[test]
    fn what_is_no_address_or_may_hold_a_secret_is_refused() {
        for text in [
            "",
            "127.0.0.1:4318",
            "ftp://otel.example",
            "http://",
            "http:///v1",
            "https://user:password@otel.example",
            "https://otel.example?token=x",
            "https://otel.example/a b",
        ] {
            check(text, None);
        }
    }
}
