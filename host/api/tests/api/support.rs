//! A host of two tenants in a temporary directory, and requests to its API.
//!
//! Time stands still until the clock is moved.

mod adapters;
mod ask;
#[path = "../../../engine/tests/install/component.rs"]
mod component;
mod installer;
mod outside;
mod routes;
mod secrets;

use std::sync::Arc;

use api::auth::{NewKey, Token, new_key};
use api::operation::Operations;
use api::{Build, Ports};
use axum::Router;
use engine::breaker::Breakers;
use engine::credential::Credentials;
use engine::metrics::{self, Metrics, Monitor};
use engine::sync::Cancel;
use engine::work::{Stops, Wake};
use model::api_key::{ApiKeyId, ApiKeyStore as _, Role};
use model::catalogue::TrustState;
use model::store::Catalogue as _;
use model::tenant::{Tenant, TenantStore as _};
use model::{Clock, TenantId, Timestamp};
use store::Store;
use tempfile::TempDir;

pub(crate) use adapters::{PACKAGE, Scripted};
pub(crate) use ask::{Answer, Ask};
use installer::Installing;
pub(crate) use installer::{PUBLISHER, Release};
pub(crate) use outside::{CLIENT, CLIENT_SECRET, Outside};
pub(crate) use routes::{Route, routes};

/// Where people and providers reach the host.
pub(crate) const PUBLIC_URL: &str = "https://plughouse.example";

/// The keys of a tenant, as text.
pub(crate) struct Keys {
    pub(crate) viewer: String,
    pub(crate) editor: String,
    pub(crate) admin: String,
}

/// The public part of a key.
pub(crate) fn key_id(key: &str) -> ApiKeyId {
    Token::parse(key).unwrap().id().clone()
}

/// A key whose secret part is another one.
pub(crate) fn wrong(key: &str) -> String {
    let (rest, last) = key.split_at(key.len() - 1);
    format!("{rest}{}", if last == "0" { '1' } else { '0' })
}

/// A host.
pub(crate) struct World {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Clock,
    pub(crate) credentials: Credentials,
    pub(crate) adapters: Arc<Scripted>,
    pub(crate) outside: Arc<Outside>,
    pub(crate) ports: Ports,
    pub(crate) router: Router,
    pub(crate) acme: Keys,
    pub(crate) globex: Keys,
    pub(crate) operator: String,
    _dir: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::manual("2026-01-01T12:00:00Z".parse().unwrap());
        let store = Arc::new(Store::open(&dir.path().join("store"), clock.clone()).unwrap());
        let adapters = Arc::new(Scripted::default());
        let outside = Arc::new(Outside::default());
        let credentials = secrets::credentials(dir.path(), &store, &outside, &clock).await;
        let breakers = Breakers::load(store.clone(), clock.clone()).await.unwrap();
        let ports = Ports {
            store: store.clone(),
            credentials: credentials.clone(),
            adapters: adapters.clone(),
            installer: Arc::new(Installing::new(dir.path(), &store, &clock)),
            keys: Arc::new(secrets::Wrapped),
            monitor: monitor(&store, &breakers, &clock),
            breakers,
            open_metrics: false,
            wake: Wake::default(),
            stops: Stops::default(),
            authorisations: api::oauth::Authorisations::default(),
            operations: Operations::new(clock.clone()),
            public_url: PUBLIC_URL.to_owned(),
            closing: Cancel::default(),
            build: build(),
            clock: clock.clone(),
        };
        store.put_package(adapters.installed(), TrustState::default()).await.unwrap();
        Self {
            acme: tenant(&store, "acme").await,
            globex: tenant(&store, "globex").await,
            operator: key(&store, None, Role::Operator).await,
            router: api::router(&ports),
            store,
            clock,
            credentials,
            adapters,
            outside,
            ports,
            _dir: dir,
        }
    }

    /// One more key.
    pub(crate) async fn key(&self, tenant: Option<&str>, role: Role) -> String {
        key(&self.store, tenant, role).await
    }
}

fn monitor(store: &Arc<Store>, breakers: &Breakers, clock: &Clock) -> Monitor {
    let (queue, breakers, clock) = (store.clone(), breakers.clone(), clock.clone());
    Monitor::new(Metrics::default(), metrics::Ports { queue, breakers, clock })
}

fn build() -> Build {
    let contracts = vec!["0.1".to_owned()];
    Build { version: "1.2.3".to_owned(), id: "build-1".to_owned(), contracts }
}

async fn tenant(store: &Store, id: &str) -> Keys {
    let tenant = Tenant {
        id: id.parse().unwrap(),
        name: id.to_owned(),
        created: Timestamp::UNIX_EPOCH,
        revision: 0,
    };
    store.put_tenant(tenant, Some(0)).await.unwrap();
    Keys {
        viewer: key(store, Some(id), Role::Viewer).await,
        editor: key(store, Some(id), Role::Editor).await,
        admin: key(store, Some(id), Role::Admin).await,
    }
}

async fn key(store: &Store, tenant: Option<&str>, role: Role) -> String {
    let new = NewKey {
        name: format!("{role} of {}", tenant.unwrap_or("the host")),
        tenant: tenant.map(id),
        role,
        creator: "test".to_owned(),
        expires: None,
    };
    let (key, secret) = new_key(new, Timestamp::UNIX_EPOCH).unwrap();
    store.put_api_key(key).await.unwrap();
    secret.expose().to_owned()
}

/// The tenant of this id.
pub(crate) fn id(tenant: &str) -> TenantId {
    tenant.parse().unwrap()
}
