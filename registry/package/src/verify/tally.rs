//! Counting signatures: key id → owner → signature → and only then what was signed.

use std::collections::{BTreeMap, BTreeSet};

use super::{Phase, Signer, VerifyError};
use crate::bundle::Bundle;
use crate::envelope::{Envelope, IN_TOTO};
use crate::key::KeyId;
use crate::statement::{Predicate, Release, Review, Statement, Verdict};
use crate::trust::{Owner, Role, Standing, Trust};

/// What trusted keys say about a package.
#[derive(Default)]
pub(super) struct Tally<'t> {
    releases: Vec<(Voice<'t>, Release)>,
    reviews: Vec<(Voice<'t>, Review)>,
    strangers: BTreeSet<KeyId>,
}

/// A signature that holds.
struct Voice<'t> {
    key: KeyId,
    owner: &'t Owner,
    standing: Standing,
}

impl<'t> Tally<'t> {
    /// Checks every signature of a known key and reads what it has signed.
    pub(super) fn of(bundle: &Bundle, trust: &'t Trust) -> Result<Self, VerifyError> {
        let mut tally = Self::default();
        for envelope in bundle.envelopes() {
            tally.add(envelope, bundle.digest(), trust)?;
        }
        if bundle.envelopes().is_empty() {
            return Err(VerifyError::Unsigned);
        }
        Ok(tally)
    }

    fn add(
        &mut self,
        envelope: &Envelope,
        digest: &str,
        trust: &'t Trust,
    ) -> Result<(), VerifyError> {
        if envelope.payload_type() != IN_TOTO {
            return Err(VerifyError::PayloadType(envelope.payload_type().to_owned()));
        }
        let mut voices = Vec::new();
        for key in envelope.key_ids() {
            let Some(owner) = trust.owner(key) else {
                self.strangers.insert(key.clone());
                continue;
            };
            if !envelope.is_signed_by(&owner.public) {
                return Err(VerifyError::BadSignature {
                    owner: owner.name.clone(),
                    key: key.clone(),
                });
            }
            let standing = trust.standing(key, owner, digest);
            voices.push(Voice { key: key.clone(), owner, standing });
        }
        // Only what a known key has signed is read at all.
        let Some(owner) = voices.first().map(|voice| voice.owner.name.clone()) else {
            return Ok(());
        };
        let statement = Statement::parse(envelope.payload());
        let statement =
            statement.map_err(|cause| VerifyError::Statement { owner: owner.clone(), cause })?;
        let Some(statement) = statement else { return Ok(()) };
        if statement.digest != digest {
            return Err(VerifyError::OtherSubject { owner, subject: statement.digest });
        }
        for voice in voices {
            match &statement.predicate {
                Predicate::Release(release) => self.releases.push((voice, release.clone())),
                Predicate::Review(review) => self.reviews.push((voice, review.clone())),
            }
        }
        Ok(())
    }

    /// The keys of a namespace's publisher that have released the package.
    pub(super) fn releasers(
        &self,
        trust: &Trust,
        package: (&str, &semver::Version),
        phase: Phase,
    ) -> Result<Vec<Signer>, VerifyError> {
        let (name, version) = package;
        let namespace = name.split_once('/').map_or(name, |(namespace, _)| namespace);
        let publisher = trust.publisher(namespace);
        let (publisher, need) =
            publisher.ok_or_else(|| VerifyError::UnknownPublisher(namespace.to_owned()))?;
        let found = format!("{name}@{version}");
        for (voice, release) in &self.releases {
            let stated = format!("{}@{}", release.package, release.version);
            if stated != found {
                let owner = voice.owner.name.clone();
                return Err(VerifyError::OtherRelease { owner, stated, found });
            }
        }
        let ours = |owner: &Owner| owner.role == Role::Publisher && owner.name == publisher;
        let voices = self.releases.iter().map(|(voice, _)| voice);
        let count = Count::of(voices.filter(|voice| ours(voice.owner)), phase);
        if count.signers.len() >= need {
            return Ok(count.signers.into_iter().collect());
        }
        if let Some(error) = count.spoilt {
            return Err(error);
        }
        let mut others = self.releases.iter().filter(|(voice, _)| !ours(voice.owner));
        if let (true, Some((other, _))) = (count.signers.is_empty(), others.next()) {
            return Err(VerifyError::Namespace {
                owner: other.owner.name.clone(),
                namespace: namespace.to_owned(),
                publisher: publisher.to_owned(),
            });
        }
        if self.releases.is_empty() && self.reviews.is_empty() && !self.strangers.is_empty() {
            return Err(VerifyError::UntrustedKeys {
                keys: self.strangers.iter().cloned().collect(),
            });
        }
        let have = count.signers.len();
        Err(VerifyError::PublisherThreshold { publisher: publisher.to_owned(), have, need })
    }

    /// The keys of the reviewers whose approval counts.
    pub(super) fn approvers(
        &self,
        trust: &Trust,
        namespace: &str,
        phase: Phase,
    ) -> Result<Vec<Signer>, VerifyError> {
        let publisher = trust.publisher(namespace).map(|(name, _)| name);
        let mut approvals: BTreeMap<&str, Vec<&Voice<'_>>> = BTreeMap::new();
        let mut rejected = None;
        for (voice, review) in &self.reviews {
            let owner = voice.owner.name.as_str();
            if publisher == Some(owner) {
                return Err(VerifyError::SelfReview(owner.to_owned()));
            }
            if voice.owner.role != Role::Reviewer {
                continue;
            }
            if review.reviewer != owner {
                let stated = review.reviewer.clone();
                return Err(VerifyError::ReviewerName { owner: owner.to_owned(), stated });
            }
            match review.verdict {
                Verdict::Approved => approvals.entry(owner).or_default().push(voice),
                // A rejection never counts for a package; a thief of the key gains nothing by it.
                Verdict::Rejected => rejected = Some(VerifyError::Rejected(owner.to_owned())),
            }
        }
        let mut approvers = Vec::new();
        let mut lacking = None;
        for (reviewer, voices) in approvals {
            let need = trust.review_threshold(reviewer).unwrap_or(usize::MAX);
            let count = Count::of(voices.into_iter(), phase);
            let have = count.signers.len();
            if have >= need {
                approvers.extend(count.signers);
            } else {
                let reviewer = reviewer.to_owned();
                let too_few = VerifyError::ReviewThreshold { reviewer, have, need };
                lacking = Some(count.spoilt.unwrap_or(too_few));
            }
        }
        match (approvers.is_empty(), rejected, lacking) {
            (false, ..) => Ok(approvers),
            (true, Some(error), _) | (true, None, Some(error)) => Err(error),
            (true, None, None) => Err(VerifyError::NoReview),
        }
    }
}

/// The distinct keys of one owner that count, and why another does not.
struct Count {
    signers: BTreeSet<Signer>,
    spoilt: Option<VerifyError>,
}

impl Count {
    fn of<'v, 't: 'v>(voices: impl Iterator<Item = &'v Voice<'t>>, phase: Phase) -> Self {
        let mut count = Self { signers: BTreeSet::new(), spoilt: None };
        for voice in voices {
            let (owner, key) = (voice.owner.name.clone(), voice.key.clone());
            match &voice.standing {
                Standing::Revoked(reason) => {
                    let reason = reason.clone();
                    count.spoilt = Some(VerifyError::KeyRevoked { owner, key, reason });
                }
                Standing::Retired if phase == Phase::Install => {
                    count.spoilt.get_or_insert(VerifyError::KeyRetired { owner, key });
                }
                Standing::Retired | Standing::Active => {
                    count.signers.insert(Signer { owner, key });
                }
            }
        }
        count
    }
}
