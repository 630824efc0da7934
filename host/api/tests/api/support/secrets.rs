//! Credentials over the real vault.

use std::path::Path;
use std::sync::Arc;

use api::{Keys, VaultStatus};
use async_trait::async_trait;
use engine::credential::{Credentials, Packages, Ports, Provider};
use engine::metrics::Metrics;
use model::masking::{Masked, Masking};
use model::vault::VaultError;
use model::{Clock, Error, ErrorKind, Secret};
use package::Manifest;
use store::Store;
use vault::{FileConfig, Setting, WrapperConfig};

use super::adapters::{self, PACKAGE};
use super::outside::Outside;

/// Those of a host whose data lies here.
pub(super) async fn credentials(
    dir: &Path,
    store: &Arc<Store>,
    outside: &Arc<Outside>,
    clock: &Clock,
) -> Credentials {
    let config = WrapperConfig::File(FileConfig::default());
    let setting = Setting { data: dir, outbound: outside.clone(), clock: clock.clone() };
    let vault = vault::open(store.clone(), &config, None, &setting).await.unwrap();
    Credentials::new(Ports {
        credentials: store.clone(),
        apps: store.clone(),
        flows: store.clone(),
        catalogue: store.clone(),
        tasks: store.clone(),
        access: store.clone(),
        vault: Arc::new(vault),
        masking: Arc::new(Open),
        outbound: outside.clone(),
        packages: Arc::new(Installed(adapters::manifest())),
        clock: clock.clone(),
        spawn: Arc::new(|work| drop(tokio::spawn(work))),
        holder: "test".to_owned(),
        metrics: Metrics::default(),
    })
}

/// The keys of the secrets, which nobody has changed.
pub(super) struct Wrapped;

#[async_trait]
impl Keys for Wrapped {
    async fn status(&self) -> Result<VaultStatus, VaultError> {
        Ok(VaultStatus {
            wrapper: "file".to_owned(),
            before: Vec::new(),
            owners: 1,
            keys: 1,
            retiring: 0,
            wrapped_before: 0,
        })
    }
}

struct Installed(Arc<Manifest>);

#[async_trait]
impl Packages for Installed {
    async fn provider(&self, package: &str) -> Result<Provider, Error> {
        if package == PACKAGE {
            return Ok(Provider { manifest: Arc::clone(&self.0), writes: false });
        }
        Err(Error::new(ErrorKind::Denied, "engine.package", "it is not installed"))
    }
}

/// Nothing is written that anything would have to be kept out of.
struct Open;

impl Masking for Open {
    fn mask(&self, _: &[Secret]) -> Masked {
        Box::new(())
    }
}
