//! The one way in, with a publisher who is trusted.

#[path = "../../../../engine/tests/install/release.rs"]
mod release;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use api::Installer;
use async_trait::async_trait;
use bytes::Bytes;
use engine::install::{self, Approval, Candidate, InstallError, InstallPlan, Ports, Submitted};
use model::Clock;
use model::catalogue::{Installed, PendingPackage};
use package::{PrivateKey, TrustFile, Verified};
use sandbox::{Compiler, Config, Limits, Reuse, Sandbox};
use store::Store;

use super::component;
use release::trust_text;
pub(crate) use release::{PUBLISHER, Release};

impl Release {
    /// The package file, signed with the key of this seed.
    pub(crate) fn signed(&self, seed: u8) -> Bytes {
        self.file(&PrivateKey::from_seed([seed; 32]))
    }

    /// The package file as nobody has signed it.
    pub(crate) fn unsigned(&self) -> Bytes {
        Bytes::from(self.bundle().to_bytes())
    }

    pub(crate) fn digest(&self) -> String {
        self.bundle().digest().to_owned()
    }
}

/// A host that trusts the publisher.
pub(super) struct Installing {
    store: Arc<Store>,
    clock: Clock,
    cache: Box<Path>,
    sandbox: OnceLock<Sandbox>,
    trust: TrustFile,
}

impl Installing {
    pub(super) fn new(dir: &Path, store: &Arc<Store>, clock: &Clock) -> Self {
        Self {
            store: store.clone(),
            clock: clock.clone(),
            cache: dir.join("compiled").into(),
            sandbox: OnceLock::new(),
            trust: TrustFile::parse(&trust_text("")).unwrap(),
        }
    }

    fn ports(&self) -> Ports<'_> {
        // Most tests compile nothing.
        let sandbox = self.sandbox.get_or_init(|| {
            let config = Config {
                limits: Limits::default(),
                cache_dir: self.cache.to_path_buf(),
                compiler: Compiler::InProcess,
                reuse: Reuse::default(),
            };
            Sandbox::new(config).unwrap()
        });
        Ports { catalogue: &*self.store, sandbox, trust: &self.trust, clock: &self.clock }
    }
}

#[async_trait]
impl Installer for Installing {
    async fn submit(&self, file: Candidate, author: &str) -> Result<Submitted, InstallError> {
        install::submit(file, author, self.ports()).await
    }

    async fn approve(&self, approval: Approval) -> Result<Installed, InstallError> {
        install::approve(approval, self.ports()).await
    }

    async fn review(&self, pending: &PendingPackage) -> Result<InstallPlan, InstallError> {
        install::review(pending, self.ports()).await
    }

    async fn standing(&self, installed: &Installed) -> Result<Verified, InstallError> {
        install::standing(installed, self.ports()).await
    }
}
