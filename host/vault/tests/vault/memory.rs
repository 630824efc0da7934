//! A store of keys and sealed secrets in memory, whose calls fail when told to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;
use model::store::{StoreError, StoreErrorKind};
use model::vault::{
    Canary, KeyId, KeyState, KeyStore, Owner, Place, Rewrap, Sealed, SealedQuery, WrappedKey,
};

/// When the process is killed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kill {
    /// Before this call has an effect, counted from 0.
    Before(usize),
    /// After that, so that its answer is lost.
    After(usize),
}

#[derive(Default)]
pub(crate) struct Memory(Mutex<Rows>);

#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) canary: Option<Canary>,
    pub(crate) keys: BTreeMap<Owner, Vec<WrappedKey>>,
    pub(crate) sealed: BTreeMap<String, Sealed>,
    destroyed: BTreeSet<Owner>,
    kill: Option<Kill>,
    calls: usize,
}

impl Memory {
    /// The rows, for whoever wants to look or to spoil.
    pub(crate) fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap()
    }

    /// Lets a call and all after it fail.
    pub(crate) fn kill(&self, kill: Option<Kill>) {
        let mut rows = self.rows();
        (rows.kill, rows.calls) = (kill, 0);
    }

    /// Stores a secret, if its owner has its key.
    pub(crate) fn put(&self, sealed: &Sealed) -> Result<(), StoreError> {
        let mut rows = self.rows();
        let keys = rows.keys.get(&sealed.place.owner);
        if !keys.into_iter().flatten().any(|key| Some(key.id) == sealed.key()) {
            return Err(StoreError::new(StoreErrorKind::Conflict, "there is no such key any more"));
        }
        rows.sealed.insert(row(&sealed.place), sealed.clone());
        Ok(())
    }

    pub(crate) fn get(&self, place: &Place) -> Option<Sealed> {
        self.rows().sealed.get(&row(place)).cloned()
    }

    fn call<T>(&self, change: impl FnOnce(&mut Rows) -> T) -> Result<T, StoreError> {
        let mut rows = self.rows();
        let call = rows.calls;
        rows.calls += 1;
        let (before, after) = match rows.kill {
            Some(Kill::Before(at)) => (call >= at, false),
            Some(Kill::After(at)) => (call > at, call == at),
            None => (false, false),
        };
        let killed = || Err(StoreError::new(StoreErrorKind::Unavailable, "killed"));
        if before {
            return killed();
        }
        let answer = change(&mut rows);
        if after { killed() } else { Ok(answer) }
    }
}

/// One generation of a secret at a time.
fn row(place: &Place) -> String {
    let Place { owner, kind, object, field, .. } = place;
    format!("{owner}/{}/{object}/{field}", kind.as_str())
}

#[async_trait]
impl KeyStore for Memory {
    async fn canary(&self) -> Result<Option<Canary>, StoreError> {
        self.call(|rows| rows.canary.clone())
    }

    async fn put_canary(
        &self,
        canary: Canary,
        expected: Option<Canary>,
    ) -> Result<bool, StoreError> {
        self.call(|rows| {
            let expected = rows.canary == expected;
            if expected {
                rows.canary = Some(canary);
            }
            expected
        })
    }

    async fn keys(&self, owner: &Owner) -> Result<Option<Vec<WrappedKey>>, StoreError> {
        self.call(|rows| {
            let keys = rows.keys.get(owner).cloned().unwrap_or_default();
            (!rows.destroyed.contains(owner)).then_some(keys)
        })
    }

    async fn owners(&self, after: Option<&Owner>, limit: usize) -> Result<Vec<Owner>, StoreError> {
        let behind = |owner: &&Owner| after.is_none_or(|after| *owner > after);
        self.call(|rows| rows.keys.keys().filter(behind).take(limit).cloned().collect())
    }

    async fn add_key(&self, key: WrappedKey, active: Option<KeyId>) -> Result<bool, StoreError> {
        self.call(|rows| {
            let keys = rows.keys.entry(key.owner.clone()).or_default();
            let now = keys.first().map(|key| key.id);
            if now == active {
                for key in keys.iter_mut() {
                    key.state = KeyState::Retiring;
                }
                keys.insert(0, key);
            }
            now == active
        })
    }

    async fn rewrap(&self, keys: Vec<Rewrap>) -> Result<u64, StoreError> {
        self.call(|rows| {
            let mut count = 0;
            for Rewrap { owner, id, from, wrapper, wrapped } in keys {
                let keys = rows.keys.entry(owner).or_default().iter_mut();
                for key in keys.filter(|key| key.id == id && key.wrapped == from) {
                    (key.wrapper, key.wrapped) = (wrapper.clone(), wrapped.clone());
                    count += 1;
                }
            }
            count
        })
    }

    async fn sealed_under(
        &self,
        query: SealedQuery,
    ) -> Result<(Vec<Sealed>, Option<String>), StoreError> {
        // Two at a time, so that a few secrets make several steps.
        self.call(|rows| {
            let after = query.after.unwrap_or_default();
            let rows = rows.sealed.iter().filter(|(row, _)| **row > after);
            let step: Vec<_> = rows.take(2).collect();
            let next = (step.len() == 2).then(|| step[1].0.clone());
            let under = |sealed: &Sealed| {
                sealed.place.owner == query.owner && sealed.key() == Some(query.key)
            };
            (step.into_iter().map(|(_, s)| s.clone()).filter(under).collect(), next)
        })
    }

    async fn reseal(&self, pairs: Vec<(Sealed, Bytes)>) -> Result<u64, StoreError> {
        self.call(|rows| {
            let mut count = 0;
            for (old, bytes) in pairs {
                let held = rows.sealed.get_mut(&row(&old.place)).filter(|held| **held == old);
                if let Some(held) = held {
                    held.bytes = bytes;
                    count += 1;
                }
            }
            count
        })
    }

    async fn retire_key(&self, owner: &Owner, id: KeyId) -> Result<bool, StoreError> {
        self.call(|rows| {
            let mut sealed = rows.sealed.values();
            if sealed.any(|sealed| sealed.place.owner == *owner && sealed.key() == Some(id)) {
                return false;
            }
            let keys = rows.keys.entry(owner.clone()).or_default();
            let before = keys.len();
            keys.retain(|key| key.id != id || key.state == KeyState::Active);
            keys.len() < before
        })
    }

    async fn destroy_keys(&self, owner: &Owner, _reason: &str) -> Result<u64, StoreError> {
        self.call(|rows| {
            rows.destroyed.insert(owner.clone());
            rows.keys.remove(owner);
            let before = rows.sealed.len();
            rows.sealed.retain(|_, sealed| sealed.place.owner != *owner);
            u64::try_from(before - rows.sealed.len()).unwrap()
        })
    }
}
