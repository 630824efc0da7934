//! Redirects: followed only where the manifest lists the target, and each as a new request.
//!
//! A target by pattern needs more: the redirect of an endpoint with a fixed origin is the
//! provider's own word for its host, while a host by pattern may redirect only to hosts that are
//! proven (itself among them).

use model::egress::{Request, Response};
use model::{Error, ErrorKind};
use package::path;

use crate::denial::{Allow, Layer, denied};
use crate::endpoint::Endpoint;
use crate::live::Live;
use crate::locate::Located;
use crate::origin::Origin;
use crate::permission::Way;

/// The most redirects of one request; the longest chain of the providers' downloads has two.
pub(crate) const REDIRECTS_MAX: usize = 3;

/// A request of the guest, or the one that an answer has led to.
pub(crate) struct Hop {
    pub(crate) request: Request,
    pub(crate) way: Way,
    /// The token was replaced on the way here, which happens once.
    pub(crate) renewed: bool,
}

impl Hop {
    /// The guest's own request.
    pub(crate) fn first(request: Request) -> Self {
        Self { request, way: Way::Guest, renewed: false }
    }

    /// True when the provider has received nothing yet.
    pub(crate) fn is_first(&self) -> bool {
        self.way == Way::Guest && !self.renewed
    }
}

/// Decides what follows an answer: nothing, and it is the guest's, or one more request.
///
/// The answer is the guest's unless it redirects a GET and its endpoint has a `redirect` rule.
pub(crate) fn next(
    live: &Live,
    hop: &Hop,
    endpoint: &Endpoint,
    origin: &Origin,
    answer: &Response,
) -> Result<Option<Hop>, Error> {
    let Some(listed) = &endpoint.redirect else { return Ok(None) };
    let location = answer.headers.iter().find(|(name, _)| name == "location");
    let (301 | 302 | 303 | 307 | 308, "GET", Some((_, location))) =
        (answer.status, hop.request.method.as_str(), location)
    else {
        return Ok(None);
    };
    let url = absolute(location, origin).ok_or_else(unfollowable)?;
    let located = Located::parse(&url).map_err(|_bad| unfollowable())?;
    let target = listed
        .iter()
        .filter_map(|name| live.endpoints.get(name))
        .find_map(|target| Some((target, routed(target, &located)?)));
    let Some((target, name)) = target else { return Err(unlisted(live, endpoint, &located)) };
    let headers = hop.request.headers.iter().filter(|(name, _)| !owns(target, name));
    Ok(Some(Hop {
        request: Request {
            endpoint: name,
            method: "GET".to_owned(),
            path: located.link.path.clone(),
            query: Vec::new(),
            headers: headers.cloned().collect(),
            body: None,
        },
        way: Way::Redirect { vouched: endpoint.is_fixed() },
        renewed: hop.renewed,
    }))
}

/// The error after the last redirect.
pub(crate) fn too_many() -> Error {
    let message = format!("more than {REDIRECTS_MAX} redirects");
    Error::new(ErrorKind::Malformed, "egress.redirects", message).sent()
}

/// A link as it stands, or with the origin of the answer before an absolute path.
fn absolute(location: &str, origin: &Origin) -> Option<String> {
    if location.starts_with("//") {
        Some(format!("{}:{location}", origin.scheme().as_str()))
    } else if location.starts_with('/') {
        Some(format!("{origin}{location}"))
    } else {
        location.contains("://").then(|| location.to_owned())
    }
}

/// The target's name if it covers the link: any path where it has no routes.
fn routed(target: &Endpoint, located: &Located<'_>) -> Option<String> {
    let name = located.name_at(target)?;
    let path = path::canonical(&located.link.path).ok()?;
    let fits =
        target.rules.is_empty() || target.rules.iter().any(|rule| rule.route.matches("GET", &path));
    fits.then_some(name)
}

/// Headers that the guest set for the first endpoint may be the host's at the second.
fn owns(target: &Endpoint, name: &str) -> bool {
    target.owned.iter().any(|owned| owned.as_str().eq_ignore_ascii_case(name))
}

fn unfollowable() -> Error {
    let message = "the answer redirects to something that is not an http link";
    Error::new(ErrorKind::Malformed, "egress.redirects", message).sent()
}

fn unlisted(live: &Live, endpoint: &Endpoint, located: &Located<'_>) -> Error {
    let host = located.host();
    let name = &endpoint.name;
    let message = format!("endpoint `{name}` may not redirect to `{host}`");
    let known = live.endpoints.values().find(|target| routed(target, located).is_some());
    let listed = endpoint.redirect.as_ref().and_then(|listed| listed.first());
    let allow = match (known, listed) {
        (Some(target), _) => Allow::Redirect { endpoint: name, target: &target.name },
        (None, Some(listed)) => Allow::Host { endpoint: listed, host: &host },
        (None, None) => Allow::Host { endpoint: name, host: &host },
    };
    denied(Layer::Manifest, message, &allow).sent()
}
