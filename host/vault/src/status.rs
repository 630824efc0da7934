//! What there is to tell of the keys.

use model::vault::{KeyState, Owner, RESEAL_MAX, VaultError};
use serde::Serialize;

use crate::sealer::Sealer;

/// Where the keys of a store stand.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Status {
    /// The key-encryption key that wraps from now on.
    pub wrapper: String,
    /// Those before, which are still known.
    pub before: Vec<String>,
    /// Owners with data keys.
    pub owners: u64,
    /// Their data keys.
    pub keys: u64,
    /// Those of them that have been replaced, and not retired yet.
    pub retiring: u64,
    /// Those that another key-encryption key wraps, the canary included.
    pub wrapped_before: u64,
}

impl Sealer {
    /// Looks at all data keys.
    pub async fn status(&self) -> Result<Status, VaultError> {
        let wrappers = self.ring.wrappers.read().await.clone();
        let before = wrappers.before.iter().map(|wrapper| wrapper.id().to_owned()).collect();
        let mut status =
            Status { wrapper: wrappers.current.id().to_owned(), before, ..Status::default() };
        let canary = self.ring.store.canary().await?;
        status.wrapped_before += u64::from(canary.is_some_and(|c| c.wrapper != status.wrapper));
        let mut after = None;
        loop {
            let owners = self.ring.store.owners(after.as_ref(), RESEAL_MAX).await?;
            let Some(last) = owners.last().cloned() else { return Ok(status) };
            for owner in &owners {
                self.count(owner, &mut status).await?;
            }
            after = Some(last);
        }
    }

    async fn count(&self, owner: &Owner, status: &mut Status) -> Result<(), VaultError> {
        let Some(keys) = self.ring.store.keys(owner).await? else { return Ok(()) };
        status.owners += 1;
        for key in keys {
            status.keys += 1;
            status.retiring += u64::from(key.state == KeyState::Retiring);
            status.wrapped_before += u64::from(key.wrapper != status.wrapper);
        }
        Ok(())
    }
}
