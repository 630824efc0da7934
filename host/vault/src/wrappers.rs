//! The key-encryption keys in use, and wrapping with them.

use std::sync::Arc;

use bytes::Bytes;
use model::vault::{DataKey, KeyWrapper, VaultError};

use crate::cipher::commitment;

/// The key-encryption keys in use.
#[derive(Clone)]
pub struct Wrappers {
    /// The one that wraps from now on.
    pub current: Arc<dyn KeyWrapper>,
    /// Those before, as long as something may still be wrapped by them.
    pub before: Vec<Arc<dyn KeyWrapper>>,
}

impl Wrappers {
    /// One and no other.
    pub fn only(current: Arc<dyn KeyWrapper>) -> Self {
        Self { current, before: Vec::new() }
    }

    /// Unwraps a key with the wrapper of this name. Services move, and their names with them: where
    /// the name is unknown, any wrapper will do that gives the key that was committed to. Answers
    /// nothing if none does.
    pub(crate) async fn unwrap(
        &self,
        name: &str,
        wrapped: &[u8],
        context: &[u8],
        committed: [u8; 32],
    ) -> Result<Option<DataKey>, VaultError> {
        let all = || std::iter::once(&self.current).chain(&self.before);
        if let Some(named) = all().find(|wrapper| wrapper.id() == name) {
            return unwrap(&**named, wrapped, context, committed).await;
        }
        for wrapper in all() {
            match unwrap(&**wrapper, wrapped, context, committed).await {
                Ok(None) | Err(VaultError::WrongKey(_)) => {}
                found => return found,
            }
        }
        Ok(None)
    }
}

/// Wraps a key and has it unwrapped again: what cannot be opened later is worth nothing.
pub(crate) async fn wrap(
    by: &dyn KeyWrapper,
    key: &DataKey,
    context: &[u8],
) -> Result<Bytes, VaultError> {
    let wrapped = by.wrap(key, context).await?;
    let commitment = commitment(key, context).into();
    match unwrap(by, &wrapped, context, commitment).await? {
        Some(_) => Ok(wrapped),
        None => Err(VaultError::Unavailable(format!(
            "the key {} gives back another key than it has wrapped; nothing was changed",
            by.id()
        ))),
    }
}

/// Unwraps a key; nothing if it is another one than was committed to.
async fn unwrap(
    by: &dyn KeyWrapper,
    wrapped: &[u8],
    context: &[u8],
    committed: [u8; 32],
) -> Result<Option<DataKey>, VaultError> {
    let key = by.unwrap(wrapped, context).await?;
    Ok((commitment(&key, context) == blake3::Hash::from_bytes(committed)).then_some(key))
}
