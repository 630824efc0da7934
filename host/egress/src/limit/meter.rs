//! Counts requests against a number in a span of time.

use std::time::Duration;

use tokio::time::Instant;

/// From this span on a limit is a quota: it is counted in windows and used as fast as the limits
/// of shorter spans allow. Refilling evenly would stretch an hour's work over the whole day.
pub(super) const QUOTA_PERIOD_MIN: Duration = Duration::from_hours(1);

/// What is left of a limit, or of the part of it that background work may use.
#[derive(Clone, Copy, Debug)]
pub(super) enum Meter {
    /// Refills evenly; what is taken moves the time at which it is full.
    Bucket {
        /// The time in which one request comes back.
        each: Duration,
        /// The time in which all but one come back.
        burst: Duration,
        /// When everything that was taken will have come back.
        full_at: Instant,
    },
    /// Begins anew some time after the first request; providers reset theirs at times of their
    /// own, of which they tell in headers or in `Retry-After`.
    Window {
        /// Requests in one window.
        most: u32,
        /// Its length.
        per: Duration,
        /// When it ends; the next one begins with the first request after that.
        ends: Instant,
        /// Requests in it.
        taken: u32,
    },
}

impl Meter {
    /// Whether a limit of this span is a quota.
    pub(super) fn is_quota(per: Duration) -> bool {
        per >= QUOTA_PERIOD_MIN
    }

    /// So many requests in the span; one at least.
    pub(super) fn new(requests: u32, per: Duration, now: Instant) -> Self {
        let most = requests.max(1);
        if Self::is_quota(per) {
            return Self::Window { most, per, ends: now, taken: 0 };
        }
        let each = per / most;
        Self::Bucket { each, burst: each * (most - 1), full_at: now }
    }

    /// How long until a request can be taken.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        match self {
            Self::Bucket { burst, full_at, .. } => full_at.saturating_duration_since(now + *burst),
            Self::Window { most, ends, taken, .. } if taken >= most => {
                ends.saturating_duration_since(now)
            }
            Self::Window { .. } => Duration::ZERO,
        }
    }

    /// Takes a request; the caller has waited.
    pub(super) fn take(&mut self, now: Instant) {
        match self {
            Self::Bucket { each, full_at, .. } => *full_at = (*full_at).max(now) + *each,
            Self::Window { per, ends, taken, .. } => {
                if *ends <= now {
                    (*ends, *taken) = (now + *per, 0);
                }
                *taken += 1;
            }
        }
    }

    /// Puts a request back that was taken and will not be sent.
    pub(super) fn give_back(&mut self) {
        match self {
            Self::Bucket { each, full_at, .. } => *full_at -= *each,
            Self::Window { taken, .. } => *taken = taken.saturating_sub(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes all that can be taken now.
    fn taken(meter: &mut Meter) -> u32 {
        let now = Instant::now();
        let mut taken = 0;
        while meter.wait(now).is_zero() {
            meter.take(now);
            taken += 1;
        }
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn bucket_gives_the_whole_number_at_once_and_refills_evenly() {
        let mut meter = Meter::new(10, Duration::from_secs(10), Instant::now());
        assert_eq!(taken(&mut meter), 10);
        tokio::time::advance(Duration::from_millis(3100)).await;
        assert_eq!(taken(&mut meter), 3);
        assert!(meter.wait(Instant::now()) <= Duration::from_secs(1));
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!(taken(&mut meter), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn quota_gives_nothing_until_it_begins_anew() {
        let mut meter = Meter::new(10, Duration::from_hours(24), Instant::now());
        tokio::time::advance(Duration::from_hours(5)).await;
        assert_eq!(taken(&mut meter), 10);
        tokio::time::advance(Duration::from_hours(23)).await;
        assert_eq!(taken(&mut meter), 0);
        assert_eq!(meter.wait(Instant::now()), Duration::from_hours(1));
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!(taken(&mut meter), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_given_back_can_be_taken_again() {
        for hours in [0, 24] {
            let per = Duration::from_hours(hours) + Duration::from_secs(10);
            let mut meter = Meter::new(2, per, Instant::now());
            assert_eq!(taken(&mut meter), 2);
            meter.give_back();
            assert_eq!(taken(&mut meter), 1);
        }
    }
}
