//! The small cache of each connection, in memory.
//!
//! Adapters are told that it may be empty at any time. It is: after a restart, and when other
//! connections need the room.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use model::{ConnectionId, Error, ErrorKind, TenantId, Timestamp};

use crate::limits::{
    STATE_BYTES_MAX, STATE_ENTRY_BYTES, STATE_KEY_BYTES_MAX, STATE_TOTAL_BYTES_MAX,
    STATE_VALUE_BYTES_MAX,
};

/// Whose cache it is.
pub(crate) type Owner = (TenantId, ConnectionId);

/// The caches of all connections.
#[derive(Default)]
pub(crate) struct States(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    spaces: HashMap<Owner, Space>,
    bytes: usize,
    /// Counts uses, to find the space that was unused for longest.
    uses: u64,
}

#[derive(Default)]
struct Space {
    entries: BTreeMap<String, Entry>,
    bytes: usize,
    used: u64,
}

struct Entry {
    value: Bytes,
    expires: Option<Timestamp>,
}

impl Entry {
    fn is_stale(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

impl States {
    /// The value under `key`, unless it has gone stale.
    pub(crate) fn get(&self, owner: &Owner, key: &str, now: Timestamp) -> Option<Bytes> {
        let mut inner = self.lock();
        let used = inner.next_use();
        let space = inner.spaces.get_mut(owner)?;
        space.used = used;
        space.entries.get(key).filter(|entry| !entry.is_stale(now)).map(|entry| entry.value.clone())
    }

    /// Keeps `value` under `key`, for `ttl` if there is one.
    pub(crate) fn put(
        &self,
        owner: &Owner,
        key: String,
        value: Bytes,
        (now, ttl): (Timestamp, Option<Duration>),
    ) -> Result<(), Error> {
        check_entry(&key, &value)?;
        let expires = ttl.and_then(|ttl| now.checked_add(ttl).ok());
        let mut inner = self.lock();
        let used = inner.next_use();
        let space = inner.spaces.entry(owner.clone()).or_default();
        let before = space.bytes;
        space.used = used;
        let stored = space.put(key, Entry { value, expires }, now);
        let after = space.bytes;
        inner.bytes = inner.bytes + after - before;
        inner.make_room(owner);
        stored
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn next_use(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }

    /// Empties the caches that were unused for longest, never that of `owner`.
    fn make_room(&mut self, owner: &Owner) {
        while self.bytes > STATE_TOTAL_BYTES_MAX {
            let others = self.spaces.iter().filter(|(other, _)| *other != owner);
            let Some(oldest) = others.min_by_key(|(_, space)| space.used) else { return };
            let oldest = oldest.0.clone();
            if let Some(space) = self.spaces.remove(&oldest) {
                self.bytes -= space.bytes;
            }
        }
    }
}

impl Space {
    fn put(&mut self, key: String, entry: Entry, now: Timestamp) -> Result<(), Error> {
        let size = size_of(&key, &entry);
        let replaced = self.entries.get(&key).map_or(0, |old| size_of(&key, old));
        if self.bytes - replaced + size > STATE_BYTES_MAX {
            self.drop_stale(now);
        }
        let replaced = self.entries.get(&key).map_or(0, |old| size_of(&key, old));
        if self.bytes - replaced + size > STATE_BYTES_MAX {
            return Err(refused(format!(
                "the state of a connection holds at most {STATE_BYTES_MAX} bytes: keep less, or \
                 give entries a ttl"
            )));
        }
        self.bytes = self.bytes - replaced + size;
        self.entries.insert(key, entry);
        Ok(())
    }

    fn drop_stale(&mut self, now: Timestamp) {
        self.entries.retain(|_, entry| !entry.is_stale(now));
        self.bytes = self.entries.iter().map(|(key, entry)| size_of(key, entry)).sum();
    }
}

fn size_of(key: &str, entry: &Entry) -> usize {
    key.len() + entry.value.len() + STATE_ENTRY_BYTES
}

fn check_entry(key: &str, value: &Bytes) -> Result<(), Error> {
    if key.is_empty() || key.len() > STATE_KEY_BYTES_MAX {
        return Err(refused(format!("a state key has 1 to {STATE_KEY_BYTES_MAX} bytes")));
    }
    if value.len() > STATE_VALUE_BYTES_MAX {
        return Err(refused(format!("a state value has at most {STATE_VALUE_BYTES_MAX} bytes")));
    }
    Ok(())
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::BudgetExhausted, "sandbox.state-quota", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn owner(connection: &str) -> Owner {
        ("acme".parse().unwrap(), connection.parse().unwrap())
    }

    fn put(states: &States, owner: &Owner, key: &str, bytes: usize) -> Result<(), Error> {
        states.put(owner, key.to_owned(), Bytes::from(vec![7; bytes]), (NOW, None))
    }

    #[test]
    fn connections_do_not_see_each_other() {
        let states = States::default();
        put(&states, &owner("one"), "k", 3).unwrap();
        assert_eq!(states.get(&owner("one"), "k", NOW).as_deref(), Some(&[7; 3][..]));
        assert_eq!(states.get(&owner("two"), "k", NOW), None);
        let other_tenant = ("umbrella".parse().unwrap(), "one".parse().unwrap());
        assert_eq!(states.get(&other_tenant, "k", NOW), None);
    }

    #[test]
    fn entry_ends_with_its_ttl() {
        let states = States::default();
        let ttl = Some(Duration::from_secs(5));
        states.put(&owner("one"), "k".to_owned(), Bytes::new(), (NOW, ttl)).unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(states.get(&owner("one"), "k", at(4)).is_some());
        assert!(states.get(&owner("one"), "k", at(5)).is_none());
    }

    #[test]
    fn quotas_hold_and_overwriting_frees() {
        let states = States::default();
        let one = owner("one");
        assert!(put(&states, &one, "", 1).is_err());
        assert!(put(&states, &one, &"k".repeat(STATE_KEY_BYTES_MAX + 1), 1).is_err());
        assert!(put(&states, &one, "k", STATE_VALUE_BYTES_MAX + 1).is_err());
        for key in ["a", "b", "c"] {
            put(&states, &one, key, STATE_VALUE_BYTES_MAX).unwrap();
        }
        let error = put(&states, &one, "d", STATE_VALUE_BYTES_MAX).unwrap_err();
        assert_eq!(error.code, "sandbox.state-quota");
        put(&states, &one, "a", 1).unwrap();
        put(&states, &one, "d", STATE_VALUE_BYTES_MAX - 1024).unwrap();
    }

    #[test]
    fn stale_entries_make_room_first() {
        let states = States::default();
        let one = owner("one");
        let ttl = Some(Duration::from_secs(1));
        for key in ["a", "b", "c"] {
            let value = Bytes::from(vec![0; STATE_VALUE_BYTES_MAX]);
            states.put(&one, key.to_owned(), value, (NOW, ttl)).unwrap();
        }
        let later = NOW + Duration::from_secs(2);
        let value = Bytes::from(vec![0; STATE_VALUE_BYTES_MAX]);
        states.put(&one, "d".to_owned(), value, (later, None)).unwrap();
    }

    #[test]
    fn cache_unused_for_longest_gives_way() {
        let states = States::default();
        let spaces = STATE_TOTAL_BYTES_MAX / STATE_BYTES_MAX + 2;
        for number in 0..spaces {
            let owner = owner(&format!("c{number}"));
            for key in ["a", "b", "c"] {
                put(&states, &owner, key, STATE_VALUE_BYTES_MAX).unwrap();
            }
            put(&states, &owner, "d", STATE_VALUE_BYTES_MAX - 4096).unwrap();
            states.get(&self::owner("c0"), "a", NOW).unwrap();
        }
        assert!(states.get(&owner("c0"), "a", NOW).is_some(), "it was used all the time");
        assert!(states.get(&owner("c1"), "a", NOW).is_none(), "it was unused for longest");
        assert!(states.lock().bytes <= STATE_TOTAL_BYTES_MAX);
    }
}
