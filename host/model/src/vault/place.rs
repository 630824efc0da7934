//! Where a secret belongs.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::key::KeyId;
use crate::TenantId;

/// Whose keys seal a secret.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// A tenant's.
    Tenant(TenantId),
    /// Those of the deployment: credentials of apps that all tenants share.
    Host,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant(tenant) => write!(f, "tenant {tenant}"),
            Self::Host => f.write_str("this host"),
        }
    }
}

/// What kind of object holds a secret.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretKind {
    /// A connection: what was entered for it, and its tokens.
    Connection,
    /// An app registration at a provider.
    App,
    /// An authorisation that has begun.
    Flow,
}

impl SecretKind {
    /// The name under which it is authenticated and stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::App => "app",
            Self::Flow => "flow",
        }
    }
}

/// Where a secret belongs. It is authenticated with the ciphertext, so that a row that is moved,
/// exchanged or put back from earlier does not open.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
pub struct Place {
    /// Whose keys seal it.
    pub owner: Owner,
    /// What kind of object holds it.
    pub kind: SecretKind,
    /// The name of the object.
    pub object: String,
    /// Which secret of the object.
    pub field: String,
    /// Counts how often the secrets of the object were replaced.
    pub generation: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, kind, object, field, .. } = self;
        write!(f, "'{field}' of {} {object} of {owner}", kind.as_str())
    }
}

/// The version of the layout of [`Sealed::bytes`].
pub const SEALED_VERSION: u8 = 1;

/// The bytes of a sealed secret that is empty: all before the ciphertext, and the tag.
pub const SEALED_BYTES_MIN: usize = KEY_AT + 16 + 24 + 16;

/// Where the name of the data key stands.
const KEY_AT: usize = 2;

/// A sealed secret and where it belongs.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Sealed {
    /// Where it belongs.
    pub place: Place,
    /// version 1 · algorithm 1 · data key id 16 · nonce 24 · ciphertext and tag.
    pub bytes: Bytes,
}

impl Sealed {
    /// The data key that it is sealed under; nothing where it has not the layout of one.
    pub fn key(&self) -> Option<KeyId> {
        if self.bytes.len() < SEALED_BYTES_MIN || self.bytes.first() != Some(&SEALED_VERSION) {
            return None;
        }
        self.bytes.get(KEY_AT..)?.first_chunk().copied().map(KeyId)
    }
}
