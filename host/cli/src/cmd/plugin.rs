//! `plughouse plugin`: what is installed, and what it may do.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use clap::Subcommand;
use engine::install::{Candidate, InstallError, InstallPlan};
use model::Timestamp;
use model::catalogue::{Catalogue as _, Installed};
use package::Permissions;
use package::manifest::Profile;
use serde::Serialize;

use crate::Global;
use crate::exit::{Exit, Refusal};
use crate::wire::{self, Host};

/// What can be done with packages.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Verifies and installs a package file, after showing what it asks for.
    Install {
        /// The package file.
        file: PathBuf,
        /// Approves what the package asks for without asking back; --json never asks.
        #[arg(long)]
        yes: bool,
        /// Lets in a version below the highest one ever installed.
        #[arg(long, requires = "reason")]
        downgrade: bool,
        /// Why the older version is wanted.
        #[arg(long, requires = "downgrade")]
        reason: Option<String>,
    },
    /// Lists the installed packages.
    List,
    /// Says that a package may not run, not in another version either: jobs of its connections
    /// wait until it is enabled.
    Disable {
        /// `publisher/id`.
        name: String,
        /// Why; whoever meets it is told.
        #[arg(long)]
        reason: String,
    },
    /// Lets a package run again that was disabled.
    Enable {
        /// `publisher/id`.
        name: String,
    },
    /// Removes a package; its connections and records stay, and whether it was disabled is
    /// forgotten.
    Remove {
        /// `publisher/id`.
        name: String,
    },
}

/// An installed package as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    name: String,
    version: String,
    digest: String,
    installed: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<String>,
}

/// A package that has just been installed.
#[derive(Debug, Serialize)]
struct Granted {
    #[serde(flatten)]
    package: Shown,
    permissions: Permissions,
}

/// Whether a package may run.
#[derive(Debug, Serialize)]
struct Switched {
    name: String,
    disabled: Option<String>,
}

/// A package that is no longer there.
#[derive(Debug, Serialize)]
struct Removed {
    name: String,
    removed: bool,
}

impl From<Installed> for Shown {
    fn from(package: Installed) -> Self {
        Self {
            name: package.name,
            version: package.version,
            digest: package.digest,
            installed: package.at,
            disabled: package.disabled,
        }
    }
}

/// Runs the subcommand.
pub(crate) async fn run(global: &Global, command: Command) -> Result<Exit> {
    match command {
        Command::Install { file, yes, reason, .. } => {
            let host = Host::create(global).await?;
            let installed = install(global, &host, &file, yes, reason).await?;
            let mut text =
                format!("installed {} {}\n{}", installed.name, installed.version, installed.digest);
            if let Some(reason) = &installed.disabled {
                write!(text, "\nit stays disabled: {reason}")?;
            }
            let permissions = serde_json::from_str(&installed.grant)?;
            global.output().result(&Granted { package: installed.into(), permissions }, text)?;
        }
        Command::List => {
            let packages = wire::open_store(global)?.packages().await?;
            let shown: Vec<_> = packages.into_iter().map(Shown::from).collect();
            let head = ["PACKAGE", "VERSION", "INSTALLED", "DIGEST", "DISABLED"];
            global.output().list(&shown, &head, |p| {
                let at = format!("{:.0}", p.installed);
                let disabled = p.disabled.clone().unwrap_or_default();
                vec![p.name.clone(), p.version.clone(), at, p.digest.clone(), disabled]
            })?;
        }
        Command::Disable { name, reason } => switch(global, name, Some(reason)).await?,
        Command::Enable { name } => switch(global, name, None).await?,
        Command::Remove { name } => {
            if !wire::open_store(global)?.remove_package(&name).await? {
                return Err(not_installed(&name));
            }
            let text = format!("removed {name}");
            global.output().result(&Removed { name, removed: true }, text)?;
        }
    }
    Ok(Exit::Done)
}

/// Says why a package may not run, or that it may.
async fn switch(global: &Global, name: String, disabled: Option<String>) -> Result<()> {
    let store = wire::open_store(global)?;
    if !store.set_package_disabled(&name, disabled.clone()).await? {
        return Err(not_installed(&name));
    }
    let text = match &disabled {
        Some(_) => format!("{name} may not run; `plughouse plugin enable {name}` lets it again"),
        None => format!("{name} may run"),
    };
    global.output().result(&Switched { name, disabled }, text)
}

fn not_installed(name: &str) -> anyhow::Error {
    anyhow!("no package {name} is installed: see `plughouse plugin list`")
}

/// Installs a package file; asks on the terminal unless `yes`.
pub(crate) async fn install(
    global: &Global,
    host: &Host,
    file: &Path,
    yes: bool,
    downgrade: Option<String>,
) -> Result<Installed> {
    let bytes = fs::read(global.terminal.path(file))
        .with_context(|| format!("read package {}", file.display()))?;
    let candidate = Candidate { file: Bytes::from(bytes), downgrade };
    let output = global.output();
    let trust = host.trust()?;
    engine::install::install(candidate, host.install_ports(&trust), |plan| {
        output.note(describe(plan));
        yes || output.ask("grant this?", "--yes approves")
    })
    .await
    .map_err(|error| match error {
        InstallError::Declined if global.json => {
            let how =
                "--json asks nobody; see `plughouse adapter inspect`, then approve with --yes";
            Refusal(format!("{error}: {how}")).into()
        }
        error => wire::refusal(error),
    })
}

fn describe(plan: &InstallPlan) -> String {
    let mut lines = vec![format!("{} {}: {}", plan.name, plan.version, plan.summary)];
    let signers = |signers: &[package::Signer]| {
        signers.iter().map(|s| s.owner.clone()).collect::<Vec<_>>().join(", ")
    };
    lines.push(format!("signed by {}", signers(&plan.signers)));
    if !plan.reviewers.is_empty() {
        lines.push(format!("reviewed by {}", signers(&plan.reviewers)));
    }
    if plan.profile != Profile::Bare {
        lines.push("NEEDS WASI: not only the adapter contract".to_owned());
    }
    if let Some(downgrade) = &plan.downgrade {
        lines.push(format!("DOWNGRADE from {}: {}", downgrade.from, downgrade.reason));
    }
    if let Some(version) = &plan.replaces {
        lines.push(format!("replaces {version} and asks for more:"));
        lines.extend(plan.wider.iter().map(|line| format!("  + {line}")));
    } else {
        lines.push("asks for:".to_owned());
        lines.extend(plan.permissions.iter().map(|line| format!("  {line}")));
    }
    lines.join("\n")
}
