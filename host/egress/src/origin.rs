//! Scheme, host and port: what a guest can never write.

use std::fmt;

use http::uri::Authority;

use crate::guard::{Host, NameError};

/// An origin that was checked once and is compared and dialled as it is.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    scheme: Scheme,
    host: Host,
    port: u16,
    authority: Authority,
}

/// The two schemes there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scheme {
    /// Everything but an operator's override.
    Https,
    /// An operator's override alone.
    Http,
}

impl Scheme {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }

    /// Splits `scheme://` off; schemes are compared without case.
    pub(crate) fn strip(url: &str) -> Option<(Self, &str)> {
        [Self::Https, Self::Http].into_iter().find_map(|scheme| {
            let (head, rest) = url.split_at_checked(scheme.as_str().len())?;
            let rest = rest.strip_prefix("://")?;
            head.eq_ignore_ascii_case(scheme.as_str()).then_some((scheme, rest))
        })
    }
}

/// Why a text is not an origin.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum OriginError {
    /// Neither `https` nor, for an override, `http`.
    #[error("must begin with `https://`")]
    Scheme,
    /// `user@host`.
    #[error("holds user information before the host")]
    UserInfo,
    /// A path, query or fragment.
    #[error("holds more than scheme, host and port")]
    Path,
    /// Not 1 to 65535.
    #[error("has a port that is not a number from 1 to 65535")]
    Port,
    /// The host.
    #[error("names a host that {0}")]
    Host(#[from] NameError),
}

impl Origin {
    /// Reads a manifest's origin: https, and a host of the public internet by its name.
    pub(crate) fn public(text: &str) -> Result<Self, OriginError> {
        let (scheme, authority) = Scheme::strip(text).ok_or(OriginError::Scheme)?;
        if scheme != Scheme::Https {
            return Err(OriginError::Scheme);
        }
        Self::from_authority(scheme, authority, Host::parse)
    }

    /// Reads an operator's override: also http, also a name of the local network.
    pub(crate) fn operator(text: &str) -> Result<Self, OriginError> {
        let (scheme, authority) = Scheme::strip(text).ok_or(OriginError::Scheme)?;
        Self::from_authority(scheme, authority, Host::parse_any)
    }

    /// The https origin of a host on its default port.
    pub(crate) fn of_host(host: &str) -> Result<Self, OriginError> {
        Self::from_authority(Scheme::Https, host, Host::parse)
    }

    fn from_authority(
        scheme: Scheme,
        authority: &str,
        parse: fn(&str) -> Result<Host, NameError>,
    ) -> Result<Self, OriginError> {
        if authority.contains('@') {
            return Err(OriginError::UserInfo);
        }
        if authority.contains(['/', '?', '#', '\\']) {
            return Err(OriginError::Path);
        }
        let (host, port) = split_port(authority)?;
        let host = parse(host)?;
        let port = port.unwrap_or(scheme.default_port());
        let text =
            if port == scheme.default_port() { host.to_string() } else { format!("{host}:{port}") };
        let authority = Authority::try_from(text).map_err(|_bad| NameError::Byte)?;
        Ok(Self { scheme, host, port, authority })
    }

    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.port == other.port && self.host == other.host
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.authority)
    }
}

/// Splits a port off; an empty one (`host:`) is refused.
fn split_port(authority: &str) -> Result<(&str, Option<u16>), OriginError> {
    let after_host = authority.rfind(']').map_or(0, |end| end + 1);
    let tail = authority.get(after_host..).unwrap_or_default();
    let Some(colon) = tail.find(':') else { return Ok((authority, None)) };
    let (host, port) = authority.split_at(after_host + colon);
    let digits = port.get(1..).unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(OriginError::Port);
    }
    match digits.parse::<u16>() {
        Ok(port) if port > 0 => Ok((host, Some(port))),
        _ => Err(OriginError::Port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, OriginError>) {
        let found = Origin::public(text).map(|origin| origin.to_string());
        assert_eq!(found, expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn manifest_origin_is_https_and_public() {
        check("https://api.hubapi.com", Ok("https://api.hubapi.com"));
        check("HTTPS://API.hubapi.com.:443", Ok("https://api.hubapi.com"));
        check("https://api.hubapi.com:8443", Ok("https://api.hubapi.com:8443"));
        check("http://api.hubapi.com", Err(OriginError::Scheme));
        check("ftp://api.hubapi.com", Err(OriginError::Scheme));
        check("https:/api.hubapi.com", Err(OriginError::Scheme));
        check("api.hubapi.com", Err(OriginError::Scheme));
        check("https://u@api.hubapi.com", Err(OriginError::UserInfo));
        check("https://u:p@api.hubapi.com", Err(OriginError::UserInfo));
        check("https://api.hubapi.com/", Err(OriginError::Path));
        check("https://evil.example\\.hubapi.com", Err(OriginError::Path));
        check("https://api.hubapi.com?x", Err(OriginError::Path));
        check("https://localhost", Err(OriginError::Host(NameError::Local)));
        check("https://0x7f.1", Err(OriginError::Host(NameError::Spelling)));
        check("https://", Err(OriginError::Host(NameError::Shape)));
    }

    #[test]
    fn port_is_a_number_that_programs_agree_on() {
        for port in ["", "0", "65536", "+443", "4 43", "443a", "-1", "443:443"] {
            check(&format!("https://a.example:{port}"), Err(OriginError::Port));
        }
        check("https://[2606:4700::1111]:8443", Ok("https://[2606:4700::1111]:8443"));
        check("https://a.example:00443", Ok("https://a.example"));
    }

    #[test]
    fn override_may_be_plain_and_local() {
        let origin = Origin::operator("http://127.0.0.1:8080").unwrap();
        assert_eq!(origin.to_string(), "http://127.0.0.1:8080");
        assert_eq!(
            Origin::operator("http://localhost:80").unwrap().to_string(),
            "http://localhost"
        );
        assert_eq!(Origin::operator("127.0.0.1:8080"), Err(OriginError::Scheme));
        assert_ne!(
            Origin::operator("http://a.example").unwrap(),
            Origin::operator("https://a.example").unwrap()
        );
    }
}
