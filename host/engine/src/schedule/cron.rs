//! Five-field cron expressions by the clock on the wall of a time zone.
//!
//! When the clock is put forward, a time of day that does not exist that day runs at the first
//! instant after the gap, and an expression that repeats within the day (`*/15`, `0-6`, `1,2`)
//! just has fewer times. When the clock is put back, a time of day runs once, at its first
//! occurrence, and one that repeats runs in both hours. Where both a day of the month and a day
//! of the week are given, either of them is enough.

use std::sync::Arc;

use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::Invalid;

/// An expression and its time zone; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Cron {
    pattern: Arc<croner::Cron>,
    zone: TimeZone,
}

impl Cron {
    /// Reads an expression.
    pub(super) fn parse(expression: &str, zone: &str) -> Result<Self, Invalid> {
        let zone = time_zone(zone)?;
        let parser =
            CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let pattern = parser.parse(expression).map_err(|error| {
            Invalid(format!(
                "the cron expression '{expression}' does not parse: {error}; write five fields, \
                 minute, hour, day of month, month, day of week, like `0 6 * * 1-5`"
            ))
        })?;
        Ok(Self { pattern: Arc::new(pattern), zone })
    }

    /// The first time after an instant; nothing if there is none before the search gives up.
    pub(super) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        // The search gives up in a gap of more than two hours. Zones have left out a whole day,
        // when they changed their side of the date line.
        self.search(after).or_else(|| self.search(after.checked_add(24.hours()).ok()?))
    }

    fn search(&self, after: Timestamp) -> Option<Timestamp> {
        let after = after.to_zoned(self.zone.clone());
        self.pattern.find_next_occurrence(&after, false).ok().map(|next| next.timestamp())
    }
}

/// The time zone of this name.
pub(super) fn time_zone(name: &str) -> Result<TimeZone, Invalid> {
    TimeZone::get(name).map_err(|_not_found| {
        Invalid(format!(
            "there is no time zone '{name}'; write a name of the IANA database like `UTC` or \
             `Europe/Berlin`"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expression: &str, zone: &str, after: &str, expected: &[&str]) {
        let cron = Cron::parse(expression, zone).unwrap();
        let mut at: Timestamp = after.parse().unwrap();
        for expected in expected {
            at = cron.next(at).unwrap();
            assert_eq!(at.to_string(), *expected, "{expression} in {zone}");
        }
    }

    #[test]
    fn times_follow_the_clock_on_the_wall() {
        let newyear = "2026-01-01T00:00:00Z";
        check("30 6 * * *", "UTC", newyear, &["2026-01-01T06:30:00Z", "2026-01-02T06:30:00Z"]);
        check("30 6 * * *", "Asia/Tokyo", newyear, &["2026-01-01T21:30:00Z"]);
        check("*/20 * * * *", "UTC", newyear, &["2026-01-01T00:20:00Z", "2026-01-01T00:40:00Z"]);
        check(
            "0 6 * * 1-5",
            "UTC",
            newyear,
            &["2026-01-01T06:00:00Z", "2026-01-02T06:00:00Z", "2026-01-05T06:00:00Z"],
        );
        check("0 0 29 2 *", "UTC", newyear, &["2028-02-29T00:00:00Z"]);
        check(
            "0 0 13 * FRI",
            "UTC",
            newyear,
            &["2026-01-02T00:00:00Z", "2026-01-09T00:00:00Z", "2026-01-13T00:00:00Z"],
        );
    }

    #[test]
    fn time_of_day_that_does_not_exist_runs_right_after_the_gap() {
        // Berlin goes from 02:00 to 03:00 on 29 March 2026.
        let eve = "2026-03-28T00:00:00Z";
        check(
            "30 2 * * *",
            "Europe/Berlin",
            eve,
            &["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
        );
        check(
            "*/30 * * * *",
            "Europe/Berlin",
            "2026-03-29T00:29:00Z",
            &["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"],
        );
    }

    #[test]
    fn time_of_day_that_comes_twice_runs_once_and_a_repeated_one_twice() {
        // Berlin goes from 03:00 back to 02:00 on 25 October 2026.
        let eve = "2026-10-24T12:00:00Z";
        check(
            "30 2 * * *",
            "Europe/Berlin",
            eve,
            &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        );
        check(
            "0 * * * *",
            "Europe/Berlin",
            "2026-10-24T23:30:00Z",
            &["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"],
        );
    }

    #[test]
    fn gap_of_half_an_hour_and_of_a_whole_day_are_passed() {
        // Lord Howe goes from 02:00 to 02:30; Samoa had no 30 December 2011.
        check(
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-02T16:00:00Z",
            &["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"],
        );
        check("0 12 * * *", "Pacific/Apia", "2011-12-29T23:00:00Z", &["2011-12-31T22:00:00Z"]);
    }

    #[track_caller]
    fn refused(expression: &str, zone: &str, expected: &str) {
        let error = Cron::parse(expression, zone).unwrap_err().to_string();
        assert!(error.contains(expected), "{expression} in {zone}: {error}");
    }

    #[test]
    fn what_is_no_expression_is_refused_with_what_to_write() {
        for expression in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "0 25 * * *",
            "0 0 * * MOO",
            "every day",
            "\0",
            "*/0 * * * *",
            "5-1 * * * *",
        ] {
            refused(expression, "UTC", "write five fields");
        }
        refused("0 0 * * *", "Mars/Olympus", "no time zone 'Mars/Olympus'");
        refused("0 0 * * *", "", "no time zone ''");
        refused("0 0 * * *", "../../etc/passwd", "no time zone");
    }

    #[test]
    fn expression_that_never_comes_has_no_next_time() {
        let cron = Cron::parse("0 0 31 2 *", "UTC").unwrap();
        assert_eq!(cron.next(Timestamp::UNIX_EPOCH), None);
    }
}
