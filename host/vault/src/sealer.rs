//! The vault: seals and opens for whoever holds a place.

use std::sync::Arc;

use async_trait::async_trait;
use model::store::{StoreError, StoreErrorKind};
use model::vault::{KeyStore, Owner, Place, SECRETS_MAX, Sealed, Vault, VaultError};
use model::{Clock, Secret};
use tokio::sync::Mutex;

use crate::canary;
use crate::keyring::Keyring;
use crate::wrappers::Wrappers;

/// Seals and opens the secrets of one store.
pub struct Sealer {
    pub(crate) ring: Keyring,
    /// One change of the key-encryption key at a time.
    pub(crate) rewrapping: Mutex<()>,
}

impl Sealer {
    /// Opens the vault of a store, if the keys are those of its data. A store that has never had
    /// a key gets one. While a rotation from one key-encryption key to another has not ended, both
    /// are needed; a data key under one that is missing is noticed when it is first used.
    pub async fn open(
        store: Arc<dyn KeyStore>,
        wrappers: Wrappers,
        clock: Clock,
    ) -> Result<Self, VaultError> {
        canary::prove(&*store, &wrappers).await?;
        Ok(Self { ring: Keyring::new(store, wrappers, clock), rewrapping: Mutex::new(()) })
    }

    /// Destroys all keys of an owner, and all that they have sealed, for good; answers how many
    /// secrets that were. A backup from before holds the keys, wrapped, and so may the free places
    /// of the store's file: they are of no use any more once the key-encryption key was changed and
    /// the one of then was destroyed.
    pub async fn destroy(&self, owner: &Owner, reason: &str) -> Result<u64, VaultError> {
        self.ring.destroy(owner, reason).await
    }
}

#[async_trait]
impl Vault for Sealer {
    async fn seal(&self, secrets: Vec<(Place, Secret)>) -> Result<Vec<Sealed>, VaultError> {
        let Some(owner) = one_owner(secrets.iter().map(|(place, _)| place))? else {
            return Ok(Vec::new());
        };
        let cipher = self.ring.active(owner).await?;
        let seal = |(place, secret)| {
            let bytes = cipher.seal(&place, &secret)?;
            Ok(Sealed { place, bytes })
        };
        secrets.into_iter().map(seal).collect()
    }

    async fn open(&self, sealed: Vec<Sealed>) -> Result<Vec<Secret>, VaultError> {
        one_owner(sealed.iter().map(|sealed| &sealed.place))?;
        let mut secrets = Vec::with_capacity(sealed.len());
        for sealed in &sealed {
            secrets.push(self.open_one(sealed).await?);
        }
        Ok(secrets)
    }
}

impl Sealer {
    pub(crate) async fn open_one(&self, sealed: &Sealed) -> Result<Secret, VaultError> {
        let Sealed { place, .. } = sealed;
        let id = sealed.key().ok_or_else(|| damaged(place))?;
        let cipher = self.ring.named(&place.owner, id).await.map_err(|error| match error {
            VaultError::Damaged(why) => {
                VaultError::Damaged(format!("the secret {place} does not open: {why}"))
            }
            other => other,
        })?;
        cipher.open(sealed).ok_or_else(|| damaged(place))
    }
}

fn damaged(place: &Place) -> VaultError {
    VaultError::Damaged(format!(
        "the secret {place} does not open: it was changed, moved or put back from earlier; enter \
         or authorise it again"
    ))
}

fn one_owner<'a>(
    mut places: impl ExactSizeIterator<Item = &'a Place>,
) -> Result<Option<&'a Owner>, VaultError> {
    let count = places.len();
    let owner = places.next().map(|place| &place.owner);
    if count <= SECRETS_MAX && places.all(|place| Some(&place.owner) == owner) {
        return Ok(owner);
    }
    let message =
        format!("at most {SECRETS_MAX} secrets of one owner are sealed or opened at once");
    Err(StoreError::new(StoreErrorKind::Invalid, message).into())
}

/// Somebody else changes the same all the time.
pub(crate) fn changing(what: &str) -> VaultError {
    let message = format!("{what} is being changed by somebody else; try again");
    StoreError::new(StoreErrorKind::Conflict, message).into()
}
