//! The hours of the day in which a task is queued.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use model::task::HourWindow;

use super::Invalid;
use super::cron::time_zone;

const MINUTES_OF_DAY: u16 = 24 * 60;

/// The minutes after midnight of an hour of the day, as 22:05; 24:00 is the end of the day.
pub fn hour(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    // A number may have a sign in Rust.
    if !hour.bytes().chain(minute.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let minute = minute.parse().ok().filter(|minute| *minute < 60)?;
    let minutes = hour.parse::<u16>().ok()?.checked_mul(60)?.checked_add(minute)?;
    (minutes <= MINUTES_OF_DAY).then_some(minutes)
}

/// An hour of the day as [`hour`] reads it.
pub fn hour_text(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A window, its time zone found. A border that falls into a gap of the clock lies right after
/// it; of one that comes twice the first counts.
#[derive(Clone, Debug)]
pub(super) struct Hours {
    from: Time,
    until: Time,
    zone: TimeZone,
}

impl Hours {
    /// Reads a window.
    pub(super) fn of(window: &HourWindow) -> Result<Self, Invalid> {
        let HourWindow { from, until, zone } = window;
        if *from >= MINUTES_OF_DAY || *until > MINUTES_OF_DAY {
            return Err(Invalid(format!(
                "the window from minute {from} to {until} does not lie in a day; write 00:00 to \
                 23:59, or 24:00 for its end"
            )));
        }
        if from == until {
            return Err(Invalid(
                "the window ends where it begins; leave it out for the whole day".to_owned(),
            ));
        }
        // An end at 24:00 is the next day's midnight.
        let time = |minute: u16| {
            let (hour, minute) = ((minute / 60) % 24, minute % 60);
            Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok()
        };
        let invalid = || Invalid("the window does not lie in a day".to_owned());
        let (from, until) = (time(*from).ok_or_else(invalid)?, time(*until).ok_or_else(invalid)?);
        Ok(Self { from, until, zone: time_zone(zone)? })
    }

    /// The first instant from `at` on that lies in the window, and where that window ends.
    pub(super) fn admit(&self, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let day = at.to_zoned(self.zone.clone()).date().checked_sub(1.day()).ok()?;
        // Yesterday's may still be open; a window may be lost in a gap of the clock.
        let days = (0..4).filter_map(|days| day.checked_add(days.days()).ok());
        days.filter_map(|day| self.on(day))
            .find(|(_, until)| at < *until)
            .map(|(from, until)| (from.max(at), until))
    }

    fn on(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        let next = if self.until > self.from { day } else { day.checked_add(1.day()).ok()? };
        let at = |day: Date, time| self.zone.to_timestamp(day.to_datetime(time)).ok();
        let (from, until) = (at(day, self.from)?, at(next, self.until)?);
        (from < until).then_some((from, until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(from: u16, until: u16, zone: &str) -> Result<Hours, Invalid> {
        Hours::of(&HourWindow { from, until, zone: zone.to_owned() })
    }

    #[track_caller]
    fn check(window: (u16, u16), zone: &str, at: &str, expected: (&str, &str)) {
        let hours = hours(window.0, window.1, zone).unwrap();
        let (from, until) = hours.admit(at.parse().unwrap()).unwrap();
        assert_eq!(
            (from.to_string(), until.to_string()),
            (expected.0.to_owned(), expected.1.to_owned()),
            "{at}"
        );
    }

    #[test]
    fn instant_in_the_window_stays_and_others_wait_for_it_to_open() {
        let office = (8 * 60, 18 * 60);
        check(
            office,
            "UTC",
            "2026-01-01T09:00:00Z",
            ("2026-01-01T09:00:00Z", "2026-01-01T18:00:00Z"),
        );
        check(
            office,
            "UTC",
            "2026-01-01T08:00:00Z",
            ("2026-01-01T08:00:00Z", "2026-01-01T18:00:00Z"),
        );
        check(
            office,
            "UTC",
            "2026-01-01T18:00:00Z",
            ("2026-01-02T08:00:00Z", "2026-01-02T18:00:00Z"),
        );
        check(
            office,
            "UTC",
            "2026-01-01T03:00:00Z",
            ("2026-01-01T08:00:00Z", "2026-01-01T18:00:00Z"),
        );
        check(
            office,
            "Asia/Tokyo",
            "2026-01-01T10:00:00Z",
            ("2026-01-01T23:00:00Z", "2026-01-02T09:00:00Z"),
        );
    }

    #[test]
    fn window_may_end_on_the_next_day_or_at_its_midnight() {
        let night = (22 * 60, 6 * 60);
        check(
            night,
            "UTC",
            "2026-01-01T02:00:00Z",
            ("2026-01-01T02:00:00Z", "2026-01-01T06:00:00Z"),
        );
        check(
            night,
            "UTC",
            "2026-01-01T23:00:00Z",
            ("2026-01-01T23:00:00Z", "2026-01-02T06:00:00Z"),
        );
        check(
            night,
            "UTC",
            "2026-01-01T12:00:00Z",
            ("2026-01-01T22:00:00Z", "2026-01-02T06:00:00Z"),
        );
        check(
            (20 * 60, 24 * 60),
            "UTC",
            "2026-01-01T12:00:00Z",
            ("2026-01-01T20:00:00Z", "2026-01-02T00:00:00Z"),
        );
        check(
            (0, 24 * 60),
            "UTC",
            "2026-01-01T12:00:00Z",
            ("2026-01-01T12:00:00Z", "2026-01-02T00:00:00Z"),
        );
    }

    #[test]
    fn window_follows_the_clock_on_the_wall_over_a_change_of_it() {
        // Berlin goes from 02:00 to 03:00 on 29 March 2026.
        check(
            (60, 5 * 60),
            "Europe/Berlin",
            "2026-03-28T20:00:00Z",
            ("2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z"),
        );
        check(
            (2 * 60 + 30, 5 * 60),
            "Europe/Berlin",
            "2026-03-28T20:00:00Z",
            ("2026-03-29T01:30:00Z", "2026-03-29T03:00:00Z"),
        );
    }

    #[test]
    fn window_that_holds_no_time_is_refused() {
        assert!(hours(480, 480, "UTC").unwrap_err().to_string().contains("leave it out"));
        assert!(hours(1440, 60, "UTC").unwrap_err().to_string().contains("does not lie in a day"));
        assert!(hours(0, 1441, "UTC").unwrap_err().to_string().contains("does not lie in a day"));
        assert!(hours(0, 60, "Nowhere").unwrap_err().to_string().contains("no time zone"));
    }
}
