//! How often a key may ask, and how much at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::StatusCode;
use axum::response::Response;
use http_body_util::BodyExt as _;
use model::Clock;
use model::api_key::{ApiKeyId, Role};

use crate::problem::Problem;

/// What one key may ask for.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    /// The time that one request uses up, in microseconds.
    every: i64,
    /// How much time may be used up in advance, in microseconds.
    burst: i64,
    /// Requests at the same time, streams included.
    at_once: usize,
}

/// A key of a tenant: 500 requests a second, and 1,000 more at once. Half a million records a
/// second is as many as pages of 1,000 give at that rate; whoever asks more often asks in a circle.
const TENANT: Allowance = Allowance { every: 2_000, burst: 2_000_000, at_once: 64 };

/// An operator's: 5,000 a second. It serves all tenants, and what it is used by runs the host.
const OPERATOR: Allowance = Allowance { every: 200, burst: 2_000_000, at_once: 256 };

/// Keys that are remembered before those that have been quiet are forgotten.
const KEYS_MAX: usize = 10_000;

/// How long a key waits that does too much at once: as long as a page takes.
const AT_ONCE_AGAIN: Duration = Duration::from_secs(1);

/// What all keys have asked for of late.
#[derive(Clone)]
pub(crate) struct Rates {
    clock: Clock,
    keys: Arc<Mutex<HashMap<ApiKeyId, Use>>>,
}

struct Use {
    /// Until when the time of the key is used up, in microseconds.
    until: i64,
    at_once: usize,
}

/// A request that counts as one at work until this is dropped.
pub(crate) struct Place {
    rates: Rates,
    key: ApiKeyId,
}

impl Rates {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, keys: Arc::default() }
    }

    /// Lets one more request of a key in.
    pub(crate) fn enter(&self, key: &ApiKeyId, role: Role) -> Result<Place, Problem> {
        let allowed = if role == Role::Operator { OPERATOR } else { TENANT };
        let now = self.clock.now().as_microsecond();
        let mut keys = self.lock();
        if keys.len() >= KEYS_MAX && !keys.contains_key(key) {
            keys.retain(|_, other| other.at_once > 0 || other.until > now);
        }
        let own = keys.entry(key.clone()).or_insert(Use { until: now, at_once: 0 });
        if own.at_once >= allowed.at_once {
            let detail = format!("{} requests are at work already; wait for one", own.at_once);
            return Err(limited(detail, AT_ONCE_AGAIN));
        }
        // A clock that was set back has nobody wait longer than the burst.
        own.until = own.until.clamp(now, now + allowed.burst);
        let until = own.until + allowed.every;
        if let wait @ 1.. = until - now - allowed.burst {
            let rate = 1_000_000 / allowed.every;
            let detail = format!("the key may ask {rate} times a second; ask for more at once");
            return Err(limited(detail, Duration::from_micros(wait.unsigned_abs())));
        }
        own.until = until;
        own.at_once += 1;
        Ok(Place { rates: self.clone(), key: key.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ApiKeyId, Use>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn limited(detail: String, wait: Duration) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "api.rate-limited", detail).retry_after(wait)
}

impl Place {
    /// Keeps the place until a stream has ended; what is there as a whole needs none.
    pub(crate) fn held_by(self, response: Response) -> Response {
        if response.body().size_hint().exact().is_some() {
            return response;
        }
        response.map(|body| {
            Body::new(body.map_frame(move |frame| {
                let _held = &self;
                frame
            }))
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(own) = self.rates.lock().get_mut(&self.key) {
            own.at_once = own.at_once.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::stream;
    use model::Timestamp;

    use super::*;

    fn rates() -> (Rates, Clock) {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        (Rates::new(clock.clone()), clock)
    }

    fn enter(rates: &Rates, key: &str, role: Role) -> bool {
        rates.enter(&key.parse().unwrap(), role).is_ok()
    }

    #[test]
    fn key_may_ask_at_once_and_then_as_time_passes() {
        let (rates, clock) = rates();
        let admitted = |key| (0..2_000).filter(|_| enter(&rates, key, Role::Viewer)).count();
        assert_eq!(admitted("a"), 1_000);
        clock.advance(Duration::from_secs(1));
        assert_eq!((admitted("a"), admitted("b")), (500, 1_000));
        let problem = rates.enter(&"a".parse().unwrap(), Role::Viewer).err().unwrap();
        assert_eq!(problem, problem.clone().retry_after(Duration::from_millis(2)));
        assert!(enter(&rates, "c", Role::Operator));
        clock.set(Timestamp::UNIX_EPOCH);
        assert!(!enter(&rates, "a", Role::Viewer));
        clock.advance(Duration::from_millis(2));
        assert!(enter(&rates, "a", Role::Viewer), "the clock was set back");
    }

    #[test]
    fn what_is_at_work_is_bounded_and_a_stream_is_until_it_ends() {
        let (rates, _clock) = rates();
        let key = "a".parse().unwrap();
        let mut places: Vec<_> =
            (0..TENANT.at_once).map(|_| rates.enter(&key, Role::Editor).ok().unwrap()).collect();
        assert!(!enter(&rates, "a", Role::Editor) && enter(&rates, "b", Role::Editor));
        let whole = places.pop().unwrap().held_by(Response::new(Body::from("x")));
        assert!(enter(&rates, "a", Role::Editor));
        let endless = stream::pending::<Result<Bytes, std::io::Error>>();
        let stream = Body::from_stream(endless);
        places.push(rates.enter(&key, Role::Editor).ok().unwrap());
        let streamed = places.pop().unwrap().held_by(Response::new(stream));
        assert!(!enter(&rates, "a", Role::Editor));
        drop((whole, streamed));
        assert!(enter(&rates, "a", Role::Editor));
    }

    #[test]
    fn keys_that_are_quiet_are_forgotten() {
        let (rates, clock) = rates();
        for number in 0..KEYS_MAX {
            assert!(enter(&rates, &format!("k{number}"), Role::Viewer));
        }
        clock.advance(Duration::from_secs(1));
        assert!(enter(&rates, "one-more", Role::Viewer));
        assert_eq!(rates.lock().len(), 1);
    }
}
