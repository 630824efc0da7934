//! `plughouse serve`: the host as a long-running process.

use anyhow::Result;
use engine::sync::Cancel;
use engine::work::Limits;

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
    let stop = Cancel::default();
    let stoppable = global.interrupt.stops(stop.clone());
    let inside = Global { host: Some(host.clone()), ..global.clone() };
    let output = global.output();
    output.note(format_args!(
        "serving {}: give commands with the same --data in another terminal, stop with Ctrl-C",
        global.data.display()
    ));
    tokio::select! {
        () = wire::server::run(&host, limits, stop.clone()) => {}
        never = commands.serve(&inside) => match never {},
    }
    commands.close().await;
    drop(stoppable);
    output.note("stopped; everything is kept");
    Ok(Exit::Done)
}
