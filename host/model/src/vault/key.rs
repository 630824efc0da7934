//! The data keys in the store, and the port to them.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::place::{Owner, Sealed};
use crate::store::StoreError;
use crate::{Timestamp, hex};

/// Names a data key; random.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(transparent)]
pub struct KeyId(pub [u8; 16]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::text(&self.0))
    }
}

/// Data keys of one owner at one time: the active one, and those that a rotation has not emptied.
pub const KEYS_MAX: usize = 16;

/// Sealed secrets or data keys in one call that lists, wraps or seals them again.
pub const RESEAL_MAX: usize = 256;

/// What a data key is used for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// To seal and to open; one key of an owner is.
    Active,
    /// Only to open what is not sealed again yet.
    Retiring,
}

/// A data key as it lies in the store.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct WrappedKey {
    /// Whose.
    pub owner: Owner,
    /// Its name.
    pub id: KeyId,
    /// What it is used for.
    pub state: KeyState,
    /// The key-encryption key that wraps it, by [`KeyWrapper::id`](super::KeyWrapper::id).
    pub wrapper: String,
    /// The key, wrapped.
    pub wrapped: Bytes,
    /// Which key it is, without telling it: neither cipher commits to its key.
    pub commitment: [u8; 32],
    /// Since when.
    pub created: Timestamp,
}

/// Proves at every start that the key-encryption key is the one of this data.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Canary {
    /// The key-encryption key, by [`KeyWrapper::id`](super::KeyWrapper::id).
    pub wrapper: String,
    /// A key that seals nothing, wrapped.
    pub wrapped: Bytes,
    /// Which key it is.
    pub commitment: [u8; 32],
}

/// A data key that another key-encryption key wraps from now on.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Rewrap {
    /// Whose.
    pub owner: Owner,
    /// Which.
    pub id: KeyId,
    /// What wraps it now, byte for byte; a key that is wrapped otherwise by then is left alone.
    pub from: Bytes,
    /// What wraps it from now on.
    pub wrapper: String,
    /// The key, wrapped.
    pub wrapped: Bytes,
}

/// Which sealed secrets to list.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SealedQuery {
    /// Whose.
    pub owner: Owner,
    /// Those that lie under this key.
    pub key: KeyId,
    /// Where the previous list ended.
    pub after: Option<String>,
    /// At most this many.
    pub limit: usize,
}

/// Data keys and what is sealed with them. Every method is one transaction.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// The canary; nothing in a store that has never had a key.
    async fn canary(&self) -> Result<Option<Canary>, StoreError>;

    /// Replaces the canary, if it is still the expected one; says whether it was.
    async fn put_canary(
        &self,
        canary: Canary,
        expected: Option<Canary>,
    ) -> Result<bool, StoreError>;

    /// The keys of an owner, the active one first. Of an owner whose keys were destroyed,
    /// nothing: it gets no new ones.
    async fn keys(&self, owner: &Owner) -> Result<Option<Vec<WrappedKey>>, StoreError>;

    /// All owners with keys, in order, behind this one.
    async fn owners(&self, after: Option<&Owner>, limit: usize) -> Result<Vec<Owner>, StoreError>;

    /// Adds an active key, if the active one is still this one, which then retires; says whether
    /// it was. Never for an owner whose keys were destroyed, nor a key beyond [`KEYS_MAX`].
    async fn add_key(&self, key: WrappedKey, active: Option<KeyId>) -> Result<bool, StoreError>;

    /// Replaces what wraps keys, at most [`RESEAL_MAX`]; answers how many were still wrapped as said.
    async fn rewrap(&self, keys: Vec<Rewrap>) -> Result<u64, StoreError>;

    /// Lists what lies under a key, and where to go on; its absence alone tells the end, for a
    /// step looks at a bounded number of secrets, under whatever key they lie.
    async fn sealed_under(
        &self,
        query: SealedQuery,
    ) -> Result<(Vec<Sealed>, Option<String>), StoreError>;

    /// Replaces sealed secrets, at most [`RESEAL_MAX`], each the first by the second of the same
    /// place; one that is another by now is left alone. Answers how many were replaced.
    async fn reseal(&self, pairs: Vec<(Sealed, Bytes)>) -> Result<u64, StoreError>;

    /// Removes a retiring key under which nothing lies; says whether it was removed.
    async fn retire_key(&self, owner: &Owner, id: KeyId) -> Result<bool, StoreError>;

    /// Destroys all keys of an owner and all that they sealed, for good, and answers how many
    /// secrets that were. Its connections rest from then on.
    async fn destroy_keys(&self, owner: &Owner, reason: &str) -> Result<u64, StoreError>;
}
