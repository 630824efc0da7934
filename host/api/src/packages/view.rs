//! Plugins as they are shown.

use engine::install::InstallPlan;
use model::Timestamp;
use model::catalogue::{Installed, PendingPackage};
use package::manifest::Profile;
use package::{Permissions, Signer, Verified};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;

/// A plugin in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PluginRow {
    /// Its name, `publisher/id`.
    plugin: String,
    /// What is installed.
    installed: Option<PluginRelease>,
    /// Why it may not run.
    disabled: Option<String>,
    /// What waits for approval.
    pending: Option<PluginRelease>,
}

/// A version of a plugin.
#[derive(Debug, Serialize, ToSchema)]
struct PluginRelease {
    /// The version.
    version: String,
    /// Its digest, `sha256:…`.
    digest: String,
    /// When it was installed, or brought.
    at: Timestamp,
}

/// A plugin.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PluginView {
    /// Its name, `publisher/id`.
    plugin: String,
    /// What is installed.
    installed: Option<InstalledPlugin>,
    /// Why it may not run.
    disabled: Option<String>,
    /// What waits for approval.
    pending: Option<PendingPlugin>,
}

/// An installed plugin.
#[derive(Debug, Serialize, ToSchema)]
struct InstalledPlugin {
    /// The version.
    version: String,
    /// Its digest, `sha256:…`.
    digest: String,
    /// When it was installed.
    at: Timestamp,
    /// Publishers whose signatures count for it today.
    signers: Vec<PluginSigner>,
    /// Reviewers whose approvals count for it today.
    reviewers: Vec<PluginSigner>,
    /// What was granted to it, one line each.
    grant: Vec<String>,
    /// Why it would not be loaded today.
    refused: Option<String>,
}

/// A plugin that waits for approval.
#[derive(Debug, Serialize, ToSchema)]
struct PendingPlugin {
    /// The version.
    version: String,
    /// Its digest, `sha256:…`; approval names it.
    digest: String,
    /// When it was brought.
    at: Timestamp,
    /// Who has brought it.
    author: String,
    /// What it says of itself, as far as it can be read today.
    plan: Option<PluginPlan>,
    /// Why it would not be installed today.
    refused: Option<String>,
}

/// What would be installed.
#[derive(Debug, Serialize, ToSchema)]
struct PluginPlan {
    /// What it is for.
    summary: String,
    /// Publishers whose signatures count for it.
    signers: Vec<PluginSigner>,
    /// Reviewers whose approvals count for it.
    reviewers: Vec<PluginSigner>,
    /// Whether its code needs WASI beside the adapter contract.
    needs_wasi: bool,
    /// Everything that it may do, one line each, with routes, hosts and scopes as its manifest has
    /// them.
    permissions: Vec<String>,
    /// What it may do beyond what was granted, one line each. Where there is any, approval types
    /// the plugin's name.
    added: Vec<String>,
    /// What was granted and is not asked for any more, one line each.
    removed: Vec<String>,
    /// The version that it replaces.
    replaces: Option<String>,
    /// The highest version that was installed, where it is older; approval gives a reason then.
    older_than: Option<String>,
}

/// Whose signature counts.
#[derive(Debug, Serialize, ToSchema)]
struct PluginSigner {
    /// The publisher or reviewer.
    name: String,
    /// The key.
    key: String,
}

type Release = (String, String, Timestamp);

fn release((version, digest, at): Release) -> PluginRelease {
    PluginRelease { version, digest, at }
}

fn signers(signers: &[Signer]) -> Vec<PluginSigner> {
    let signer = |it: &Signer| PluginSigner { name: it.owner.clone(), key: it.key.to_string() };
    signers.iter().map(signer).collect()
}

impl PluginRow {
    pub(super) fn new(name: &str) -> Self {
        Self { plugin: name.to_owned(), installed: None, disabled: None, pending: None }
    }

    pub(super) fn installed(self, of: Release, disabled: Option<String>) -> Self {
        Self { installed: Some(release(of)), disabled, ..self }
    }

    pub(super) fn waiting(self, of: Release) -> Self {
        Self { pending: Some(release(of)), ..self }
    }
}

/// What was found out, or why it was refused, or that nobody could look.
type Found<T> = Result<T, Result<String, Problem>>;

fn split<T>(found: Found<T>) -> Result<(Option<T>, Option<String>), Problem> {
    match found {
        Ok(found) => Ok((Some(found), None)),
        Err(refused) => Ok((None, Some(refused?))),
    }
}

impl PluginView {
    pub(super) fn new(name: &str) -> Self {
        Self { plugin: name.to_owned(), installed: None, disabled: None, pending: None }
    }

    /// Adds what is installed.
    pub(super) fn install(
        &mut self,
        installed: Installed,
        standing: Found<Verified>,
    ) -> Result<(), Problem> {
        let (verified, refused) = split(standing)?;
        let Installed { version, digest, at, grant, disabled, .. } = installed;
        let grant = serde_json::from_str::<Permissions>(&grant);
        self.installed = Some(InstalledPlugin {
            version,
            digest,
            at,
            signers: verified.as_ref().map_or_else(Vec::new, |it| signers(it.signers())),
            reviewers: verified.as_ref().map_or_else(Vec::new, |it| signers(it.reviewers())),
            // A grant that cannot be read is among what it is refused for.
            grant: grant.map_or_else(|_unread| Vec::new(), |grant| grant.summary()),
            refused,
        });
        self.disabled = disabled;
        Ok(())
    }

    /// Adds what waits.
    pub(super) fn wait(
        &mut self,
        pending: PendingPackage,
        plan: Found<InstallPlan>,
    ) -> Result<(), Problem> {
        let (plan, refused) = split(plan)?;
        let PendingPackage { version, digest, at, author, .. } = pending;
        let plan = plan.map(PluginPlan::from);
        self.pending = Some(PendingPlugin { version, digest, at, author, plan, refused });
        Ok(())
    }
}

impl From<InstallPlan> for PluginPlan {
    fn from(plan: InstallPlan) -> Self {
        Self {
            summary: plan.summary,
            signers: signers(&plan.signers),
            reviewers: signers(&plan.reviewers),
            needs_wasi: plan.profile != Profile::Bare,
            permissions: plan.permissions,
            added: plan.wider,
            removed: plan.narrower,
            replaces: plan.replaces,
            older_than: plan.downgrade.map(|downgrade| downgrade.from),
        }
    }
}
