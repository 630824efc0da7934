//! The canary: proves at every start that the key-encryption key is the one of this data.

use bytes::Bytes;
use model::vault::{Canary, DataKey, KeyStore, KeyWrapper, VaultError};
use zeroize::Zeroizing;

use crate::cipher::{commitment, random};
use crate::sealer::Wrappers;

const CONTEXT: &[u8] = b"canary";

/// Proves that the wrappers are those of the store; a store without data gets its canary.
pub(crate) async fn prove(store: &dyn KeyStore, wrappers: &Wrappers) -> Result<(), VaultError> {
    let canary = match store.canary().await? {
        Some(canary) => canary,
        None => match first(store, &*wrappers.current).await? {
            Some(canary) => canary,
            None => return Ok(()),
        },
    };
    let Some(wrapper) = wrappers.named(&canary.wrapper) else {
        return Err(VaultError::WrongKey(format!(
            "the secrets of this data lie under the key {}, and the configuration names {}; name \
             or put back that key (no other opens them), or rotate from it",
            canary.wrapper,
            wrappers.current.id()
        )));
    };
    unwrap(&**wrapper, &canary.wrapped, CONTEXT, canary.commitment).await?.ok_or_else(|| {
        VaultError::WrongKey(format!(
            "the key {} is not the one that the secrets of this data lie under; put the right key \
             back",
            canary.wrapper
        ))
    })?;
    Ok(())
}

/// Puts the first canary, and answers one that somebody else has put meanwhile.
async fn first(
    store: &dyn KeyStore,
    wrapper: &dyn KeyWrapper,
) -> Result<Option<Canary>, VaultError> {
    if !store.owners(None, 1).await?.is_empty() {
        let message = "the store holds data keys and no canary that proves what wraps them; \
                       restore the data directory from a backup";
        return Err(VaultError::Damaged(message.to_owned()));
    }
    if store.put_canary(new(wrapper).await?, None).await? {
        return Ok(None);
    }
    Ok(store.canary().await?)
}

/// A canary under a key, which is proved with it.
pub(crate) async fn new(by: &dyn KeyWrapper) -> Result<Canary, VaultError> {
    let key = Zeroizing::new(random()?);
    let wrapped = wrap(by, &key, CONTEXT).await?;
    let commitment = commitment(&key, CONTEXT).into();
    Ok(Canary { wrapper: by.id().to_owned(), wrapped, commitment })
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
pub(crate) async fn unwrap(
    by: &dyn KeyWrapper,
    wrapped: &[u8],
    context: &[u8],
    committed: [u8; 32],
) -> Result<Option<DataKey>, VaultError> {
    let key = by.unwrap(wrapped, context).await?;
    Ok((commitment(&key, context) == blake3::Hash::from_bytes(committed)).then_some(key))
}
