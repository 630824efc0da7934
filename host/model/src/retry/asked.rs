//! Reads `Retry-After` in the forms that providers send.

use std::time::Duration;

use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;

use super::ASKED_MAX;
use crate::Timestamp;

/// The two forms of a date that RFC 9110 §5.6.7 has recipients understand beside the usual one.
const OLD_DATES: [&str; 2] = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// The wait that the value of `Retry-After` asks for, [`ASKED_MAX`] at most: whole or decimal
/// seconds, an HTTP date in its three forms, an ISO date. What lies in the past means now. Hours
/// come as seconds: a number alone means nothing else.
pub fn asked(value: &str, now: Timestamp) -> Option<Duration> {
    let text = value.trim();
    if text.bytes().next()?.is_ascii_digit()
        && let Ok(seconds) = text.parse::<f64>()
    {
        return Some(Duration::try_from_secs_f64(seconds).ok()?.min(ASKED_MAX));
    }
    let at = text
        .parse::<Timestamp>()
        .or_else(|_not_iso| rfc2822::DateTimeParser::new().parse_timestamp(text))
        .ok()
        .or_else(|| OLD_DATES.iter().find_map(|form| old_date(form, text)))?;
    let wait = Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO);
    Some(wait.min(ASKED_MAX))
}

fn old_date(form: &str, text: &str) -> Option<Timestamp> {
    let date = strtime::parse(form, text).ok()?.to_datetime().ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, seconds: Option<f64>) {
        let now = "2026-01-01T12:00:00Z".parse().unwrap();
        assert_eq!(asked(text, now), seconds.map(Duration::from_secs_f64), "{text}");
    }

    #[test]
    fn seconds_and_dates_are_understood() {
        check("3", Some(3.0));
        check("0", Some(0.0));
        check("2.128", Some(2.128));
        check("Thu, 01 Jan 2026 12:00:30 GMT", Some(30.0));
        check("Thursday, 01-Jan-26 12:00:30 GMT", Some(30.0));
        check("Thu Jan  1 12:00:30 2026", Some(30.0));
        check("2026-01-01T12:01:00Z", Some(60.0));
        check("2026-01-01T13:00:00+01:00", Some(0.0));
    }

    #[test]
    fn past_date_means_now_and_a_far_one_is_cut() {
        check("Thu, 01 Jan 2026 11:00:00 GMT", Some(0.0));
        check("9999999", Some(86_400.0));
    }

    #[test]
    fn hours_that_a_daily_budget_asks_for_come_as_seconds() {
        check("7200", Some(7_200.0));
        check("39600", Some(39_600.0));
    }

    #[test]
    fn nonsense_is_not_a_wait() {
        for text in ["", "soon", "-3", "NaN", "inf", "1e400", "12:30"] {
            check(text, None);
        }
    }
}
