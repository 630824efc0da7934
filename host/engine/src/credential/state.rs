//! Connections switched off and on.

use model::{Connection, ConnectionId, Error, ErrorKind, TenantId};

use super::Credentials;

pub(super) fn unfinished() -> Error {
    Error::new(ErrorKind::Unsupported, "credential.unfinished", "being built")
}

impl Credentials {
    /// Holds what the provider has just told against the connection: another account than the one
    /// that it has read so far disables it, because records of two accounts must not mix.
    pub async fn verified(&self, _connection: &Connection, _account: &str) -> Result<(), Error> {
        Err(unfinished())
    }

    /// Switches a connection off.
    pub async fn disable(
        &self,
        _tenant: &TenantId,
        _connection: &ConnectionId,
        _reason: &str,
    ) -> Result<(), Error> {
        Err(unfinished())
    }

    /// Switches a connection on again; one that the provider has refused must be authorised again
    /// instead.
    pub async fn enable(
        &self,
        _tenant: &TenantId,
        _connection: &ConnectionId,
    ) -> Result<(), Error> {
        Err(unfinished())
    }
}
