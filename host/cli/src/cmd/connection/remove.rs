//! `plughouse connection remove`.

use anyhow::Result;
use engine::credential::Revocation;
use model::integration::IntegrationStore as _;
use model::store::StoreErrorKind;
use model::{Connection, ConnectionId};
use serde::Serialize;
use store::Store;

use crate::Global;
use crate::exit::Exit;
use crate::wire::{self, Host};

/// What was removed, and what became of its grant.
#[derive(Serialize)]
struct Removed {
    removed: ConnectionId,
    grant: Revocation,
}

/// Ends the grant and removes the connection.
pub(super) async fn run(global: &Global, id: ConnectionId, yes: bool) -> Result<Exit> {
    let host = Host::open(global).await?;
    let output = global.output();
    let connection = wire::connection(&host.store, &global.tenant, &id).await?;
    let question = format!(
        "remove connection {id}, its secrets and its tasks, and end its grant at the provider? \
         What was read stays."
    );
    if !yes && !output.ask(&question, "say --yes to remove it") {
        anyhow::bail!("not removed: nobody has said yes to it; --yes does");
    }
    let Some(grant) = host.credentials.remove(&global.tenant, &id).await? else {
        anyhow::bail!("somebody else has removed connection {id}");
    };
    forget(&host.store, &connection).await?;
    let text = format!("removed {id}; {}", told(&grant));
    output.result(&Removed { removed: id, grant }, text)?;
    Ok(Exit::Done)
}

/// Removes the integration of a connection if it was made for it and nobody has named it since,
/// unless others are accounts of it too.
async fn forget(store: &Store, connection: &Connection) -> Result<()> {
    let (tenant, id) = (&connection.tenant, connection.integration());
    let found = store.integration(tenant, &id).await?;
    if found.is_none_or(|found| found.name != id.as_str()) {
        return Ok(());
    }
    match store.remove_integration(tenant, &id).await {
        Err(error) if error.kind() != StoreErrorKind::Conflict => Err(error.into()),
        _ => Ok(()),
    }
}

fn told(grant: &Revocation) -> String {
    match grant {
        Revocation::Revoked => "its grant has ended at the provider".to_owned(),
        Revocation::NotOffered => {
            "the provider does not let its grant be ended from here: if that is to be, end it in \
             the settings of the account there"
                .to_owned()
        }
        Revocation::Failed(why) => {
            format!("its grant may still be good ({why}): end it in the settings of the account")
        }
    }
}
