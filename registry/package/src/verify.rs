//! The one way from a bundle to a package that may run.

use bytes::Bytes;
use semver::Version;

use crate::bundle::Bundle;
use crate::key::KeyId;
use crate::manifest::Manifest;
use crate::trust::{ReviewPolicy, Trust};

mod error;
mod tally;

pub use error::VerifyError;
use tally::Tally;

/// When a package is verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// Before it is installed.
    Install,
    /// Before it is loaded, each time.
    Load,
}

/// A package that has passed every check; only [`verify`] makes one.
#[derive(Clone, Debug)]
pub struct Verified {
    bundle: Bundle,
    manifest: Manifest,
    wasm: Bytes,
    name: String,
    signers: Vec<Signer>,
    reviewers: Vec<Signer>,
}

/// A key whose signature has counted.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Signer {
    /// The publisher or reviewer of the trust file.
    pub owner: String,
    /// The key.
    pub key: KeyId,
}

impl Verified {
    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The component.
    pub fn wasm(&self) -> &Bytes {
        &self.wasm
    }

    /// The identity, `sha256:…`.
    pub fn digest(&self) -> &str {
        self.bundle.digest()
    }

    /// `publisher/id`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version.
    pub fn version(&self) -> &Version {
        &self.manifest.adapter.version
    }

    /// The publisher's keys that have signed.
    pub fn signers(&self) -> &[Signer] {
        &self.signers
    }

    /// The reviewers' keys that have signed approvals.
    pub fn reviewers(&self) -> &[Signer] {
        &self.reviewers
    }

    /// The package as it was read.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }
}

/// Verifies a package: who made it, who reviewed it, and that nothing speaks against it.
///
/// The signatures come first: nothing that the package holds is read before a trusted key has
/// vouched for it.
pub fn verify(bundle: Bundle, trust: &Trust, phase: Phase) -> Result<Verified, VerifyError> {
    if let Some(reason) = trust.revoked_digest(bundle.digest()) {
        let (digest, reason) = (bundle.digest().to_owned(), reason.to_owned());
        return Err(VerifyError::DigestRevoked { digest, reason });
    }
    let tally = Tally::of(&bundle, trust)?;
    let manifest = Manifest::parse(bundle.manifest_text())?;
    let (name, version) = (manifest.name(), &manifest.adapter.version);
    let signers = tally.releasers(trust, (&name, version), phase)?;
    let reviewers = match tally.approvers(trust, &manifest.adapter.publisher, phase) {
        Ok(reviewers) => reviewers,
        Err(error) if is_tolerable(&error, trust.review()) => Vec::new(),
        Err(error) => return Err(error),
    };
    check_history(&name, version, trust)?;
    check_module(&bundle.wasm())?;
    let mut mappings = manifest.entities.values().filter_map(|entity| entity.mapping.as_ref());
    if let Some(missing) = mappings.find(|name| !bundle.members().contains_key(*name)) {
        return Err(VerifyError::MissingMapping(missing.clone()));
    }
    let wasm = bundle.wasm();
    Ok(Verified { bundle, manifest, wasm, name, signers, reviewers })
}

/// Whether a package without a full approval may pass: never after a rejection, nor with a
/// review that should not be there.
fn is_tolerable(error: &VerifyError, policy: ReviewPolicy) -> bool {
    let absent = matches!(
        error,
        VerifyError::NoReview
            | VerifyError::ReviewThreshold { .. }
            | VerifyError::KeyRevoked { .. }
            | VerifyError::KeyRetired { .. }
    );
    policy == ReviewPolicy::Optional && absent
}

fn check_history(name: &str, version: &Version, trust: &Trust) -> Result<(), VerifyError> {
    let full_name = format!("{name}@{version}");
    if let Some(reason) = trust.revoked_package(name, version) {
        return Err(VerifyError::PackageRevoked { name: full_name, reason: reason.to_owned() });
    }
    match trust.floor(name) {
        Some(floor) if version < floor => {
            Err(VerifyError::Rollback { name: full_name, floor: floor.clone() })
        }
        _ => Ok(()),
    }
}

/// Checks the first bytes; what is behind them is for the compiler in its own process.
fn check_module(wasm: &[u8]) -> Result<(), VerifyError> {
    match wasm.get(..8) {
        Some(b"\0asm\x0d\0\x01\0") => Ok(()),
        Some(b"\0asm\x01\0\0\0") => Err(VerifyError::CoreModule),
        Some(start) if start.starts_with(b"\x7fELF") => Err(VerifyError::Precompiled),
        _ => Err(VerifyError::NoComponent),
    }
}
