//! A store, a vault, a provider, and processes that share them.
//!
//! Time passes by [`World::drive`] alone, for the clock and the timers together, and never while a
//! call is on its way.

use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use async_trait::async_trait;
use engine::credential::{Check, Credentials, Material, NewApp, Packages, Ports, Provider};
use engine::metrics::Metrics;
use model::credential::{Credential, CredentialStore as _, Token, Tokens};
use model::masking::{Masked, Masking};
use model::outbound::{HostAnswer, HostRequest, Outbound};
use model::store::Catalogue as _;
use model::{
    Clock, Connection, ConnectionId, ConnectionState, ConnectionStatus, Error, ErrorKind, Secret,
    TenantId,
};
use package::Manifest;
use plughouse_testkit::AuthServer;
use plughouse_testkit::oauth::Leeway;
use store::Store;
use tokio::task::AbortHandle;
use vault::{FileConfig, Sealer, Setting, WrapperConfig};

use crate::provider::Simulated;
use crate::tap::{Point, Tap, Tapped};

pub(crate) const CLIENT: &str = "client-1";
pub(crate) const CLIENT_SECRET: &str = "k3y-canary-client-secret";
pub(crate) const PACKAGE: &str = "acme/crm";
pub(crate) const CALLBACK: &str = "https://host.example/oauth/callback";

/// How much time passes at once while nothing happens.
const STEP: Duration = Duration::from_millis(100);

/// Turns without a call after which nothing happens any more.
const QUIET: usize = 20;

pub(crate) struct World {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Clock,
    pub(crate) metrics: Metrics,
    pub(crate) provider: Arc<Simulated>,
    pub(crate) manifest: Arc<Manifest>,
    vault: Arc<Sealer>,
    busy: Arc<AtomicUsize>,
    masks: Arc<Masks>,
    pub(crate) dir: tempfile::TempDir,
    _still: mpsc::Sender<()>,
}

/// One process.
pub(crate) struct Process {
    pub(crate) credentials: Credentials,
    pub(crate) tap: Arc<Tap>,
    tasks: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Process {
    /// Ends it, with everything that it does.
    pub(crate) fn kill(self) {
        self.tasks.lock().unwrap().iter().for_each(AbortHandle::abort);
    }
}

impl World {
    /// With a provider whose refresh tokens are good once, and for a minute again.
    pub(crate) async fn new() -> Self {
        Self::with(AuthServer::new(CLIENT, CLIENT_SECRET).leeway(Leeway::seconds(60))).await
    }

    pub(crate) async fn with(server: AuthServer) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::manual("2026-01-01T12:00:00Z".parse().unwrap());
        // The runtime lets paused time pass by itself unless a blocking task is at work.
        let (still, moving) = mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || moving.recv());
        let store = Arc::new(Store::open(&dir.path().join("store"), clock.clone()).unwrap());
        let world = Self {
            vault: Arc::new(open_vault(dir.path(), &store, &clock).await),
            provider: Arc::new(Simulated::new(server, clock.clone())),
            manifest: Arc::new(Manifest::parse(include_str!("crm.toml")).unwrap()),
            busy: Arc::default(),
            masks: Arc::default(),
            store,
            clock,
            metrics: Metrics::default(),
            _still: still,
            dir,
        };
        let app = NewApp {
            package: PACKAGE.to_owned(),
            tenant: None,
            client_id: CLIENT.to_owned(),
            secret: Some(Secret::new(CLIENT_SECRET.to_owned())),
            origin: None,
        };
        world.process("setup").credentials.set_app(app).await.unwrap();
        world
    }

    pub(crate) fn process(&self, holder: &str) -> Process {
        self.mortal(holder, None)
    }

    /// A process that stops for ever at a point.
    pub(crate) fn mortal(&self, holder: &str, dies: Option<Point>) -> Process {
        let tap = Tap::new(Arc::clone(&self.busy), dies);
        let tapped = Arc::new(Tapped {
            tap: Arc::clone(&tap),
            store: Arc::clone(&self.store),
            vault: self.vault.clone(),
            outbound: Arc::clone(&self.provider),
            masks: Arc::clone(&self.masks),
        });
        let tasks = Arc::new(Mutex::new(Vec::<AbortHandle>::new()));
        let begun = Arc::clone(&tasks);
        let credentials = Credentials::new(Ports {
            credentials: tapped.clone(),
            apps: tapped.clone(),
            flows: tapped.clone(),
            catalogue: tapped.clone(),
            tasks: self.store.clone(),
            access: tapped.clone(),
            vault: tapped.clone(),
            masking: self.masks.clone(),
            outbound: tapped,
            packages: Arc::new(Installed(Arc::clone(&self.manifest))),
            clock: self.clock.clone(),
            spawn: Arc::new(move |work| {
                begun.lock().unwrap().push(tokio::spawn(work).abort_handle());
            }),
            holder: holder.to_owned(),
            metrics: self.metrics.clone(),
        });
        Process { credentials, tap, tasks }
    }

    /// Lets time pass until the work is done.
    pub(crate) async fn drive<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.quiet() => {}
            }
            self.pass(STEP).await;
        }
    }

    /// Lets time pass at once.
    pub(crate) async fn pass(&self, by: Duration) {
        self.clock.advance(by);
        self.provider.keep_time();
        tokio::time::advance(by).await;
    }

    async fn quiet(&self) {
        let mut quiet = 0;
        while quiet < QUIET {
            tokio::task::yield_now().await;
            quiet = if self.busy.load(Ordering::Relaxed) == 0 { quiet + 1 } else { 0 };
        }
    }

    /// A connection that was authorised in a browser.
    pub(crate) async fn authorised(&self, process: &Process) -> Connection {
        let (query, browser) = self.browse(process, &connection("user")).await;
        let finished = process.credentials.finish(&query, Some(&browser), None);
        self.drive(finished).await.unwrap().connection
    }

    /// Goes to the provider and comes back: the query of the callback, and what the browser shows.
    pub(crate) async fn browse(
        &self,
        process: &Process,
        connection: &Connection,
    ) -> (String, Secret) {
        let begun = process.credentials.begin(connection.clone(), CALLBACK);
        let begun = self.drive(begun).await.unwrap();
        (self.visit(&begun.url), begun.browser)
    }

    /// The query with which the provider sends the browser back.
    pub(crate) fn visit(&self, url: &str) -> String {
        use plughouse_testkit::Provider as _;
        self.provider.keep_time();
        let target = url.trim_start_matches("https://login.crm.example");
        let request = plughouse_testkit::Request::new("GET", target);
        let answer = self.provider.server.with(|server| server.answer(&request));
        let (_, location) = answer.headers.iter().find(|(name, _)| name == "location").unwrap();
        location.split_once('?').unwrap().1.to_owned()
    }

    pub(crate) async fn credential(&self) -> Credential {
        let (tenant, id) = whose();
        self.store.credential(&tenant, &id).await.unwrap().unwrap().0
    }

    /// The state that the connection has been put into.
    pub(crate) async fn status(&self) -> Option<ConnectionStatus> {
        let (tenant, id) = whose();
        self.store.connection_status(&tenant, &id).await.unwrap()
    }

    pub(crate) async fn reason(&self) -> String {
        self.status().await.unwrap().reason
    }

    pub(crate) async fn state(&self) -> ConnectionState {
        self.status().await.map(|status| status.state).unwrap_or_default()
    }

    /// How many requests were made for tokens, codes included.
    pub(crate) fn asked(&self) -> usize {
        self.provider.sent().iter().filter(|sent| sent.starts_with("token")).count()
    }
}

impl Process {
    /// The tokens of a connection.
    pub(crate) async fn tokens(&self, connection: &Connection) -> Arc<dyn Tokens> {
        match self.credentials.material(connection).await.unwrap() {
            Material::Tokens(tokens) => tokens,
            Material::Fields(_) => panic!("the method has no tokens"),
        }
    }
}

pub(crate) fn whose() -> (TenantId, ConnectionId) {
    ("main".parse().unwrap(), "crm".parse().unwrap())
}

/// A connection of a method.
pub(crate) fn connection(method: &str) -> Connection {
    let (tenant, id) = whose();
    Connection::new(tenant, id, PACKAGE, method)
}

/// The text of a token.
pub(crate) fn text(token: &Token) -> String {
    token.secret.expose().to_owned()
}

/// Says that the account is this one.
pub(crate) struct Account(pub(crate) &'static str);

impl Account {
    pub(crate) fn as_check(&self) -> &dyn Check {
        self
    }
}

#[async_trait]
impl Check for Account {
    async fn check(&self, connection: &mut Connection, material: Material) -> Result<(), Error> {
        if let Material::Tokens(tokens) = material {
            tokens.current().await?;
        }
        if connection.account.as_ref().is_some_and(|known| known != self.0) {
            return Err(Error::new(ErrorKind::Conflict, "engine.other-account", "another account"));
        }
        connection.account = Some(self.0.to_owned());
        Ok(())
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

/// The secrets that are masked now.
#[derive(Default)]
pub(crate) struct Masks(Arc<Mutex<Vec<String>>>);

impl Masks {
    pub(crate) fn hides(&self, secret: &Secret) -> bool {
        self.0.lock().unwrap().iter().any(|masked| masked == secret.expose())
    }
}

impl Masking for Masks {
    fn mask(&self, secrets: &[Secret]) -> Masked {
        let masked: Vec<_> = secrets.iter().map(|secret| secret.expose().to_owned()).collect();
        self.0.lock().unwrap().extend(masked.clone());
        Box::new(Hidden(Arc::clone(&self.0), masked))
    }
}

struct Hidden(Arc<Mutex<Vec<String>>>, Vec<String>);

impl Drop for Hidden {
    fn drop(&mut self) {
        let Self(live, own) = self;
        let mut live = live.lock().unwrap();
        for secret in own {
            let at = live.iter().position(|masked| masked == secret).unwrap();
            live.swap_remove(at);
        }
    }
}

/// The vault asks nobody for its key.
struct Nowhere;

#[async_trait]
impl Outbound for Nowhere {
    async fn send(&self, _request: HostRequest) -> Result<HostAnswer, Error> {
        panic!("the vault sends nothing")
    }
}

async fn open_vault(dir: &Path, store: &Arc<Store>, clock: &Clock) -> Sealer {
    let config = WrapperConfig::File(FileConfig::default());
    let setting = Setting { data: dir, outbound: Arc::new(Nowhere), clock: clock.clone() };
    vault::open(store.clone(), &config, None, &setting).await.unwrap()
}
