//! `plughouse connection show`, and what `connect` says at its end.

use std::fmt::{self, Display};

use anyhow::Result;
use engine::credential::GrantView;
use model::store::Catalogue as _;
use model::{Connection, ConnectionId, ConnectionStatus};
use serde::Serialize;

use super::list::state;
use crate::Global;
use crate::exit::Exit;
use crate::wire::{self, Host};

/// A connection and its grant.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    connection: Connection,
    status: Option<ConnectionStatus>,
    grant: Option<GrantView>,
}

/// Shows a connection.
pub(super) async fn run(global: &Global, id: &ConnectionId) -> Result<Exit> {
    let host = Host::open(global).await?;
    let connection = wire::connection(&host.store, &global.tenant, id).await?;
    let shown = shown(&host, connection).await?;
    global.output().result(&shown, &shown)?;
    Ok(Exit::Done)
}

/// Says what has been connected, and what to do next.
pub(in crate::cmd) async fn connected(
    global: &Global,
    host: &Host,
    connection: Connection,
) -> Result<Exit> {
    let shown = shown(host, connection).await?;
    let next = format!("connected {shown}\nnext: plughouse sync {}", shown.connection.id);
    global.output().result(&shown, next)?;
    Ok(Exit::Done)
}

async fn shown(host: &Host, connection: Connection) -> Result<Shown> {
    let status = host.store.connection_status(&connection.tenant, &connection.id).await?;
    let grants = host.credentials.inventory(&connection.tenant).await?;
    let grant = grants.into_iter().find(|grant| grant.connection == connection.id);
    Ok(Shown { connection, status, grant })
}

/// The operator's origins.
pub(super) fn overrides(connection: &Connection) -> String {
    let pairs = connection.overrides.iter().map(|(name, origin)| format!("{name} → {origin}"));
    pairs.collect::<Vec<_>>().join(", ")
}

impl Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = &self.connection;
        write!(f, "{} through {}", c.id, c.package)?;
        let mut line = |name: &str, value: String| {
            if value.is_empty() { Ok(()) } else { write!(f, "\n{name:10} {value}") }
        };
        line("state", state(self.status.as_ref()))?;
        line("auth", c.auth.clone())?;
        line("account", c.account.clone().unwrap_or_default())?;
        line("user", c.user.clone().unwrap_or_default())?;
        for (name, value) in &c.variables {
            line("variable", format!("{name} = {}", value.replace('\n', "\\n")))?;
        }
        line("OVERRIDE", overrides(c))?;
        let Some(view) = &self.grant else { return Ok(()) };
        line("granted", view.grant.scopes.join(", "))?;
        let missing = view.scopes.missing.join(", ");
        if !missing.is_empty() {
            line("MISSING", format!("{missing}: asked for and not granted"))?;
        }
        line("not asked", view.scopes.more.join(", "))?;
        line("authorised", format!("{:.0}", view.authorised))?;
        line("expires", expires(view))?;
        line("used", view.used.map(|at| format!("{at:.0}")).unwrap_or_default())?;
        if let Some(failure) = &view.failure {
            line("FAILED", format!("{} times, last: {}", view.failures, failure.message))?;
        }
        Ok(())
    }
}

/// When a grant ends, and who renews it.
pub(super) fn expires(view: &GrantView) -> String {
    match (view.grant.expires, view.renews) {
        (Some(at), true) => format!("{at:.0}, and is renewed by itself"),
        (Some(at), false) => format!("{at:.0}, and must be authorised again then"),
        (None, _) => String::new(),
    }
}
