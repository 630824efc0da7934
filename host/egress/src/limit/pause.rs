//! Reads `Retry-After` in the four forms that providers send.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::PAUSE_DEFAULT;

/// The pause that an answer asks for.
pub(super) fn asked_for(
    status: StatusCode,
    headers: &HeaderMap,
    now: Timestamp,
) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    match status {
        StatusCode::TOO_MANY_REQUESTS => {
            Some(text.and_then(|text| parse(text, now)).unwrap_or(PAUSE_DEFAULT))
        }
        StatusCode::SERVICE_UNAVAILABLE => text.and_then(|text| parse(text, now)),
        _ => None,
    }
}

/// Whole or decimal seconds, an HTTP date, an ISO date.
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
        .ok()?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
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
