//! `plughouse tenant`: whose things a host keeps.

use anyhow::{Result, bail};
use clap::Subcommand;
use model::TenantId;
use model::tenant::{Tenant, TenantRemoval, TenantStore as _};

use crate::Global;
use crate::exit::Exit;
use crate::wire::{self, Host};

/// Tenants that are read at one time.
const PART: usize = 1_000;

/// What can be done with tenants.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes a tenant.
    Add {
        /// Its id, for commands and keys.
        id: TenantId,
        /// What people call it.
        #[arg(long)]
        name: Option<String>,
    },
    /// Lists the tenants.
    List,
    /// Removes a tenant without integrations, and its API keys; what it has synced stays.
    Remove {
        /// The tenant.
        id: TenantId,
    },
}

/// Runs the subcommand.
pub(crate) async fn run(global: &Global, command: Command) -> Result<Exit> {
    let output = global.output();
    match command {
        Command::Add { id, name } => {
            let host = Host::create(global).await?;
            if host.store.tenant(&id).await?.is_some() {
                bail!("there is a tenant {id} already: see `plughouse tenant list`");
            }
            let name = name.unwrap_or_else(|| id.to_string());
            let new = Tenant { id, name, created: host.clock.now(), revision: 0 };
            let tenant = host.store.put_tenant(new, Some(0)).await?;
            output.result(&tenant, format_args!("made tenant {}", tenant.id))?;
        }
        Command::List => {
            let store = wire::open_store(global)?;
            let (mut listing, mut after) = (output.listing(&["TENANT", "NAME", "CREATED"]), None);
            loop {
                let part = store.tenants(after.as_ref(), PART).await?;
                listing.show(&part, |tenant: &Tenant| {
                    let created = format!("{:.0}", tenant.created);
                    vec![tenant.id.to_string(), tenant.name.clone(), created]
                })?;
                let Some(last) = part.into_iter().next_back() else { break };
                after = Some(last.id);
            }
        }
        Command::Remove { id } => match wire::open_store(global)?.remove_tenant(&id).await? {
            TenantRemoval::Removed => {
                let json = serde_json::json!({"tenant": id, "removed": true});
                output.result(&json, format_args!("removed tenant {id}"))?;
            }
            TenantRemoval::Absent => bail!("there is no tenant {id}: see `plughouse tenant list`"),
            TenantRemoval::InUse => bail!(
                "tenant {id} has integrations: remove their connections first, with \
                 `plughouse --tenant {id} connection remove`"
            ),
        },
    }
    Ok(Exit::Done)
}
