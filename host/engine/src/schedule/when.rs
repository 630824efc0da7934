//! When a task is due: pure rules.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::task::{Schedule, Task};
use xxhash_rust::xxh3::xxh3_64;

use super::Invalid;
use super::cron::Cron;
use super::hours::Hours;

/// The shortest interval: the schedule is looked at once a minute.
const INTERVAL_MIN: Duration = Duration::from_mins(1);

/// The longest interval; a year of a leap day.
const INTERVAL_MAX: Duration = Duration::from_hours(366 * 24);

/// The longest jitter; a task that may be as late as that names no time of day any more.
const JITTER_MAX: Duration = Duration::from_hours(24);

/// A task's schedule, read.
#[derive(Clone, Debug)]
pub(super) struct When {
    rule: Rule,
    hours: Option<Hours>,
    jitter: Duration,
    /// What the jitter is drawn from, beside the instant.
    seed: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Rule {
    Every { from: Timestamp, interval: Duration },
    Cron(Cron),
}

impl When {
    /// Reads the schedule of a task.
    pub(super) fn of(task: &Task) -> Result<Self, Invalid> {
        match &task.schedule {
            Schedule::Every(interval) if (INTERVAL_MIN..=INTERVAL_MAX).contains(interval) => {
                Self::by(task, Rule::Every { from: task.created, interval: *interval })
            }
            Schedule::Every(interval) => Err(Invalid(format!(
                "an interval of {interval:?} is not kept; write one minute to 366 days"
            ))),
            Schedule::Cron { expression, zone } => Self::with(task, Cron::parse(expression, zone)?),
        }
    }

    /// The same, of a task whose expression was read before.
    pub(super) fn with(task: &Task, cron: Cron) -> Result<Self, Invalid> {
        Self::by(task, Rule::Cron(cron))
    }

    fn by(task: &Task, rule: Rule) -> Result<Self, Invalid> {
        if task.jitter > JITTER_MAX {
            return Err(Invalid(format!(
                "a jitter of {:?} is too long; write at most {JITTER_MAX:?}",
                task.jitter
            )));
        }
        let hours = task.window.as_ref().map(Hours::of).transpose()?;
        let seed = format!("{}/{}/", task.tenant, task.id).into_bytes();
        Ok(Self { rule, hours, jitter: task.jitter, seed })
    }

    /// The first instant after `after` at which the task is due; nothing if there is none.
    ///
    /// An instant of the schedule outside the hours moves to where they open. The jitter moves it
    /// on from there, never beyond the next instant of the schedule nor out of the hours, and
    /// always by the same.
    pub(super) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let planned = self.rule.next(after)?;
        let (from, closes) = match &self.hours {
            None => (planned, Timestamp::MAX),
            Some(hours) => hours.admit(planned)?,
        };
        if self.jitter.is_zero() {
            return Some(from);
        }
        let following = self.rule.next(planned).unwrap_or(Timestamp::MAX);
        let free = following.duration_since(planned).min(closes.duration_since(from));
        let most = SignedDuration::try_from(self.jitter).unwrap_or(SignedDuration::MAX).min(free);
        from.checked_add(self.drawn(from, most)).ok()
    }

    /// Whether it may be queued at this instant.
    pub(super) fn admits(&self, at: Timestamp) -> bool {
        let Some(hours) = &self.hours else { return true };
        hours.admit(at).is_some_and(|(from, _)| from == at)
    }

    /// Less than `most`, to the millisecond, by task and instant.
    fn drawn(&self, at: Timestamp, most: SignedDuration) -> SignedDuration {
        let mut seed = self.seed.clone();
        seed.extend_from_slice(&at.as_second().to_be_bytes());
        let most_ms = u128::try_from(most.as_millis()).unwrap_or(0);
        let drawn_ms = (u128::from(xxh3_64(&seed)) * most_ms) >> 64;
        SignedDuration::from_millis(i64::try_from(drawn_ms).unwrap_or(0))
    }
}

impl Rule {
    /// The first instant of the schedule after `after`.
    fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Cron(cron) => cron.next(after),
            Self::Every { from, interval } => {
                let interval_ns = i128::try_from(interval.as_nanos()).ok()?;
                let past_ns = after.as_nanosecond() - from.as_nanosecond();
                // Before the task was made, if the clock was set back, it is counted back as well.
                let passed = past_ns.div_euclid(interval_ns);
                Timestamp::from_nanosecond(from.as_nanosecond() + (passed + 1) * interval_ns).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests;
