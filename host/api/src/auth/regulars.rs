//! Keys that were right lately, and where they came from: they are listened to although somebody at
//! their address guesses. Many may share one, behind a proxy that is not trusted or in one office,
//! and none of them is to lock the others out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::Timestamp;
use model::api_key::ApiKeyId;

use crate::server::network;

/// How long a key that was right is remembered: programs ask more often than that.
const REMEMBERED: Duration = Duration::from_hours(1);

/// Keys and addresses that are remembered, of some 100 bytes each. Those that come when there is no
/// room are locked out like everybody.
const REGULARS_MAX: usize = 10_000;

/// The keys that were right, by where they came from.
#[derive(Default)]
pub(super) struct Regulars(Mutex<HashMap<(IpAddr, ApiKeyId), Timestamp>>);

impl Regulars {
    /// Whether a key was right lately at this address.
    pub(super) fn knows(&self, address: IpAddr, key: &ApiKeyId, now: Timestamp) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&(network(address), key.clone())).is_some_and(|seen| is_late(*seen, now))
    }

    /// Remembers that a key was right.
    pub(super) fn note(&self, address: IpAddr, key: &ApiKeyId, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let regular = (network(address), key.clone());
        if all.len() >= REGULARS_MAX && !all.contains_key(&regular) {
            all.retain(|_, seen| is_late(*seen, now));
            if all.len() >= REGULARS_MAX {
                return;
            }
        }
        all.insert(regular, now);
    }
}

fn is_late(seen: Timestamp, now: Timestamp) -> bool {
    now.duration_since(seen).unsigned_abs() < REMEMBERED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_known_where_it_was_right_and_for_a_while() {
        let (all, key) = (Regulars::default(), "a".parse().unwrap());
        let at = |second| Timestamp::from_second(second).unwrap();
        let address = |text: &str| text.parse().unwrap();
        all.note(address("192.0.2.1"), &key, at(0));
        assert!(all.knows(address("192.0.2.1"), &key, at(3_599)));
        assert!(!all.knows(address("192.0.2.1"), &key, at(3_600)));
        assert!(!all.knows(address("192.0.2.2"), &key, at(1)));
        assert!(!all.knows(address("192.0.2.1"), &"b".parse().unwrap(), at(1)));
        for number in 0..u32::try_from(REGULARS_MAX).unwrap() {
            all.note(IpAddr::from(number.to_be_bytes()), &key, at(1));
        }
        assert!(all.0.lock().unwrap().len() <= REGULARS_MAX);
        all.note(address("192.0.2.9"), &key, at(9_000));
        assert_eq!(all.0.lock().unwrap().len(), 1, "the others are long gone");
    }
}
