//! Installed packages, verified and compiled.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use engine::credential::{self, Provider};
use engine::install::{self, InstallError};
use engine::sync::PackageRef;
use model::{Clock, Error, Timestamp};
use package::TrustFile;
use package::manifest::Manifest;
use sandbox::Sandbox;
use store::Store;

use super::trust_file;

/// How long a package that was verified runs before it is verified again: a key that is revoked,
/// or a package that is replaced or disabled, counts within that time.
const VERIFIED_FOR: Duration = Duration::from_mins(1);

/// A package of the store, verified and compiled.
pub(crate) struct Package {
    pub(super) loaded: install::Loaded,
    manifest: Arc<Manifest>,
}

impl Package {
    /// Its manifest.
    pub(crate) fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// What the sync history keeps of it.
    pub(crate) fn reference(&self) -> PackageRef {
        let package = &self.loaded.package;
        PackageRef {
            name: package.name().to_owned(),
            version: package.version().to_string(),
            digest: package.digest().to_owned(),
        }
    }

    /// Whether it may write at the provider.
    fn writes(&self) -> bool {
        self.loaded.grant.endpoints.values().any(|endpoint| !endpoint.write.is_empty())
    }
}

/// The packages of a host.
pub(crate) struct Packages {
    pub(super) store: Arc<Store>,
    pub(super) sandbox: Sandbox,
    pub(super) clock: Clock,
    pub(super) data: PathBuf,
    pub(super) recent: Mutex<HashMap<String, (Timestamp, Arc<Package>)>>,
}

impl Packages {
    /// What installing and loading needs.
    pub(super) fn ports<'a>(&'a self, trust: &'a TrustFile) -> install::Ports<'a> {
        install::Ports {
            catalogue: self.store.as_ref(),
            sandbox: &self.sandbox,
            trust,
            clock: &self.clock,
        }
    }

    /// Whom this host trusts now.
    pub(super) fn trust(&self) -> Result<TrustFile, InstallError> {
        trust_file(&self.data).map_err(|error| InstallError::Unreadable(format!("{error:#}")))
    }

    /// Loads a package, verified now.
    pub(super) async fn load(&self, name: &str) -> Result<Arc<Package>, InstallError> {
        let trust = self.trust()?;
        let loaded = install::load(name, self.ports(&trust)).await?;
        let manifest = Arc::new(loaded.package.manifest().clone());
        Ok(Arc::new(Package { loaded, manifest }))
    }

    /// The package, verified within the last minute.
    pub(super) async fn recent(&self, name: &str) -> Result<Arc<Package>, Error> {
        let now = self.clock.now();
        let known = self.lock().get(name).cloned();
        if let Some((at, package)) = known
            && now.duration_since(at).unsigned_abs() < VERIFIED_FOR
        {
            return Ok(package);
        }
        let package = self.load(name).await.map_err(|error| error.of_work(name))?;
        self.lock().insert(name.to_owned(), (now, Arc::clone(&package)));
        Ok(package)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Timestamp, Arc<Package>)>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl credential::Packages for Packages {
    async fn provider(&self, package: &str) -> Result<Provider, Error> {
        let package = self.recent(package).await?;
        Ok(Provider { manifest: Arc::clone(package.manifest()), writes: package.writes() })
    }
}
