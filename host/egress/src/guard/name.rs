//! Which host names may be looked up at all.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest name of the DNS, in bytes (RFC 1035).
const NAME_BYTES_MAX: usize = 253;
/// The longest label of the DNS, in bytes (RFC 1035).
const LABEL_BYTES_MAX: usize = 63;
/// Zones that resolvers answer from the machine or its network.
const LOCAL_ZONES: &[&str] = &["localhost", "internal", "local", "home.arpa"];

/// A host in its one spelling: lower-case, without the root's dot, literals canonical.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Host {
    /// A name of the public DNS.
    Name(String),
    /// An address, which no resolver will be asked about.
    Literal(IpAddr),
}

/// Why a text is not such a host.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum NameError {
    /// No label, an empty one or one that is too long.
    #[error("is not a host name")]
    Shape,
    /// A byte that host names do not have.
    #[error("holds a character that host names do not have; write it in its ASCII (xn--) form")]
    Byte,
    /// A name without a dot.
    #[error("has a single label, which the local network resolves")]
    SingleLabel,
    /// A zone of the local network.
    #[error("lies in a zone of the local network")]
    Local,
    /// Octal, hexadecimal, short or over-long spellings of an address.
    #[error("is an address in a form that programs read differently; write the four decimal parts")]
    Spelling,
    /// `fe80::1%eth0`.
    #[error("has a zone identifier, which names an interface of this host")]
    Zone,
}

impl Host {
    /// Reads what stands between `//` and the port; IPv6 stands in brackets.
    pub(crate) fn parse(text: &str) -> Result<Self, NameError> {
        if let Some(inner) = text.strip_prefix('[') {
            return literal_v6(inner.strip_suffix(']').ok_or(NameError::Shape)?);
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let host = Self::shape(name)?;
        if let Self::Name(name) = &host {
            public(name)?;
        }
        Ok(host)
    }

    /// The same for an operator's override, which may name the local network.
    pub(crate) fn parse_any(text: &str) -> Result<Self, NameError> {
        match Self::parse(text) {
            Err(NameError::SingleLabel | NameError::Local) => {
                Self::shape(text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase())
            }
            other => other,
        }
    }

    fn shape(name: String) -> Result<Self, NameError> {
        if name.contains('%') {
            return Err(NameError::Zone);
        }
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(NameError::Shape);
        }
        for label in name.split('.') {
            check_label(label)?;
        }
        // The rule of WHATWG: what ends in a number is an address.
        let last = name.rsplit('.').next().unwrap_or_default();
        if is_number(last) {
            return match name.parse::<Ipv4Addr>() {
                Ok(address) => Ok(Self::Literal(address.into())),
                Err(_bad) => Err(NameError::Spelling),
            };
        }
        Ok(Self::Name(name))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Literal(IpAddr::V4(address)) => address.fmt(f),
            Self::Literal(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

fn literal_v6(inner: &str) -> Result<Host, NameError> {
    if inner.contains('%') {
        return Err(NameError::Zone);
    }
    inner
        .parse::<Ipv6Addr>()
        .map(|address| Host::Literal(address.into()))
        .map_err(|_bad| NameError::Spelling)
}

fn check_label(label: &str) -> Result<(), NameError> {
    if label.is_empty() || label.len() > LABEL_BYTES_MAX {
        return Err(NameError::Shape);
    }
    // `_` is no host name by RFC 952, but storage hosts of providers have it.
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if label.bytes().all(known) { Ok(()) } else { Err(NameError::Byte) }
}

fn public(name: &str) -> Result<(), NameError> {
    let local = LOCAL_ZONES.iter().any(|zone| {
        name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    });
    if local {
        return Err(NameError::Local);
    }
    if name.contains('.') { Ok(()) } else { Err(NameError::SingleLabel) }
}

fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x");
    hex.map_or_else(
        || label.bytes().all(|byte| byte.is_ascii_digit()),
        |digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, NameError>) {
        let found = Host::parse(text).map(|host| host.to_string());
        assert_eq!(found, expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn names_have_one_spelling() {
        check("API.HubAPI.com", Ok("api.hubapi.com"));
        check("api.hubapi.com.", Ok("api.hubapi.com"));
        check("a_b.s3.us-west-2.amazonaws.com", Ok("a_b.s3.us-west-2.amazonaws.com"));
        check("xn--bcher-kva.example", Ok("xn--bcher-kva.example"));
    }

    #[test]
    fn local_network_has_no_public_name() {
        check("localhost", Err(NameError::Local));
        check("LOCALHOST.", Err(NameError::Local));
        check("foo.localhost", Err(NameError::Local));
        check("metadata.google.internal", Err(NameError::Local));
        check("printer.local", Err(NameError::Local));
        check("router.home.arpa", Err(NameError::Local));
        check("intranet", Err(NameError::SingleLabel));
        check("notlocal.example", Ok("notlocal.example"));
        check("mylocalhost.example", Ok("mylocalhost.example"));
    }

    #[test]
    fn address_has_one_spelling() {
        check("8.8.8.8", Ok("8.8.8.8"));
        check("[2606:4700::1111]", Ok("[2606:4700::1111]"));
        check("[2606:4700:0::1111]", Ok("[2606:4700::1111]"));
        let refused = "2130706433 0x7f000001 0x7f.0.0.1 0177.0.0.1 017700000001 127.1 127.0.1 \
            127.0.0.01 127.0.0.1.1 256.1.1.1 1.2.3 0 0x 1.2.3.0x4 127.0.0.0x1 foo.0x7f \
            00000127.0.0.1 4294967295 169.254.43518 0xa9fea9fe 0251.0376.0251.0376 example.1";
        for text in refused.split_whitespace() {
            check(text, Err(NameError::Spelling));
        }
    }

    #[test]
    fn v6_needs_brackets_and_no_zone() {
        check("[fe80::1%eth0]", Err(NameError::Zone));
        check("[fe80::1%25eth0]", Err(NameError::Zone));
        check("fe80::1%eth0", Err(NameError::Zone));
        check("[::1", Err(NameError::Shape));
        check("[127.0.0.1]", Err(NameError::Spelling));
        check("::1", Err(NameError::Byte));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", ".", "..", "a..b", ".a.b", "a.b.."] {
            check(text, Err(NameError::Shape));
        }
        check(&format!("{}.example", "a".repeat(64)), Err(NameError::Shape));
        check(&"ab.".repeat(90), Err(NameError::Shape));
        for text in ["a b.example", "a/b.example", "a@b.example", "bücher.example", "a\0.example"]
        {
            check(text, Err(NameError::Byte));
        }
        for text in ["①②⑦.0.0.1", "127。0。0。1", "a\\b.example", "a:b.example", "a\r\n.example"]
        {
            check(text, Err(NameError::Byte));
        }
    }

    #[test]
    fn override_may_name_the_local_network() {
        assert_eq!(Host::parse_any("localhost"), Ok(Host::Name("localhost".to_owned())));
        assert_eq!(Host::parse_any("intranet"), Ok(Host::Name("intranet".to_owned())));
        assert_eq!(Host::parse_any("127.1"), Err(NameError::Spelling));
    }
}
