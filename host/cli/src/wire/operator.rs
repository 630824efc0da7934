//! What an operator does over the API with the whole host: install, look at its keys.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use api::{Build, Installer, Keys, VaultStatus};
use async_trait::async_trait;
use engine::install::{self, Approval, Candidate, InstallError, InstallPlan, Submitted};
use model::catalogue::{Installed, PendingPackage};
use model::vault::VaultError;
use package::Verified;

use super::Host;

/// A host, as its operators have it.
pub(super) struct Operated(pub(super) Arc<Host>);

#[async_trait]
impl Installer for Operated {
    async fn submit(&self, file: Candidate, author: &str) -> Result<Submitted, InstallError> {
        let trust = self.0.trust()?;
        install::submit(file, author, self.0.install_ports(&trust)).await
    }

    async fn approve(&self, approval: Approval) -> Result<Installed, InstallError> {
        let trust = self.0.trust()?;
        install::approve(approval, self.0.install_ports(&trust)).await
    }

    async fn review(&self, pending: &PendingPackage) -> Result<InstallPlan, InstallError> {
        let trust = self.0.trust()?;
        install::review(pending, self.0.install_ports(&trust)).await
    }

    async fn standing(&self, installed: &Installed) -> Result<Verified, InstallError> {
        let trust = self.0.trust()?;
        install::standing(installed, self.0.install_ports(&trust)).await
    }
}

#[async_trait]
impl Keys for Operated {
    async fn status(&self) -> Result<VaultStatus, VaultError> {
        let vault::Status { wrapper, before, owners, keys, retiring, wrapped_before } =
            self.0.vault.status().await?;
        Ok(VaultStatus { wrapper, before, owners, keys, retiring, wrapped_before })
    }
}

/// What runs. Its id goes by the size and age of the program's file: another build is another file,
/// and reading all of it would hold up the start.
pub(super) fn build() -> Build {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let file = std::env::current_exe().and_then(std::fs::metadata);
    let age = file.as_ref().ok().and_then(|file| file.modified().ok());
    let seconds = age.and_then(|age| age.duration_since(UNIX_EPOCH).ok());
    let bytes = file.map_or(0, |file| file.len());
    let id = format!("{version}-{bytes:x}-{:x}", seconds.unwrap_or_default().as_secs());
    Build { version, id, contracts: vec![sandbox::CONTRACT.to_string()] }
}
