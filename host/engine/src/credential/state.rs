//! Connections switched off and on.

use model::{Connection, ConnectionId, ConnectionState, Error, ErrorKind, TenantId};

use super::{Credentials, Inner, error};

impl Credentials {
    /// Holds what the provider has just told against the connection: another account than the one
    /// that it has read so far disables it, because records of two accounts must not mix.
    pub async fn verified(&self, connection: &Connection, account: &str) -> Result<(), Error> {
        let Some(known) = connection.account.as_ref().filter(|known| *known != account) else {
            return Ok(());
        };
        let reason = format!("its credential opens account {account}, and it has read {known}");
        self.disable(&connection.tenant, &connection.id, &reason).await?;
        let message = format!("{reason}; connect the other account under a name of its own");
        Err(Error::new(ErrorKind::Conflict, "engine.other-account", message))
    }

    /// Switches a connection off.
    pub async fn disable(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        reason: &str,
    ) -> Result<(), Error> {
        self.0.turn((tenant, connection), ConnectionState::Disabled, reason).await
    }

    /// Switches a connection on again; one that the provider has refused must be authorised again
    /// instead.
    pub async fn enable(&self, tenant: &TenantId, connection: &ConnectionId) -> Result<(), Error> {
        let Self(inner) = self;
        let status = inner.ports.catalogue.connection_status(tenant, connection).await;
        let Some(status) = status.map_err(|e| error::store(&e))? else { return Ok(()) };
        match status.state {
            ConnectionState::Active | ConnectionState::Expiring => Ok(()),
            ConnectionState::NeedsReauthorisation | ConnectionState::Revoked => {
                Err(error::ended(&status.reason))
            }
            ConnectionState::Disabled => {
                let reason = "it was switched on again";
                inner.turn((tenant, connection), ConnectionState::Active, reason).await
            }
        }
    }
}

impl Inner {
    /// Puts a connection into a state.
    pub(super) async fn turn(
        &self,
        (tenant, connection): (&TenantId, &ConnectionId),
        state: ConnectionState,
        reason: &str,
    ) -> Result<(), Error> {
        let turned = self.ports.catalogue.set_connection_state(tenant, connection, state, reason);
        turned.await.map_err(|e| error::store(&e))
    }
}
