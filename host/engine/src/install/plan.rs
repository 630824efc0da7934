//! What an operator approves.

use model::store::Installed;
use package::manifest::Profile;
use package::{Permissions, Signer, Verified};

use super::error::InstallError;

/// What would be installed, for a person to read.
#[derive(Clone, Debug)]
pub struct InstallPlan {
    /// `publisher/id`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its identity.
    pub digest: String,
    /// The one line of the manifest.
    pub summary: String,
    /// The publisher's keys that have signed.
    pub signers: Vec<Signer>,
    /// The reviewers' keys that have signed.
    pub reviewers: Vec<Signer>,
    /// What the guest imports beside the contract; anything but `bare` deserves a second look.
    pub profile: Profile,
    /// Everything that it may do, one line each.
    pub permissions: Vec<String>,
    /// The version that it replaces.
    pub replaces: Option<String>,
    /// What it may do that the one it replaces may not, one line each.
    pub wider: Vec<String>,
    /// What the one it replaces may do that it may not any more, one line each.
    pub narrower: Vec<String>,
    /// That it is older than what was installed before, and why that is wanted.
    pub downgrade: Option<Downgrade>,
}

/// A version that goes down.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Downgrade {
    /// The highest version ever installed.
    pub from: String,
    /// Why the older one is wanted.
    pub reason: String,
}

impl InstallPlan {
    pub(super) fn of(
        package: &Verified,
        permissions: &Permissions,
        previous: Option<&Installed>,
        downgrade: Option<Downgrade>,
    ) -> Result<Self, InstallError> {
        let granted = previous.map(granted).transpose()?;
        Ok(Self {
            name: package.name().to_owned(),
            version: package.version().to_string(),
            digest: package.digest().to_owned(),
            summary: package.manifest().adapter.summary.clone(),
            signers: package.signers().to_vec(),
            reviewers: package.reviewers().to_vec(),
            profile: permissions.profile,
            permissions: permissions.summary(),
            replaces: previous.map(|installed| installed.version.clone()),
            wider: granted.as_ref().map_or_else(Vec::new, |grant| permissions.exceeds(grant)),
            narrower: granted.map_or_else(Vec::new, |grant| grant.exceeds(permissions)),
            downgrade,
        })
    }

    /// Whether a person must say yes: to a new package, and to one that may do more.
    pub fn needs_approval(&self) -> bool {
        self.replaces.is_none() || !self.wider.is_empty()
    }
}

/// What was granted to an installed package.
pub(super) fn granted(installed: &Installed) -> Result<Permissions, InstallError> {
    serde_json::from_str(&installed.grant)
        .map_err(|source| InstallError::Grant { name: installed.name.clone(), source })
}
