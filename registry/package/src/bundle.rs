//! The package file: a tar archive with one spelling, whose identity is its contents list.
//!
//! `attestations.jsonl` comes first and is covered by nothing, so that reviews can be added later;
//! `contents.json` lists the members with their digests; the members follow in its order.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::envelope::{Envelope, EnvelopeError};
use crate::manifest;

mod contents;
mod tar;

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

/// The envelopes, one per line.
const ATTESTATIONS: &str = "attestations.jsonl";
/// The list of members.
const CONTENTS: &str = "contents.json";
/// The component.
const MODULE: &str = "adapter.wasm";

/// A package whose form is right; who made it is not known yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bundle {
    contents: Bytes,
    digest: String,
    manifest: String,
    wasm: Bytes,
    members: BTreeMap<String, Bytes>,
    envelopes: Vec<Envelope>,
}

/// Packs members into a file without attestations; equal members give equal bytes.
pub fn pack(members: BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, BundleError> {
    let members = members.into_iter().map(|(name, body)| (name, Bytes::from(body))).collect();
    let contents = Bytes::from(contents::write(&members)?);
    // Read back, so that nothing is written that a reader would refuse.
    contents::read(&contents)?;
    let bytes = Bundle::new(contents, members, Vec::new())?.to_bytes();
    if bytes.len() > FILE_BYTES_MAX { Err(BundleError::Size(bytes.len())) } else { Ok(bytes) }
}

impl Bundle {
    /// Reads a file, strictly.
    ///
    /// Everything but the spaces and the order of keys in `attestations.jsonl` and `contents.json`
    /// has one spelling only.
    #[expect(clippy::needless_pass_by_value, reason = "the members share the caller's buffer")]
    pub fn read(bytes: Bytes) -> Result<Self, BundleError> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(BundleError::Size(bytes.len()));
        }
        let files = tar::read(&bytes, MEMBERS_MAX + 2)?;
        let fixed = |name: &str| [ATTESTATIONS, CONTENTS].contains(&name);
        if let Some((name, _)) = files.iter().find(|(name, _)| !fixed(name) && !is_member(name)) {
            return Err(BundleError::Name(name.clone()));
        }
        let mut files = files.into_iter().peekable();
        let attestations = files.next_if(|(name, _)| name == ATTESTATIONS);
        let envelopes = attestations.map_or(Ok(Vec::new()), |(_, lines)| read_envelopes(&lines))?;
        let contents = files.next_if(|(name, _)| name == CONTENTS);
        let (_, contents) = contents.ok_or_else(|| BundleError::Missing(CONTENTS.to_owned()))?;
        let mut members = BTreeMap::new();
        for listed in contents::read(&contents)? {
            let title = listed.title();
            let (name, body) =
                files.next().ok_or_else(|| BundleError::Missing(title.to_owned()))?;
            if name != title {
                let repeated = members.contains_key(&name);
                let error = if repeated { BundleError::Repeated } else { BundleError::Order };
                return Err(error(name));
            }
            listed.check(&body)?;
            members.insert(name, body);
        }
        match files.next() {
            Some((name, _)) if members.contains_key(&name) => Err(BundleError::Repeated(name)),
            Some((name, _)) => Err(BundleError::Unlisted(name)),
            None => Self::new(contents, members, envelopes),
        }
    }

    fn new(
        contents: Bytes,
        members: BTreeMap<String, Bytes>,
        envelopes: Vec<Envelope>,
    ) -> Result<Self, BundleError> {
        let member = |name: &str| {
            members.get(name).cloned().ok_or_else(|| BundleError::Missing(name.to_owned()))
        };
        let (manifest, wasm) = (member(manifest::FILE)?, member(MODULE)?);
        let manifest =
            std::str::from_utf8(&manifest).map_err(|_utf8| BundleError::Text)?.to_owned();
        if wasm.len() > WASM_BYTES_MAX {
            return Err(BundleError::WasmSize(wasm.len()));
        }
        let digest = format!("sha256:{}", crate::hex::sha256(&contents));
        Ok(Self { contents, digest, manifest, wasm, members, envelopes })
    }

    /// The identity: `sha256:` and the digest of `contents.json`.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The text of `adapter.toml`.
    pub fn manifest_text(&self) -> &str {
        &self.manifest
    }

    /// The component.
    pub fn wasm(&self) -> Bytes {
        self.wasm.clone()
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

    /// Adds an envelope, once; the identity stays.
    pub fn add_envelope(&mut self, envelope: Envelope) -> Result<(), BundleError> {
        if self.envelopes.contains(&envelope) {
            return Ok(());
        }
        self.envelopes.push(envelope);
        let checked = read_envelopes(self.attestations().as_bytes());
        if checked.is_err() {
            self.envelopes.pop();
        }
        checked.map(|_envelopes| ())
    }

    /// Writes the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut archive = Vec::new();
        if !self.envelopes.is_empty() {
            tar::append(&mut archive, ATTESTATIONS, self.attestations().as_bytes());
        }
        tar::append(&mut archive, CONTENTS, &self.contents);
        tar::append(&mut archive, manifest::FILE, self.manifest.as_bytes());
        tar::append(&mut archive, MODULE, &self.wasm);
        for (name, body) in &self.members {
            if ![manifest::FILE, MODULE].contains(&name.as_str()) {
                tar::append(&mut archive, name, body);
            }
        }
        tar::finish(&mut archive);
        archive
    }

    fn attestations(&self) -> String {
        self.envelopes.iter().map(|envelope| envelope.to_line() + "\n").collect()
    }
}

fn read_envelopes(lines: &[u8]) -> Result<Vec<Envelope>, BundleError> {
    if lines.len() > ATTESTATIONS_BYTES_MAX {
        return Err(BundleError::AttestationsSize(lines.len()));
    }
    let text = std::str::from_utf8(lines).ok().and_then(|text| text.strip_suffix('\n'));
    let text = text.ok_or(BundleError::Lines)?;
    let lines: Vec<&str> = text.split('\n').collect();
    if lines.len() > ENVELOPES_MAX {
        return Err(BundleError::Envelopes(lines.len()));
    }
    let read = |(index, line): (usize, &&str)| {
        Envelope::parse(line).map_err(|cause| BundleError::Envelope { line: index + 1, cause })
    };
    lines.iter().enumerate().map(read).collect()
}

/// Whether a text may be the name of a member.
pub(crate) fn is_member(name: &str) -> bool {
    const FIXED: [&str; 6] =
        [manifest::FILE, MODULE, "sbom.json", "README.md", "CHANGELOG.md", "LICENSE"];
    const FOLDERS: [&str; 3] = ["mappings", "schemas", "fixtures"];
    let proper =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    let segment = |text: &str| !matches!(text, "" | "." | "..") && text.bytes().all(proper);
    let inside = name
        .split_once('/')
        .is_some_and(|(folder, rest)| FOLDERS.contains(&folder) && rest.split('/').all(segment));
    name.len() <= NAME_BYTES_MAX && (FIXED.contains(&name) || inside)
}

/// Why bytes are no package.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BundleError {
    /// The file is too large.
    #[error("the package has {0} bytes, more than {FILE_BYTES_MAX}; leave fixtures out")]
    Size(usize),
    /// The component is too large.
    #[error("adapter.wasm has {0} bytes, more than {WASM_BYTES_MAX}; build it with optimisation")]
    WasmSize(usize),
    /// There are too many members.
    #[error("the package has more than {MEMBERS_MAX} members; leave fixtures out")]
    Count,
    /// The file ends too early.
    #[error("the package is cut off; fetch it again")]
    Truncated,
    /// Something follows the end.
    #[error("{0} bytes follow the end of the package; pack it again")]
    Trailing(usize),
    /// A header is not the one that a file of its name and size has.
    #[error(
        "the tar header at byte {at} has an unexpected {field}; pack it with `plughouse adapter pack`"
    )]
    Header {
        /// Where the header begins.
        at: usize,
        /// The first field that is wrong.
        field: &'static str,
    },
    /// The space behind a member is not zero.
    #[error("the padding behind {0} is not zero; pack it again")]
    Padding(String),
    /// A member has a name that none may have.
    #[error(
        "`{0}` is no name of a member; allowed are README.md, CHANGELOG.md, LICENSE, sbom.json and lower-case paths in mappings/, schemas/, fixtures/"
    )]
    Name(String),
    /// A member stands there twice.
    #[error("`{0}` is there twice; pack it again")]
    Repeated(String),
    /// A member stands at the wrong place.
    #[error("`{0}` is not where the order of members has it; pack it again")]
    Order(String),
    /// A member is not there.
    #[error("`{0}` is missing; add it and pack again")]
    Missing(String),
    /// A member is not listed.
    #[error("`{0}` is not listed in contents.json; pack it again")]
    Unlisted(String),
    /// A member is not the one that was listed.
    #[error("`{0}` is not the file that contents.json lists; fetch the package again")]
    Digest(String),
    /// The list of members is not valid.
    #[error("contents.json: {0}; pack it again")]
    Contents(String),
    /// The manifest is no text.
    #[error("adapter.toml is not UTF-8; save it as UTF-8")]
    Text,
    /// The attestations file is too long.
    #[error("attestations.jsonl has {0} bytes, more than {ATTESTATIONS_BYTES_MAX}; drop envelopes")]
    AttestationsSize(usize),
    /// There are too many envelopes.
    #[error("attestations.jsonl has {0} envelopes, more than {ENVELOPES_MAX}; drop some")]
    Envelopes(usize),
    /// The attestations file does not consist of lines.
    #[error("attestations.jsonl is not UTF-8 in lines; sign the package again")]
    Lines,
    /// A line of the attestations file is no envelope.
    #[error("attestations.jsonl, line {line}: {cause}")]
    Envelope {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        cause: EnvelopeError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_the_package() {
        for name in ["adapter.toml", "LICENSE", "mappings/a.toml", "fixtures/a/b-1_2.json"] {
            assert!(is_member(name), "{name}");
        }
        for name in [
            "",
            "/etc/passwd",
            "../x",
            "mappings",
            "mappings/",
            "mappings/../x",
            "mappings//x",
            "mappings/./x",
            "mappings\\x",
            "mappings/X",
            "mappings/a b",
            "readme.md",
            "other/x",
            "contents.json",
            "adapter.toml/x",
            "mappings/é",
        ] {
            assert!(!is_member(name), "{name}");
        }
        assert!(!is_member(&format!("fixtures/{}", "a".repeat(NAME_BYTES_MAX))));
    }
}
