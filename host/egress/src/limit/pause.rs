//! Reads `Retry-After` in the forms that providers send.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;

use super::{ASKED_MAX, PAUSE_DEFAULT};

/// The two forms of a date that RFC 9110 §5.6.7 has recipients understand beside the usual one.
const OLD_DATES: [&str; 2] = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// The pause that an answer asks for.
pub(super) fn asked_for(
    status: StatusCode,
    headers: &HeaderMap,
    now: Timestamp,
) -> Option<Duration> {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Some(retry_after(headers, now).unwrap_or(PAUSE_DEFAULT)),
        StatusCode::SERVICE_UNAVAILABLE => retry_after(headers, now),
        _ => None,
    }
}

/// What `Retry-After` says; what lies in the past means now.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    Some(parse(text, now)?.min(ASKED_MAX))
}

/// Whole or decimal seconds, an HTTP date in its three forms, an ISO date. Hours come as seconds:
/// a number alone means nothing else.
fn parse(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if text.bytes().next()?.is_ascii_digit()
        && let Ok(seconds) = text.parse::<f64>()
    {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = text
        .parse::<Timestamp>()
        .or_else(|_not_iso| rfc2822::DateTimeParser::new().parse_timestamp(text))
        .ok()
        .or_else(|| OLD_DATES.iter().find_map(|form| old_date(form, text)))?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
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
        assert_eq!(parse(text, now), seconds.map(Duration::from_secs_f64), "{text}");
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
    fn past_date_means_now() {
        check("Thu, 01 Jan 2026 11:00:00 GMT", Some(0.0));
    }

    #[test]
    fn nonsense_is_not_a_pause() {
        for text in ["", "soon", "-3", "NaN", "inf", "1e400", "12:30"] {
            check(text, None);
        }
    }

    #[test]
    fn only_429_and_503_pause() {
        let now = Timestamp::UNIX_EPOCH;
        let with = HeaderMap::from_iter([(RETRY_AFTER, "7".parse().unwrap())]);
        let seven = Some(Duration::from_secs(7));
        assert_eq!(asked_for(StatusCode::TOO_MANY_REQUESTS, &with, now), seven);
        assert_eq!(asked_for(StatusCode::SERVICE_UNAVAILABLE, &with, now), seven);
        assert_eq!(asked_for(StatusCode::OK, &with, now), None);
        let none = HeaderMap::new();
        assert_eq!(asked_for(StatusCode::TOO_MANY_REQUESTS, &none, now), Some(PAUSE_DEFAULT));
        assert_eq!(asked_for(StatusCode::SERVICE_UNAVAILABLE, &none, now), None);
    }
}
