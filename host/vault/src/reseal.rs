//! Changing a data key: what lies under the one before is sealed again, then that one goes.
//!
//! The new key is the active one before anything is sealed again, and every seal asks the store
//! which one that is. What was sealed just before that, and is committed after the last look, is
//! why a key does not go at once: it waits [`SETTLED`], a store removes it only in a transaction
//! that finds nothing under it, and takes nothing under it after that.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use model::Timestamp;
use model::vault::{
    KeyState, Owner, Place, RESEAL_MAX, Sealed, SealedQuery, VaultError, WrappedKey,
};
use serde::Serialize;

use crate::cipher::Cipher;
use crate::keyring::active;
use crate::progress::{Progress, Tally};
use crate::sealer::Sealer;

/// How long a replaced key is kept at least: far longer than anybody takes from sealing to the
/// commit, which are milliseconds apart.
const SETTLED: Duration = Duration::from_mins(1);

/// How far the rotation of data keys has come.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Rotation {
    /// Secrets that were sealed again.
    pub resealed: u64,
    /// Secrets that do not open, because of which their key cannot go.
    pub damaged: Vec<Place>,
    /// From when on a further call retires the keys before, if nothing lies under them by then;
    /// nothing if they are gone.
    pub unfinished: Option<Timestamp>,
}

impl Sealer {
    /// Gives an owner a new data key and seals again what lies under the one before, while others
    /// go on sealing and opening. It may be interrupted and called again: what has begun is brought
    /// to its end before a new key is made.
    pub async fn rotate_key(
        &self,
        owner: &Owner,
        progress: &Progress<'_>,
    ) -> Result<Rotation, VaultError> {
        let mut tally = Tally::new(progress);
        let mut rotation = Rotation::default();
        self.rotate(owner, &mut rotation, &mut tally).await?;
        rotation.resealed = tally.done;
        Ok(rotation)
    }

    /// [`Self::rotate_key`] for all owners.
    pub async fn rotate_keys(&self, progress: &Progress<'_>) -> Result<Rotation, VaultError> {
        let mut tally = Tally::new(progress);
        let mut rotation = Rotation::default();
        let mut after = None;
        loop {
            let owners = self.ring.store.owners(after.as_ref(), RESEAL_MAX).await?;
            let Some(last) = owners.last().cloned() else { break };
            for owner in &owners {
                match self.rotate(owner, &mut rotation, &mut tally).await {
                    // Destroyed meanwhile: nothing is left to seal again.
                    Ok(()) | Err(VaultError::Destroyed(_)) => {}
                    Err(e) => return Err(e),
                }
            }
            after = Some(last);
        }
        rotation.resealed = tally.done;
        Ok(rotation)
    }

    async fn rotate(
        &self,
        owner: &Owner,
        rotation: &mut Rotation,
        tally: &mut Tally<'_>,
    ) -> Result<(), VaultError> {
        let keys = self.ring.keys(owner).await?;
        let Some(replaced) = active(&keys) else { return Ok(()) };
        if keys.len() == 1 {
            // If somebody else has added one meanwhile, this goes on with that one.
            self.ring.add(owner, Some(replaced.id)).await?;
        }
        let keys = self.ring.keys(owner).await?;
        let Some(new) = active(&keys) else { return Ok(()) };
        let settled = new.created.saturating_add(SETTLED).unwrap_or(Timestamp::MAX);
        for old in keys.iter().filter(|key| key.state == KeyState::Retiring) {
            if !self.retire(old, settled, rotation, tally).await? {
                rotation.unfinished = rotation.unfinished.max(Some(settled));
            }
        }
        Ok(())
    }

    /// Seals again what lies under a key, and removes it when its time has come; says whether it
    /// is gone.
    async fn retire(
        &self,
        old: &WrappedKey,
        settled: Timestamp,
        rotation: &mut Rotation,
        tally: &mut Tally<'_>,
    ) -> Result<bool, VaultError> {
        let damaged = self.reseal_pass(old, tally).await?;
        if !damaged.is_empty() {
            rotation.damaged.extend(damaged);
            return Ok(false);
        }
        if self.ring.clock.now() < settled {
            return Ok(false);
        }
        self.ring.keep(&old.owner, old.id).await?;
        Ok(self.ring.store.retire_key(&old.owner, old.id).await?)
    }

    /// Goes once through what lies under a key, and answers what does not open.
    async fn reseal_pass(
        &self,
        old: &WrappedKey,
        tally: &mut Tally<'_>,
    ) -> Result<Vec<Place>, VaultError> {
        let (mut damaged, mut after) = (Vec::new(), None);
        loop {
            let query =
                SealedQuery { owner: old.owner.clone(), key: old.id, after, limit: RESEAL_MAX };
            let (sealed, next) = self.ring.store.sealed_under(query).await?;
            if !sealed.is_empty() {
                let new = self.ring.active(&old.owner).await?;
                let mut pairs = Vec::with_capacity(sealed.len());
                for sealed in sealed {
                    match self.resealed(&sealed, &new).await {
                        Ok(bytes) => pairs.push((sealed, bytes)),
                        Err(VaultError::Damaged(_)) => damaged.push(sealed.place),
                        Err(e) => return Err(e),
                    }
                }
                tally.add(self.ring.store.reseal(pairs).await?);
            }
            if next.is_none() {
                return Ok(damaged);
            }
            after = next;
        }
    }

    async fn resealed(&self, sealed: &Sealed, new: &Arc<Cipher>) -> Result<Bytes, VaultError> {
        new.seal(&sealed.place, &self.open_one(sealed).await?)
    }
}
