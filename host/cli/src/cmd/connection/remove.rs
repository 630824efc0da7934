//! `plughouse connection remove`.

use anyhow::Result;
use engine::credential::Revocation;
use model::ConnectionId;
use serde::Serialize;

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
    wire::connection(&host.store, &global.tenant, &id).await?;
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
    let text = format!("removed {id}; {}", told(&grant));
    output.result(&Removed { removed: id, grant }, text)?;
    Ok(Exit::Done)
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
