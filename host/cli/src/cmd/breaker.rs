//! `plughouse breaker`: hosts of providers that are not asked at present.

use anyhow::{Result, bail};
use clap::Subcommand;
use model::breaker::Key;

use crate::Global;
use crate::exit::Exit;
use crate::wire::Host;

/// What can be done with circuit breakers.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists the breakers that are open, and until when.
    List,
    /// Closes a breaker before its time.
    Reset {
        /// The package that asks, `publisher/id`.
        package: String,
        /// The host, as the list shows it.
        host: String,
    },
}

/// Runs the subcommand.
pub(crate) async fn run(global: &Global, command: Command) -> Result<Exit> {
    let host = Host::open(global).await?;
    let output = global.output();
    match command {
        Command::List => {
            let head = ["PACKAGE", "HOST", "FAILED", "SINCE", "UNTIL", "TIMES"];
            output.list(&host.breakers.list(Some(&global.tenant)), &head, |opened| {
                let (key, open) = (&opened.key, &opened.open);
                vec![
                    key.package.clone(),
                    key.host.clone(),
                    format!("{} of {}", open.failures, open.requests),
                    format!("{:.0}", open.since),
                    format!("{:.0}", open.until),
                    open.times.to_string(),
                ]
            })?;
        }
        Command::Reset { package, host: name } => {
            let key = Key { tenant: global.tenant.clone(), package, host: name };
            if !host.breakers.reset(&key) {
                bail!("no breaker of {} at {} is open", key.package, key.host);
            }
            host.breakers.flush().await?;
            host.wake.wake();
            output.result(&key, format_args!("{} may ask {} again", key.package, key.host))?;
        }
    }
    Ok(Exit::Done)
}
