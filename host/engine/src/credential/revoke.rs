//! The end of grants.

use model::{ConnectionId, Error, TenantId};
use serde::Serialize;

use super::Credentials;

/// What became of a grant at its provider.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome", content = "why")]
pub enum Revocation {
    /// The provider has ended it.
    Revoked,
    /// The provider has no way to end it from here; end it in the account's settings there.
    NotOffered,
    /// It may still be good, and why.
    Failed(String),
}

/// What became of one grant of many.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Ended {
    /// Whose.
    pub tenant: TenantId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// What became of it.
    #[serde(flatten)]
    pub revocation: Revocation,
}

/// Whose grants to end.
#[derive(Clone, Debug)]
pub enum Whose {
    /// All of a tenant.
    Tenant(TenantId),
    /// All through a package's app: the tenant's own, or the deployment's.
    App(String, Option<TenantId>),
}

impl Credentials {
    /// Ends the grant at the provider; the connection stays, revoked if that went well.
    pub async fn revoke(
        &self,
        _tenant: &TenantId,
        _connection: &ConnectionId,
    ) -> Result<Revocation, Error> {
        Err(super::state::unfinished())
    }

    /// Ends the grant at the provider and removes the connection, whatever came of that; nothing
    /// if there was none.
    pub async fn remove(
        &self,
        _tenant: &TenantId,
        _connection: &ConnectionId,
    ) -> Result<Option<Revocation>, Error> {
        Err(super::state::unfinished())
    }

    /// Ends many grants at their providers; the connections stay.
    pub async fn revoke_all(&self, _whose: &Whose) -> Result<Vec<Ended>, Error> {
        Err(super::state::unfinished())
    }
}
