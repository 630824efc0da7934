//! What a package may do, as a person grants it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::manifest::{Budget, HostPattern, Manifest, Profile, Route};

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

/// Which values a variable that stands in an origin or a token URL may have.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct VariablePermission {
    /// Endings of hosts.
    pub suffix: BTreeSet<String>,
    /// The closed set of values.
    pub choices: BTreeSet<String>,
}

/// How one auth method obtains and places the credential.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
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
    pub fn of(_manifest: &Manifest) -> Self {
        todo!()
    }

    /// What is wider than the grant, one line each; empty means that the grant suffices.
    pub fn exceeds(&self, _grant: &Self) -> Vec<String> {
        todo!()
    }

    /// The permissions for people, one line each.
    pub fn summary(&self) -> Vec<String> {
        todo!()
    }
}
