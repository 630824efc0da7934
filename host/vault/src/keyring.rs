//! The data keys: made at first use, kept unwrapped for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::vault::{DataKey, KeyId, KeyState, KeyStore, Owner, VaultError, WrappedKey};
use model::{Clock, Timestamp};
use tokio::sync::RwLock;
use zeroize::Zeroizing;

use crate::cipher::{Cipher, commitment, context, random};
use crate::sealer::changing;
use crate::wrappers::{Wrappers, wrap};

/// How long an unwrapped key is used: an outage of whoever keeps the key-encryption key is bridged
/// for that long, and a key that is revoked there is of no use any more after it.
const KEPT_MAX: Duration = Duration::from_hours(1);

/// How long a failure to unwrap is told to others that want the same: those that wait in line must
/// not wait for a dead service one after the other.
const FAILURE_KEPT: Duration = Duration::from_secs(2);

/// Owners whose keys are kept at least: a small host forgets none, and a large one looks for those
/// to forget each time their number has doubled.
const ROOM_MIN: usize = 64;

/// How often a key is looked for and made by somebody else before that is an error.
const ATTEMPTS: usize = 8;

/// The data keys of all owners.
pub(crate) struct Keyring {
    pub(crate) store: Arc<dyn KeyStore>,
    pub(crate) clock: Clock,
    /// Whoever adds a key holds it until that is committed, so that none is added under a
    /// wrapper that has been replaced.
    pub(crate) wrappers: RwLock<Wrappers>,
    owners: Mutex<Owners>,
}

#[derive(Default)]
struct Owners {
    rings: HashMap<Owner, Arc<Ring>>,
    /// How many there may be before those that are not used any more go.
    room: usize,
}

/// The data keys of one owner.
#[derive(Default)]
struct Ring {
    /// Whoever unwraps, makes or destroys a key holds it.
    turn: tokio::sync::Mutex<()>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    keys: Vec<(Timestamp, Arc<Cipher>)>,
    failure: Option<(Timestamp, String)>,
}

impl Keyring {
    pub(crate) fn new(store: Arc<dyn KeyStore>, wrappers: Wrappers, clock: Clock) -> Self {
        Self { store, clock, wrappers: RwLock::new(wrappers), owners: Mutex::default() }
    }

    /// The active key of an owner, made if there is none. The store is asked each time, so that
    /// nothing is sealed under a key after another has become active.
    pub(crate) async fn active(&self, owner: &Owner) -> Result<Arc<Cipher>, VaultError> {
        for _ in 0..ATTEMPTS {
            match active(&self.keys(owner).await?) {
                Some(key) => return self.named(owner, key.id).await,
                None => self.make_first(owner).await?,
            }
        }
        Err(changing(&format!("the data key of {owner}")))
    }

    /// A key by its name, unwrapped by one of those that want it at once.
    pub(crate) async fn named(&self, owner: &Owner, id: KeyId) -> Result<Arc<Cipher>, VaultError> {
        let ring = self.ring(owner);
        if let Some(cipher) = ring.kept(id, self.clock.now()) {
            return Ok(cipher);
        }
        let _turn = ring.turn.lock().await;
        if let Some(cipher) = ring.kept(id, self.clock.now()) {
            return Ok(cipher);
        }
        ring.failed(self.clock.now())?;
        let keys = self.keys(owner).await?;
        let key = keys.into_iter().find(|key| key.id == id).ok_or_else(|| {
            VaultError::Damaged(format!(
                "there is no data key {id} of {owner}, under which a secret lies; restore the data \
                 directory from a backup"
            ))
        })?;
        let unwrapped = self.unwrap(&key).await;
        let now = self.clock.now();
        let cipher = match unwrapped {
            Ok(unwrapped) => Arc::new(Cipher::new(id, &unwrapped)),
            Err(e) => {
                if let VaultError::Unavailable(message) = &e {
                    ring.lock().failure = Some((now, message.clone()));
                }
                return Err(e);
            }
        };
        ring.keep(now, Arc::clone(&cipher));
        Ok(cipher)
    }

    /// The keys of an owner, as they lie in the store.
    pub(crate) async fn keys(&self, owner: &Owner) -> Result<Vec<WrappedKey>, VaultError> {
        let keys = self.store.keys(owner).await?;
        keys.ok_or_else(|| VaultError::Destroyed(owner.clone()))
    }

    /// Unwraps a key with whatever wraps it.
    pub(crate) async fn unwrap(&self, key: &WrappedKey) -> Result<DataKey, VaultError> {
        let WrappedKey { owner, id, wrapper, wrapped, commitment, .. } = key;
        let wrappers = self.wrappers.read().await.clone();
        let context = context(owner, *id);
        let unwrapped = wrappers.unwrap(wrapper, wrapped, &context, *commitment).await?;
        unwrapped.ok_or_else(|| {
            VaultError::WrongKey(format!(
                "the data key {id} of {owner} does not open: it lies under the key {wrapper}; name \
                 that key in [vault] or [vault-before], or restore the data directory from a backup"
            ))
        })
    }

    /// Makes a key active in the place of another; says whether that was still the active one.
    pub(crate) async fn add(
        &self,
        owner: &Owner,
        active: Option<KeyId>,
    ) -> Result<bool, VaultError> {
        let wrappers = self.wrappers.read().await;
        let (id, key) = (KeyId(random()?), Zeroizing::new(random()?));
        let context = context(owner, id);
        let wrapped = WrappedKey {
            owner: owner.clone(),
            id,
            state: KeyState::Active,
            wrapper: wrappers.current.id().to_owned(),
            wrapped: wrap(&*wrappers.current, &key, &context).await?,
            commitment: commitment(&key, &context).into(),
            created: self.clock.now(),
        };
        Ok(self.store.add_key(wrapped, active).await?)
    }

    pub(crate) async fn destroy(&self, owner: &Owner, reason: &str) -> Result<u64, VaultError> {
        let ring = self.ring(owner);
        let _turn = ring.turn.lock().await;
        let destroyed = self.store.destroy_keys(owner, reason).await?;
        ring.lock().keys.clear();
        Ok(destroyed)
    }

    /// Keeps a key that goes: whoever has read what lay under it before that was sealed again can
    /// still open it.
    pub(crate) async fn keep(&self, owner: &Owner, id: KeyId) -> Result<(), VaultError> {
        self.named(owner, id).await?;
        let ring = self.ring(owner);
        let _turn = ring.turn.lock().await;
        let now = self.clock.now();
        // Nothing by now, where the owner's keys were destroyed meanwhile.
        if let Some(cipher) = ring.kept(id, now) {
            ring.keep(now, cipher);
        }
        Ok(())
    }

    async fn make_first(&self, owner: &Owner) -> Result<(), VaultError> {
        let ring = self.ring(owner);
        let _turn = ring.turn.lock().await;
        if active(&self.keys(owner).await?).is_none() {
            self.add(owner, None).await?;
        }
        Ok(())
    }

    fn ring(&self, owner: &Owner) -> Arc<Ring> {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ring) = owners.rings.get(owner) {
            return Arc::clone(ring);
        }
        if owners.rings.len() >= owners.room {
            let now = self.clock.now();
            owners.rings.retain(|_, ring| Arc::strong_count(ring) > 1 || ring.in_use(now));
            owners.room = ROOM_MIN.max(2 * owners.rings.len());
        }
        Arc::clone(owners.rings.entry(owner.clone()).or_default())
    }
}

impl Ring {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self, id: KeyId, now: Timestamp) -> Option<Arc<Cipher>> {
        let mut kept = self.lock();
        kept.keys.retain(|(since, _)| within(*since, now, KEPT_MAX));
        let (_, cipher) = kept.keys.iter().find(|(_, key)| key.id() == id)?;
        Some(Arc::clone(cipher))
    }

    fn keep(&self, now: Timestamp, cipher: Arc<Cipher>) {
        let mut kept = self.lock();
        kept.failure = None;
        kept.keys.retain(|(_, key)| key.id() != cipher.id());
        kept.keys.push((now, cipher));
    }

    fn failed(&self, now: Timestamp) -> Result<(), VaultError> {
        match &self.lock().failure {
            Some((at, message)) if within(*at, now, FAILURE_KEPT) => {
                Err(VaultError::Unavailable(message.clone()))
            }
            _ => Ok(()),
        }
    }

    fn in_use(&self, now: Timestamp) -> bool {
        self.lock().keys.iter().any(|(since, _)| within(*since, now, KEPT_MAX))
    }
}

/// The active one of the keys of an owner.
pub(crate) fn active(keys: &[WrappedKey]) -> Option<&WrappedKey> {
    keys.iter().find(|key| key.state == KeyState::Active)
}

/// Whether less time than that has passed; a clock that was set back does not prolong it.
fn within(since: Timestamp, now: Timestamp, limit: Duration) -> bool {
    let elapsed = now.duration_since(since);
    !elapsed.is_negative() && elapsed.unsigned_abs() < limit
}
