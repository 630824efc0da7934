//! What is remembered of authorisations beside the flow in the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Secret, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::callback::Start;

/// Authorisations that are remembered at one time; each has a few hundred bytes for ten minutes,
/// and people begin few at once. The one that ends first makes room.
const REMEMBERED_MAX: usize = 1_000;

/// Authorisations that have begun in this process; clones are the same ones.
///
/// They are in memory alone: what a start holds opens a flow, and where a browser goes on is worth
/// nothing after a restart.
#[derive(Clone, Default)]
pub struct Authorisations(Arc<Mutex<Remembered>>);

#[derive(Default)]
struct Remembered {
    starts: HashMap<String, (Start, String, Timestamp)>,
    ways: HashMap<[u8; 32], Way>,
}

/// Where a browser goes on, and on whose account.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) return_to: Option<String>,
    pub(super) author: String,
    pub(super) expires: Timestamp,
}

impl Authorisations {
    /// Remembers where the browser with this secret goes on.
    pub(super) fn note(&self, browser: &Secret, way: Way, now: Timestamp) {
        let mut all = self.all();
        make_room(&mut all.ways, |way| way.expires, now);
        all.ways.insert(hash(browser), way);
    }

    /// The same, which is over with it.
    pub(super) fn ended(&self, browser: &Secret) -> Option<Way> {
        self.all().ways.remove(&hash(browser))
    }

    /// Remembers a start for an authorisation that ends at an address, in time.
    pub(super) fn add(
        &self,
        start: Start,
        (redirect_uri, expires): (String, Timestamp),
        now: Timestamp,
    ) {
        let mut all = self.all();
        make_room(&mut all.starts, |(.., expires)| *expires, now);
        all.starts.insert(start.key.clone(), (start, redirect_uri, expires));
    }

    /// The start of this key, once, and the address where it ends.
    pub(super) fn take(&self, key: &str, now: Timestamp) -> Option<(Start, String)> {
        let (start, redirect_uri, expires) = self.all().starts.remove(key)?;
        (now < expires).then_some((start, redirect_uri))
    }

    fn all(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets what has expired, and what expires first where it is still too much.
fn make_room<K: Clone + Eq + std::hash::Hash, V>(
    all: &mut HashMap<K, V>,
    expires: impl Fn(&V) -> Timestamp,
    now: Timestamp,
) {
    all.retain(|_, it| expires(it) > now);
    if all.len() >= REMEMBERED_MAX {
        let first = all.iter().min_by_key(|(_, it)| expires(it)).map(|(key, _)| key.clone());
        first.map(|key| all.remove(&key));
    }
}

fn hash(browser: &Secret) -> [u8; 32] {
    Sha256::digest(browser.expose()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn start(key: &str) -> Start {
        let (key, address) = (key.to_owned(), "https://provider.example".to_owned());
        Start { key, address, browser: Secret::new("b".to_owned()) }
    }

    #[test]
    fn start_is_good_once_and_in_time() {
        let all = Authorisations::default();
        for key in ["a", "b"] {
            all.add(start(key), ("https://host.example".to_owned(), at(600)), at(0));
        }
        assert!(all.take("c", at(1)).is_none());
        assert!(all.take("a", at(1)).is_some() && all.take("a", at(1)).is_none());
        assert!(all.take("b", at(600)).is_none());
    }

    #[test]
    fn what_ends_first_makes_room() {
        let all = Authorisations::default();
        let browser = |number: usize| Secret::new(number.to_string());
        for number in 0..=REMEMBERED_MAX {
            let expires = at(i64::try_from(number).unwrap() + 10);
            let way = Way { return_to: None, author: String::new(), expires };
            all.note(&browser(number), way, at(0));
        }
        assert_eq!(all.all().ways.len(), REMEMBERED_MAX);
        assert!(all.ended(&browser(0)).is_none() && all.ended(&browser(1)).is_some());
    }
}
