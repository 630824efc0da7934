//! The errors of this crate that more than one step gives, each with its stable code.

use std::fmt;

use model::{Error, ErrorKind};

/// Which rule said no.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Layer {
    /// The signed manifest does not ask for it.
    Manifest,
    /// The operator did not grant what the manifest asks for.
    Grant,
    /// A write route, while only read routes are open.
    Access,
    /// The tenant has not accepted the endpoint's text.
    Consent,
    /// A host that no answer of this call has named.
    Provenance,
    /// An address that no request may reach.
    Address,
}

impl Layer {
    fn as_str(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Grant => "grant",
            Self::Access => "access",
            Self::Consent => "consent",
            Self::Provenance => "provenance",
            Self::Address => "address",
        }
    }
}

/// The policy's no: which layer, and the line that would allow it.
///
/// The line is TOML for the adapter's manifest, except for `consents` and `overrides`, which are
/// members of the connection.
pub(crate) fn denied(layer: Layer, message: impl fmt::Display, allow: &Allow<'_>) -> Error {
    Error::new(ErrorKind::Denied, "egress.denied", format!("{message}; it would take {allow}"))
        .detail("layer", layer.as_str())
        .detail("allow", allow.to_string())
}

/// A line that would allow what was refused.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Allow<'a> {
    /// A route among the endpoint's `read` or `write` routes.
    Route { endpoint: &'a str, list: &'static str, method: &'a str, path: &'a str },
    /// An endpoint with this origin.
    Origin { endpoint: &'a str, origin: &'a str },
    /// A host pattern.
    Host { endpoint: &'a str, host: &'a str },
    /// A target of redirects.
    Redirect { endpoint: &'a str, target: &'a str },
    /// The tenant's consent, on the connection.
    Consent { endpoint: &'a str },
    /// The operator's override, on the connection.
    Override { endpoint: &'a str, origin: &'a str },
}

impl fmt::Display for Allow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Route { endpoint, list, method, path } => {
                let route = quoted(&format!("{method} {path}"));
                write!(f, "endpoint.{endpoint}.{list} = [{route}]")
            }
            Self::Origin { endpoint, origin } => {
                write!(f, "endpoint.{endpoint}.origin = {}", quoted(origin))
            }
            Self::Host { endpoint, host } => {
                write!(f, "endpoint.{endpoint}.hosts = [{}]", quoted(host))
            }
            Self::Redirect { endpoint, target } => {
                write!(f, "endpoint.{endpoint}.redirect = [{}]", quoted(target))
            }
            Self::Consent { endpoint } => write!(f, "consents = [{}]", quoted(endpoint)),
            Self::Override { endpoint, origin } => {
                write!(f, "overrides.{endpoint} = {}", quoted(origin))
            }
        }
    }
}

/// A TOML basic string; JSON's escapes are a subset of TOML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Refuses content that no route and no grant could make acceptable.
pub(crate) fn invalid(code: &'static str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denial_names_its_layer_and_the_line_that_would_allow_it() {
        let allow =
            Allow::Route { endpoint: "api", list: "read", method: "GET", path: "/a'\"b/$batch" };
        let error = denied(Layer::Manifest, "no route of `api` fits", &allow);
        assert_eq!(error.kind, ErrorKind::Denied);
        assert!(!error.request_sent);
        assert_eq!(
            error.details,
            [
                ("layer".to_owned(), "manifest".to_owned()),
                ("allow".to_owned(), "endpoint.api.read = [\"GET /a'\\\"b/$batch\"]".to_owned()),
            ]
        );
    }
}
