//! What credentials are built of.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use model::credential::{AccessLog, AppStore, CredentialStore, FlowStore, Tokens};
use model::masking::Masking;
use model::outbound::Outbound;
use model::store::Catalogue;
use model::task::TaskStore;
use model::vault::Vault;
use model::{Clock, Connection, Error, Secret};
use package::manifest::Manifest;

use crate::metrics::Metrics;

/// Runs work to its end, whoever waits for it: through the process's set of tasks, so that its
/// shutdown waits for answers that are on their way.
pub type Spawn = Arc<dyn Fn(BoxFuture<'static, ()>) + Send + Sync>;

/// What credentials are built of.
#[derive(Clone)]
pub struct Ports {
    /// Connections' credentials.
    pub credentials: Arc<dyn CredentialStore>,
    /// App registrations.
    pub apps: Arc<dyn AppStore>,
    /// Authorisations that have begun.
    pub flows: Arc<dyn FlowStore>,
    /// Connections and their states.
    pub catalogue: Arc<dyn Catalogue>,
    /// What is to be synced, and so will be used.
    pub tasks: Arc<dyn TaskStore>,
    /// Who has used what.
    pub access: Arc<dyn AccessLog>,
    /// Seals and opens.
    pub vault: Arc<dyn Vault>,
    /// Keeps live secrets out of what is written.
    pub masking: Arc<dyn Masking>,
    /// Sends requests to providers' token endpoints.
    pub outbound: Arc<dyn Outbound>,
    /// What packages say of their methods.
    pub packages: Arc<dyn Packages>,
    /// The time.
    pub clock: Clock,
    /// Runs refreshes, so that who waits for one may leave.
    pub spawn: Spawn,
    /// A name that no other process has.
    pub holder: String,
    /// Where refreshes that failed are counted.
    pub metrics: Metrics,
}

/// What a package says of its auth methods.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its manifest.
    pub manifest: Arc<Manifest>,
    /// Whether write-back is granted, so that the scopes for it are asked for.
    pub writes: bool,
}

/// Finds installed packages.
#[async_trait]
pub trait Packages: Send + Sync {
    /// The manifest of an installed package that may run, by `publisher/id`.
    async fn provider(&self, package: &str) -> Result<Provider, Error>;
}

/// What a door sends along.
pub enum Material {
    /// What was entered, by the names of the fields.
    Fields(Vec<(String, Secret)>),
    /// Access tokens.
    Tokens(Arc<dyn Tokens>),
}

/// Asks a provider whose account a credential opens, before the credential is kept.
#[async_trait]
pub trait Check: Send + Sync {
    /// Fills in what the provider tells: see [`connect::check`](crate::connect::check).
    async fn check(&self, connection: &mut Connection, material: Material) -> Result<(), Error>;
}
