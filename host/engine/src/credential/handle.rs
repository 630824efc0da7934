//! The access tokens of one connection, as a door asks for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use model::credential::{Token, Tokens};
use model::{Connection, Error};
use package::manifest::Auth;

use super::refresh::Doubt;
use super::slot::{Fresh, Key, Slot};
use super::{Credentials, Inner, Material, error, when};

/// The longest wait for a token to be replaced that is still good: one request of usual length.
const DUE_WAIT_MAX: Duration = Duration::from_secs(5);

impl Credentials {
    /// What a door of this connection sends along.
    pub async fn material(&self, connection: &Connection) -> Result<Material, Error> {
        let Self(inner) = self;
        let key = Key::new(&connection.tenant, &connection.id);
        let provider = inner.ports.packages.provider(&connection.package).await?;
        match provider.manifest.auth.get(&connection.auth) {
            Some(Auth::OAuth2(_) | Auth::Client(_) | Auth::Jwt(_)) => {
                let slot = inner.slots.get(&key);
                let inner = Arc::clone(inner);
                let handle = Handle { inner, key, slot, looked: AtomicBool::new(false) };
                Ok(Material::Tokens(Arc::new(handle)))
            }
            Some(Auth::Key(_) | Auth::None) => {
                // What was entered may have become good again at the provider.
                let (row, ..) = inner.read(&key).await?;
                let opened = inner.open(&key, row.credential.generation, row.sealed).await?;
                Ok(Material::Fields(opened.into_inner()))
            }
            None => Err(error::request(&oauth::RequestError::Method(connection.auth.clone()))),
        }
    }
}

/// Gives out the tokens of one connection.
struct Handle {
    inner: Arc<Inner>,
    key: Key,
    slot: Arc<Slot>,
    /// Whether the store was looked at: every door does so once, because what others hold may be
    /// of a connection that is gone.
    looked: AtomicBool,
}

impl Handle {
    /// The token that there is, and its generation.
    async fn held(&self) -> Result<(Option<Arc<Fresh>>, u64), Error> {
        let held = self.slot.fresh();
        if let Some(fresh) = &held
            && self.looked.load(Ordering::Relaxed)
        {
            let generation = fresh.generation;
            return Ok((held, generation));
        }
        let row = self.inner.look(&self.key).await?;
        self.looked.store(true, Ordering::Relaxed);
        let (generation, authorised) = (row.credential.generation, row.credential.authorised);
        let same = |f: &Arc<Fresh>| f.generation == generation && f.authorised == authorised;
        if held.as_ref().is_some_and(same) {
            return Ok((held, generation));
        }
        let fresh = self.inner.fresh(&self.key, row).await?;
        self.slot.hold(fresh.clone());
        Ok((fresh, generation))
    }

    async fn refreshed(&self, seen: u64, doubt: Doubt) -> Result<Arc<Fresh>, Error> {
        self.inner.refreshed(&self.key, &self.slot, seen, doubt).await
    }
}

#[async_trait]
impl Tokens for Handle {
    async fn current(&self) -> Result<Token, Error> {
        let (held, generation) = self.held().await?;
        let now = self.inner.ports.clock.now();
        let Some(fresh) = held.filter(|fresh| when::is_alive(&fresh.grant, now)) else {
            return Ok(self.refreshed(generation, Doubt::Stay).await?.token());
        };
        if when::is_due(&fresh.grant, now) && !self.slot.rests(now) {
            let renewed = self.refreshed(generation, Doubt::Leave);
            let renewed = tokio::time::timeout(DUE_WAIT_MAX, renewed).await;
            // What is still good is used, whatever became of its successor.
            if let Ok(Ok(renewed)) = renewed {
                return Ok(renewed.token());
            }
        }
        Ok(fresh.token())
    }

    async fn renewed(&self, refused: u64) -> Result<Token, Error> {
        let now = self.inner.ports.clock.now();
        let other = self.slot.fresh().filter(|fresh| fresh.generation != refused);
        if let Some(fresh) = other.filter(|fresh| when::is_alive(&fresh.grant, now)) {
            return Ok(fresh.token());
        }
        Ok(self.refreshed(refused, Doubt::Stay).await?.token())
    }
}

/// A token that has just come and is not kept yet.
pub(super) struct Untried(pub(super) Token);

#[async_trait]
impl Tokens for Untried {
    async fn current(&self) -> Result<Token, Error> {
        Ok(self.0.clone())
    }

    async fn renewed(&self, _refused: u64) -> Result<Token, Error> {
        Err(error::ended("the provider does not accept the token that it has just given"))
    }
}
