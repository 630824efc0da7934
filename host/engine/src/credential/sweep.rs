//! Refreshing what is due without being asked.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use model::credential::{Credential, CredentialQuery, Failure, Leased, RefreshFailed};
use model::{Error, retry};
use serde::Serialize;

use super::refresh::Doubt;
use super::slot::Key;
use super::{Credentials, Inner, error, when};

/// Refreshes at one time: token endpoints of one provider allow few, and nobody waits.
const AT_ONCE_MAX: usize = 8;

/// When somebody may have put right what keeps a refresh from being tried.
const PUT_OFF: Duration = Duration::from_mins(5);

/// The most by which credentials that were put off for one reason come apart again.
const SPREAD_MAX: Duration = Duration::from_mins(1);

/// What a sweep has done.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Swept {
    /// Credentials that were refreshed.
    pub refreshed: u64,
    /// Credentials that were not; they say why.
    pub failed: u64,
}

impl Credentials {
    /// Refreshes what is due, at most this many, the most urgent first: each minute, by the leader.
    /// What is due is what nears its end, and once a day every grant with a refresh token.
    pub async fn refresh_due(&self, limit: usize) -> Result<Swept, Error> {
        let Self(inner) = self;
        let due = Some(inner.ports.clock.now());
        let query = CredentialQuery { due, limit, ..CredentialQuery::default() };
        let due = inner.ports.credentials.credentials(query).await.map_err(|e| error::store(&e))?;
        let ended = stream::iter(due).map(|credential| inner.sweep(credential));
        let ended: Vec<_> = ended.buffer_unordered(AT_ONCE_MAX).collect().await;
        let mut swept = Swept::default();
        for refreshed in ended {
            *(if refreshed { &mut swept.refreshed } else { &mut swept.failed }) += 1;
        }
        Ok(swept)
    }
}

impl Inner {
    /// Refreshes one credential; whether it went well.
    async fn sweep(self: &Arc<Self>, credential: Credential) -> bool {
        let key = Key::new(&credential.tenant, &credential.connection);
        let slot = self.slots.get(&key);
        let Err(why) = self.refreshed(&key, &slot, credential.generation, Doubt::Leave).await
        else {
            return true;
        };
        if let Err(error) = self.put_off(&key, &why).await {
            let Key { tenant, connection } = &key;
            tracing::warn!(%tenant, %connection, %error, "a refresh was not put off");
        }
        false
    }

    /// Has a credential come again later whose refresh could not be tried: its app is refused, or is
    /// not there, or its package is not. As long as it is due it stands before all others.
    async fn put_off(&self, key: &Key, why: &Error) -> Result<(), Error> {
        let (now, credentials) = (self.ports.clock.now(), &self.ports.credentials);
        let Leased::Taken(lease, credential, _) = self.lease(key).await? else { return Ok(()) };
        if credential.grant.refresh_at.is_none_or(|at| at > now) {
            let released = credentials.release_refresh(&lease).await;
            return released.map_err(|e| error::store(&e));
        }
        let spread = retry::share(SPREAD_MAX, when::random(&credential, now));
        let wait = why.retry_after.unwrap_or(PUT_OFF) + spread;
        let failed = RefreshFailed {
            failure: Failure { at: now, code: why.code.clone(), message: why.message.clone() },
            retry_at: Some(when::after(now, wait)),
            reauthorise: false,
            unsent: true,
        };
        credentials.fail_refresh(&lease, failed).await.map_err(|e| error::store(&e))
    }
}
