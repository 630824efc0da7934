//! `plughouse connection grants` and `expiring`.

use std::time::Duration;

use anyhow::Result;
use engine::credential::GrantView;

use super::show::expires;
use crate::Global;
use crate::exit::Exit;
use crate::wire::Host;

/// Lists all grants of the tenant.
pub(super) async fn all(global: &Global) -> Result<Exit> {
    let host = Host::open(global).await?;
    list(global, &host.credentials.inventory(&global.tenant).await?)
}

/// Lists those of the tenant that end within this time.
pub(super) async fn expiring(global: &Global, within: Duration) -> Result<Exit> {
    let host = Host::open(global).await?;
    list(global, &host.credentials.expiring(Some(&global.tenant), within).await?)
}

fn list(global: &Global, grants: &[GrantView]) -> Result<Exit> {
    let head = ["CONNECTION", "PACKAGE", "AUTHORISED", "USED", "EXPIRES", "STATE", "SCOPES"];
    global.output().list(grants, &head, |grant| {
        vec![
            grant.connection.to_string(),
            grant.package.clone(),
            format!("{:.0}", grant.authorised),
            grant.used.map_or_else(|| "never".to_owned(), |at| format!("{at:.0}")),
            expires(grant),
            grant.state.as_str().to_owned(),
            grant.grant.scopes.join(" "),
        ]
    })?;
    Ok(Exit::Done)
}
