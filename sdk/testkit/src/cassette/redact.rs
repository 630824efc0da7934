//! Takes secrets out of what is written down.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::cassette::Asked;
use crate::cassette::content::Content;
use crate::message::Request;
use crate::text;

/// What stands in the place of a secret.
const PLACEHOLDER: &str = "[secret]";

/// A header whose name contains one of these is not kept. Names are invented freely, so the rule is
/// wider than the list of known ones: a lost idempotency key hurts nobody.
const HEADER_PARTS: [&str; 9] =
    ["auth", "cookie", "credential", "key", "password", "secret", "session", "signature", "token"];

/// Headers that say how the bytes travelled, which is not what happened.
const FRAMING: [&str; 7] = [
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "host",
    "keep-alive",
    "transfer-encoding",
];

/// Names of query parameters and JSON fields that hold secrets. `token` alone is not among them:
/// most of what is called that pages through a list.
const FIELDS: [&str; 10] = [
    "access_token",
    "accesstoken",
    "api_key",
    "apikey",
    "client_secret",
    "id_token",
    "password",
    "refresh_token",
    "refreshtoken",
    "sig",
];

/// What must not be written down: known values, and whatever has the name of a secret.
#[derive(Clone, Default)]
pub struct Redaction {
    /// All spellings of the values, the longest first.
    spellings: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Redaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redaction").field("spellings", &self.spellings.len()).finish()
    }
}

impl Redaction {
    /// Takes away these values, wherever they stand: as they are, percent-encoded, in JSON escapes
    /// and in base64.
    pub fn new<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let mut spellings: Vec<Vec<u8>> = Vec::new();
        for secret in secrets {
            let secret = secret.as_ref();
            if secret.is_empty() {
                continue;
            }
            let json = serde_json::Value::from(secret).to_string();
            let forms = [
                secret.to_owned(),
                text::encoded(secret),
                json.trim_matches('"').to_owned(),
                STANDARD.encode(secret),
                URL_SAFE_NO_PAD.encode(secret),
            ];
            spellings.extend(forms.map(String::into_bytes));
        }
        spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        spellings.dedup();
        Self { spellings }
    }

    /// What a request is written down as; query parameters with secrets are left out.
    pub fn asked(&self, request: &Request) -> Asked {
        // A secret in a query was put there by the host, and not where a test runs without one.
        let query = request.query_pairs().into_iter().filter(|(name, value)| {
            !is_field(name) && self.text(name) == *name && self.text(value) == *value
        });
        let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Asked {
            endpoint: request.endpoint.clone(),
            method: request.method.clone(),
            path: self.text(request.path()),
            query: query.collect(),
            headers: self.headers(headers),
            body: self.body(&request.body),
        }
    }

    /// The headers that may be kept.
    pub(super) fn headers<'a>(
        &self,
        headers: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Vec<(String, String)> {
        headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .filter(|(name, _)| !FRAMING.contains(&name.as_str()))
            .filter(|(name, _)| !HEADER_PARTS.iter().any(|part| name.contains(part)))
            .map(|(name, value)| (name, self.text(value)))
            .collect()
    }

    /// A body without secrets.
    pub(super) fn body(&self, body: &[u8]) -> Content {
        match Content::of(&self.replaced(body)) {
            Content::Text(text) => Content::Text(without_fields(&text)),
            base64 @ Content::Base64(_) => base64,
        }
    }

    fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.replaced(text.as_bytes())).into_owned()
    }

    fn replaced(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some((first, tail)) = rest.split_first() {
            let mut spellings = self.spellings.iter();
            if let Some(after) = spellings.find_map(|it| rest.strip_prefix(it.as_slice())) {
                out.extend_from_slice(PLACEHOLDER.as_bytes());
                rest = after;
            } else {
                out.push(*first);
                rest = tail;
            }
        }
        out
    }
}

fn is_field(name: &str) -> bool {
    FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field))
}

/// Empties the strings of a JSON text that stand behind the name of a secret.
///
/// The text is not parsed and written again: a recording keeps the provider's bytes.
fn without_fields(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = next_string(rest) {
        out.push_str(before);
        out.push_str(name);
        rest = after;
        let value = after.trim_start().strip_prefix(':').map(str::trim_start);
        let Some(value) = value.filter(|_| is_field(name.trim_matches('"'))) else { continue };
        if let Some(("", _, behind)) = next_string(value) {
            out.extend([":\"", PLACEHOLDER, "\""]);
            rest = behind;
        }
    }
    out.push_str(rest);
    out
}

/// Splits at the first string literal: what is before, the literal with its quotes, the rest.
fn next_string(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find('"')?;
    let (before, literal) = text.split_at_checked(start)?;
    let mut escaped = false;
    let end = literal.char_indices().skip(1).find_map(|(place, character)| {
        let closes = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        closes.then_some(place + 1)
    })?;
    let (literal, rest) = literal.split_at_checked(end)?;
    Some((before, literal, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cr\"t/+ü";

    #[test]
    fn every_spelling_of_a_secret_is_replaced() {
        let redaction = Redaction::new([SECRET, ""]);
        let forms = [
            SECRET.to_owned(),
            text::encoded(SECRET),
            serde_json::json!(SECRET).to_string().trim_matches('"').to_owned(),
            STANDARD.encode(SECRET),
            URL_SAFE_NO_PAD.encode(SECRET),
        ];
        for form in forms {
            assert_eq!(redaction.text(&format!("a{form}b")), "a[secret]b", "{form}");
        }
        assert_eq!(redaction.text("harmless"), "harmless");
    }

    #[test]
    fn parameters_with_secrets_are_left_out() {
        let request = Request::new("GET", "/a?k=s3cr%22t%2F%2B%C3%BC&apiKey=x&page_token=y");
        let asked = Redaction::new([SECRET]).asked(&request);
        assert_eq!(asked.query, [("page_token".to_owned(), "y".to_owned())]);
    }

    #[test]
    fn headers_that_sound_secret_are_dropped() {
        let names = ["Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "X-Goog-Auth", "Date"];
        let headers = names.iter().map(|name| (*name, "x")).chain([("ETag", "y")]);
        let kept = Redaction::default().headers(headers);
        assert_eq!(kept, [("etag".to_owned(), "y".to_owned())]);
    }

    #[test]
    fn fields_that_sound_secret_are_emptied_and_the_rest_keeps_its_bytes() {
        check(r#"{"access_token" : "a\"b", "n": 1}"#, r#"{"access_token":"[secret]", "n": 1}"#);
        check(r#"{"Password":"x","pageToken":"p"}"#, r#"{"Password":"[secret]","pageToken":"p"}"#);
        check(r#"{"a":"password","b": "c"}"#, r#"{"a":"password","b": "c"}"#);
        check(r#"{"apikey":null, "x":["apikey"]}"#, r#"{"apikey":null, "x":["apikey"]}"#);
        check(r#"{"cut":"off"#, r#"{"cut":"off"#);
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(without_fields(text), expected);
    }
}
