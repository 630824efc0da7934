//! `plughouse connection list`.

use anyhow::Result;
use model::store::Catalogue as _;
use model::{Connection, ConnectionState, ConnectionStatus};
use serde::Serialize;

use super::show::overrides;
use crate::Global;
use crate::exit::Exit;
use crate::wire;

/// A connection as it is listed.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    connection: Connection,
    /// Nothing where it is active and always was.
    status: Option<ConnectionStatus>,
}

/// Lists the tenant's connections.
pub(super) async fn run(global: &Global) -> Result<Exit> {
    let store = wire::open_store(global)?;
    let mut listed = Vec::new();
    for connection in store.connections(&global.tenant).await? {
        let status = store.connection_status(&global.tenant, &connection.id).await?;
        listed.push(Listed { connection, status });
    }
    let head = ["CONNECTION", "PACKAGE", "AUTH", "ACCOUNT", "USER", "OVERRIDES", "STATE"];
    global.output().list(&listed, &head, |Listed { connection: c, status }| {
        vec![
            c.id.to_string(),
            c.package.clone(),
            c.auth.clone(),
            c.account.clone().unwrap_or_default(),
            c.user.clone().unwrap_or_default(),
            overrides(c),
            state(status.as_ref()),
        ]
    })?;
    Ok(Exit::Done)
}

/// A state, and why it is not the usual one.
pub(super) fn state(status: Option<&ConnectionStatus>) -> String {
    match status {
        Some(status) if status.state != ConnectionState::Active => {
            format!("{}: {}", status.state.as_str(), status.reason)
        }
        _ => ConnectionState::Active.as_str().to_owned(),
    }
}
