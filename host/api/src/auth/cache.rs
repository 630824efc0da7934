//! What was read of the store lately, for as long as the store has not changed.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Entries of a cache: keys and sessions that are used at the same time. More than that push each
/// other out, which costs a read each.
const ENTRIES_MAX: usize = 4_096;

/// What was read, and the [changes](model::api_key::ApiKeyStore::changes) that the store had seen
/// before: a key that is revoked opens nothing from that moment on.
pub(super) struct Cache<K, V>(Mutex<HashMap<K, (u64, V)>>);

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    pub(super) fn get<Q>(&self, changes: u64, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read, value) = entries.get(key)?;
        (*read == changes).then(|| value.clone())
    }

    pub(super) fn put(&self, changes: u64, key: K, value: V) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= ENTRIES_MAX {
            entries.clear();
        }
        entries.insert(key, (changes, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_before_a_change_is_not_believed_and_there_is_never_much() {
        let cache = Cache::<usize, &str>::default();
        cache.put(1, 0, "old");
        assert_eq!((cache.get(1, &0), cache.get(2, &0)), (Some("old"), None));
        (0..3 * ENTRIES_MAX).for_each(|key| cache.put(2, key, "new"));
        assert!(cache.0.lock().unwrap().len() <= ENTRIES_MAX);
    }
}
