//! Changing the key-encryption key: the data keys are wrapped again, the canary last.
//!
//! All the while both keys are known and every data key names its own, so everything opens. As
//! long as the canary names the key before, a rotation that was interrupted goes on with those
//! data keys that are not wrapped by the new one.

use std::sync::Arc;

use futures_util::future::try_join_all;
use model::vault::{KeyWrapper, RESEAL_MAX, Rewrap, VaultError, WrappedKey};

use crate::canary;
use crate::cipher::context;
use crate::progress::{Progress, Tally};
use crate::sealer::{Sealer, changing};
use crate::wrappers::wrap;

/// Keys that are wrapped at once: a service answers in milliseconds, and there are thousands.
const AT_ONCE: usize = 8;

/// How often all keys are gone through: a second time finds those that others have added
/// meanwhile, more often only who rotates at the same time.
const PASSES_MAX: usize = 8;

impl Sealer {
    /// Wraps again what lies under the keys before; answers how many data keys that were. It may be
    /// interrupted and called again.
    ///
    /// If nothing does, all is wrapped again: a service may have a new version of its key.
    pub async fn rewrap(&self, progress: &Progress<'_>) -> Result<u64, VaultError> {
        let current = Arc::clone(&self.ring.wrappers.read().await.current);
        self.rotate_wrapper(current, progress).await
    }

    /// Has everything wrapped by this key from now on, those data keys included that are there, as
    /// [`Self::rewrap`] does.
    pub async fn rotate_wrapper(
        &self,
        new: Arc<dyn KeyWrapper>,
        progress: &Progress<'_>,
    ) -> Result<u64, VaultError> {
        let _only = self.rewrapping.lock().await;
        let proof = canary::new(&*new).await?;
        let canary = self.ring.store.canary().await?;
        let mut all = canary.as_ref().is_some_and(|canary| canary.wrapper == new.id());
        self.use_wrapper(&new).await;
        let mut tally = Tally::new(progress);
        for _ in 0..PASSES_MAX {
            if self.rewrap_pass(&*new, all, &mut tally).await? {
                if !self.ring.store.put_canary(proof, canary).await? {
                    break;
                }
                return Ok(tally.done);
            }
            all = false;
        }
        Err(changing("the key of the vault"))
    }

    async fn use_wrapper(&self, new: &Arc<dyn KeyWrapper>) {
        let mut wrappers = self.ring.wrappers.write().await;
        let old = std::mem::replace(&mut wrappers.current, Arc::clone(new));
        wrappers.before.push(old);
        wrappers.before.retain(|wrapper| wrapper.id() != new.id());
    }

    /// Goes through all keys once; says whether there was nothing to wrap again.
    async fn rewrap_pass(
        &self,
        new: &dyn KeyWrapper,
        all: bool,
        tally: &mut Tally<'_>,
    ) -> Result<bool, VaultError> {
        let (mut nothing, mut after) = (true, None);
        loop {
            let owners = self.ring.store.owners(after.as_ref(), RESEAL_MAX).await?;
            let Some(last) = owners.last().cloned() else { return Ok(nothing) };
            let mut keys = Vec::new();
            for owner in &owners {
                // Destroyed meanwhile: there is nothing to wrap.
                keys.extend(self.ring.store.keys(owner).await?.unwrap_or_default());
            }
            keys.retain(|key| all || key.wrapper != new.id());
            nothing &= keys.is_empty();
            for batch in keys.chunks(AT_ONCE) {
                let rewraps =
                    try_join_all(batch.iter().map(|key| self.rewrapped(new, key))).await?;
                tally.add(self.ring.store.rewrap(rewraps).await?);
            }
            after = Some(last);
        }
    }

    async fn rewrapped(
        &self,
        new: &dyn KeyWrapper,
        key: &WrappedKey,
    ) -> Result<Rewrap, VaultError> {
        let data_key = self.ring.unwrap(key).await?;
        let wrapped = wrap(new, &data_key, &context(&key.owner, key.id)).await?;
        Ok(Rewrap {
            owner: key.owner.clone(),
            id: key.id,
            from: key.wrapped.clone(),
            wrapper: new.id().to_owned(),
            wrapped,
        })
    }
}
