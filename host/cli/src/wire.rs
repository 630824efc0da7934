//! Wiring: the only place that names concrete types.

mod adapters;
mod asking;
mod credentials;
mod figures;
mod opener;
mod operator;
mod packages;
pub(crate) mod server;
pub(crate) mod tasks;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use egress::{Gateway, Opening};
use engine::breaker::Breakers;
use engine::credential::{Credentials, IdleRule, Material};
use engine::install::{self, InstallError};
use engine::mapping::{MappingError, Mappings, Resolver};
use engine::metrics::{Metrics, Monitor};
use engine::otlp::Exporter;
use engine::work::{Stops, Wake};
use model::credential::Actor;
use model::egress::Priority;
use model::outbound::Outbound;
use model::store::Catalogue as _;
use model::{Clock, Connection, ConnectionId, Error, ErrorKind, TenantId};
use package::manifest::{PUBLISHER_RULE, is_publisher};
use package::trust::{self, ReviewPolicy};
use package::{PublicKey, TrustFile};
use sandbox::{Compiler, Reuse, Sandbox, Scope, Session};
use store::Store;
use vault::{Sealer, Setting};

pub(crate) use self::asking::Asking;
use self::credentials::Parts;
pub(crate) use self::credentials::person;
pub(crate) use self::packages::Package;
use self::packages::Packages;
use crate::Global;
use crate::config::{self, Instances};
use crate::exit::Refusal;

/// The trust file's name in the data directory.
const TRUST_FILE: &str = "trust.toml";

/// The store's file in the data directory.
const STORE_FILE: &str = "plughouse.redb";

/// The compiled adapters' folder in the data directory.
const COMPILED: &str = "compiled";

/// Everything that a command needs to install, connect and sync.
pub(crate) struct Host {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Clock,
    pub(crate) breakers: Breakers,
    pub(crate) wake: Wake,
    pub(crate) stops: Stops,
    pub(crate) metrics: Metrics,
    pub(crate) monitor: Monitor,
    exporter: Option<Exporter>,
    pub(crate) credentials: Credentials,
    pub(crate) vault: Arc<Sealer>,
    /// The longest that one adapter call takes.
    pub(crate) call_max: Duration,
    /// When connections that nobody uses are suspended.
    idle: IdleRule,
    packages: Arc<Packages>,
    gateway: Gateway,
}

impl Host {
    /// Opens the store and builds the machinery around it; in a server, the server's.
    pub(crate) async fn open(global: &Global) -> Result<Arc<Self>> {
        match &global.host {
            Some(host) => Ok(Arc::clone(host)),
            None => Self::around(open_store(global)?, global).await,
        }
    }

    /// The same, with an empty store where there is none.
    pub(crate) async fn create(global: &Global) -> Result<Arc<Self>> {
        match &global.host {
            Some(host) => Ok(Arc::clone(host)),
            None => {
                Self::around(Arc::new(Store::open(&global.data, Clock::system())?), global).await
            }
        }
    }

    async fn around(store: Arc<Store>, global: &Global) -> Result<Arc<Self>> {
        let (file, data) = (&global.file, global.data.clone());
        let clock = Clock::system();
        let breakers = Breakers::load(store.clone(), clock.clone()).await?;
        let gateway = gateway(global, &breakers, &clock)?;
        let outbound = gateway.outbound();
        let setting = Setting { data: &data, outbound: outbound.clone(), clock: clock.clone() };
        let (now, before) = (file.vault.clone().unwrap_or_default(), file.vault_before.as_ref());
        let sealer = vault::open(store.clone(), &now, before, &setting).await?;
        let sealer = Arc::new(sealer);
        let packages = Arc::new(Packages {
            store: store.clone(),
            sandbox: sandbox(&data, file)?,
            clock: clock.clone(),
            data: data.clone(),
            recent: Mutex::default(),
        });
        let monitor = figures::monitor(&store, &breakers, &clock);
        let exporter = figures::exporter(global, &monitor, outbound.clone(), &clock);
        let metrics = monitor.metrics().clone();
        let credentials = credentials::credentials(Parts {
            store: store.clone(),
            sealer: sealer.clone(),
            outbound,
            packages: packages.clone(),
            clock: clock.clone(),
            tasks: global.tasks.clone(),
            redactor: global.redactor.clone(),
            metrics: metrics.clone(),
        });
        credentials::enter_apps(&credentials, file).await?;
        Ok(Arc::new(Self {
            store,
            clock,
            breakers,
            wake: Wake::default(),
            stops: Stops::default(),
            metrics,
            monitor,
            exporter,
            credentials,
            vault: sealer,
            idle: IdleRule { after: file.credentials.idle_max(), exempt: BTreeSet::new() },
            call_max: file.limits.over(sandbox::Limits::default()).wall,
            packages,
            gateway,
        }))
    }

    /// Whom this host trusts now.
    pub(crate) fn trust(&self) -> Result<TrustFile, InstallError> {
        self.packages.trust()
    }

    /// What installing and loading needs.
    pub(crate) fn install_ports<'a>(&'a self, trust: &'a TrustFile) -> install::Ports<'a> {
        self.packages.ports(trust)
    }

    /// Loads an installed package, verified again.
    pub(crate) async fn load(&self, name: &str) -> Result<Arc<Package>> {
        self.packages.load(name).await.map_err(refusal)
    }

    /// The way out of the host's own requests.
    pub(crate) fn outbound(&self) -> Arc<dyn Outbound> {
        self.gateway.outbound()
    }

    /// What finds the conversion schemas of a connection.
    pub(crate) fn resolver<'a>(
        &'a self,
        package: &'a Package,
        connection: &'a Connection,
    ) -> Resolver<'a> {
        let schemas = self.store.as_ref();
        Resolver { schemas, connection, package: &package.loaded.package }
    }

    /// The conversion schemas that are active for a connection, compiled.
    pub(crate) async fn mappings(
        &self,
        package: &Package,
        connection: &Connection,
    ) -> Result<Mappings, Error> {
        self.resolver(package, connection).active().await.map_err(unusable)
    }

    /// Begins a session of a connection: its door out, and the adapter behind it.
    pub(crate) async fn session(
        &self,
        package: &Package,
        connection: &Connection,
        actor: Actor,
        priority: Priority,
    ) -> Result<Session, Error> {
        let material = self.credentials.material(connection).await?;
        self.door(package, connection, (material, actor), priority)
    }

    /// The same with a credential that need not be stored.
    pub(crate) fn door(
        &self,
        package: &Package,
        connection: &Connection,
        (material, actor): (Material, Actor),
        priority: Priority,
    ) -> Result<Session, Error> {
        let (secrets, tokens) = match material {
            Material::Fields(fields) => (fields, None),
            Material::Tokens(tokens) => (Vec::new(), Some(tokens)),
        };
        let egress = self.gateway.connect(Opening {
            connection,
            manifest: Arc::clone(package.manifest()),
            grant: &package.loaded.grant,
            secrets,
            tokens,
            access: Some((self.store.clone(), actor)),
            priority,
        })?;
        Ok(package.loaded.component.session(Scope {
            egress,
            variables: engine::connect::variables(package.manifest(), connection),
            state_key: (connection.tenant.clone(), connection.id.clone()),
            clock: self.clock.clone(),
            seed: None,
        }))
    }
}

/// A name of this process that no other has.
fn process(clock: &Clock) -> String {
    format!("{}-{}", std::process::id(), clock.now().as_nanosecond())
}

/// Why there is no schema, as jobs and requests are told.
fn unusable(error: MappingError) -> Error {
    match error {
        MappingError::Store(error) => opener::unavailable(&error),
        other => Error::new(ErrorKind::Invalid, "mapping.schema", other.to_string()),
    }
}

fn gateway(global: &Global, breakers: &Breakers, clock: &Clock) -> Result<Gateway> {
    let nat64 = global.file.nat64.iter().copied().map(egress::Nat64::new).collect();
    let options = egress::Options { nat64, ..egress::Options::default() };
    let gateway = Gateway::new(clock.clone(), options)?;
    Ok(gateway.with_breakers(Arc::new(breakers.clone())).with_redactor(global.redactor.clone()))
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

/// Whether there is a store.
pub(crate) fn has_store(data: &Path) -> bool {
    data.join(STORE_FILE).exists()
}

/// Opens the store alone, for commands that only look; one that is not there is not made.
pub(crate) fn open_store(global: &Global) -> Result<Arc<Store>> {
    if let Some(host) = &global.host {
        return Ok(Arc::clone(&host.store));
    }
    if !has_store(&global.data) {
        bail!(
            "no data in {}: say where it is with --data, or begin with `plughouse plugin install`",
            global.data.display()
        );
    }
    Ok(Arc::new(Store::open(&global.data, Clock::system())?))
}

/// A connection that must be there.
pub(crate) async fn connection(
    store: &Store,
    tenant: &TenantId,
    id: &ConnectionId,
) -> Result<Connection> {
    store.connection(tenant, id).await?.with_context(|| {
        format!("tenant {tenant} has no connection {id}: see `plughouse connection list`")
    })
}

/// Reads the trust file.
pub(crate) fn trust_file(data: &Path) -> Result<TrustFile> {
    let (path, text) = trust_text(data)?;
    TrustFile::parse(&text).with_context(|| format!("read trust file {}", path.display()))
}

/// A trust file with a publisher's key in it, not written yet.
pub(crate) struct TrustEntry {
    path: PathBuf,
    text: String,
}

impl TrustEntry {
    /// Enters a publisher's key; fails where the file or the name will not do.
    pub(crate) fn new(data: &Path, publisher: &str, key: &PublicKey) -> Result<Self> {
        if !is_publisher(publisher) {
            bail!("`{publisher}` is no name of a publisher: {PUBLISHER_RULE}");
        }
        let (path, text) = trust_text(data)?;
        let text = trust::with_publisher(&text, publisher, key)
            .with_context(|| format!("enter publisher {publisher} in {}", path.display()))?;
        Ok(Self { path, text })
    }

    /// Writes the file.
    pub(crate) fn write(&self) -> Result<()> {
        let write = || {
            self.path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(&self.path, &self.text)
        };
        write().with_context(|| format!("write trust file {}", self.path.display()))
    }
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
pub(crate) fn refusal(error: InstallError) -> anyhow::Error {
    if !error.is_refusal() {
        return error.into();
    }
    Refusal(error.to_string()).into()
}
