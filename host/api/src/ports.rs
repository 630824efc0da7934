//! What the API needs from the rest of the host.

use std::sync::Arc;

use async_trait::async_trait;
use engine::breaker::Breakers;
use engine::credential::{Check, Credentials};
use engine::install::{Approval, Candidate, InstallError, InstallPlan, Submitted};
use engine::mapping::{Mapping, Mappings};
use engine::metrics::Monitor;
use engine::sync::{Cancel, PackageRef};
use engine::work::{Stops, Wake};
use model::adapter::Adapter;
use model::api_key::ApiKeyStore;
use model::catalogue::{Installed, PendingPackage};
use model::conflict::ConflictStore;
use model::credential::{AccessLog, Actor};
use model::draft::DraftStore;
use model::event::EventLog;
use model::idempotency::IdempotencyStore;
use model::integration::IntegrationStore;
use model::queue::JobQueue;
use model::schema::SchemaStore;
use model::store::{Catalogue, RecordStore};
use model::task::TaskStore;
use model::tenant::TenantStore;
use model::vault::VaultError;
use model::{Clock, Connection, Error};
use package::manifest::Manifest;
use package::{Permissions, Verified};

use crate::oauth::Authorisations;
use crate::operation::Operations;
use crate::vault::VaultStatus;

macro_rules! store {
    ($($port:ident)*) => {
        /// All that a store does for the API. A router takes the one port of it that it uses.
        pub trait Store: $($port +)* {}

        impl<T: $($port +)*> Store for T {}
    };
}

store! {
    AccessLog
    ApiKeyStore
    Catalogue
    ConflictStore
    DraftStore
    EventLog
    IdempotencyStore
    IntegrationStore
    JobQueue
    RecordStore
    SchemaStore
    TaskStore
    TenantStore
}

/// A package that is installed, verified again.
#[derive(Clone)]
pub struct Package {
    /// What it says of itself.
    pub manifest: Arc<Manifest>,
    /// Which one it is.
    pub reference: PackageRef,
    /// What the operator has granted.
    pub grant: Permissions,
}

/// The installed packages, as what they are: code that reaches a provider.
#[async_trait]
pub trait Adapters: Send + Sync {
    /// An installed package.
    async fn package(&self, name: &str) -> Result<Package, Error>;

    /// A session with the provider of a connection; the adapter serves this caller alone.
    async fn open(&self, connection: &Connection, actor: Actor) -> Result<Box<dyn Adapter>, Error>;

    /// What asks a provider for the account behind a credential that need not be stored.
    async fn check(&self, package: &str, actor: Actor) -> Result<Box<dyn Check>, Error>;

    /// The conversion schemas that are active for a connection, compiled.
    async fn mappings(&self, connection: &Connection) -> Result<Mappings, Error>;

    /// The schema that maps an entity of a connection, or a part of it, where none is bound to it.
    async fn default_mapping(
        &self,
        connection: &Connection,
        entity: &str,
        part: Option<&str>,
    ) -> Result<Option<Mapping>, Error>;
}

/// The one way in for code, as an operator opens it: with whom the host trusts at the moment.
#[async_trait]
pub trait Installer: Send + Sync {
    /// Installs a package file, or has it wait for approval.
    async fn submit(&self, file: Candidate, author: &str) -> Result<Submitted, InstallError>;

    /// Installs what was approved.
    async fn approve(&self, approval: Approval) -> Result<Installed, InstallError>;

    /// What a package that waits would be.
    async fn review(&self, pending: &PendingPackage) -> Result<InstallPlan, InstallError>;

    /// An installed package, as far as it may be loaded today.
    async fn standing(&self, installed: &Installed) -> Result<Verified, InstallError>;
}

/// The keys that secrets are sealed with.
#[async_trait]
pub trait Keys: Send + Sync {
    /// How they stand.
    async fn status(&self) -> Result<VaultStatus, VaultError>;
}

/// What runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Build {
    /// The version of the program.
    pub version: String,
    /// Which build of it: two of the same id are the same program.
    pub id: String,
    /// The versions of the adapter contract that it speaks.
    pub contracts: Vec<String>,
}

/// What the API needs from the rest of the host.
#[derive(Clone)]
pub struct Ports {
    /// Everything that is kept.
    pub store: Arc<dyn Store>,
    /// Everything that is secret.
    pub credentials: Credentials,
    /// The packages.
    pub adapters: Arc<dyn Adapters>,
    /// The way in for more of them.
    pub installer: Arc<dyn Installer>,
    /// The keys of the secrets.
    pub keys: Arc<dyn Keys>,
    /// The watch over the hosts of providers.
    pub breakers: Breakers,
    /// The figures.
    pub monitor: Monitor,
    /// Whether they are shown without a key to who asks from this machine.
    pub open_metrics: bool,
    /// Is given by whoever queues something.
    pub wake: Wake,
    /// Wishes that jobs end.
    pub stops: Stops,
    /// Long work.
    pub operations: Operations,
    /// Authorisations that have begun in a browser.
    pub authorisations: Authorisations,
    /// The origin by which people and providers reach this host, without a slash at its end.
    pub public_url: String,
    /// Comes when the process is about to end: streams end, and nothing new is begun.
    pub closing: Cancel,
    /// What runs.
    pub build: Build,
    /// The time, of the store.
    pub clock: Clock,
}
