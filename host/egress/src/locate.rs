//! From a provider's absolute link to the endpoint that covers it.

use model::Error;
use model::egress::Target;
use package::path::{self, CanonicalPath};

use crate::denial::{Allow, Layer, denied, invalid};
use crate::endpoint::{Endpoint, Place};
use crate::link::Link;
use crate::live::Live;
use crate::origin::Origin;

/// A link with its origin in the two readings: a manifest's and an operator's.
pub(crate) struct Located<'a> {
    pub(crate) link: Link<'a>,
    public: Option<Origin>,
    any: Option<Origin>,
}

impl<'a> Located<'a> {
    /// Takes a link apart; one without any acceptable origin is refused.
    pub(crate) fn parse(url: &'a str) -> Result<Self, Error> {
        let bad =
            |error: &dyn std::fmt::Display| invalid("egress.link", format!("the link {error}"));
        let link = Link::parse(url).map_err(|error| bad(&error))?;
        let public = link.public();
        let any = link.operator().ok();
        match (public, any) {
            (Err(error), None) => Err(bad(&error)),
            (public, any) => Ok(Self { link, public: public.ok(), any }),
        }
    }

    /// The name under which the endpoint would be asked for this link, if it covers the origin.
    ///
    /// A simulator hands out links with its own origin, and recorded answers those of the
    /// provider: with an override both lead to the endpoint.
    pub(crate) fn name_at(&self, endpoint: &Endpoint) -> Option<String> {
        if endpoint.over.is_some() && endpoint.over == self.any {
            return Some(endpoint.name.clone());
        }
        let public = self.public.as_ref()?;
        match &endpoint.target {
            Place::Fixed(origin) => {
                (origin.as_ref().ok()? == public).then(|| endpoint.name.clone())
            }
            Place::Hosts(_) => {
                let host = public.host().to_string();
                (public.port() == 443 && endpoint.has_host(&host))
                    .then(|| format!("{}@{host}", endpoint.name))
            }
        }
    }

    /// The host for messages; the rest of a link may be a secret of the provider.
    pub(crate) fn host(&self) -> String {
        let origin = self.public.as_ref().or(self.any.as_ref());
        origin.map(|origin| origin.authority().to_string()).unwrap_or_default()
    }
}

/// Finds the endpoint of a link: fixed origins first, then host patterns; of several the first
/// that has a route for the path.
pub(crate) fn locate(live: &Live, url: &str) -> Result<Target, Error> {
    let located = Located::parse(url)?;
    let path = path::canonical(&located.link.path)
        .map_err(|error| invalid("egress.path", format!("the link cannot be followed: {error}")))?;
    let fixed = live.endpoints.values().filter(|endpoint| endpoint.is_fixed());
    let hosted = live.endpoints.values().filter(|endpoint| !endpoint.is_fixed());
    let mut candidates =
        fixed.chain(hosted).filter_map(|endpoint| Some((endpoint, located.name_at(endpoint)?)));
    let Some(first) = candidates.next() else { return Err(elsewhere(live, &located)) };
    let unlisted = first.0;
    match std::iter::once(first).chain(candidates).find(|(endpoint, _)| routes(endpoint, &path)) {
        Some((_, name)) => Ok(Target { endpoint: name, path: located.link.path }),
        None => Err(unrouted(unlisted, &path)),
    }
}

fn routes(endpoint: &Endpoint, path: &CanonicalPath) -> bool {
    endpoint.rules.iter().any(|rule| rule.route.matches(rule.route.method(), path))
}

fn unrouted(endpoint: &Endpoint, path: &CanonicalPath) -> Error {
    let name = &endpoint.name;
    let message = format!("the link leads to endpoint `{name}`, which has no route for its path");
    let path = crate::permission::pattern(path);
    let allow = Allow::Route { endpoint: name, list: "read", method: "GET", path: &path };
    denied(Layer::Manifest, message, &allow)
}

fn elsewhere(live: &Live, located: &Located<'_>) -> Error {
    let host = located.host();
    let message = format!("no endpoint covers the host `{host}` of the link");
    let hosted = live.endpoints.values().find(|endpoint| !endpoint.is_fixed());
    let origin = format!("https://{host}");
    let allow = match hosted {
        Some(endpoint) => Allow::Host { endpoint: &endpoint.name, host: &host },
        None => Allow::Origin { endpoint: "links", origin: &origin },
    };
    denied(Layer::Manifest, message, &allow)
}
