//! App registrations: the host's own client id and secret at a provider.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::store::StoreError;
use crate::vault::{Owner, Place, Sealed, SecretKind};
use crate::{ConnectionId, TenantId, Timestamp};

/// The field of an app's secret.
pub const CLIENT_SECRET: &str = "client_secret";

/// The registration of this deployment, or of a tenant, as a client at a provider.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct App {
    /// The package whose provider it is registered at, `publisher/id`.
    pub package: String,
    /// The tenant that has brought its own; without one it serves all that have not.
    pub tenant: Option<TenantId>,
    /// The client id, which is not secret.
    pub client_id: String,
    /// Sends what goes to the addresses of the package's auth methods to this origin instead, set
    /// by the operator alone. The only way to a private, loopback or unencrypted one.
    #[serde(default)]
    pub origin: Option<String>,
    /// Counts how often it was put, from 1.
    pub generation: u64,
    /// When it was put.
    pub created: Timestamp,
    /// What is wrong with it, so that no connection is refreshed through it.
    #[serde(default)]
    pub incident: Option<Incident>,
}

impl App {
    /// Where its secret belongs. Its generations begin anew where it was removed, so that only the
    /// instant tells it from those before: one of their secrets, put back into the file, is not
    /// opened in its place.
    pub fn place(&self) -> Place {
        Place {
            owner: self.tenant.clone().map_or(Owner::Host, Owner::Tenant),
            kind: SecretKind::App,
            object: format!("{} {}", self.package, self.created),
            field: CLIENT_SECRET.to_owned(),
            generation: self.generation,
        }
    }
}

/// That a provider refuses an app itself.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Incident {
    /// Since when.
    pub since: Timestamp,
    /// The provider's code, `invalid_client` for example.
    pub code: String,
    /// What a person reads.
    pub message: String,
    /// When somebody may try again whether it is over.
    pub probe_at: Timestamp,
    /// The connection that it was last refused to, which rests by itself.
    #[serde(default)]
    pub last: Option<(TenantId, ConnectionId)>,
    /// Whether it was refused to that connection alone: the cause may be the connection's own, so
    /// nobody else is kept from trying.
    #[serde(default)]
    pub suspected: bool,
}

/// App registrations in the store. Every method is one transaction.
#[async_trait]
pub trait AppStore: Send + Sync {
    /// Creates or replaces an app together with its secret, which is sealed for its
    /// [place](App::place); without one it has none from then on, so that no secret goes to an
    /// origin that it was not given for. Its generation must be the one after the stored app's,
    /// else it is a conflict. Its incident is over by that. The package need not be installed yet.
    async fn put_app(&self, app: App, secret: Option<Sealed>) -> Result<(), StoreError>;

    /// The app that serves a tenant: its own, else the deployment's; with its sealed secret.
    /// Without a tenant, the deployment's.
    async fn app(
        &self,
        package: &str,
        tenant: Option<&TenantId>,
    ) -> Result<Option<(App, Option<Sealed>)>, StoreError>;

    /// All apps, by package, the deployment's first.
    async fn apps(&self) -> Result<Vec<App>, StoreError>;

    /// Removes an app and its secret. False if there was none.
    async fn remove_app(
        &self,
        package: &str,
        tenant: Option<&TenantId>,
    ) -> Result<bool, StoreError>;

    /// Writes down that a provider refuses an app, or that it no longer does; only for the
    /// generation that was tried, another one is left alone. An event tells a tenant when that
    /// changes of its own app, by more than a suspicion; of the deployment's, which has no log, [`Self::apps`] tells it.
    async fn app_incident(&self, app: &App, incident: Option<Incident>) -> Result<(), StoreError>;
}
