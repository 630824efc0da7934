//! Finds a connection's secrets in bytes, in the forms in which providers and proxies repeat them:
//! as they are, in base64 at any alignment, in hex, and escaped by JSON or percent-encoded.
//!
//! A provider that wants to hand a secret over finds other forms (reversed, cut, encrypted); this
//! is a net against accidents, not against a provider, which holds the secret anyway.

use std::fmt;

use aho_corasick::packed;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use memchr::memmem::Finder;
use model::Secret;

use crate::escape::{Escape, decoded, decoded_near};
use crate::wire;

/// The shortest secret that is looked for, in bytes.
///
/// A shorter one stands in ordinary text by chance, so a connection with it is refused.
pub const SECRET_BYTES_MIN: usize = 8;

/// ASCII, and one for all the rest.
const LETTERS: usize = 129;

/// What a secret is replaced with.
pub(crate) const MASK: &str = "[secret]";

/// The secrets of one connection, each form with its search made ready.
///
/// One vectorised search for all forms where the processor has it: an automaton takes twenty times
/// as long for tokens that begin with `eyJ`. The forms are not wiped; they live as long as the
/// connection's door and in the process that holds the secrets anyway.
pub(crate) struct Needles {
    forms: Vec<Finder<'static>>,
    /// All forms at once; absent where the processor or the number of forms rules it out.
    together: Option<packed::Searcher>,
    /// Of the longest form: nothing further than that from an escape is searched twice.
    reach: usize,
    /// What the forms are made of: an escape of anything else hides no secret.
    letters: [bool; LETTERS],
}

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
        let reach = forms.first().map_or(0, String::len);
        let mut letters = [false; LETTERS];
        for means in forms.iter().flat_map(|form| form.chars()) {
            if let Some(known) = letters.get_mut(letter(means)) {
                *known = true;
            }
        }
        let together = packed::Searcher::new(&forms);
        let forms = forms.iter().map(|form| Finder::new(form).into_owned()).collect();
        Self { forms, together, reach, letters }
    }

    /// True when a secret stands in the bytes, as they are or with their escapes decoded.
    pub(crate) fn stand_in(&self, bytes: &[u8]) -> bool {
        let matters = |means| self.letters.get(letter(means)).is_some_and(|known| *known);
        let behind = |escape| {
            decoded_near(bytes, escape, self.reach, matters).is_some_and(|plain| self.found(&plain))
        };
        !self.forms.is_empty()
            && (self.found(bytes) || behind(Escape::Percent) || behind(Escape::Unicode))
    }

    /// Replaces every form of every secret.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let mut masked = self.masked(text);
        for escape in [Escape::Percent, Escape::Unicode] {
            // An encoded secret cannot be cut out of the raw text span by span; the text is for
            // people, so the decoded form serves as well.
            if let Some(plain) = decoded(masked.as_bytes(), escape)
                && self.found(&plain)
            {
                masked = self.masked(&String::from_utf8_lossy(&plain));
            }
        }
        masked
    }

    fn found(&self, bytes: &[u8]) -> bool {
        match &self.together {
            Some(together) => together.find(bytes).is_some(),
            None => self.forms.iter().any(|form| form.find(bytes).is_some()),
        }
    }

    fn masked(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for form in &self.forms {
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

fn letter(means: char) -> usize {
    usize::try_from(u32::from(means)).map_or(LETTERS - 1, |code| code.min(LETTERS - 1))
}

/// Adds the forms of a secret, none of which is shorter than [`SECRET_BYTES_MIN`].
pub(crate) fn add_forms(forms: &mut Vec<String>, secret: &str) {
    forms.push(secret.to_owned());
    forms.push(wire::encoded(secret));
    if let Ok(escaped) = serde_json::to_string(secret) {
        let escaped = escaped.get(1..escaped.len() - 1).unwrap_or_default();
        // Some servers escape the slash as well; of what they write as `\u0022` it is alone.
        forms.extend([escaped.to_owned(), escaped.replace('/', "\\/"), secret.replace('/', "\\/")]);
    }
    let hex = |digit: fn(u8) -> String| secret.bytes().map(digit).collect();
    forms.push(hex(|byte| format!("{byte:02x}")));
    forms.push(hex(|byte| format!("{byte:02X}")));
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
        // As System.Text.Json writes it, and PHP with every flag set.
        check(r#"{"token":"pat-na1-c4n4ry/\u0022\u002Bsecret"}"#, true);
        check(r#"{"token":"pat-na1-c4n4ry\/\u0022+secret"}"#, true);
    }

    #[test]
    fn secret_is_found_in_hex() {
        let hex = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        check(&format!("sha:{hex}:"), true);
        check(&hex.to_ascii_uppercase(), true);
    }

    #[test]
    fn secret_is_found_far_from_the_next_escape_and_among_many() {
        let far = " ".repeat(1000);
        let hidden = CANARY.replace('+', "%2B");
        check(&format!("%41{far}{hidden}{far}%42"), true);
        check(&format!("\\u0041{far}{}{far}\\u0042", CANARY.replace('+', "\\u002b")), true);
        check(&format!("%41{far}pat-na1-{far}c4n4ry{far}%42"), false);
    }

    #[test]
    fn secret_beyond_ascii_is_found_behind_its_escapes() {
        let needles = Needles::new([Secret::new("passwörter".to_owned())].iter());
        for text in ["passwörter", "passw%C3%B6rter", r"passw\u00f6rter", r"p\u0061ssw\u00F6rter"]
        {
            assert!(needles.stand_in(text.as_bytes()), "{text}");
        }
        assert!(!needles.stand_in("passw\\u00fcrter".as_bytes()));
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
