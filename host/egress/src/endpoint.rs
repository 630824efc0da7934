//! An endpoint of the manifest, made ready for one connection: origin, headers, routes, grant.

use std::collections::HashSet;
use std::sync::Arc;

use http::header::{HeaderName, HeaderValue};
use model::{Connection, Error};
use package::Manifest;
use package::manifest::{self, HostPattern, Route, Target};
use package::permissions::{EndpointPermission, Permissions};

use crate::denial::invalid;
use crate::origin::Origin;
use crate::variable;

/// An endpoint with everything decided that does not depend on the request.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    /// The manifest's origin, with the reason why there is none; or the host patterns.
    pub(crate) target: Place,
    /// The operator's override, which replaces the origin and every host.
    pub(crate) over: Option<Origin>,
    pub(crate) credential: bool,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Headers that the guest may not set here.
    pub(crate) owned: HashSet<HeaderName>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) redirect: Option<Vec<String>>,
    /// The tenant has not accepted the endpoint's text, or has accepted another one.
    pub(crate) shut: bool,
    /// The grant covers the endpoint's origin or hosts, its credential and its redirects.
    pub(crate) granted: bool,
}

/// Where the manifest sends the endpoint's requests.
#[derive(Debug)]
pub(crate) enum Place {
    /// One origin; the error stands for a variable without a value.
    Fixed(Result<Origin, Error>),
    /// Hosts, each proven within the call.
    Hosts(Vec<HostPattern>),
}

/// A route of the manifest.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) route: Route,
    /// The route's text, for the audit.
    pub(crate) text: Arc<str>,
    pub(crate) write: bool,
    /// The manifest wants a secret in the body, which this host does not do yet.
    pub(crate) inject: bool,
    pub(crate) granted: bool,
}

impl Endpoint {
    /// Makes one endpoint of the manifest ready.
    pub(crate) fn new(
        name: &str,
        declared: &manifest::Endpoint,
        connection: &Connection,
        manifest: &Manifest,
    ) -> Result<Self, Error> {
        let over = connection.overrides.get(name).map(|text| operator(name, text)).transpose()?;
        let headers = constant_headers(name, &declared.headers)?;
        Ok(Self {
            name: name.to_owned(),
            target: place(name, &declared.target, connection, manifest),
            over,
            credential: declared.credential,
            owned: headers.iter().map(|(name, _)| name.clone()).collect(),
            headers,
            rules: rules(declared),
            redirect: declared.redirect.clone(),
            shut: declared.consent.is_some()
                && declared.consent.as_ref() != connection.consents.get(name),
            granted: false,
        })
    }

    /// Marks what the operator has granted; nothing else opens.
    pub(crate) fn grant(&mut self, declared: &manifest::Endpoint, grant: &Permissions) {
        let Some(given) = grant.endpoints.get(&self.name) else { return };
        self.granted = covers(given, declared);
        for rule in &mut self.rules {
            // A route granted for writing says nothing about calls that only read.
            let routes = if rule.write { &given.write } else { &given.read };
            rule.granted = routes.iter().any(|route| route.covers(&rule.route));
        }
    }

    /// True when the manifest gives one origin, so that its answers prove hosts.
    pub(crate) fn is_fixed(&self) -> bool {
        matches!(self.target, Place::Fixed(_))
    }

    pub(crate) fn has_host(&self, host: &str) -> bool {
        match &self.target {
            Place::Hosts(patterns) => patterns.iter().any(|pattern| pattern.matches(host)),
            Place::Fixed(_) => false,
        }
    }
}

fn covers(given: &EndpointPermission, declared: &manifest::Endpoint) -> bool {
    let place = match &declared.target {
        Target::Origin(origin) => given.origin.as_deref() == Some(origin.as_str()),
        Target::Hosts(hosts) => {
            hosts.iter().all(|host| given.hosts.iter().any(|wider| wider.covers(host)))
        }
    };
    let credential = given.credential || !declared.credential;
    let redirects = declared.redirect.as_deref().unwrap_or_default();
    place && credential && redirects.iter().all(|target| given.redirect.contains(target))
}

fn place(name: &str, target: &Target, connection: &Connection, manifest: &Manifest) -> Place {
    match target {
        Target::Hosts(patterns) => Place::Hosts(patterns.clone()),
        Target::Origin(template) => {
            let lookup = |hole: &str| variable::value(connection, manifest, hole);
            let rendered = template.render(&lookup).map_err(|missing| {
                let message = format!(
                    "endpoint `{name}` needs the variable `{}`, which has no value",
                    missing.0
                );
                invalid("egress.variable", message)
            });
            Place::Fixed(rendered.and_then(|text| {
                Origin::public(&text).map_err(|error| {
                    invalid("egress.origin", format!("the origin of endpoint `{name}` {error}"))
                })
            }))
        }
    }
}

/// The origin that an operator sends an endpoint to.
pub(crate) fn operator(name: &str, text: &str) -> Result<Origin, Error> {
    Origin::operator(text).map_err(|error| {
        invalid("egress.override", format!("the override of endpoint `{name}` {error}"))
    })
}

fn constant_headers(
    endpoint: &str,
    pairs: &[(String, String)],
) -> Result<Vec<(HeaderName, HeaderValue)>, Error> {
    let pair = |(name, value): &(String, String)| {
        let name = HeaderName::try_from(name.as_str()).ok()?;
        Some((name, HeaderValue::try_from(value.as_str()).ok()?))
    };
    pairs.iter().map(pair).collect::<Option<_>>().ok_or_else(|| {
        invalid("egress.header", format!("endpoint `{endpoint}` has a header that cannot be sent"))
    })
}

fn rules(declared: &manifest::Endpoint) -> Vec<Rule> {
    let rule = |route: &Route, write: bool| Rule {
        route: route.clone(),
        text: route.to_string().into(),
        write,
        inject: declared.inject.iter().any(|inject| inject.route == *route),
        granted: false,
    };
    let read = declared.read.iter().map(|route| rule(route, false));
    read.chain(declared.write.iter().map(|route| rule(route, true))).collect()
}
