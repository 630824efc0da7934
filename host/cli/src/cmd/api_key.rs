//! `plughouse api-key`: who may ask the API.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use api::auth::NewKey;
use clap::Subcommand;
use model::Secret;
use model::api_key::{ApiKey, ApiKeyId, ApiKeyStore as _, Role};
use model::tenant::{Tenant, TenantStore as _};
use serde::Serialize;

use super::task::duration;
use crate::Global;
use crate::exit::Exit;
use crate::wire::{self, Host};

/// What can be done with API keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes a key of the tenant, or an operator's for all tenants, and shows it once.
    Create {
        /// What to call it: who or what uses it.
        name: String,
        /// What it allows: viewer, editor, admin or operator.
        #[arg(long)]
        role: Role,
        /// Ends it after so much time, as 12h or 90d.
        #[arg(long, value_name = "TIME", value_parser = duration)]
        expires_in: Option<Duration>,
    },
    /// Lists the keys of the tenant, or those of operators.
    List {
        /// Those of operators.
        #[arg(long)]
        operators: bool,
    },
    /// Ends a key at once.
    Revoke {
        /// The key, by the part after `ph_`.
        id: ApiKeyId,
        /// It is an operator's.
        #[arg(long)]
        operator: bool,
    },
}

/// A key as it is shown: never what opens it.
#[derive(Serialize)]
struct Shown<'a> {
    id: &'a ApiKeyId,
    name: &'a str,
    tenant: Option<&'a str>,
    role: Role,
    created: model::Timestamp,
    expires: Option<model::Timestamp>,
    used: Option<model::Timestamp>,
    revoked: Option<model::Timestamp>,
    /// Only of one that was just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<&'a str>,
}

/// Runs the subcommand.
pub(crate) async fn run(global: &Global, command: Command) -> Result<Exit> {
    match command {
        Command::Create { name, role, expires_in } => {
            let host = Host::create(global).await?;
            create(global, &host, name, role, expires_in).await?;
        }
        Command::List { operators } => {
            let tenant = (!operators).then_some(&global.tenant);
            let keys = wire::open_store(global)?.api_keys(tenant).await?;
            let mut listing =
                global.output().listing(&["KEY", "NAME", "ROLE", "CREATED", "USED", "ENDS"]);
            let shown: Vec<_> = keys.iter().map(|key| shown(key, None)).collect();
            listing.show(&shown, row)?;
        }
        Command::Revoke { id, operator } => {
            let tenant = (!operator).then_some(&global.tenant);
            if !wire::open_store(global)?.revoke_api_key(tenant, &id).await? {
                bail!("there is no key {id} here that works: see `plughouse api-key list`");
            }
            let json = serde_json::json!({"id": id, "revoked": true});
            global.output().result(&json, format_args!("revoked {id}"))?;
        }
    }
    Ok(Exit::Done)
}

async fn create(
    global: &Global,
    host: &Host,
    name: String,
    role: Role,
    expires_in: Option<Duration>,
) -> Result<()> {
    let (key, secret) = made(global, host, (name, role), expires_in).await?;
    let text =
        format!("made key {} ({role}); it is shown this once:\n\n  {}\n", key.id, secret.expose());
    global.output().result(&shown(&key, Some(secret.expose())), text)
}

/// Makes a key, and its tenant where that is not there yet.
pub(crate) async fn made(
    global: &Global,
    host: &Host,
    (name, role): (String, Role),
    expires_in: Option<Duration>,
) -> Result<(ApiKey, Secret)> {
    let now = host.clock.now();
    let tenant = (role != Role::Operator).then(|| global.tenant.clone());
    if let Some(id) = &tenant
        && host.store.tenant(id).await?.is_none()
    {
        let name = id.to_string();
        let new = Tenant { id: id.clone(), name, created: now, revision: 0 };
        host.store.put_tenant(new, Some(0)).await?;
    }
    let expires = expires_in.map(|time| now.checked_add(time)).transpose();
    let expires = expires.context("that is later than any calendar goes; write 90d")?;
    let new = NewKey { name, tenant, role, creator: "cli".to_owned(), expires };
    let (key, secret) = api::auth::new_key(new, now)?;
    host.store.put_api_key(key.clone()).await?;
    Ok((key, secret))
}

fn shown<'a>(key: &'a ApiKey, api_key: Option<&'a str>) -> Shown<'a> {
    Shown {
        id: &key.id,
        name: &key.name,
        tenant: key.tenant.as_ref().map(model::TenantId::as_str),
        role: key.role,
        created: key.created,
        expires: key.expires,
        used: key.used,
        revoked: key.revoked,
        api_key,
    }
}

fn row(key: &Shown<'_>) -> Vec<String> {
    let at = |at: Option<model::Timestamp>| at.map(|at| format!("{at:.0}")).unwrap_or_default();
    let ends = match key.revoked {
        Some(revoked) => format!("revoked {revoked:.0}"),
        None => at(key.expires),
    };
    let [id, name] = [key.id.to_string(), key.name.to_owned()];
    vec![id, name, key.role.to_string(), at(Some(key.created)), at(key.used), ends]
}
