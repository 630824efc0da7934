//! A publisher, an operator, and a host to install on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use engine::install::{self, Candidate, InstallError, InstallPlan, Loaded, Ports};
use model::Clock;
use model::store::Installed;
use package::statement::Statement;
use package::{Bundle, Envelope, PrivateKey, TrustFile, pack};
use sandbox::{Compiler, Config, Limits, Reuse, Sandbox};
use store::Store;

use crate::component::component;

/// Where a package has the schema of its entity.
const MAPPING: &str = "mappings/thing.json";

/// What a publisher writes into the manifest, where tests differ.
pub(crate) struct Release {
    pub(crate) version: &'static str,
    pub(crate) read: &'static [&'static str],
    /// What the component says it is.
    pub(crate) id: &'static str,
    /// The conversion schema of its entity.
    pub(crate) mapping: Option<&'static str>,
}

impl Default for Release {
    fn default() -> Self {
        Self { version: "1.0.0", read: &["GET /v1/things"], id: "shop", mapping: None }
    }
}

impl Release {
    /// The package file, signed with this key.
    pub(crate) fn file(&self, key: &PrivateKey) -> Bytes {
        let mut members = BTreeMap::from([
            ("adapter.toml".to_owned(), self.manifest().into_bytes()),
            ("adapter.wasm".to_owned(), component(self.id, self.version, &["thing"])),
        ]);
        let mapping = self.mapping.map(|text| (MAPPING.to_owned(), text.as_bytes().to_vec()));
        members.extend(mapping);
        let mut bundle = Bundle::read(Bytes::from(pack(members).unwrap())).unwrap();
        let statement = Statement::release("acme/shop", self.version, bundle.digest());
        let kind = "application/vnd.in-toto+json";
        bundle.add_envelope(Envelope::sign(key, kind, &statement.to_json())).unwrap();
        Bytes::from(bundle.to_bytes())
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
{}"#,
            self.version,
            self.read,
            self.mapping.map_or_else(String::new, |_| format!(
                "type = \"c_company\"\nmapping = \"{MAPPING}\""
            )),
        )
    }
}

/// The publisher's key.
pub(crate) fn key() -> PrivateKey {
    PrivateKey::from_seed([7; 32])
}

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

/// A trust file that trusts the publisher, with more text behind.
pub(crate) fn trust_text(more: &str) -> String {
    let public = key().public();
    format!(
        "version = 1\nreview = \"optional\"\n[publisher.acme]\nkeys = [{{ id = \"{}\", public = \
         \"{}\", state = \"active\" }}]\n{more}",
        public.id(),
        public.to_base64()
    )
}
