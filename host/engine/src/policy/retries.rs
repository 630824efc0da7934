//! How much of what a host is asked may be work that is tried again.
//!
//! When everything fails, every job is tried again, and the retries alone would keep a provider
//! down that is coming up. So they get a share of the requests that are sent anyway (Google's "Site
//! Reliability Engineering", chapter 21, allows a tenth; ours are whole jobs and far apart).

use std::time::Duration;

use model::Timestamp;

/// Requests that earn one retry: retries are a fifth of the requests at most, beside the floor.
/// Without a share, retries would double the load of a provider that answers every second request.
const REQUESTS_PER_RETRY: u32 = 5;

/// Retries that are always allowed, in a second: a job a second is no load, and hosts that are
/// asked seldom earn little.
const FLOOR_PER_SECOND: u32 = 1;

/// Retries that can be saved up: a minute of the floor.
const SAVED_MAX: u32 = 60;

/// Counted in parts of a retry, one for each request.
const SAVED_PARTS_MAX: u32 = SAVED_MAX * REQUESTS_PER_RETRY;

/// The time in which the floor earns a part.
const PART: Duration =
    Duration::from_secs(1).checked_div(FLOOR_PER_SECOND * REQUESTS_PER_RETRY).unwrap();

/// The retries that are left for one host, in parts of a retry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retries {
    parts: u32,
    /// Up to when the floor is counted.
    at: Timestamp,
}

impl Retries {
    /// Everything that can be saved up.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { parts: SAVED_PARTS_MAX, at: now }
    }

    /// Counts a request.
    pub(crate) fn earn(&mut self) {
        self.parts = (self.parts + 1).min(SAVED_PARTS_MAX);
    }

    /// Takes one retry, or tells that there is none.
    pub(crate) fn take(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        let left = self.parts.checked_sub(REQUESTS_PER_RETRY);
        self.parts = left.unwrap_or(self.parts);
        left.is_some()
    }

    /// Whether a new one would be the same.
    pub(crate) fn is_full(&self, now: Timestamp) -> bool {
        let mut later = *self;
        later.refill(now);
        later.parts == SAVED_PARTS_MAX
    }

    fn refill(&mut self, now: Timestamp) {
        let Ok(passed) = Duration::try_from(now.duration_since(self.at)) else {
            // The clock was set back.
            self.at = now;
            return;
        };
        let parts = u32::try_from(passed.as_millis() / PART.as_millis()).unwrap_or(u32::MAX);
        self.parts = self.parts.saturating_add(parts).min(SAVED_PARTS_MAX);
        self.at = self.at.saturating_add(PART * parts.min(SAVED_PARTS_MAX)).unwrap_or(now);
        if self.parts == SAVED_PARTS_MAX {
            self.at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap()
    }

    fn taken(retries: &mut Retries, ms: i64) -> usize {
        (0..1000).take_while(|_| retries.take(at(ms))).count()
    }

    #[test]
    fn fifth_of_the_requests_and_the_floor_are_allowed() {
        let mut retries = Retries::new(at(0));
        assert_eq!(taken(&mut retries, 0), 60);
        (0..50).for_each(|_| retries.earn());
        assert_eq!(taken(&mut retries, 0), 10);
        assert_eq!(taken(&mut retries, 999), 0);
        assert_eq!(taken(&mut retries, 1000), 1);
        assert_eq!(taken(&mut retries, 600_000), 60);
    }

    #[test]
    fn floor_is_counted_however_often_it_is_asked() {
        let mut retries = Retries::new(at(0));
        taken(&mut retries, 0);
        let granted = (0..10_000).filter(|ms| retries.take(at(*ms))).count();
        assert_eq!(granted, 9);
    }

    #[test]
    fn clock_that_is_set_back_gives_and_takes_nothing() {
        let mut retries = Retries::new(at(0));
        assert_eq!(taken(&mut retries, 0), 60);
        assert_eq!(taken(&mut retries, -3_600_000), 0);
        assert_eq!(taken(&mut retries, -3_599_000), 1);
    }
}
