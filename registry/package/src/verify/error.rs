//! Why a package is refused, and what to do about it.

use crate::key::KeyId;
use crate::manifest::ManifestError;
use crate::statement::StatementError;

/// Why a package is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum VerifyError {
    /// Nobody has signed it.
    #[error("the package is not signed; sign it with `plughouse adapter sign`")]
    Unsigned,
    /// Nobody who is known has signed it.
    #[error(
        "no signature is by a key that is trusted here, only by {}; add the publisher to trust.toml if you know that the key is theirs",
        list(.keys)
    )]
    UntrustedKeys {
        /// The keys that claim to have signed.
        keys: Vec<KeyId>,
    },
    /// A signature of a known key does not hold.
    #[error(
        "the signature of {owner} with key {key} does not match what it signs; somebody changed it, so fetch the package from its publisher again"
    )]
    BadSignature {
        /// Whose key it is.
        owner: String,
        /// The key.
        key: KeyId,
    },
    /// A payload of another kind than statements.
    #[error("an envelope holds `{0}`, not an in-toto statement; sign the package again")]
    PayloadType(String),
    /// A signed statement that is none.
    #[error("what {owner} has signed is refused: {cause}; ask them to sign again")]
    Statement {
        /// Whose key it is.
        owner: String,
        /// What is wrong.
        cause: StatementError,
    },
    /// A statement about another package.
    #[error(
        "a statement of {owner} is about {subject}, not about this package; use the attestations that belong to it"
    )]
    OtherSubject {
        /// Whose key it is.
        owner: String,
        /// The digest that it is about.
        subject: String,
    },
    /// A release under another name or version.
    #[error(
        "{owner} has released this as {stated}, but adapter.toml says {found}; ask them to sign what they mean"
    )]
    OtherRelease {
        /// Whose key it is.
        owner: String,
        /// What the statement says.
        stated: String,
        /// What the manifest says.
        found: String,
    },
    /// The manifest is not valid.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A mapping that the manifest names is not there.
    #[error("the manifest names `{0}`, which the package does not hold; add it and pack again")]
    MissingMapping(String),
    /// The module is machine code.
    #[error("adapter.wasm is machine code, which is never loaded; ship the component itself")]
    Precompiled,
    /// The module is a core module.
    #[error(
        "adapter.wasm is a core module, not a component; build it with `plughouse adapter build`"
    )]
    CoreModule,
    /// The module is nothing that is known.
    #[error("adapter.wasm is no WebAssembly component; build it with `plughouse adapter build`")]
    NoComponent,
    /// Nobody may publish under the name.
    #[error(
        "nobody is trusted to publish as `{0}`; add [publisher.{0}] to trust.toml if you know their key"
    )]
    UnknownPublisher(String),
    /// Somebody else than the namespace's owner has signed.
    #[error(
        "`{namespace}` is not a namespace of {owner}, who has signed the release; only {publisher} may publish there"
    )]
    Namespace {
        /// Who has signed.
        owner: String,
        /// The namespace of the package.
        namespace: String,
        /// Whose namespace it is.
        publisher: String,
    },
    /// Too few keys of the publisher have signed the release.
    #[error(
        "{have} of the {need} keys that {publisher} needs have signed the release; ask for the others"
    )]
    PublisherThreshold {
        /// The publisher.
        publisher: String,
        /// How many have signed.
        have: usize,
        /// How many must.
        need: usize,
    },
    /// A key that would be needed was revoked.
    #[error("the key {key} of {owner} is revoked: {reason}; get a release signed by a current key")]
    KeyRevoked {
        /// Whose key it is.
        owner: String,
        /// The key.
        key: KeyId,
        /// Why.
        reason: String,
    },
    /// A key that would be needed was retired.
    #[error(
        "the key {key} of {owner} is retired and good for what is installed only; get a release signed by a current key"
    )]
    KeyRetired {
        /// Whose key it is.
        owner: String,
        /// The key.
        key: KeyId,
    },
    /// Nobody has reviewed it.
    #[error("the package needs a review and has none; ask a reviewer of trust.toml for one")]
    NoReview,
    /// A publisher has reviewed its own package.
    #[error("the review is by {0}, who published the package; a review must be somebody else's")]
    SelfReview(String),
    /// A reviewer has said no.
    #[error("{0} has rejected the package; ask them what to change")]
    Rejected(String),
    /// A review under another name.
    #[error(
        "a review names {stated} as the reviewer, but {owner} has signed it; ask {owner} to sign again"
    )]
    ReviewerName {
        /// Whose key it is.
        owner: String,
        /// What the statement says.
        stated: String,
    },
    /// Too few keys of a reviewer have signed the approval.
    #[error("{have} of the {need} keys that {reviewer} needs have approved; ask for the others")]
    ReviewThreshold {
        /// The reviewer.
        reviewer: String,
        /// How many have signed.
        have: usize,
        /// How many must.
        need: usize,
    },
    /// The package was revoked by its digest.
    #[error("the package {digest} is revoked: {reason}; use another version")]
    DigestRevoked {
        /// The digest.
        digest: String,
        /// Why.
        reason: String,
    },
    /// The package was revoked by its name and version.
    #[error("{name} is revoked: {reason}; use a version that is not")]
    PackageRevoked {
        /// Name and version.
        name: String,
        /// Why.
        reason: String,
    },
    /// The package is older than what was installed before.
    #[error(
        "{name} is older than {floor}, which was installed before; a lower version needs an explicit downgrade with a reason"
    )]
    Rollback {
        /// Name and version.
        name: String,
        /// The lowest version that may be installed.
        floor: semver::Version,
    },
}

fn list(keys: &[KeyId]) -> String {
    keys.iter().map(KeyId::as_str).collect::<Vec<_>>().join(", ")
}
