//! What becomes of a job whose attempt has failed: one pure rule. The queue alone tries again.
//!
//! A wait is capped exponential backoff with jitter. Full jitter spreads best, but can come close
//! to no wait at all, which a provider that has just said "too many" or "not now" does not
//! forgive: those get equal jitter, half of the wait for certain. (Both are of the Amazon Builders'
//! Library, "Timeouts, retries, and backoff with jitter".)

mod asked;

use std::time::Duration;

pub use asked::asked;

use crate::Timestamp;
use crate::error::{Error, ErrorKind};
use crate::errors::Again;
use crate::queue::{Death, Failure, Job, Outcome};

/// The wait after the first failure, before jitter: most that fails now works a moment later.
pub const BACKOFF_MIN: Duration = Duration::from_secs(2);

/// The longest wait before jitter: what has failed for an hour is looked at once an hour.
pub const BACKOFF_MAX: Duration = Duration::from_hours(1);

/// The longest wait that a provider can ask for; what goes beyond is a mistake of its clock.
pub const ASKED_MAX: Duration = Duration::from_hours(24);

/// From this wait on a provider speaks of a quota and not of an overload: the job is put off
/// until then instead of being counted as failed.
pub const QUOTA_WAIT_MIN: Duration = Duration::from_hours(1);

/// The wait of a job that could not be tried, where nobody knows when it can be.
pub const LATER_DEFAULT: Duration = Duration::from_secs(10);

/// The most that is added to a wait that was asked for, a tenth of it otherwise: all who were
/// sent away at the same time would come back at the same time.
pub const SPREAD_MAX: Duration = Duration::from_mins(1);

/// Attempts in a row that moved nothing, for errors that pass. With the waits between them some
/// two hours on average and four at most: longer than most outages. No more than a job remembers
/// ([`crate::queue::FAILURES_MAX`]).
pub const BARREN_MAX: u32 = 15;

/// The same for errors that seldom pass: a trap, an answer without sense.
pub const BARREN_FEW_MAX: u32 = 5;

/// All attempts of a job, those that moved data included. A first read that breaks off after
/// every 50,000 records has read ten million by then.
pub const ATTEMPTS_MAX: u32 = 200;

/// Attempts that ended without a word, until the job is taken for the reason.
pub const DEATHS_MAX: u32 = 3;

/// What becomes of a job.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It is tried again after this time.
    Retry {
        /// The wait.
        after: Duration,
    },
    /// It could not be tried now; the attempt does not count.
    Defer {
        /// Not before.
        until: Timestamp,
    },
    /// It stays where it is and the work of its connection rests: until a person has authorised
    /// the account again, all of it would end the same.
    Hold,
    /// It has failed for good.
    Dead {
        /// What decided it.
        why: Death,
    },
}

impl Verdict {
    /// The verdict in the words of the queue. For [`Verdict::Hold`] the worker has the
    /// connection rest with it ([`Effect::Unauthorised`](crate::queue::Effect)): the job is due at
    /// once, and that is what holds it.
    pub fn outcome(self, failure: Failure) -> Outcome {
        match self {
            Self::Retry { after } => Outcome::Retry { after, failure },
            Self::Defer { until } => Outcome::Defer { until },
            Self::Hold => Outcome::Defer { until: failure.at },
            Self::Dead { why } => Outcome::Dead { failure, why },
        }
    }
}

/// Whether a job has killed so many workers that it must not be tried once more.
pub fn is_poison(job: &Job) -> bool {
    job.deaths >= DEATHS_MAX
}

/// Whether the next death of a job decides about it. It must be its own then, so nothing else may
/// be at work beside it.
pub fn is_suspect(job: &Job) -> bool {
    job.deaths + 1 == DEATHS_MAX
}

/// Whether the death of a worker is one of the job that it had in hand, which has lost so many
/// already: the one that decides is so only where nothing else was at work, see [`is_suspect`].
pub fn counts_death(deaths: u32, alone: bool) -> bool {
    alone || deaths + 1 != DEATHS_MAX
}

/// Decides what becomes of a job whose attempt has ended with an error.
///
/// `progressed` says whether the attempt moved data before it failed; `random` is uniformly
/// distributed over all numbers.
pub fn decide(job: &Job, error: &Error, progressed: bool, now: Timestamp, random: u64) -> Verdict {
    let asked = error.retry_after.map(|wait| wait.min(ASKED_MAX));
    let put_off = |wait: Duration| Verdict::Defer {
        until: now.saturating_add(spread(wait, random)).unwrap_or(Timestamp::MAX),
    };
    let barren_max = match error.rule().again {
        _ if is_poison(job) => return Verdict::Dead { why: Death::Quarantined },
        Again::No => return Verdict::Dead { why: Death::Permanent },
        Again::Person => return Verdict::Hold,
        Again::Later => return put_off(asked.unwrap_or(LATER_DEFAULT)),
        Again::Many => BARREN_MAX,
        Again::Few => BARREN_FEW_MAX,
    };
    if let Some(wait) = asked
        && wait >= QUOTA_WAIT_MIN
    {
        return put_off(wait);
    }
    let barren = barren(job, progressed);
    if barren >= barren_max || job.attempt >= ATTEMPTS_MAX {
        return Verdict::Dead { why: Death::Exhausted };
    }
    let wait = backoff(error.kind, barren, random);
    Verdict::Retry { after: asked.map_or(wait, |asked| spread(asked, random).max(wait)) }
}

/// Attempts since the last one that moved data, this one included.
fn barren(job: &Job, progressed: bool) -> u32 {
    if progressed {
        return 0;
    }
    let fruitful = job.failures.iter().rfind(|failure| failure.progressed);
    job.attempt - fruitful.map_or(0, |failure| failure.attempt.min(job.attempt))
}

/// The wait after this many attempts that moved nothing.
fn backoff(kind: ErrorKind, barren: u32, random: u64) -> Duration {
    let doubled = 2_u32.saturating_pow(barren.saturating_sub(1));
    let most = BACKOFF_MIN.saturating_mul(doubled).min(BACKOFF_MAX);
    match kind {
        ErrorKind::RateLimited | ErrorKind::Unavailable => most / 2 + share(most / 2, random),
        _ => share(most, random),
    }
}

/// A wait that was asked for and a little more.
fn spread(wait: Duration, random: u64) -> Duration {
    wait.saturating_add(share((wait / 10).min(SPREAD_MAX), random))
}

/// From nothing up to the whole, by a number that is uniformly distributed over all numbers.
pub fn share(whole: Duration, random: u64) -> Duration {
    let ns = (whole.as_nanos() * u128::from(random)) >> 64;
    Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
