//! Finds a connection's secrets in bytes, in the forms in which they leak: as they are, in
//! base64 at any alignment, JSON-escaped and percent-encoded.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use memchr::memmem::Finder;
use model::Secret;

use crate::wire;

/// The shortest secret that is looked for, in bytes.
///
/// A shorter one stands in ordinary text by chance, so a connection with it is refused.
pub const SECRET_BYTES_MIN: usize = 8;

/// What a secret is replaced with.
const MASK: &str = "[secret]";

/// The secrets of one connection, each form with its search made ready.
///
/// One search per form rather than one for all: a handful of them takes 5 µs for a page of 64 KiB,
/// whatever the secret begins with, while an automaton takes twenty times that for tokens that
/// begin with `eyJ`. The forms are not wiped; they live as long as the connection's door and in
/// the process that holds the secrets anyway.
pub(crate) struct Needles(Vec<Finder<'static>>);

impl Needles {
    /// Makes the forms of the secrets ready.
    pub(crate) fn new<'a>(secrets: impl Iterator<Item = &'a Secret>) -> Self {
        let mut forms: Vec<String> = Vec::new();
        for secret in secrets.filter(|secret| secret.expose().len() >= SECRET_BYTES_MIN) {
            add_forms(&mut forms, secret.expose());
        }
        // The longest first, so that no piece of a form is left when another was replaced.
        forms.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        forms.dedup();
        Self(forms.iter().map(|form| Finder::new(form).into_owned()).collect())
    }

    /// True when a secret stands in the bytes, as they are or percent-decoded.
    pub(crate) fn stand_in(&self, bytes: &[u8]) -> bool {
        !self.0.is_empty()
            && (self.found(bytes) || decoded(bytes).is_some_and(|plain| self.found(&plain)))
    }

    /// Replaces every form of every secret.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let masked = self.masked(text);
        match decoded(masked.as_bytes()) {
            // An encoded secret cannot be cut out of the raw text span by span; the text is for
            // people, so the decoded form serves as well.
            Some(plain) if self.found(&plain) => self.masked(&String::from_utf8_lossy(&plain)),
            _ => masked,
        }
    }

    fn found(&self, bytes: &[u8]) -> bool {
        self.0.iter().any(|form| form.find(bytes).is_some())
    }

    fn masked(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for form in &self.0 {
            if form.find(text.as_bytes()).is_some()
                && let Ok(form) = str::from_utf8(form.needle())
            {
                text = text.replace(form, MASK);
            }
        }
        text
    }
}

impl fmt::Debug for Needles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Needles").finish_non_exhaustive()
    }
}

fn add_forms(forms: &mut Vec<String>, secret: &str) {
    forms.push(secret.to_owned());
    forms.push(wire::encoded(secret));
    if let Ok(escaped) = serde_json::to_string(secret) {
        let escaped = escaped.get(1..escaped.len() - 1).unwrap_or_default();
        // Some servers escape the slash as well.
        forms.extend([escaped.to_owned(), escaped.replace('/', "\\/")]);
    }
    for offset in 0..3 {
        forms.extend(base64_form(&STANDARD, secret, offset));
        forms.extend(base64_form(&URL_SAFE, secret, offset));
    }
}

/// The characters that a secret always contributes to base64 when it begins at that offset within
/// a group of three bytes, whatever stands before and after it.
fn base64_form(alphabet: &impl Engine, secret: &str, offset: usize) -> Option<String> {
    let mut bytes = vec![0; offset];
    bytes.extend_from_slice(secret.as_bytes());
    bytes.truncate(bytes.len() / 3 * 3);
    let text = alphabet.encode(&bytes);
    // The first group mixes the neighbour's bits in unless the secret begins it.
    text.get(if offset == 0 { 0 } else { 4 }..).map(str::to_owned)
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
        check(r#"{"token":"pat-na1-c4n4ry\/\"+secret"}"#, true);
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
