//! Host names and patterns over them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::document::{Decode, FileError, Item};

/// Longest host name, by DNS.
const NAME_BYTES_MAX: usize = 253;
/// Longest label, by DNS.
const LABEL_BYTES_MAX: usize = 63;

/// A host name, or `*.` and a name whose subdomains are meant.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern {
    below: bool,
    name: String,
}

impl HostPattern {
    /// Reads a pattern in lower case; a star is the whole first label or nothing.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let stripped = text.strip_prefix("*.");
        let name = stripped.unwrap_or(text);
        check_name(name)?;
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(HostError::Case);
        }
        Ok(Self { below: stripped.is_some(), name: name.to_owned() })
    }

    /// Whether a host, written in any case, is meant.
    pub fn matches(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        if check_name(&host).is_err() {
            return false;
        }
        if self.below { is_below(&host, &self.name) } else { host == self.name }
    }

    /// Whether every host of `other` is a host of this pattern.
    pub fn covers(&self, other: &Self) -> bool {
        self == other || self.below && is_below(&other.name, &self.name)
    }
}

fn is_below(host: &str, name: &str) -> bool {
    host.strip_suffix(name).is_some_and(|front| front.len() > 1 && front.ends_with('.'))
}

/// Checks that a text is a DNS name of at least two labels and no address.
pub(crate) fn check_name(name: &str) -> Result<(), HostError> {
    if name.contains('*') {
        return Err(HostError::Star);
    }
    if name.len() > NAME_BYTES_MAX || !name.split('.').all(is_label) {
        return Err(HostError::Name);
    }
    let Some((_, top)) = name.rsplit_once('.') else { return Err(HostError::Short) };
    // A numeric top label makes it an IPv4 address in one of its many spellings.
    if top.bytes().all(|byte| byte.is_ascii_digit()) || top.starts_with("0x") {
        return Err(HostError::Address);
    }
    Ok(())
}

fn is_label(label: &str) -> bool {
    let proper = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && label.bytes().all(proper)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.below { "*." } else { "" })?;
        f.write_str(&self.name)
    }
}

impl TryFrom<String> for HostPattern {
    type Error = HostError;

    fn try_from(text: String) -> Result<Self, HostError> {
        Self::parse(&text)
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

impl Decode for HostPattern {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        item.parsed(Self::parse, "write a host, as in \"files.example.com\" or \"*.example.com\"")
    }
}

/// Why a text is no host or host pattern.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HostError {
    /// Characters or lengths that DNS does not have.
    #[error("not a host name: no scheme, port, path or empty label")]
    Name,
    /// Fewer than two labels.
    #[error("a host needs at least two labels")]
    Short,
    /// A star that is not the first label.
    #[error("a star is the whole first label, with at least two labels behind it")]
    Star,
    /// An address.
    #[error("an address is no host name")]
    Address,
    /// Upper-case letters.
    #[error("a host pattern is written in lower case")]
    Case,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, host: &str, expected: bool) {
        assert_eq!(HostPattern::parse(pattern).unwrap().matches(host), expected, "{host}");
    }

    #[test]
    fn a_star_means_any_subdomain_and_not_the_name_itself() {
        check("*.zoom.us", "us02web.zoom.us", true);
        check("*.zoom.us", "a.b.ZOOM.us", true);
        check("*.zoom.us", "zoom.us", false);
        check("*.zoom.us", ".zoom.us", false);
        check("*.zoom.us", "evilzoom.us", false);
        check("*.zoom.us", "a.zoom.us.evil.com", false);
        check("*.zoom.us", "a.zoom.us.", false);
        check("*.zoom.us", "a@b.zoom.us", false);
        check("zoom.us", "zoom.us", true);
        check("zoom.us", "a.zoom.us", false);
    }

    #[test]
    fn patterns_that_mean_too_much_or_nothing_are_refused() {
        let errors = [
            ("*", HostError::Star),
            ("*.com", HostError::Short),
            ("a.*.com", HostError::Star),
            ("*a.b.com", HostError::Star),
            ("*.*.com", HostError::Star),
            ("localhost", HostError::Short),
            ("10.0.0.1", HostError::Address),
            ("*.0.1", HostError::Address),
            ("0x7f.0x1", HostError::Address),
            ("A.example.com", HostError::Case),
            ("a.example.com:443", HostError::Name),
            ("https://a.example.com", HostError::Name),
            ("a..example.com", HostError::Name),
            ("-a.example.com", HostError::Name),
            ("[::1]", HostError::Name),
            ("", HostError::Name),
        ];
        for (text, error) in errors {
            assert_eq!(HostPattern::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_wider_pattern_covers_a_narrower_one() {
        let pattern = |text| HostPattern::parse(text).unwrap();
        assert!(pattern("*.a.com").covers(&pattern("x.a.com")));
        assert!(pattern("*.a.com").covers(&pattern("*.x.a.com")));
        assert!(!pattern("*.a.com").covers(&pattern("a.com")));
        assert!(!pattern("*.x.a.com").covers(&pattern("*.a.com")));
        assert!(!pattern("x.a.com").covers(&pattern("*.x.a.com")));
    }
}
