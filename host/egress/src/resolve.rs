//! From the endpoint that a guest names to the origin that it cannot name.

use std::borrow::Cow;

use model::Error;

use crate::denial::{Allow, Layer, denied, invalid};
use crate::endpoint::{Endpoint, Place};
use crate::guard::{Host, Ranges};
use crate::live::Live;
use crate::origin::Origin;
use crate::permission::Way;
use crate::provenance::Provenance;

/// Finds the endpoint and its origin for this request.
pub(crate) fn resolve<'a>(
    live: &'a Live,
    ranges: &Ranges,
    (named, way): (&str, Way),
    provenance: &Provenance,
) -> Result<(&'a Endpoint, Cow<'a, Origin>), Error> {
    let (name, host) = match named.split_once('@') {
        Some((name, host)) => (name, Some(host)),
        None => (named, None),
    };
    let endpoint = live.endpoints.get(name).ok_or_else(|| unknown(name))?;
    let origin = match (&endpoint.target, host) {
        (Place::Fixed(_), Some(_)) => return Err(hostless(name)),
        (Place::Fixed(origin), None) => fixed(endpoint, origin)?,
        (Place::Hosts(_), None) => {
            Cow::Borrowed(endpoint.over.as_ref().ok_or_else(|| hosted(name))?)
        }
        (Place::Hosts(_), Some(host)) => {
            let origin = proven(endpoint, host, way, provenance)?;
            endpoint.over.as_ref().map_or(Cow::Owned(origin), Cow::Borrowed)
        }
    };
    if endpoint.over.is_none() {
        guard(ranges, &endpoint.name, &origin)?;
    }
    Ok((endpoint, origin))
}

fn fixed<'a>(
    endpoint: &'a Endpoint,
    origin: &'a Result<Origin, Error>,
) -> Result<Cow<'a, Origin>, Error> {
    match (&endpoint.over, origin) {
        (Some(over), _) => Ok(Cow::Borrowed(over)),
        (None, Ok(origin)) => Ok(Cow::Borrowed(origin)),
        (None, Err(why)) => Err(why.clone()),
    }
}

fn proven(
    endpoint: &Endpoint,
    host: &str,
    way: Way,
    provenance: &Provenance,
) -> Result<Origin, Error> {
    let name = &endpoint.name;
    let origin = Origin::of_host(host)
        .map_err(|error| invalid("egress.endpoint", format!("the host of `{name}@…` {error}")))?;
    let host = origin.host().to_string();
    if !endpoint.has_host(&host) || origin.port() != 443 {
        let message = format!("endpoint `{name}` has no pattern for `{}`", origin.authority());
        return Err(denied(Layer::Manifest, message, &Allow::Host { endpoint: name, host: &host }));
    }
    if way != (Way::Redirect { vouched: true }) && !provenance.names(&host) {
        let message = format!("no answer of this call has named `{host}`");
        let allow = Allow::Origin { endpoint: name, origin: &origin.to_string() };
        return Err(denied(Layer::Provenance, message, &allow));
    }
    Ok(origin)
}

/// Judges a literal address here, because no resolver will be asked about it.
pub(crate) fn guard(ranges: &Ranges, endpoint: &str, origin: &Origin) -> Result<(), Error> {
    let Host::Literal(address) = origin.host() else { return Ok(()) };
    let Some(what) = ranges.forbids(*address) else { return Ok(()) };
    let origin = origin.to_string();
    let message = format!("{address} is {what}");
    let allow = Allow::Override { endpoint, origin: &origin };
    Err(denied(Layer::Address, message, &allow))
}

fn unknown(name: &str) -> Error {
    let shown: String = name.escape_default().take(64).collect();
    let allow = Allow::Origin { endpoint: "NAME", origin: "https://host.example" };
    denied(Layer::Manifest, format!("the manifest has no endpoint `{shown}`"), &allow)
}

fn hostless(name: &str) -> Error {
    let message = format!("endpoint `{name}` has one origin; name it without a host");
    invalid("egress.endpoint", message)
}

fn hosted(name: &str) -> Error {
    let message =
        format!("endpoint `{name}` has several hosts; take `name@host` from `locate` of a link");
    invalid("egress.endpoint", message)
}
