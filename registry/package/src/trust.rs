//! Whom the operator trusts: the trust file and what the store remembers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::hex::is_digest;
use crate::key::{KeyId, PublicKey};
use crate::manifest::is_package_name;
use crate::words::words;

mod effective;
mod file;
mod range;
mod write;

pub use crate::document::FileError as TrustFileError;
pub(crate) use effective::{Owner, Role, Standing};
pub use effective::{Trust, TrustError};
pub use range::{RangeError, VersionRange};
pub use write::{empty, with_publisher, with_reviewer};

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
        /// The versions; absent means all.
        versions: Option<VersionRange>,
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
    pub enum ReviewPolicy {
        /// Nothing is installed or loaded without one.
        Required = "required",
        /// A publisher's signature is enough.
        Optional = "optional",
    }
}

words! {
    /// What a key is good for.
    pub enum KeyState {
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
    pub enum OnStale {
        /// It is said.
        Warn = "warn",
        /// Nothing runs.
        Stop = "stop",
    }
}

impl TrustFile {
    /// What the file revokes, in the form that the store remembers for good: `digest:sha256:…`,
    /// `key:…`, `package:publisher/id` or `package:publisher/id@RANGE` → reason.
    pub fn revocations(&self) -> BTreeMap<String, String> {
        let listed = self.revoked.iter().map(|it| (it.target.to_string(), it.reason.clone()));
        let parties = self.publishers.values().chain(self.reviewers.values());
        let keys = parties.flat_map(|party| &party.keys);
        let keys = keys.filter(|key| key.state == KeyState::Revoked).map(|key| {
            let reason = "its state in the trust file is revoked";
            (Revoked::Key(key.id.clone()).to_string(), reason.to_owned())
        });
        // The reason of an entry of its own says more than the state of a key.
        keys.chain(listed).collect()
    }
}

impl fmt::Display for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest(digest) => write!(f, "digest:{digest}"),
            Self::Key(id) => write!(f, "key:{id}"),
            Self::Package { name, versions: None } => write!(f, "package:{name}"),
            Self::Package { name, versions: Some(range) } => write!(f, "package:{name}@{range}"),
        }
    }
}

impl FromStr for Revoked {
    type Err = TrustError;

    fn from_str(text: &str) -> Result<Self, TrustError> {
        let wrong = || TrustError::Revocation(text.to_owned());
        match text.split_once(':') {
            Some(("digest", digest)) if is_digest(digest) => Ok(Self::Digest(digest.to_owned())),
            Some(("key", id)) => id.parse().map(Self::Key).map_err(|_any| wrong()),
            Some(("package", package)) => {
                let (name, range) = match package.split_once('@') {
                    Some((name, range)) => (name, Some(range)),
                    None => (package, None),
                };
                let versions = range.map(str::parse).transpose().map_err(|_any| wrong())?;
                let name = Some(name).filter(|name| is_package_name(name)).ok_or_else(wrong)?;
                Ok(Self::Package { name: name.to_owned(), versions })
            }
            _ => Err(wrong()),
        }
    }
}
