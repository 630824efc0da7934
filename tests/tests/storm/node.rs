//! A node: a process with credentials of its own over the one store, and many who ask them.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use egress::{Gateway, Options, Redactor};
use engine::credential::{Credentials, Material, Packages, Ports, Provider};
use futures_util::future::join_all;
use model::credential::Tokens;
use model::vault::Vault;
use model::{Clock, ConnectionId, Error, TenantId};
use package::Manifest;
use store::Store;
use vault::{Setting, WrapperConfig};

use crate::remote::Remote;

/// The provider: nothing of it is asked but its tokens.
pub(crate) const MANIFEST: &str = r#"
[adapter]
id = "desk"
name = "Desk"
version = "0.1.0"
contract = "0.1"
publisher = "acme"
license = "Apache-2.0"
summary = "Reads a desk."
[auth.oauth]
kind = "oauth2"
authorize = "https://login.desk.example/authorize"
token = "https://login.desk.example/token"
client_auth = "basic"
scopes = ["read"]
[endpoint.api]
origin = "https://api.desk.example"
credential = "account"
read = ["GET /resource"]
[entity.item]
cursor = "scan"
"#;

/// Callers in each process.
pub(crate) const CALLERS: usize = 200;

/// What the line of a storm begins with; the harness writes lines of its own.
pub(crate) const ENDED: &str = "storm over: ";

/// How often a caller that was told to come later does.
const PATIENCE: u32 = 60;

/// The package of the manifest.
struct Desk;

#[async_trait]
impl Packages for Desk {
    async fn provider(&self, _: &str) -> Result<Provider, Error> {
        let manifest = Arc::new(Manifest::parse(MANIFEST).unwrap());
        Ok(Provider { manifest, writes: false })
    }
}

/// What credentials stand on.
pub(crate) struct Ground {
    pub(crate) credentials: Credentials,
    /// The same vault, for who looks into the store.
    pub(crate) vault: Arc<dyn Vault>,
    gateway: Gateway,
}

/// Credentials over a store, by its ports.
macro_rules! ground {
    ($store:expr, $data:expr, $holder:expr) => {{
        let (store, clock) = (Arc::new($store), Clock::system());
        let redactor = Redactor::default();
        let gateway = Gateway::new(clock.clone(), Options::default()).unwrap();
        let gateway = gateway.with_redactor(redactor.clone());
        let setting = Setting { data: $data, outbound: gateway.outbound(), clock: clock.clone() };
        let config = WrapperConfig::default();
        let vault = vault::open(store.clone(), &config, None, &setting).await.unwrap();
        let vault: Arc<dyn Vault> = Arc::new(vault);
        let credentials = Credentials::new(Ports {
            credentials: store.clone(),
            apps: store.clone(),
            flows: store.clone(),
            catalogue: store.clone(),
            tasks: store.clone(),
            access: store,
            vault: Arc::clone(&vault),
            masking: Arc::new(redactor),
            outbound: gateway.outbound(),
            packages: Arc::new(Desk),
            clock,
            spawn: Arc::new(|work| drop(tokio::spawn(work))),
            holder: $holder,
            metrics: engine::metrics::Metrics::default(),
        });
        Ground { credentials, vault, gateway }
    }};
}

/// Credentials over the store itself.
pub(crate) async fn at_home(store: &Store, data: &Path) -> Ground {
    ground!(store.clone(), data, "home".to_owned())
}

/// Does what the parent says, a line at a time, and answers in a line how it went.
pub(crate) async fn run(socket: PathBuf, resource: String) {
    let data = socket.parent().unwrap().to_owned();
    let remote = Remote(socket.into());
    let ground = ground!(remote.clone(), &data, format!("node-{}", std::process::id()));
    let (tenant, id): (TenantId, ConnectionId) = ("acme".parse().unwrap(), "desk".parse().unwrap());
    let connection = model::store::Catalogue::connection(&remote, &tenant, &id).await.unwrap();
    let material = ground.credentials.material(&connection.unwrap()).await.unwrap();
    let Material::Tokens(tokens) = material else { panic!("a method without tokens") };
    let client = reqwest::Client::new();
    for line in std::io::stdin().lock().lines() {
        line.unwrap();
        let late = AtomicU64::new(0);
        let callers = (0..CALLERS).map(|_| caller(&*tokens, &client, &resource, &late));
        let ended = join_all(callers).await;
        let well = ended.iter().filter(|ended| ended.is_ok()).count();
        let why = ended.into_iter().find_map(Result::err).unwrap_or_default();
        println!("{ENDED}{well} {} {why}", late.load(Ordering::Relaxed));
    }
    ground.gateway.settled().await;
}

/// One caller: it wants into the account, as a door does.
async fn caller(
    tokens: &dyn Tokens,
    client: &reqwest::Client,
    resource: &str,
    late: &AtomicU64,
) -> Result<(), String> {
    let mut refused = None;
    for _ in 0..PATIENCE {
        let token = match refused {
            None => tokens.current().await,
            Some(generation) => tokens.renewed(generation).await,
        };
        match token {
            Ok(token) => {
                let request = client.get(resource).bearer_auth(token.secret.expose());
                if request.send().await.map_err(|e| e.to_string())?.status() == 200 {
                    return Ok(());
                }
                refused = Some(token.generation);
            }
            // Lost answers, several in a row: every caller is told when to come again.
            Err(error) if error.retry_after.is_some() => {
                late.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(error.retry_after.unwrap_or(Duration::ZERO)).await;
            }
            Err(error) => return Err(error.to_string()),
        }
    }
    Err("no token opens the account".to_owned())
}
