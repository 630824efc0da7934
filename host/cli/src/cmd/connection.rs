//! `plughouse connection`: accounts that are connected, and what this host was granted of them.

mod access;
mod grants;
mod list;
mod remove;
pub(super) mod show;
mod test;

use std::time::Duration;

use anyhow::Result;
use clap::Subcommand;
use model::ConnectionId;
use serde::Serialize;

use super::connect::{self, Way};
use super::task::duration;
use crate::Global;
use crate::exit::Exit;
use crate::wire::{self, Host};

/// What can be done with connections.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists the connections of the tenant, and whether they work.
    List,
    /// Shows a connection, what was granted to it, and whether it works.
    Show {
        /// The connection.
        connection: ConnectionId,
    },
    /// Asks the provider whether the account still opens.
    Test {
        /// The connection.
        connection: ConnectionId,
    },
    /// Authorises a connection again in a browser, with all that is known of it.
    Reconnect {
        /// The connection.
        connection: ConnectionId,
        #[command(flatten)]
        way: Way,
    },
    /// Switches a connection off: its work rests.
    Disable {
        /// The connection.
        connection: ConnectionId,
        /// Why; shown to whoever looks at it.
        #[arg(long)]
        reason: String,
    },
    /// Switches a connection on again.
    Enable {
        /// The connection.
        connection: ConnectionId,
    },
    /// Ends the grant at the provider and removes the connection; its records stay. Its
    /// integration goes with it, unless it has other connections or somebody has named it.
    Remove {
        /// The connection.
        connection: ConnectionId,
        /// Does not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Lists what providers have granted: scopes, age, last use.
    Grants,
    /// Lists grants that end soon and that nobody but a person can renew.
    Expiring {
        /// How soon.
        #[arg(long, value_name = "TIME", default_value = "7d", value_parser = duration)]
        within: Duration,
    },
    /// Lists who has used which secret for what, the newest first.
    Access(access::Args),
}

/// Runs the subcommand.
pub(crate) async fn run(global: &Global, command: Command) -> Result<Exit> {
    match command {
        Command::List => list::run(global).await,
        Command::Show { connection } => show::run(global, &connection).await,
        Command::Test { connection } => test::run(global, &connection).await,
        Command::Reconnect { connection, way } => connect::again(global, &connection, &way).await,
        Command::Disable { connection, reason } => disable(global, connection, &reason).await,
        Command::Enable { connection } => enable(global, connection).await,
        Command::Remove { connection, yes } => remove::run(global, connection, yes).await,
        Command::Grants => grants::all(global).await,
        Command::Expiring { within } => grants::expiring(global, within).await,
        Command::Access(args) => access::run(global, args).await,
    }
}

#[derive(Serialize)]
struct Switched {
    connection: ConnectionId,
    enabled: bool,
}

async fn disable(global: &Global, connection: ConnectionId, reason: &str) -> Result<Exit> {
    let host = Host::open(global).await?;
    wire::connection(&host.store, &global.tenant, &connection).await?;
    host.credentials.disable(&global.tenant, &connection, reason).await?;
    let text = format!("{connection} is switched off; `plughouse connection enable` undoes it");
    global.output().result(&Switched { connection, enabled: false }, text)?;
    Ok(Exit::Done)
}

async fn enable(global: &Global, connection: ConnectionId) -> Result<Exit> {
    let host = Host::open(global).await?;
    wire::connection(&host.store, &global.tenant, &connection).await?;
    host.credentials.enable(&global.tenant, &connection).await?;
    host.wake.wake();
    let text = format!("{connection} is switched on, and its work goes on");
    global.output().result(&Switched { connection, enabled: true }, text)?;
    Ok(Exit::Done)
}
