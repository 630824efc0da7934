//! What was granted to this host, by connection.

use std::time::Duration;

use model::credential::{Failure, Grant};
use model::{ConnectionId, ConnectionState, Error, TenantId, Timestamp};
use serde::Serialize;

use super::Credentials;

/// A grant without its secrets.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct GrantView {
    /// Whose.
    pub tenant: TenantId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// The package.
    pub package: String,
    /// The method.
    pub method: String,
    /// The account, as `check` told it.
    pub account: Option<String>,
    /// The person whose account it is.
    pub user: Option<String>,
    /// In which state the connection is.
    pub state: ConnectionState,
    /// Why.
    pub reason: String,
    /// The grant.
    pub grant: Grant,
    /// Scopes that were asked for and not granted, and the other way round.
    pub scopes: Scopes,
    /// Whether it can be renewed without a person.
    pub renews: bool,
    /// When it was authorised.
    pub authorised: Timestamp,
    /// When it was last used.
    pub used: Option<Timestamp>,
    /// How often it was refreshed.
    pub refreshes: u64,
    /// How often refreshing has failed since it last succeeded.
    pub failures: u32,
    /// Why it last failed.
    pub failure: Option<Failure>,
}

/// What was asked for against what was granted.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Scopes {
    /// Asked for and not granted.
    pub missing: Vec<String>,
    /// Granted and not asked for.
    pub more: Vec<String>,
}

impl Credentials {
    /// All grants of a tenant, by connection.
    pub async fn inventory(&self, _tenant: &TenantId) -> Result<Vec<GrantView>, Error> {
        Err(super::state::unfinished())
    }

    /// Those of all tenants that end within this time and need a person for it, the first first.
    pub async fn expiring(&self, _within: Duration) -> Result<Vec<GrantView>, Error> {
        Err(super::state::unfinished())
    }
}
