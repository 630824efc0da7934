//! Finds a connection's secrets in bytes, in the forms in which they leak: as they are, in
//! base64 at any alignment, JSON-escaped and percent-encoded.

use std::borrow::Cow;
use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use model::Secret;

use crate::wire;

/// The shortest secret that is looked for, in bytes.
///
/// A shorter one stands in ordinary text by chance, so a connection with it is refused.
pub const SECRET_BYTES_MIN: usize = 8;

/// What a secret is replaced with.
const MASK: &str = "[secret]";

/// The secrets of one connection, compiled once into one search.
///
/// The automaton holds fragments of the plaintext and is not wiped; it lives as long as the
/// connection's door and in the process that holds the secrets anyway.
pub(crate) struct Needles(Option<AhoCorasick>);

impl Needles {
    /// Compiles the forms of the secrets.
    pub(crate) fn new<'a>(secrets: impl Iterator<Item = &'a Secret>) -> Self {
        let mut forms: Vec<Vec<u8>> = Vec::new();
        for secret in secrets.filter(|secret| secret.expose().len() >= SECRET_BYTES_MIN) {
            add_forms(&mut forms, secret.expose());
        }
        forms.sort();
        forms.dedup();
        let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&forms);
        // Building fails beyond 2^31 states only, which secrets of a few kilobytes never reach.
        Self(if forms.is_empty() { None } else { built.ok() })
    }

    /// True when a secret stands in the bytes, as they are or percent-decoded.
    pub(crate) fn stand_in(&self, bytes: &[u8]) -> bool {
        let Some(search) = &self.0 else { return false };
        search.is_match(bytes) || decoded(bytes).is_some_and(|plain| search.is_match(&plain))
    }

    /// Replaces every form of every secret.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let Some(search) = &self.0 else { return text.to_owned() };
        let masked = replace(search, text);
        match decoded(masked.as_bytes()) {
            // An encoded secret cannot be cut out of the raw text span by span; the text is for
            // people, so the decoded form serves as well.
            Some(plain) if search.is_match(&plain) => {
                replace(search, &String::from_utf8_lossy(&plain)).into_owned()
            }
            _ => masked.into_owned(),
        }
    }
}

impl fmt::Debug for Needles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Needles").finish_non_exhaustive()
    }
}

fn replace<'a>(search: &AhoCorasick, text: &'a str) -> Cow<'a, str> {
    if !search.is_match(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    search.replace_all_with(text, &mut out, |_, _, out| {
        out.push_str(MASK);
        true
    });
    Cow::Owned(out)
}

fn add_forms(forms: &mut Vec<Vec<u8>>, secret: &str) {
    forms.push(secret.as_bytes().to_vec());
    forms.push(wire::encoded(secret).into_bytes());
    if let Ok(escaped) = serde_json::to_string(secret) {
        forms.push(escaped.trim_matches('"').as_bytes().to_vec());
    }
    for offset in 0..3 {
        forms.push(base64_form(&STANDARD, secret, offset));
        forms.push(base64_form(&URL_SAFE, secret, offset));
    }
}

/// The characters that a secret always contributes to base64 when it begins at that offset within
/// a group of three bytes, whatever stands before and after it.
fn base64_form(alphabet: &impl Engine, secret: &str, offset: usize) -> Vec<u8> {
    let mut bytes = vec![0; offset];
    bytes.extend_from_slice(secret.as_bytes());
    let whole = bytes.len() / 3 * 3;
    bytes.truncate(whole);
    let text = alphabet.encode(&bytes).into_bytes();
    // The first group mixes the neighbour's bits in unless the secret begins it.
    let skip = if offset == 0 { 0 } else { 4 };
    text.get(skip..).unwrap_or_default().to_vec()
}

/// The bytes with `%XX` decoded, or nothing where no escape stands in them.
fn decoded(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut next = memchr::memchr(b'%', bytes)?;
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        let (plain, tail) = rest.split_at(next);
        out.extend_from_slice(plain);
        rest = match tail {
            [_, high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push(nibble(*high) * 16 + nibble(*low));
                after
            }
            [percent, after @ ..] => {
                out.push(*percent);
                after
            }
            [] => return Some(out),
        };
        next = memchr::memchr(b'%', rest).unwrap_or(rest.len());
    }
}

fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "pat-na1-c4n4ry/\"+secret";

    fn needles() -> Needles {
        Needles::new([Secret::new(CANARY.to_owned())].iter())
    }

    #[track_caller]
    fn check(text: &str, found: bool) {
        assert_eq!(needles().stand_in(text.as_bytes()), found, "{text}");
        assert_eq!(needles().scrub(text).contains(MASK), found, "{text}");
        assert!(!needles().stand_in(needles().scrub(text).as_bytes()), "{text}");
    }

    #[test]
    fn secret_is_found_as_it_is_and_percent_encoded() {
        check(&format!("a{CANARY}b"), true);
        check(&format!("?q={}", wire::encoded(CANARY)), true);
        let escape = |byte: u8| ["%".to_owned(), format!("{byte:02x}")];
        let every: String = CANARY.bytes().flat_map(escape).collect();
        check(&format!("/x/{every}"), true);
        check(r#"{"token":"pat-na1-c4n4ry/\"+secret"}"#, true);
    }

    #[test]
    fn secret_is_found_in_base64_at_every_alignment() {
        for before in ["", "a", "ab", "abc", "user:"] {
            for after in ["", "x", "xy", "xyz"] {
                let text = format!("{before}{CANARY}{after}");
                check(&format!("Basic {}", STANDARD.encode(&text)), true);
                check(&URL_SAFE.encode(&text), true);
            }
        }
    }

    #[test]
    fn ordinary_text_stays() {
        check("pat-na1-c4n4ry", false);
        check("100% of %zz and %", false);
        check("", false);
        assert_eq!(needles().scrub("50%25 off"), "50%25 off");
    }

    #[test]
    fn connection_without_secrets_finds_nothing() {
        let none = Needles::new(std::iter::empty());
        assert!(!none.stand_in(b"anything"));
        assert_eq!(none.scrub("anything"), "anything");
    }

    #[test]
    fn secret_is_not_printed() {
        assert!(!format!("{:?}", needles()).contains("canary"));
    }
}
