//! May this call do this: the manifest and the grant must both say yes.

use model::egress::Access;
use model::{Error, ErrorKind};
use package::path::CanonicalPath;

use crate::denial::{Allow, Layer, denied};
use crate::endpoint::{Endpoint, Rule};

/// How the request came to its endpoint.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    /// The guest named it.
    Guest,
    /// An answer of an endpoint with `redirect` led here; an endpoint without routes is reached by
    /// this way only.
    ///
    /// A fixed origin vouches for the host that it redirects to. A host by pattern does not: it was
    /// proven itself, but what it says proves no other, or one rented host would open all of them.
    Redirect { vouched: bool },
}

/// Finds the route that allows the request, or says which layer refuses it.
///
/// `None` is an endpoint without routes that was reached by redirect.
pub(crate) fn decide<'a>(
    endpoint: &'a Endpoint,
    access: Access,
    way: Way,
    method: &str,
    path: &CanonicalPath,
) -> Result<Option<&'a Rule>, Error> {
    if endpoint.shut {
        return Err(shut(endpoint));
    }
    if way != Way::Guest && endpoint.rules.is_empty() {
        return if endpoint.granted { Ok(None) } else { Err(ungranted(endpoint, method, path)) };
    }
    let matching = || endpoint.rules.iter().filter(|rule| rule.route.matches(method, path));
    if let Some(rule) = matching().find(|rule| rule.inject) {
        return Err(uninjected(endpoint, rule));
    }
    let mut refusal = Layer::Manifest;
    for rule in matching() {
        if rule.write && access == Access::Read {
            refusal = if refusal == Layer::Manifest { Layer::Access } else { refusal };
        } else if rule.granted && endpoint.granted {
            return Ok(Some(rule));
        } else {
            refusal = Layer::Grant;
        }
    }
    Err(match refusal {
        Layer::Grant => ungranted(endpoint, method, path),
        layer => unlisted(endpoint, layer, method, path),
    })
}

fn shut(endpoint: &Endpoint) -> Error {
    let name = &endpoint.name;
    let message = format!("the tenant has not accepted the terms of endpoint `{name}`");
    denied(Layer::Consent, message, &Allow::Consent { endpoint: name })
}

fn ungranted(endpoint: &Endpoint, method: &str, path: &CanonicalPath) -> Error {
    let name = &endpoint.name;
    let message = format!("the operator has not granted {method} there at endpoint `{name}`");
    let path = pattern(path);
    let allow = Allow::Route { endpoint: name, list: list(method), method, path: &path };
    denied(Layer::Grant, message, &allow)
}

fn unlisted(endpoint: &Endpoint, layer: Layer, method: &str, path: &CanonicalPath) -> Error {
    let name = &endpoint.name;
    let (list, message) = if layer == Layer::Access {
        ("read", format!("endpoint `{name}` has this route for writing, and the call only reads"))
    } else {
        (list(method), format!("no route of endpoint `{name}` covers this {method}"))
    };
    let path = pattern(path);
    denied(layer, message, &Allow::Route { endpoint: name, list, method, path: &path })
}

/// Without its secret the request would mean something else, also by a wider route.
fn uninjected(endpoint: &Endpoint, rule: &Rule) -> Error {
    let (name, route) = (&endpoint.name, &rule.text);
    let message = format!(
        "`{route}` of endpoint `{name}` needs a secret in its body (`inject`), and this host cannot \
         put it there; use the adapter without webhooks"
    );
    Error::new(ErrorKind::Unsupported, "egress.inject", message)
}

fn list(method: &str) -> &'static str {
    if matches!(method, "GET" | "HEAD") { "read" } else { "write" }
}

/// The path as a route can name it: segments that routes cannot hold become `*`.
pub(crate) fn pattern(path: &CanonicalPath) -> String {
    let literal = |segment: &str| {
        !matches!(segment, "." | "..")
            && !segment.chars().any(|c| c.is_control() || c == ' ' || "%?#\\*".contains(c))
    };
    path.segments()
        .flat_map(|segment| ["/", if literal(segment) { segment } else { "*" }])
        .collect()
}
