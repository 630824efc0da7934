//! `plughouse serve`: the host as a long-running process.

use anyhow::Result;
use engine::sync::Cancel;

use crate::Global;
use crate::control::Server;
use crate::exit::Exit;
use crate::wire::Host;

/// How to serve.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Serves until somebody asks it to stop.
pub(crate) async fn run(global: &Global, _args: Args) -> Result<Exit> {
    let host = Host::create(global)?;
    let server = Server::open(&global.data)?;
    let cancel = Cancel::default();
    let stoppable = global.interrupt.stops(cancel.clone());
    let inside = Global { host: Some(host), ..global.clone() };
    global.output().note(format_args!("serving {}; Ctrl-C stops", global.data.display()));
    tokio::select! {
        ended = server.serve(&inside) => ended?,
        () = cancel.cancelled() => {}
    }
    drop(stoppable);
    Ok(Exit::Done)
}
