//! The canary: proves at every start that the key-encryption key is the one of this data.

use model::vault::{Canary, KeyStore, KeyWrapper, VaultError};
use zeroize::Zeroizing;

use crate::cipher::{commitment, random};
use crate::wrappers::{Wrappers, wrap};

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
    let Canary { wrapper, wrapped, commitment } = &canary;
    let key = wrappers.unwrap(wrapper, wrapped, CONTEXT, *commitment).await?;
    key.map(|_proof| ()).ok_or_else(|| {
        VaultError::WrongKey(format!(
            "the secrets of this data lie under the key {wrapper}; what the configuration names, \
             {}, is another one; put that key back (no other opens them), or name it in \
             [vault-before] and rotate",
            wrappers.current.id()
        ))
    })
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
