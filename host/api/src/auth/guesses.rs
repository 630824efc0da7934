//! Who shows wrong keys again and again is not listened to for a while.
//!
//! Nobody guesses a key of 32 random bytes. This keeps those who try from costing reads and lines
//! in the log, and an operator from overlooking them among the rest.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use model::Timestamp;

use crate::problem::Problem;
use crate::server::network;

/// Wrong keys from one address that have no consequence: a few programs with an old key, tried by
/// hand a few times.
const WRONG_FREE: u32 = 20;

/// How long an address is not listened to at first; each wrong key after that doubles it.
const LOCK_MIN: Duration = Duration::from_mins(1);

/// The longest time that an address is not listened to: several people may share it.
const LOCK_MAX: Duration = Duration::from_mins(15);

/// How long wrong keys are remembered after the last one.
const REMEMBERED: Duration = Duration::from_hours(1);

/// Addresses that are remembered: each is 40 bytes, and more than this are an attack that no
/// address can be blamed for.
const ADDRESSES_MAX: usize = 10_000;

/// The wrong keys of late, by where they came from.
#[derive(Default)]
pub(crate) struct Guesses(Mutex<HashMap<IpAddr, Wrong>>);

#[derive(Clone, Copy)]
struct Wrong {
    count: u32,
    last: Timestamp,
}

impl Wrong {
    /// How far the last one is away; a clock that was set back makes it no nearer.
    fn since(self, now: Timestamp) -> Duration {
        now.duration_since(self.last).unsigned_abs()
    }

    fn lock(self) -> Duration {
        let Some(more) = self.count.checked_sub(WRONG_FREE) else { return Duration::ZERO };
        LOCK_MIN.saturating_mul(1 << more.min(10)).min(LOCK_MAX)
    }
}

impl Guesses {
    /// Refuses who has guessed too often.
    pub(crate) fn allow(&self, address: IpAddr, now: Timestamp) -> Result<(), Problem> {
        let addresses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(wrong) = addresses.get(&network(address)) else { return Ok(()) };
        let wait = wrong.lock().saturating_sub(wrong.since(now));
        if wait.is_zero() {
            return Ok(());
        }
        let detail = "too many wrong API keys came from this address; wait, then use the right one";
        let status = StatusCode::TOO_MANY_REQUESTS;
        Err(Problem::new(status, "api.locked-out", detail).retry_after(wait))
    }

    /// Remembers a wrong key.
    pub(crate) fn wrong(&self, address: IpAddr, now: Timestamp) {
        let mut addresses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let address = network(address);
        if addresses.len() >= ADDRESSES_MAX && !addresses.contains_key(&address) {
            make_room(&mut addresses, now);
        }
        let wrong = addresses.entry(address).or_insert(Wrong { count: 0, last: now });
        let kept = if wrong.since(now) < REMEMBERED { wrong.count } else { 0 };
        *wrong = Wrong { count: kept.saturating_add(1), last: now };
        if wrong.count == WRONG_FREE {
            tracing::warn!(%address, "wrong API keys come from an address again and again");
        }
    }
}

/// Forgets what is over, or whoever has been quiet for longest.
fn make_room(addresses: &mut HashMap<IpAddr, Wrong>, now: Timestamp) {
    addresses.retain(|_, wrong| wrong.since(now) < REMEMBERED);
    if addresses.len() >= ADDRESSES_MAX
        && let Some(quiet) = addresses.iter().min_by_key(|(_, wrong)| wrong.last)
    {
        let quiet = *quiet.0;
        addresses.remove(&quiet);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn wait(guesses: &Guesses, address: &str, seconds: i64) -> bool {
        guesses.allow(address.parse().unwrap(), after(seconds)).is_err()
    }

    fn guess(guesses: &Guesses, address: &str, seconds: i64, times: u32) {
        (0..times).for_each(|_| guesses.wrong(address.parse().unwrap(), after(seconds)));
    }

    #[test]
    fn lock_grows_with_every_wrong_key_and_ends() {
        let guesses = Guesses::default();
        guess(&guesses, "192.0.2.1", 0, WRONG_FREE - 1);
        assert!(!wait(&guesses, "192.0.2.1", 0));
        guess(&guesses, "192.0.2.1", 0, 1);
        assert!(wait(&guesses, "192.0.2.1", 59) && !wait(&guesses, "192.0.2.1", 60));
        assert!(!wait(&guesses, "192.0.2.2", 0));
        guess(&guesses, "192.0.2.1", 60, 1);
        assert!(wait(&guesses, "192.0.2.1", 179) && !wait(&guesses, "192.0.2.1", 180));
        guess(&guesses, "192.0.2.1", 180, 99);
        assert!(wait(&guesses, "192.0.2.1", 180 + 899) && !wait(&guesses, "192.0.2.1", 180 + 900));
        guess(&guesses, "192.0.2.1", 180 + 3_600, 1);
        assert!(!wait(&guesses, "192.0.2.1", 180 + 3_600), "all is forgotten by now");
    }

    #[test]
    fn addresses_of_one_party_are_one() {
        let guesses = Guesses::default();
        guess(&guesses, "2001:db8:1:2:3::4", 0, WRONG_FREE);
        assert!(wait(&guesses, "2001:db8:1:2:ffff::1", 0) && !wait(&guesses, "2001:db8:1:3::4", 0));
        guess(&guesses, "::ffff:192.0.2.1", 0, WRONG_FREE);
        assert!(wait(&guesses, "192.0.2.1", 0));
    }

    #[test]
    fn clock_that_is_set_back_locks_nobody_out_for_long() {
        let guesses = Guesses::default();
        guess(&guesses, "192.0.2.1", 9_000, WRONG_FREE);
        assert!(!wait(&guesses, "192.0.2.1", 0));
        assert!(wait(&guesses, "192.0.2.1", 8_999) && !wait(&guesses, "192.0.2.1", 9_060));
    }

    #[test]
    fn whoever_has_been_quiet_for_longest_is_forgotten_first() {
        let guesses = Guesses::default();
        guess(&guesses, "192.0.2.1", 0, WRONG_FREE);
        for number in 0..u32::try_from(ADDRESSES_MAX).unwrap() {
            guesses.wrong(IpAddr::from(number.to_be_bytes()), after(1));
        }
        assert_eq!(guesses.0.lock().unwrap().len(), ADDRESSES_MAX);
        assert!(!wait(&guesses, "192.0.2.1", 1));
    }
}
