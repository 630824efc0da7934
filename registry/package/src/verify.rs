//! The one way from a bundle to a package that may run.

use bytes::Bytes;

use crate::bundle::Bundle;
use crate::key::KeyId;
use crate::manifest::{Manifest, ManifestError};
use crate::trust::Trust;

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
    pub fn version(&self) -> &semver::Version {
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
pub fn verify(_bundle: Bundle, _trust: &Trust, _phase: Phase) -> Result<Verified, VerifyError> {
    todo!()
}

/// Why a package is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum VerifyError {
    /// The manifest is not valid.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

impl VerifyError {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        todo!()
    }
}
