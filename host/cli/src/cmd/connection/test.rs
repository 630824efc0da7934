//! `plughouse connection test`.

use anyhow::Result;
use model::ConnectionId;
use model::adapter::{Account, Adapter as _};
use model::egress::Priority;
use serde::Serialize;

use crate::Global;
use crate::exit::Exit;
use crate::wire::{self, Host};

/// What the provider has told.
#[derive(Serialize)]
struct Tested<'a> {
    connection: &'a ConnectionId,
    account: &'a str,
}

/// Asks the provider through the adapter, as a sync does.
pub(super) async fn run(global: &Global, id: &ConnectionId) -> Result<Exit> {
    let host = Host::open(global).await?;
    let connection = wire::connection(&host.store, &global.tenant, id).await?;
    let package = host.load(&connection.package).await?;
    let mut session =
        host.session(&package, &connection, wire::person(), Priority::Interactive).await?;
    let checked = session.check().await.outcome;
    host.breakers.flush().await?;
    let Account { id: account, .. } = checked?;
    host.credentials.verified(&connection, &account).await?;
    let tested = Tested { connection: id, account: &account };
    global.output().result(&tested, format_args!("{id} works; its account is {account}"))?;
    Ok(Exit::Done)
}
