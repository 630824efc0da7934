//! The lane that goes ahead: what has changed lately, read again at growing ages.
//!
//! The lane of records reads an instant once, when the provider has had the whole margin (lag and
//! look-back) to show what changed then. That misses nothing and costs one read, but it is late.
//! This lane reads up to the present. It need not be complete, so it may save: it does not read
//! the whole margin again each time, as a single cursor with a look-back must, but reaches back
//! by a binary rule. At every full minute, two minutes, four, … that has passed since the last
//! sweep it goes back twice as far. What the provider shows late by some time is found after
//! about that time again, and each instant is read a logarithmic number of times.

use std::time::Duration;

use super::span::{back, first_window, oldest, units};
use super::{Progress, ReadRule};
use crate::Timestamp;
use crate::store::LaneKind;

/// The shortest stretch that is worth reading again: entities are not polled more often.
const REACH_MIN: Duration = Duration::from_mins(1);

/// The next sweep of a lane that has read up to `since`. What lies before the end of the lane of
/// records is left to that one.
pub(super) fn next(rule: &ReadRule, since: Option<Timestamp>, now: Timestamp) -> Option<Progress> {
    let settled = rule.target(LaneKind::Records, now).max(oldest(rule, now));
    let from = since.map_or(settled, |since| back(since, reach(rule, since, now)).max(settled));
    (from < now).then(|| first_window(rule, from, now))
}

/// How far a sweep goes back before the end of the last one.
fn reach(rule: &ReadRule, since: Timestamp, now: Timestamp) -> Duration {
    let mut unit = rule.lag.max(REACH_MIN);
    let mut reach = rule.lag;
    while unit < rule.margin() && units(since, unit) < units(now, unit) {
        unit = unit.saturating_mul(2);
        reach = unit;
    }
    reach
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::{Cursor, Full};

    fn rule(lag: u64, lookback: u64) -> ReadRule {
        ReadRule {
            cursor: Cursor::Window,
            full: Full::Scan,
            step: Duration::ZERO,
            granularity: Duration::ZERO,
            lag: Duration::from_mins(lag),
            lookback: Duration::from_mins(lookback),
            history: Duration::ZERO,
            kept: Duration::ZERO,
        }
    }

    fn minute(minute: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_mins(minute)
    }

    /// A sweep at a minute after the one at another: from which minute does it read?
    #[track_caller]
    fn check(since: Option<u64>, now: u64, expected: u64) {
        let progress = next(&rule(1, 60), since.map(minute), minute(now)).unwrap();
        let expected = first_window(&rule(1, 60), minute(expected), minute(now));
        assert_eq!(progress.selection, expected.selection, "{since:?} {now}");
    }

    #[test]
    fn sweep_goes_back_twice_the_greatest_unit_that_has_passed() {
        check(Some(1000), 1001, 998); // one minute
        check(Some(1001), 1002, 997); // two
        check(Some(1003), 1004, 995); // four
        check(Some(1015), 1016, 999); // eight
        check(Some(1000), 1005, 992); // of five minutes one lies on a multiple of four
    }

    #[test]
    fn sweep_leaves_to_the_lane_of_records_what_that_one_reads() {
        check(None, 1000, 939);
        check(Some(200), 1000, 939);
        check(Some(1023), 1024, 963);
        assert_eq!(next(&rule(0, 0), Some(minute(7)), minute(7)), None);
    }

    /// Whatever the times between sweeps, a change that is shown within the margin is read again
    /// after it is shown, within twice its lateness and two polls.
    #[test]
    fn what_is_shown_late_is_found_about_as_late_again() {
        for poll in [1, 3, 5, 7, 11, 16, 30, 45] {
            let rule = rule(2, 120);
            for changed in (2000..2100).step_by(9) {
                for late in [0, 1, 2, 5, 13, 31, 60, 100] {
                    let found = found(&rule, poll, changed, changed + late);
                    let bound = changed + late + 2 * late.max(2) + 2 * poll;
                    assert!(found <= bound, "poll {poll} changed {changed} late {late}: {found}");
                }
            }
        }
    }

    /// The minute of the sweep that meets a change.
    fn found(rule: &ReadRule, poll: u64, changed: u64, shown: u64) -> u64 {
        let mut since = None;
        for now in (1000..).step_by(usize::try_from(poll).unwrap()) {
            if let Some(progress) = next(rule, since, minute(now)) {
                let crate::adapter::Selection::Window(window) = progress.selection else {
                    panic!("a window");
                };
                let met = window.from <= minute(changed) && minute(changed) < window.until;
                if (met && shown <= now)
                    || rule.target(LaneKind::Records, minute(now)) > minute(changed)
                {
                    return now;
                }
            }
            since = Some(minute(now));
        }
        unreachable!()
    }
}
