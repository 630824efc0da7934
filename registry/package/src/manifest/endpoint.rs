//! `[endpoint.NAME]`: where requests may go.

use crate::host::HostPattern;
use crate::pointer::Pointer;
use crate::route::Route;
use crate::template::Template;

mod check;
mod decode;

pub(super) use check::check;

/// A door of the adapter: one origin, or several hosts by pattern, and the routes behind it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    /// Where requests go.
    pub target: Target,
    /// Whether the credential slot `account` is added.
    pub credential: bool,
    /// Constant headers, set by the host.
    pub headers: Vec<(String, String)>,
    /// Routes that change nothing and may be repeated blindly.
    pub read: Vec<Route>,
    /// Routes that only `push(apply)` may use.
    pub write: Vec<Route>,
    /// Endpoints that a redirect may lead to; `None` hands 3xx to the guest.
    pub redirect: Option<Vec<String>>,
    /// Secrets that the host writes into JSON bodies.
    pub inject: Vec<Inject>,
    /// The text that the tenant must accept before the endpoint opens.
    pub consent: Option<String>,
}

/// Where the requests of an endpoint go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// One origin, fixed or over variables of the shapes `host` and `origin`.
    Origin(Template),
    /// Hosts by pattern, reached as `name@host` and only by provenance.
    Hosts(Vec<HostPattern>),
}

/// The webhook secret as a JSON member of one route's body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Inject {
    /// The route, one of the endpoint's.
    pub route: Route,
    /// The member that is set.
    pub json: Pointer,
    /// What it is set to; the hole `{secret}` is the webhook secret.
    pub value: Template,
}
