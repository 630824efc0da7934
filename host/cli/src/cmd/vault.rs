//! `plughouse vault`: the keys that secrets are sealed with.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, bail, ensure};
use clap::Subcommand;
use model::TenantId;
use model::vault::{KeyStore as _, Owner};
use serde::Serialize;
use vault::{KeyFile, Rotation, Setting};

use crate::exit::Exit;
use crate::output::Progress;
use crate::wire::Host;
use crate::{Global, config};

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows which key wraps the data keys, and how many of those there are.
    Status,
    /// Makes a new data key, and seals with it what lies under the one before.
    RotateKey(Whose),
    /// Has another key wrap all data keys.
    RotateWrapper {
        /// A configuration file whose `[vault]` names it.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Destroys the data keys of a tenant, and with them all its secrets; a backup from before is of
    /// no use for them once the wrapping key was changed as well, and the one of then destroyed.
    Destroy {
        /// The tenant.
        tenant: TenantId,
        /// Why; shown to whoever looks at its connections.
        #[arg(long)]
        reason: String,
        /// Does not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// Whose data key.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Whose {
    /// That of a tenant.
    #[arg(value_name = "TENANT")]
    tenant_key: Option<TenantId>,
    /// That of this host, which seals the apps that all tenants share.
    #[arg(long)]
    host: bool,
    /// All, one after another.
    #[arg(long)]
    all: bool,
}

/// Another key wraps.
#[derive(Serialize)]
struct Rewrapped {
    wrapper: String,
    keys: u64,
}

/// Keys were destroyed.
#[derive(Serialize)]
struct Destroyed {
    tenant: TenantId,
    secrets: u64,
}

/// Runs the subcommand.
pub(crate) async fn run(global: &Global, command: Command) -> Result<Exit> {
    let host = Host::open(global).await?;
    match command {
        Command::Status => status(global, &host).await,
        Command::RotateKey(whose) => rotate_key(global, &host, whose).await,
        Command::RotateWrapper { to } => rotate_wrapper(global, &host, to).await,
        Command::Destroy { tenant, reason, yes } => {
            destroy(global, &host, tenant, (&reason, yes)).await
        }
    }
}

async fn status(global: &Global, host: &Host) -> Result<Exit> {
    let status = host.vault.status().await?;
    let before = match status.before.as_slice() {
        [] => String::new(),
        before => format!("\nbefore      {}", before.join(", ")),
    };
    let text = format!(
        "wrapped by  {}{before}\nowners      {}\ndata keys   {}: {} replaced and not retired yet, {} \
         wrapped by a key before",
        status.wrapper, status.owners, status.keys, status.retiring, status.wrapped_before
    );
    global.output().result(&status, text)?;
    Ok(Exit::Done)
}

async fn rotate_key(global: &Global, host: &Host, whose: Whose) -> Result<Exit> {
    if let Some(tenant) = &whose.tenant_key {
        let known = host.store.keys(&Owner::Tenant(tenant.clone())).await?;
        let sealed = known.is_none_or(|keys| !keys.is_empty());
        ensure!(sealed, "tenant {tenant} has no data key: nothing of it was ever sealed");
    }
    let shown = Mutex::new(global.output().progress("sealed again"));
    let progress = counter(&shown);
    let rotation = match whose {
        Whose { tenant_key: Some(tenant), .. } => {
            host.vault.rotate_key(&Owner::Tenant(tenant), &progress).await?
        }
        Whose { host: true, .. } => host.vault.rotate_key(&Owner::Host, &progress).await?,
        _ => host.vault.rotate_keys(&progress).await?,
    };
    drop(progress);
    finish(shown);
    let Rotation { resealed, damaged, unfinished } = &rotation;
    let mut lines = vec![format!("secrets sealed again with new data keys: {resealed}")];
    lines.extend(damaged.iter().map(|place| format!("DAMAGED  {place} does not open")));
    lines.extend(unfinished.map(|at| {
        format!("the keys before are kept for now: the same command after {at:.0} retires them")
    }));
    global.output().result(&rotation, lines.join("\n"))?;
    Ok(if damaged.is_empty() { Exit::Done } else { Exit::Failed })
}

async fn rotate_wrapper(global: &Global, host: &Host, to: PathBuf) -> Result<Exit> {
    let to = global.terminal.path(&to);
    let Some(vault) = config::read(&global.data, Some(&to))?.vault else {
        bail!("{} has no [vault]; write there who is to keep the key", to.display());
    };
    let setting =
        Setting { data: &global.data, outbound: host.outbound(), clock: host.clock.clone() };
    let wrapper = vault.build(&setting, KeyFile::MayBeMade)?;
    let id = wrapper.id().to_owned();
    let shown = Mutex::new(global.output().progress("wrapped again"));
    let progress = counter(&shown);
    let keys = host.vault.rotate_wrapper(wrapper, &progress).await?;
    drop(progress);
    finish(shown);
    let text = format!(
        "{id} wraps {keys} data keys now\nwrite the [vault] of {} into the configuration before \
         the next start, and keep the key before until then",
        to.display()
    );
    global.output().result(&Rewrapped { wrapper: id, keys }, text)?;
    Ok(Exit::Done)
}

async fn destroy(
    global: &Global,
    host: &Host,
    tenant: TenantId,
    (reason, yes): (&str, bool),
) -> Result<Exit> {
    let output = global.output();
    let question = format!(
        "destroy all secrets of tenant {tenant} for good? Nothing brings them back; grants at \
         providers go on until they are ended there."
    );
    if !yes && !output.ask(&question, "say --yes to destroy them") {
        bail!("nothing was destroyed: nobody has said yes to it; --yes does");
    }
    let secrets = host.vault.destroy(&Owner::Tenant(tenant.clone()), reason).await?;
    let text = format!(
        "destroyed the data keys of tenant {tenant} and {secrets} secrets; its connections rest"
    );
    output.result(&Destroyed { tenant, secrets }, text)?;
    Ok(Exit::Done)
}

fn counter(shown: &Mutex<Progress>) -> impl Fn(u64) + Send + Sync {
    |done| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.set(done, done);
    }
}

fn finish(shown: Mutex<Progress>) {
    shown.into_inner().unwrap_or_else(PoisonError::into_inner).finish();
}
