//! Opens doors: binds a connection, its package's manifest and the operator's grant together.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, RwLock};

use http::HeaderValue;
use model::breaker::Hosts;
use model::credential::{AccessLog, Actor, Tokens};
use model::egress::{Egress, Priority};
use model::outbound::Outbound;
use model::{Clock, Connection, Error, Secret};
use package::manifest::Scope;
use package::{Manifest, Permissions};

use crate::access::{Accesses, Closings};
use crate::credential;
use crate::denial::invalid;
use crate::door::{Door, Handle};
use crate::endpoint::{Endpoint, Place};
use crate::guard::{Nat64, Ranges};
use crate::health::Health;
use crate::limit::{Key, Limits, States};
use crate::live::Blueprint;
use crate::origin::Origin;
use crate::outbound::{Own, Ways};
use crate::redactor::Redactor;
use crate::token::Source;
use crate::transport::{Network, Part, Roots, SystemResolver, Transport};

/// What the operator says about this host.
#[derive(Clone, Debug)]
pub struct Options {
    /// The `User-Agent` of requests whose endpoint has none of its own.
    pub user_agent: String,
    /// NAT64 prefixes of this network beside the well-known one.
    pub nat64: Vec<Nat64>,
    /// Public addresses of this host and its stores, which no adapter may reach.
    ///
    /// Those of the host's own interfaces need not be listed: a connection that ends where it
    /// began is refused when it is dialled. An address that a router maps to this host does.
    pub own_addresses: Vec<IpAddr>,
}

impl Default for Options {
    fn default() -> Self {
        let user_agent = concat!("Plughouse/", env!("CARGO_PKG_VERSION")).to_owned();
        Self { user_agent, nat64: Vec::new(), own_addresses: Vec::new() }
    }
}

/// Everything that connections share: the clock, the limits' states, the trusted certificates.
///
/// Pools, TLS sessions and credentials are not among it: each door has its own.
pub struct Gateway {
    clock: Clock,
    user_agent: HeaderValue,
    ranges: Arc<Ranges>,
    states: States,
    hosts: Option<Arc<dyn Hosts>>,
    redactor: Redactor,
    closings: Closings,
    outside: Outside,
}

/// What a door is made of.
pub struct Opening<'a> {
    /// Whose account.
    pub connection: &'a Connection,
    /// The manifest of its package.
    pub manifest: Arc<Manifest>,
    /// What the operator allows of it.
    pub grant: &'a Permissions,
    /// The secrets of the connection, by field.
    pub secrets: Vec<(String, Secret)>,
    /// Where the access tokens come from, for methods that have them; without it the one among
    /// the secrets is used as long as it lasts.
    pub tokens: Option<Arc<dyn Tokens>>,
    /// Where each use of the credential is written down, and on whose account.
    pub access: Option<(Arc<dyn AccessLog>, Actor)>,
    /// Who waits for the answers.
    pub priority: Priority,
}

enum Outside {
    Network(Part),
    Memory(Arc<dyn Transport>),
}

impl Gateway {
    /// A gateway to the network. It reads the machine's root certificates, once.
    pub fn new(clock: Clock, options: Options) -> Result<Self, Error> {
        let roots = Roots::native()?;
        Self::build(clock, options, |ranges| {
            Outside::Network(Part { resolver: Arc::new(SystemResolver), ranges, roots })
        })
    }

    /// A gateway that sends into a transport of the caller's, for tests and benchmarks: all of the
    /// policy but the address guard's look-up and the sockets.
    pub fn with_transport(
        clock: Clock,
        options: Options,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, Error> {
        Self::build(clock, options, |_ranges| Outside::Memory(transport))
    }

    fn build(
        clock: Clock,
        options: Options,
        outside: impl FnOnce(Arc<Ranges>) -> Outside,
    ) -> Result<Self, Error> {
        let user_agent = HeaderValue::try_from(options.user_agent)
            .map_err(|_bad| invalid("egress.user-agent", "the user agent cannot be sent"))?;
        let ranges = Arc::new(Ranges::new(options.nat64, options.own_addresses));
        let outside = outside(Arc::clone(&ranges));
        Ok(Self {
            clock,
            user_agent,
            ranges,
            states: States::default(),
            hosts: None,
            redactor: Redactor::default(),
            closings: Closings::default(),
            outside,
        })
    }

    /// The same gateway with circuit breakers: it asks before it sends, and tells how it went.
    #[must_use]
    pub fn with_breakers(mut self, hosts: Arc<dyn Hosts>) -> Self {
        self.hosts = Some(hosts);
        self
    }

    /// The same gateway with the redactor of the process, which learns every secret of a door.
    #[must_use]
    pub fn with_redactor(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    /// The way out of the host's own requests.
    pub fn outbound(&self) -> Arc<dyn Outbound> {
        let ways = match &self.outside {
            Outside::Memory(transport) => Ways::Memory(Arc::clone(transport)),
            Outside::Network(part) => {
                let public = Arc::new(Network::new(part, &BTreeMap::new()));
                Ways::Network(public, part.clone())
            }
        };
        Arc::new(Own {
            ways,
            ranges: Arc::clone(&self.ranges),
            redactor: self.redactor.clone(),
            user_agent: self.user_agent.clone(),
        })
    }

    /// Waits until the access log tells how often the doors that are closed by now were used; to be
    /// called before the runtime ends.
    pub async fn settled(&self) {
        self.closings.settled().await;
    }

    /// Opens the door of a connection.
    ///
    /// Refuses variables that break the manifest's rules, overrides of endpoints that do not
    /// exist and secrets that could not be told from ordinary text. A missing secret is an error
    /// of the requests that need it, not of the door.
    pub fn connect(&self, opening: Opening<'_>) -> Result<Arc<dyn Egress>, Error> {
        let Opening { connection, manifest, grant, secrets, tokens, access, priority } = opening;
        let blueprint = Blueprint {
            connection: connection.clone(),
            manifest: Arc::clone(&manifest),
            grant: grant.clone(),
            secrets,
            redactor: self.redactor.clone(),
        };
        let live = blueprint.build()?;
        let closings = self.closings.clone();
        let accesses = access.map(|log| Accesses::new(log, connection, &manifest, closings));
        Ok(Arc::new(Handle(Arc::new(Door {
            tenant: connection.tenant.to_string(),
            connection: connection.id.to_string(),
            transport: self.transport(&live.endpoints),
            live: RwLock::new(Arc::new(live)),
            // Without one the plaintext is wiped when the door stands.
            source: tokens
                .filter(|_| credential::is_token(connection, &manifest))
                .map(|tokens| Source::new(tokens, blueprint)),
            accesses,
            owned_query: credential::names(&manifest).1,
            limits: Limits::new(
                &manifest.limits,
                &self.states,
                &|scope| key(connection, scope),
                priority,
                self.clock.clone(),
            ),
            manifest,
            health: Health {
                hosts: self.hosts.clone(),
                tenant: connection.tenant.clone(),
                package: connection.package.clone(),
            },
            redactor: self.redactor.clone(),
            clock: self.clock.clone(),
            ranges: Arc::clone(&self.ranges),
            user_agent: self.user_agent.clone(),
        }))))
    }

    fn transport(&self, endpoints: &BTreeMap<String, Endpoint>) -> Arc<dyn Transport> {
        match &self.outside {
            Outside::Memory(transport) => Arc::clone(transport),
            Outside::Network(part) => {
                let over = |(name, endpoint): (&String, &Endpoint)| {
                    Some((name.clone(), endpoint.over.clone()?))
                };
                let overrides: BTreeMap<String, Origin> =
                    endpoints.iter().filter_map(over).collect();
                Arc::new(Network::new(part, &overrides))
            }
        }
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// The host that a connection talks to above all, with its port where that is not the usual one:
/// that of the first endpoint, by name, to which its credentials go, else of any.
///
/// Nothing where hosts vary, or where a variable that names the host has no value yet.
pub fn main_host(connection: &Connection, manifest: &Manifest) -> Option<String> {
    let mut declared: Vec<_> = manifest.endpoints.iter().collect();
    declared.sort_by_key(|(_, endpoint)| !endpoint.credential);
    declared.into_iter().find_map(|(name, declared)| {
        let endpoint = Endpoint::new(name, declared, connection, manifest).ok()?;
        let origin = endpoint.over.or(match endpoint.target {
            Place::Fixed(origin) => origin.ok(),
            Place::Hosts(_) => None,
        })?;
        Some(origin.authority().to_string())
    })
}

/// Who shares a limit. An account that `check` has not told yet is the connection alone.
fn key(connection: &Connection, scope: Scope) -> Key {
    let alone = || format!("{}/{}", connection.tenant, connection.id);
    let (kind, holder) = match (scope, &connection.account) {
        (Scope::Account, Some(account)) => ("account", account.clone()),
        (Scope::Account | Scope::Connection, _) => ("connection", alone()),
        (Scope::Egress, _) => ("egress", String::new()),
    };
    Key { package: connection.package.clone(), scope: kind, holder }
}

#[cfg(test)]
mod tests;
