//! What a package may do, as a person grants it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::manifest::{
    Auth, Budget, Endpoint, HostPattern, KeyPlace, Manifest, Profile, Route, Shape, Target,
    Template,
};

mod exceed;
mod summary;

/// What a package may do: taken from its manifest, granted by a person, stored as JSON.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Permissions {
    /// What the guest imports beside the contract.
    pub profile: Profile,
    /// Where requests may go.
    pub endpoints: BTreeMap<String, EndpointPermission>,
    /// Which values the variables in origins may have.
    pub variables: BTreeMap<String, VariablePermission>,
    /// How credentials are obtained and placed.
    pub auth: BTreeMap<String, AuthPermission>,
    /// Names whose values are emptied before storing.
    pub redact: BTreeSet<String>,
    /// What one call may spend.
    pub budget: Budget,
}

/// What may be done at one endpoint.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointPermission {
    /// The origin, as a template, unless there are hosts.
    pub origin: Option<String>,
    /// The hosts, by pattern.
    pub hosts: Vec<HostPattern>,
    /// Whether the credential slot `account` is added.
    pub credential: bool,
    /// Constant headers.
    pub headers: BTreeMap<String, String>,
    /// Routes for every call.
    pub read: Vec<Route>,
    /// Routes for `push(apply)`.
    pub write: Vec<Route>,
    /// Endpoints that a redirect may lead to.
    pub redirect: Vec<String>,
    /// Where the webhook secret is written.
    pub inject: BTreeSet<String>,
    /// The text that must be accepted first.
    pub consent: Option<String>,
}

/// Which values a variable may have; it may stand in an origin.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct VariablePermission {
    /// What it looks like.
    pub shape: Shape,
    /// Endings of hosts.
    pub suffix: BTreeSet<String>,
    /// The closed set of values.
    pub choices: BTreeSet<String>,
}

/// How one auth method obtains and places the credential.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuthPermission {
    /// Where secrets are sent to obtain tokens, as templates.
    pub urls: BTreeSet<String>,
    /// Where the credential stands in requests.
    pub places: BTreeSet<String>,
    /// Scopes that are always asked for.
    pub scopes: BTreeSet<String>,
    /// Scopes asked for with write-back.
    pub write_scopes: BTreeSet<String>,
}

impl Permissions {
    /// The most that a manifest asks for.
    pub fn of(manifest: &Manifest) -> Self {
        let variables = manifest.variables.iter().map(|(name, variable)| {
            let suffix = variable.suffix.iter().cloned().collect();
            let choices = variable.choices.iter().cloned().collect();
            (name.clone(), VariablePermission { shape: variable.shape, suffix, choices })
        });
        let endpoints = manifest.endpoints.iter();
        let auth = manifest.auth.iter();
        Self {
            profile: manifest.adapter.profile,
            endpoints: endpoints.map(|(name, it)| (name.clone(), it.into())).collect(),
            variables: variables.collect(),
            auth: auth.map(|(name, it)| (name.clone(), it.into())).collect(),
            redact: manifest.adapter.redact.iter().cloned().collect(),
            budget: manifest.budget,
        }
    }
}

impl From<&Endpoint> for EndpointPermission {
    fn from(endpoint: &Endpoint) -> Self {
        let (origin, hosts) = match &endpoint.target {
            Target::Origin(origin) => (Some(origin.to_string()), Vec::new()),
            Target::Hosts(hosts) => (None, hosts.clone()),
        };
        let inject = endpoint.inject.iter();
        Self {
            origin,
            hosts,
            credential: endpoint.credential,
            headers: endpoint.headers.iter().cloned().collect(),
            read: endpoint.read.clone(),
            write: endpoint.write.clone(),
            redirect: endpoint.redirect.iter().flatten().cloned().collect(),
            inject: inject.map(|it| format!("{} {} = {}", it.route, it.json, it.value)).collect(),
            consent: endpoint.consent.clone(),
        }
    }
}

impl From<&Auth> for AuthPermission {
    fn from(auth: &Auth) -> Self {
        let texts = |templates: &[Template]| templates.iter().map(ToString::to_string).collect();
        let bearer = || BTreeSet::from(["Authorization: Bearer".to_owned()]);
        match auth {
            Auth::OAuth2(it) => {
                let revoke = it.revoke.as_ref().map(|revoke| &revoke.url);
                let urls = [&it.authorize, &it.token].into_iter().chain(revoke);
                Self {
                    urls: urls.map(ToString::to_string).collect(),
                    places: bearer(),
                    scopes: texts(&it.scopes),
                    write_scopes: texts(&it.write_scopes),
                }
            }
            Auth::Client(it) => Self {
                urls: BTreeSet::from([it.token.to_string()]),
                places: bearer(),
                scopes: texts(&it.scopes),
                write_scopes: BTreeSet::new(),
            },
            Auth::Jwt(it) => Self {
                urls: BTreeSet::from([it.token.to_string()]),
                places: bearer(),
                scopes: texts(&it.scopes),
                write_scopes: texts(&it.write_scopes),
            },
            Auth::Key(it) => Self { places: BTreeSet::from([place(&it.place)]), ..Self::default() },
            Auth::None => Self::default(),
        }
    }
}

fn place(place: &KeyPlace) -> String {
    match place {
        KeyPlace::Header { name, value } => format!("{name}: {value}"),
        KeyPlace::Basic { user, password } => format!("Authorization: Basic {user}:{password}"),
        KeyPlace::Query { name, value } => format!("?{name}={value}"),
    }
}
