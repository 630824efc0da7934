//! `plughouse serve`: the host as a long-running process.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use api::auth::NewKey;
use engine::sync::Cancel;
use engine::work::Limits;
use model::api_key::{ApiKeyStore as _, Role};
use tokio::net::TcpListener;

use crate::Global;
use crate::control::Server;
use crate::exit::Exit;
use crate::wire::{self, Host};

/// How much is done at once.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Syncs and replays at work at the same time; each holds the memory of an adapter.
    #[arg(long, value_name = "N", default_value_t = Limits::default().total)]
    workers: usize,
    /// Those of one tenant at the same time.
    #[arg(long, value_name = "N", default_value_t = Limits::default().per_tenant)]
    per_tenant: usize,
    /// Those through one package at the same time.
    #[arg(long, value_name = "N", default_value_t = Limits::default().per_package)]
    per_package: usize,
    /// Those at one host of a provider at the same time.
    #[arg(long, value_name = "N", default_value_t = Limits::default().per_host)]
    per_host: usize,
    /// Where the API listens; on another than a loopback address only with TLS, or behind a proxy.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8470")]
    listen: SocketAddr,
}

/// Makes the first key of a host and shows it, once.
async fn bootstrap(global: &Global, host: &Host) -> Result<()> {
    let new = NewKey {
        name: "first".to_owned(),
        tenant: None,
        role: Role::Operator,
        creator: "bootstrap".to_owned(),
        expires: None,
    };
    let (key, secret) = api::auth::new_key(new, host.clock.now())?;
    if host.store.bootstrap_api_key(key).await? {
        let text = format!(
            "this host has no API key yet; here is an operator's, shown this once:\n\n  {}\n",
            secret.expose()
        );
        global.output().result(&serde_json::json!({"api_key": secret.expose()}), text)?;
    }
    Ok(())
}

/// Serves until somebody asks it to stop; what is at work then comes to a page border first.
pub(crate) async fn run(global: &Global, args: Args) -> Result<Exit> {
    let limits = Limits {
        total: args.workers.max(1),
        per_tenant: args.per_tenant.max(1),
        per_package: args.per_package.max(1),
        per_host: args.per_host.max(1),
    };
    let host = Host::create(global).await?;
    let commands = Server::open(&global.data)?;
    let listener = TcpListener::bind(args.listen).await;
    let listener = listener.with_context(|| format!("listen on {}", args.listen))?;
    let address = listener.local_addr()?;
    bootstrap(global, &host).await?;
    let stop = Cancel::default();
    let stoppable = global.interrupt.stops(stop.clone());
    let inside = Global { host: Some(host.clone()), ..global.clone() };
    let output = global.output();
    output.note(format_args!(
        "serving {}: give commands with the same --data in another terminal, stop with Ctrl-C",
        global.data.display()
    ));
    output.note(format_args!("the API is at http://{address}/api"));
    let router = api::router(&wire::server::api(&host));
    let served = api::server::serve(listener, router, stop.cancelled());
    let work = async { tokio::join!(wire::server::run(&host, limits, stop.clone()), served) };
    tokio::select! {
        ((), ()) = work => {}
        never = commands.serve(&inside) => match never {},
    }
    commands.close().await;
    drop(stoppable);
    output.note("stopped; everything is kept");
    Ok(Exit::Done)
}
