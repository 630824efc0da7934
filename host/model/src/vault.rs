//! Sealed secrets: where each belongs, the keys they are sealed with, and the ports around both.
//!
//! Two layers of keys. A data key seals the secrets of one owner and lies in the store, wrapped
//! by the key-encryption key, which the store never sees. To change the outer key is to wrap the
//! data keys again; to change a data key is to seal again what lies under it; to destroy an
//! owner's data keys is to make all its secrets unreadable: for whoever asks the store at once, and
//! in backups and free places of its file once the outer key was changed and the one of then
//! destroyed.

mod key;
mod place;

use async_trait::async_trait;
use bytes::Bytes;
use zeroize::Zeroizing;

pub use key::{
    Canary, KEYS_MAX, KeyId, KeyState, KeyStore, RESEAL_MAX, Rewrap, SealedQuery, WrappedKey,
};
pub use place::{Owner, Place, SEALED_BYTES_MIN, SEALED_VERSION, Sealed, SecretKind};

use crate::Secret;
use crate::store::StoreError;

/// The bytes of a data key.
pub const DATA_KEY_BYTES: usize = 32;

/// Secrets in one call of the vault: a connection has a handful.
pub const SECRETS_MAX: usize = 64;

/// A data key in the clear. It is wiped when dropped.
pub type DataKey = Zeroizing<[u8; DATA_KEY_BYTES]>;

/// Why the vault did not do it.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key-encryption key is not the one that the data was sealed under.
    #[error("{0}")]
    WrongKey(String),
    /// The owner's keys were destroyed, and with them all that they sealed.
    #[error("the secrets of {0} were destroyed for good; connect again under another tenant")]
    Destroyed(Owner),
    /// What was sealed does not open: it was changed, moved, or put back from earlier.
    #[error("{0}")]
    Damaged(String),
    /// Whoever keeps the key-encryption key does not answer.
    #[error("{0}")]
    Unavailable(String),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Seals and opens secrets. Nothing else in the host sees a data key.
#[async_trait]
pub trait Vault: Send + Sync {
    /// Seals each secret for its place, in the order given. All belong to one owner.
    async fn seal(&self, secrets: Vec<(Place, Secret)>) -> Result<Vec<Sealed>, VaultError>;

    /// Opens what was sealed, in the order given. All belongs to one owner.
    async fn open(&self, sealed: Vec<Sealed>) -> Result<Vec<Secret>, VaultError>;
}

/// Keeps the key-encryption key: a file, or a service that never gives it away.
#[async_trait]
pub trait KeyWrapper: Send + Sync {
    /// Names the key and where it is kept, without telling it: `file:1f0c…`, `transit:host/name`.
    fn id(&self) -> &str;

    /// Wraps a data key; `context` is authenticated with it where the service can do that.
    async fn wrap(&self, key: &DataKey, context: &[u8]) -> Result<Bytes, VaultError>;

    /// Unwraps what this key has wrapped with the same context.
    async fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<DataKey, VaultError>;
}
