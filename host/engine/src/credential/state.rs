//! Connections switched off and on.

use model::credential::{Failure, RefreshFailed};
use model::{Connection, ConnectionId, ConnectionState, Error, ErrorKind, TenantId};

use super::{Credentials, Inner, Key, error};

impl Credentials {
    /// Holds what the provider has just told against the connection: with another account than the
    /// one that it has read so far it needs to be authorised again, and cannot just be switched on,
    /// because records of two accounts must not mix.
    pub async fn verified(&self, connection: &Connection, account: &str) -> Result<(), Error> {
        let Some(known) = connection.account.as_ref().filter(|known| *known != account) else {
            return Ok(());
        };
        let reason = format!("its credential opens account {account}, and it has read {known}");
        let message = format!("{reason}; connect the other account under a name of its own");
        let other = Error::new(ErrorKind::Conflict, "engine.other-account", message);
        self.0.refuse(&Key::new(&connection.tenant, &connection.id), &other, reason).await?;
        Err(other)
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
    /// Writes down that a credential is not to be used, whatever its provider says of it; a refresh
    /// that is on its way would say that all is well again, so it is waited for.
    async fn refuse(&self, key: &Key, why: &Error, message: String) -> Result<(), Error> {
        let Some((lease, ..)) = self.hold(key).await? else {
            return Err(error::absent(&key.tenant, &key.connection));
        };
        let failed = RefreshFailed {
            failure: Failure { at: self.ports.clock.now(), code: why.code.clone(), message },
            retry_at: None,
            reauthorise: true,
            unsent: true,
        };
        let refused = self.ports.credentials.fail_refresh(&lease, failed).await;
        self.slots.forget(key);
        refused.map_err(|e| error::store(&e))
    }

    /// Puts a connection into a state.
    pub(super) async fn turn(
        &self,
        (tenant, connection): (&TenantId, &ConnectionId),
        state: ConnectionState,
        reason: &str,
    ) -> Result<(), Error> {
        let turned = self.ports.catalogue.set_connection_state(tenant, connection, state, reason);
        turned.await.map_err(|e| error::store(&e))?;
        if !state.works() {
            self.slots.forget(&Key::new(tenant, connection));
        }
        Ok(())
    }
}
