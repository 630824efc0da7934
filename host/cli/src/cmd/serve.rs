//! `plughouse serve`: the host as a long-running process.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use api::auth::NewKey;
use api::server::Bounds;
use engine::sync::Cancel;
use engine::work::Limits;
use model::api_key::{ApiKeyStore as _, Role};
use tokio::net::TcpListener;

use crate::Global;
use crate::config;
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
    /// Where the API listens, 127.0.0.1:8470 if nothing says otherwise; port 0 takes any that is
    /// free. Other machines reach it only with TLS, or through a proxy that is trusted.
    #[arg(long, value_name = "ADDRESS:PORT", env = "PLUGHOUSE_LISTEN")]
    listen: Option<SocketAddr>,
    /// Where people and providers reach it from outside, as `https://plughouse.example`.
    #[arg(long, value_name = "ORIGIN", env = "PLUGHOUSE_PUBLIC_URL")]
    public_url: Option<String>,
}

/// Opens the socket of the API; with the origin that others reach it by.
async fn listen(global: &Global, args: &Args) -> Result<(api::server::Server, String)> {
    let file = &global.file.server;
    args.public_url.as_deref().map_or(Ok(()), config::check_url)?;
    let (tls, proxies) = (file.tls(&global.data)?, file.proxies()?);
    let address = file.listen(args.listen);
    file.check_address(address, tls.is_some())?;
    let listener = TcpListener::bind(address).await;
    let listener = listener
        .with_context(|| format!("listen on {address}; choose another address with --listen"))?;
    let (address, is_tls) = (listener.local_addr()?, tls.is_some());
    let public_url = file.public_url(args.public_url.as_deref(), address, is_tls)?;
    let server = api::server::Server { listener, tls, proxies, bounds: Bounds::API };
    Ok((server, public_url))
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
    let (server, public_url) = listen(global, &args).await?;
    bootstrap(global, &host).await?;
    let stop = Cancel::default();
    let stoppable = global.interrupt.stops(stop.clone());
    let inside = Global { host: Some(host.clone()), ..global.clone() };
    let output = global.output();
    output.note(format_args!(
        "serving {}: give commands with the same --data in another terminal, stop with Ctrl-C",
        global.data.display()
    ));
    let (address, plain) = (server.listener.local_addr()?, server.tls.is_none());
    let plainly = if plain { ", without TLS" } else { "" };
    output.note(format_args!("the API is at {public_url}/api; it listens on {address}{plainly}"));
    let ports = wire::server::api(&host, &global.file.server, (public_url, stop.clone()));
    let answering = server.run(api::router(&ports), stop.cancelled());
    let closing = async {
        stop.cancelled().await;
        ports.operations.close();
    };
    let working = wire::server::run(&host, limits, stop.clone());
    let work = async { tokio::join!(working, answering, closing) };
    tokio::select! {
        ((), (), ()) = work => {}
        never = commands.serve(&inside) => match never {},
    }
    commands.close().await;
    drop(stoppable);
    output.note("stopped; everything is kept");
    Ok(Exit::Done)
}
