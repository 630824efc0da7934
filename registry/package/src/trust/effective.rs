//! What packages are held against.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use super::{KeyState, ReviewPolicy, Revoked, TrustFile, TrustedKey, VersionRange};
use crate::key::{KeyId, PublicKey};

/// The trust file joined with what the store remembers; what either revokes is revoked.
///
/// No decision about the past uses a clock.
#[derive(Clone, Debug)]
pub struct Trust {
    review: ReviewPolicy,
    owners: BTreeMap<KeyId, Owner>,
    /// Namespace → publisher and threshold.
    publishers: BTreeMap<String, (String, u32)>,
    /// Reviewer → threshold.
    reviewers: BTreeMap<String, u32>,
    revoked_digests: BTreeMap<String, String>,
    revoked_keys: BTreeMap<KeyId, String>,
    revoked_packages: Vec<(String, Option<VersionRange>, String)>,
    floors: BTreeMap<String, Version>,
}

/// Whose a key is.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) role: Role,
    pub(crate) name: String,
    pub(crate) public: PublicKey,
    state: KeyState,
    kept: BTreeSet<String>,
}

/// What a key's owner may say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    Publisher,
    Reviewer,
}

/// What a key is worth for one package.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    Active,
    Retired,
    Revoked(String),
}

impl Trust {
    /// Joins the file with the remembered floors (package → version) and revocations (as
    /// [`TrustFile::revocations`] writes them).
    ///
    /// # Errors
    ///
    /// What is remembered but cannot be read refuses: it never counts as nothing remembered.
    pub fn new(
        file: TrustFile,
        floors: &BTreeMap<String, String>,
        revoked: &BTreeMap<String, String>,
    ) -> Result<Self, TrustError> {
        let mut all = file.revocations();
        all.extend(revoked.iter().map(|(target, reason)| (target.clone(), reason.clone())));
        let mut trust = Self {
            review: file.review,
            owners: owners(&file),
            publishers: BTreeMap::new(),
            reviewers: file.reviewers.into_iter().map(|(name, it)| (name, it.threshold)).collect(),
            revoked_digests: BTreeMap::new(),
            revoked_keys: BTreeMap::new(),
            revoked_packages: Vec::new(),
            floors: BTreeMap::new(),
        };
        for (name, party) in file.publishers {
            let entries =
                party.namespaces.into_iter().map(|space| (space, (name.clone(), party.threshold)));
            trust.publishers.extend(entries);
        }
        for (target, reason) in all {
            match target.parse::<Revoked>()? {
                Revoked::Digest(digest) => drop(trust.revoked_digests.insert(digest, reason)),
                Revoked::Key(id) => drop(trust.revoked_keys.insert(id, reason)),
                Revoked::Package { name, versions } => {
                    trust.revoked_packages.push((name, versions, reason));
                }
            }
        }
        for (package, floor) in floors {
            let version = floor.parse().map_err(|_semver| TrustError::Floor {
                package: package.clone(),
                floor: floor.clone(),
            })?;
            trust.floors.insert(package.clone(), version);
        }
        Ok(trust)
    }

    pub(crate) fn review(&self) -> ReviewPolicy {
        self.review
    }

    pub(crate) fn owner(&self, key: &KeyId) -> Option<&Owner> {
        self.owners.get(key)
    }

    /// The publisher of a namespace and its threshold.
    pub(crate) fn publisher(&self, namespace: &str) -> Option<(&str, usize)> {
        let (name, threshold) = self.publishers.get(namespace)?;
        Some((name, count(*threshold)))
    }

    /// How many keys of a reviewer must approve.
    pub(crate) fn review_threshold(&self, reviewer: &str) -> Option<usize> {
        self.reviewers.get(reviewer).copied().map(count)
    }

    pub(crate) fn standing(&self, key: &KeyId, owner: &Owner, digest: &str) -> Standing {
        match self.revoked_keys.get(key) {
            Some(reason) if !owner.kept.contains(digest) => Standing::Revoked(reason.clone()),
            None if owner.state == KeyState::Retired => Standing::Retired,
            _ => Standing::Active,
        }
    }

    /// Why a package was revoked by its digest.
    pub(crate) fn revoked_digest(&self, digest: &str) -> Option<&str> {
        self.revoked_digests.get(digest).map(String::as_str)
    }

    /// Why a package was revoked by its name.
    pub(crate) fn revoked_package(&self, name: &str, version: &Version) -> Option<&str> {
        let meant = |range: &Option<VersionRange>| {
            range.as_ref().is_none_or(|range| range.contains(version))
        };
        let mut found = self.revoked_packages.iter();
        let found = found.find(|(package, range, _)| package == name && meant(range));
        found.map(|(_, _, reason)| reason.as_str())
    }

    pub(crate) fn floor(&self, name: &str) -> Option<&Version> {
        self.floors.get(name)
    }
}

fn count(threshold: u32) -> usize {
    usize::try_from(threshold).unwrap_or(usize::MAX)
}

fn owners(file: &TrustFile) -> BTreeMap<KeyId, Owner> {
    let publishers = file.publishers.iter().map(|(name, party)| (Role::Publisher, name, party));
    let reviewers = file.reviewers.iter().map(|(name, party)| (Role::Reviewer, name, party));
    let parties = publishers.chain(reviewers);
    let owner = |role, name: &String, key: &TrustedKey| {
        let listed = file.revoked.iter().filter(|it| it.target == Revoked::Key(key.id.clone()));
        let kept = listed.flat_map(|it| &it.kept).chain(&key.kept).cloned().collect();
        let (name, public) = (name.clone(), key.public.clone());
        (key.id.clone(), Owner { role, name, public, state: key.state, kept })
    };
    parties
        .flat_map(|(role, name, party)| party.keys.iter().map(move |key| owner(role, name, key)))
        .collect()
}

/// Why what is remembered of trust cannot be used; nothing is verified without it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TrustError {
    /// A floor that is no version.
    #[error(
        "the remembered floor of {package} is `{floor}`, which is no version; restore the store from a backup"
    )]
    Floor {
        /// The package.
        package: String,
        /// What is remembered.
        floor: String,
    },
    /// A revocation that cannot be read.
    #[error("the remembered revocation `{0}` cannot be read; restore the store from a backup")]
    Revocation(String),
}
