//! The pause that an answer asks for.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use model::retry;

use super::PAUSE_DEFAULT;

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
    retry::asked(headers.get(RETRY_AFTER)?.to_str().ok()?, now)
}

#[cfg(test)]
mod tests {
    use super::*;

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
