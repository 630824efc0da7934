//! `plughouse connection access`.

use anyhow::Result;
use model::ConnectionId;
use model::credential::{AccessLog as _, AccessQuery, Actor};

use crate::Global;
use crate::exit::Exit;
use crate::wire;

/// Which uses.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The connection; otherwise all of the tenant.
    connection: Option<ConnectionId>,
    /// At most this many.
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Only those before this one, by its number.
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
}

/// Lists uses of secrets.
pub(super) async fn run(global: &Global, args: Args) -> Result<Exit> {
    let store = wire::open_store(global)?;
    if let Some(connection) = &args.connection {
        wire::connection(&store, &global.tenant, connection).await?;
    }
    let Args { connection, limit, before } = args;
    let query = AccessQuery { tenant: global.tenant.clone(), connection, before, limit };
    let head = ["NUMBER", "CONNECTION", "BY", "SECRET", "AT", "USES", "FIRST", "LAST"];
    global.output().list(&store.accesses(query).await?, &head, |access| {
        vec![
            access.id.to_string(),
            access.connection.to_string(),
            by(&access.actor),
            access.slot.clone(),
            access.endpoint.clone(),
            access.uses.to_string(),
            format!("{:.0}", access.first),
            format!("{:.0}", access.last),
        ]
    })?;
    Ok(Exit::Done)
}

fn by(actor: &Actor) -> String {
    match actor {
        Actor::Job(id) => format!("job {id}"),
        Actor::Person(name) => name.clone(),
        Actor::Refresher => "refresher".to_owned(),
    }
}
