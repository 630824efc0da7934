//! Wiring: the only place that names concrete types.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use egress::Gateway;
use engine::install;
use engine::sync::PackageRef;
use model::{Clock, Connection, Secret};
use package::manifest::Manifest;
use package::trust::{self, ReviewPolicy};
use package::{PublicKey, TrustFile};
use sandbox::{Compiler, Reuse, Sandbox, Scope, Session};
use store::Store;

use crate::Global;
use crate::config::{self, Instances};
use crate::exit::Refusal;

/// The trust file's name in the data directory.
const TRUST_FILE: &str = "trust.toml";

/// The compiled adapters' folder in the data directory.
const COMPILED: &str = "compiled";

/// Everything that a command needs to install, connect and sync.
pub(crate) struct Host {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Clock,
    sandbox: Sandbox,
    gateway: Gateway,
    trust: TrustFile,
}

/// A package of the store, verified and compiled.
pub(crate) struct Package {
    loaded: install::Loaded,
    manifest: Arc<Manifest>,
}

impl Host {
    /// Opens the store and builds the machinery around it.
    pub(crate) fn open(global: &Global) -> Result<Self> {
        let file = config::read(&global.data, global.config.as_deref())?;
        let clock = Clock::system();
        let store = open_store(global)?;
        let nat64 = file.nat64.iter().copied().map(egress::Nat64::new).collect();
        let options = egress::Options { nat64, ..egress::Options::default() };
        Ok(Self {
            store,
            sandbox: sandbox(&global.data, &file)?,
            gateway: Gateway::new(clock.clone(), options)?,
            trust: trust_file(&global.data)?,
            clock,
        })
    }

    /// What installing and loading needs.
    pub(crate) fn install_ports(&self) -> install::Ports<'_> {
        install::Ports {
            catalogue: self.store.as_ref(),
            sandbox: &self.sandbox,
            trust: &self.trust,
            clock: &self.clock,
        }
    }

    /// Loads an installed package, verified again.
    pub(crate) async fn load(&self, name: &str) -> Result<Package> {
        let loaded = install::load(name, self.install_ports()).await.map_err(refusal)?;
        let manifest = Arc::new(loaded.package.manifest().clone());
        Ok(Package { loaded, manifest })
    }

    /// Begins a session of a connection: its door out, and the adapter behind it.
    pub(crate) fn session(
        &self,
        package: &Package,
        connection: &Connection,
        secrets: Vec<(String, Secret)>,
    ) -> Result<Session> {
        let manifest = Arc::clone(&package.manifest);
        let grant = &package.loaded.grant;
        let egress = self.gateway.connect(connection, manifest, grant, secrets)?;
        Ok(package.loaded.component.session(Scope {
            egress,
            variables: engine::connect::variables(&package.manifest, connection),
            state_key: (connection.tenant.clone(), connection.id.clone()),
            clock: self.clock.clone(),
            seed: None,
        }))
    }
}

impl Package {
    /// Its manifest.
    pub(crate) fn manifest(&self) -> &Manifest {
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
}

/// Builds the sandbox, which compiles in a child process of this program.
pub(crate) fn sandbox(data: &Path, file: &config::File) -> Result<Sandbox> {
    let program = std::env::current_exe().context("find the running program")?;
    let config = sandbox::Config {
        limits: file.limits.over(sandbox::Limits::default()),
        cache_dir: data.join(COMPILED),
        compiler: Compiler::Child { program, args: vec!["compile-worker".into()] },
        reuse: match file.instances {
            Instances::PerRun => Reuse::default(),
            Instances::PerCall => Reuse::PerCall,
        },
    };
    Ok(Sandbox::new(config)?)
}

/// Opens the store alone, for commands that only look.
pub(crate) fn open_store(global: &Global) -> Result<Arc<Store>> {
    Ok(Arc::new(Store::open(&global.data, Clock::system())?))
}

/// Reads the trust file.
pub(crate) fn trust_file(data: &Path) -> Result<TrustFile> {
    let (path, text) = trust_text(data)?;
    TrustFile::parse(&text).with_context(|| format!("read trust file {}", path.display()))
}

/// Enters a publisher's key in the trust file.
pub(crate) fn trust_publisher(data: &Path, publisher: &str, key: &PublicKey) -> Result<()> {
    let (path, text) = trust_text(data)?;
    let text = trust::with_publisher(&text, publisher, key)
        .with_context(|| format!("enter {publisher} in {}", path.display()))?;
    fs::create_dir_all(data).with_context(|| format!("create {}", data.display()))?;
    fs::write(&path, text).with_context(|| format!("write trust file {}", path.display()))
}

/// The text of the trust file; without one, of a file that trusts nobody.
fn trust_text(data: &Path) -> Result<(PathBuf, String)> {
    let path = data.join(TRUST_FILE);
    match fs::read_to_string(&path) {
        Ok(text) => Ok((path, text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok((path, trust::empty(ReviewPolicy::Optional)))
        }
        Err(error) => Err(error).with_context(|| format!("read trust file {}", path.display())),
    }
}

/// The error of an installation or load, marked where it is a refusal.
pub(crate) fn refusal(error: install::InstallError) -> anyhow::Error {
    if !error.is_refusal() {
        return error.into();
    }
    Refusal(error.to_string()).into()
}
