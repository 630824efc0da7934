//! A publisher, an operator, and a host to install on.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use engine::install::{self, Candidate, InstallError, InstallPlan, Loaded, Ports};
use model::Clock;
use model::store::Installed;
use package::TrustFile;
use sandbox::{Compiler, Config, Limits, Reuse, Sandbox};
use store::Store;

pub(crate) use crate::release::{Release, key, trust_text};

pub(crate) struct World {
    pub(crate) store: Store,
    sandbox: Sandbox,
    pub(crate) trust: TrustFile,
    clock: Clock,
    /// What the operator was asked.
    pub(crate) asked: Arc<Mutex<Vec<InstallPlan>>>,
    _dir: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::manual("2026-01-01T12:00:00Z".parse().unwrap());
        let config = Config {
            limits: Limits::default(),
            cache_dir: dir.path().join("cache"),
            compiler: Compiler::InProcess,
            reuse: Reuse::default(),
        };
        Self {
            store: Store::open(dir.path(), clock.clone()).unwrap(),
            sandbox: Sandbox::new(config).unwrap(),
            trust: TrustFile::parse(&trust_text("")).unwrap(),
            clock,
            asked: Arc::default(),
            _dir: dir,
        }
    }

    pub(crate) fn ports(&self) -> Ports<'_> {
        Ports {
            catalogue: &self.store,
            sandbox: &self.sandbox,
            trust: &self.trust,
            clock: &self.clock,
        }
    }

    /// Installs a file; the operator answers this when asked.
    pub(crate) async fn install(
        &self,
        file: Bytes,
        downgrade: Option<&str>,
        answer: bool,
    ) -> Result<Installed, InstallError> {
        let candidate = Candidate { file, downgrade: downgrade.map(str::to_owned) };
        let asked = Arc::clone(&self.asked);
        let approve = move |plan: &InstallPlan| {
            asked.lock().unwrap().push(plan.clone());
            answer
        };
        install::install(candidate, self.ports(), approve).await
    }

    /// Installs a release of the publisher, with the operator saying yes when asked.
    pub(crate) async fn release(&self, release: &Release) -> Result<Installed, InstallError> {
        self.install(release.file(&key()), None, true).await
    }

    pub(crate) async fn load(&self, name: &str) -> Result<Loaded, InstallError> {
        install::load(name, self.ports()).await
    }

    /// How often the operator was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}
