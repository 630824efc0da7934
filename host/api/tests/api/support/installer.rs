//! The one way in, with a publisher who is trusted.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use api::Installer;
use async_trait::async_trait;
use bytes::Bytes;
use engine::install::{self, Approval, Candidate, InstallError, InstallPlan, Ports, Submitted};
use model::Clock;
use model::catalogue::{Installed, PendingPackage};
use package::statement::Statement;
use package::{Bundle, Envelope, PrivateKey, TrustFile, Verified, pack};
use sandbox::{Compiler, Config, Limits, Reuse, Sandbox};
use store::Store;

use super::component::component;

/// What a publisher releases.
pub(crate) struct Release {
    pub(crate) version: &'static str,
    /// What it wants to read.
    pub(crate) read: &'static [&'static str],
}

impl Release {
    /// The package file, signed with the key of this seed.
    pub(crate) fn signed(&self, seed: u8) -> Bytes {
        let mut bundle = self.bundle();
        let statement = Statement::release("acme/shop", self.version, bundle.digest());
        let kind = "application/vnd.in-toto+json";
        let envelope = Envelope::sign(&key(seed), kind, &statement.to_json());
        bundle.add_envelope(envelope).unwrap();
        Bytes::from(bundle.to_bytes())
    }

    /// The package file as nobody has signed it.
    pub(crate) fn unsigned(&self) -> Bytes {
        Bytes::from(self.bundle().to_bytes())
    }

    pub(crate) fn digest(&self) -> String {
        self.bundle().digest().to_owned()
    }

    fn bundle(&self) -> Bundle {
        let members = BTreeMap::from([
            ("adapter.toml".to_owned(), self.manifest().into_bytes()),
            ("adapter.wasm".to_owned(), component("shop", self.version, &["thing"])),
        ]);
        Bundle::read(Bytes::from(pack(members).unwrap())).unwrap()
    }

    fn manifest(&self) -> String {
        format!(
            r#"
[adapter]
id = "shop"
name = "Shop"
version = "{}"
contract = "0.1"
publisher = "acme"
license = "Apache-2.0"
summary = "Things of a shop."
[auth.none]
kind = "none"
[endpoint.api]
origin = "https://shop.example"
read = {:?}
[entity.thing]
cursor = "scan"
page = 100
"#,
            self.version, self.read,
        )
    }
}

fn key(seed: u8) -> PrivateKey {
    PrivateKey::from_seed([seed; 32])
}

/// The seed of the publisher's key.
pub(crate) const PUBLISHER: u8 = 7;

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
        let public = key(PUBLISHER).public();
        let trust = format!(
            "version = 1\nreview = \"optional\"\n[publisher.acme]\nkeys = [{{ id = \"{}\", public \
             = \"{}\", state = \"active\" }}]\n",
            public.id(),
            public.to_base64()
        );
        Self {
            store: store.clone(),
            clock: clock.clone(),
            cache: dir.join("compiled").into(),
            sandbox: OnceLock::new(),
            trust: TrustFile::parse(&trust).unwrap(),
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
