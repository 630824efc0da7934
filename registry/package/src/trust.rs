//! Whom the operator trusts: the trust file and what the store remembers.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::FileError;
use crate::key::{KeyId, PublicKey};
use crate::words::words;

pub use crate::document::FileError as TrustFileError;

/// `trust.toml` as it is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrustFile {
    /// Whether a review is needed.
    pub review: ReviewPolicy,
    /// `[publisher.NAME]`.
    pub publishers: BTreeMap<String, Party>,
    /// `[reviewer.NAME]`, whose namespaces are empty.
    pub reviewers: BTreeMap<String, Party>,
    /// `[[revoked]]`.
    pub revoked: Vec<Revocation>,
    /// `[registry]`; absent means that packages come as files only.
    pub registry: Option<Registry>,
}

/// Someone whose signatures count.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Party {
    /// The namespaces of a publisher; by default its own name.
    pub namespaces: Vec<String>,
    /// How many distinct keys must sign.
    pub threshold: u32,
    /// The keys.
    pub keys: Vec<TrustedKey>,
}

/// A key of a party.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrustedKey {
    /// The key's name.
    pub id: KeyId,
    /// The key.
    pub public: PublicKey,
    /// What it is good for.
    pub state: KeyState,
    /// Digests for which a revoked key still counts.
    pub kept: BTreeSet<String>,
}

/// Something that was revoked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revocation {
    /// What.
    pub target: Revoked,
    /// Why.
    pub reason: String,
    /// Digests for which a revoked key still counts.
    pub kept: BTreeSet<String>,
}

/// What was revoked.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Revoked {
    /// One package by its digest.
    Digest(String),
    /// Everything that a key has signed.
    Key(KeyId),
    /// A package by name, in some or all versions.
    Package {
        /// `publisher/id`.
        name: String,
        /// The versions, as comparisons; absent means all.
        versions: Option<String>,
    },
}

/// `[registry]`: where packages and revocations come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registry {
    /// Its address.
    pub url: String,
    /// The pinned root beside the trust file.
    pub root: String,
    /// What happens when it was not reached for too long.
    pub on_stale: OnStale,
}

words! {
    /// Whether a review is needed.
    ReviewPolicy {
        /// Nothing is installed or loaded without one.
        Required = "required",
        /// A publisher's signature is enough.
        Optional = "optional",
    }
}

words! {
    /// What a key is good for.
    KeyState {
        /// Everything.
        Active = "active",
        /// What is installed keeps loading; nothing new is installed.
        Retired = "retired",
        /// Nothing, but for the digests that are kept.
        Revoked = "revoked",
    }
}

words! {
    /// What happens when the registry was not reached for too long.
    OnStale {
        /// It is said.
        Warn = "warn",
        /// Nothing runs.
        Stop = "stop",
    }
}

impl TrustFile {
    /// Reads a trust file.
    pub fn parse(_text: &str) -> Result<Self, FileError> {
        todo!()
    }

    /// What the file revokes, in the form that the store remembers: `digest:sha256:…`, `key:…`,
    /// `package:…` → reason.
    pub fn revocations(&self) -> BTreeMap<String, String> {
        todo!()
    }
}

/// The text of a trust file with one more publisher; an empty text begins a new file.
pub fn with_publisher(_text: &str, _name: &str, _key: &PublicKey) -> Result<String, FileError> {
    todo!()
}

/// The text of a trust file with one more reviewer; an empty text begins a new file.
pub fn with_reviewer(_text: &str, _name: &str, _key: &PublicKey) -> Result<String, FileError> {
    todo!()
}

/// What packages are held against: the trust file and what the store remembers.
#[derive(Clone, Debug)]
pub struct Trust {
    #[expect(dead_code, reason = "skeleton")]
    file: TrustFile,
}

impl Trust {
    /// Joins the file with the remembered floors (package → version) and revocations (as
    /// [`TrustFile::revocations`] writes them); what either revokes is revoked.
    pub fn new(
        _file: TrustFile,
        _floors: &BTreeMap<String, String>,
        _revoked: &BTreeMap<String, String>,
    ) -> Result<Self, TrustError> {
        todo!()
    }
}

/// Why what is remembered of trust cannot be used; nothing is verified without it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TrustError {
    /// A floor that is no version.
    #[error(
        "the remembered floor of {package} is `{floor}`, which is no version; restore the store"
    )]
    Floor {
        /// The package.
        package: String,
        /// What is remembered.
        floor: String,
    },
    /// A revocation that cannot be read.
    #[error("the remembered revocation `{0}` cannot be read; restore the store")]
    Revocation(String),
}
