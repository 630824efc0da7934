//! The package file: a tar archive with one spelling, whose identity is its contents list.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::envelope::{Envelope, EnvelopeError};

/// Largest package file.
pub const FILE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Largest component: compiling takes time and memory in proportion.
pub const WASM_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most members: a mapping, schema and fixture for each of some eighty entities.
pub const MEMBERS_MAX: usize = 256;
/// Longest name of a member: the field of the tar header, without its prefix extension.
pub const NAME_BYTES_MAX: usize = 100;
/// Longest attestations file.
pub const ATTESTATIONS_BYTES_MAX: usize = 256 * 1024;
/// Most envelopes: releases, reviews and provenance of one package are a handful.
pub const ENVELOPES_MAX: usize = 16;

/// A package whose form is right; who made it is not known yet.
#[derive(Clone, Debug)]
pub struct Bundle {
    contents: Bytes,
    digest: String,
    members: BTreeMap<String, Bytes>,
    envelopes: Vec<Envelope>,
}

/// Packs members into a file; equal members give equal bytes.
pub fn pack(_members: BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, BundleError> {
    todo!()
}

impl Bundle {
    /// Reads a file, strictly: whatever `to_bytes` would not write is refused.
    pub fn read(_bytes: Bytes) -> Result<Self, BundleError> {
        todo!()
    }

    /// The identity: `sha256:` and the digest of `contents.json`.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The text of `adapter.toml`.
    pub fn manifest_text(&self) -> &str {
        todo!()
    }

    /// The component.
    pub fn wasm(&self) -> Bytes {
        todo!()
    }

    /// All members by name, `adapter.toml` and `adapter.wasm` among them.
    pub fn members(&self) -> &BTreeMap<String, Bytes> {
        &self.members
    }

    /// The bytes of `contents.json`.
    pub fn contents(&self) -> &Bytes {
        &self.contents
    }

    /// The envelopes, none of which is checked yet.
    pub fn envelopes(&self) -> &[Envelope] {
        &self.envelopes
    }

    /// Adds an envelope; the identity stays.
    pub fn add_envelope(&mut self, envelope: Envelope) -> Result<(), BundleError> {
        let _ = envelope;
        todo!()
    }

    /// Writes the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        todo!()
    }
}

/// Why bytes are no package.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BundleError {
    /// A line of `attestations.jsonl` is no envelope.
    #[error("attestations.jsonl, line {line}: {cause}")]
    Envelope {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        cause: EnvelopeError,
    },
}

/// Whether a text may be the name of a member.
pub(crate) fn is_member(name: &str) -> bool {
    const FIXED: [&str; 6] =
        ["adapter.toml", "adapter.wasm", "sbom.json", "README.md", "CHANGELOG.md", "LICENSE"];
    const FOLDERS: [&str; 3] = ["mappings", "schemas", "fixtures"];
    let proper =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    let segment = |text: &str| !matches!(text, "" | "." | "..") && text.bytes().all(proper);
    let inside = name
        .split_once('/')
        .is_some_and(|(folder, rest)| FOLDERS.contains(&folder) && rest.split('/').all(segment));
    name.len() <= NAME_BYTES_MAX && (FIXED.contains(&name) || inside)
}
