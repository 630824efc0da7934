//! A key-encryption key that can be counted and switched off.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use model::vault::{DataKey, KeyWrapper, VaultError};

/// A key that is told by its name.
pub(crate) struct Named {
    name: String,
    secret: String,
    down: AtomicBool,
    forgetful: AtomicBool,
    unwraps: AtomicU64,
}

impl Named {
    pub(crate) fn new(name: &str) -> Self {
        Self::other(name, name)
    }

    /// Another key of the same name.
    pub(crate) fn other(name: &str, secret: &str) -> Self {
        Self {
            name: format!("test:{name}"),
            secret: secret.to_owned(),
            down: AtomicBool::default(),
            forgetful: AtomicBool::default(),
            unwraps: AtomicU64::default(),
        }
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// From now on it gives back other keys than it has wrapped.
    pub(crate) fn set_forgetful(&self) {
        self.forgetful.store(true, Ordering::SeqCst);
    }

    pub(crate) fn unwraps(&self) -> u64 {
        self.unwraps.load(Ordering::SeqCst)
    }

    fn answers(&self) -> Result<(), VaultError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(VaultError::Unavailable(format!("{} does not answer", self.name)));
        }
        Ok(())
    }

    fn mask(&self, context: &[u8]) -> [u8; 32] {
        let key = blake3::hash(self.secret.as_bytes());
        blake3::keyed_hash(key.as_bytes(), context).into()
    }
}

fn xor(one: [u8; 32], other: [u8; 32]) -> [u8; 32] {
    std::array::from_fn(|at| one[at] ^ other[at])
}

#[async_trait]
impl KeyWrapper for Named {
    fn id(&self) -> &str {
        &self.name
    }

    async fn wrap(&self, key: &DataKey, context: &[u8]) -> Result<Bytes, VaultError> {
        tokio::task::yield_now().await;
        self.answers()?;
        Ok(Bytes::copy_from_slice(&xor(**key, self.mask(context))))
    }

    async fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<DataKey, VaultError> {
        tokio::task::yield_now().await;
        self.answers()?;
        self.unwraps.fetch_add(1, Ordering::SeqCst);
        let mut mask = self.mask(context);
        mask[0] ^= u8::from(self.forgetful.load(Ordering::SeqCst));
        Ok(DataKey::new(xor(wrapped.try_into().unwrap(), mask)))
    }
}
