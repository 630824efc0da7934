//! Making errors, and what a status usually means.

use crate::{Error, ErrorKind, Pair, Response, host, time};

impl Error {
    /// An error of a provider's answer. `code` is stable and lower-case (`hubspot.search-limit`);
    /// `message` is for people and holds no payload.
    ///
    /// ```
    /// use plughouse_sdk::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Invalid, "hubspot.property", "unknown property")
    ///     .detail("property", "favourite_colour");
    /// assert!(error.request_sent && error.details[0].name == "property");
    /// ```
    pub fn new(kind: ErrorKind, code: &str, message: &str) -> Self {
        Self {
            kind,
            code: code.to_owned(),
            message: message.to_owned(),
            retry_after_ms: None,
            request_sent: true,
            details: Vec::new(),
        }
    }

    /// The provider's answer makes no sense.
    pub fn malformed(message: &str) -> Self {
        Self::new(ErrorKind::Malformed, "sdk.malformed", message)
    }

    /// Says that the provider has certainly received nothing.
    #[must_use]
    pub fn unsent(mut self) -> Self {
        self.request_sent = false;
        self
    }

    /// Adds a detail for those who look closer.
    #[must_use]
    pub fn detail(mut self, name: &str, value: &str) -> Self {
        self.details.push(Pair::new(name, value));
        self
    }

    /// Says how long to wait.
    #[must_use]
    pub fn retry_after(mut self, ms: Option<u64>) -> Self {
        self.retry_after_ms = ms;
        self
    }
}

/// What a status means unless the provider says otherwise; `None` for 2xx.
///
/// Adapters look at the provider's own codes first and fall back to this. The body is not looked
/// at. 410 reads as [`ErrorKind::NotFound`]: where it means that a token has expired, the adapter
/// knows. `Retry-After` is taken from every refusal that has one.
pub fn error_for_status(response: &Response) -> Option<Error> {
    let (kind, message) = match response.status {
        200..=299 => return None,
        300..=399 => (ErrorKind::Malformed, "an unexpected redirect"),
        401 => (ErrorKind::AuthRequired, "the provider does not accept the credential"),
        402 | 403 => (ErrorKind::Permission, "the provider does not allow this"),
        404 | 410 => (ErrorKind::NotFound, "not there, or not visible to this account"),
        408 | 504 => (ErrorKind::Timeout, "the provider did not answer in time"),
        409 | 412 | 423 => (ErrorKind::Conflict, "the record has changed, is locked or exists"),
        429 => (ErrorKind::RateLimited, "too many requests"),
        501 => (ErrorKind::Unsupported, "the provider cannot do this"),
        400..=499 => (ErrorKind::Invalid, "the provider refuses the request"),
        500..=599 => (ErrorKind::Unavailable, "the provider cannot answer now"),
        _ => (ErrorKind::Malformed, "a status that does not exist"),
    };
    let code = format!("http.{}", response.status);
    Some(Error::new(kind, &code, message).retry_after(retry_after_ms(response)))
}

/// How long the provider asks to wait (`Retry-After`, RFC 9110 §10.2.3), in milliseconds.
///
/// Understands whole and decimal seconds, HTTP dates and RFC 3339 dates. A date counts from the
/// answer's own `Date`, so that a wrong clock on either side does no harm.
pub fn retry_after_ms(response: &Response) -> Option<u64> {
    let value = response.header("retry-after")?.trim();
    if let Some(ms) = decimal_ms(value) {
        return Some(ms);
    }
    let until = time::parse_rfc2822(value).or_else(|| time::parse_rfc3339(value))?;
    let answered = response.header("date").and_then(time::parse_rfc2822);
    Some(until.saturating_sub(answered.unwrap_or_else(host::now_ms)))
}

/// Seconds with any number of decimals, in milliseconds rounded up: never too early.
fn decimal_ms(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let (kept, rest) = fraction.split_at_checked(3).unwrap_or((fraction, ""));
    let thousandths: u64 = format!("{kept:0<3}").parse().ok()?;
    let more = u64::from(rest.bytes().any(|digit| digit != b'0'));
    whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(thousandths + more)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&str, &str)]) -> Response {
        let headers = headers.iter().map(|&pair| pair.into()).collect();
        Response { id: 1, status, headers, body: Vec::new() }
    }

    #[track_caller]
    fn check_status(status: u16, expected: Option<ErrorKind>) {
        let error = error_for_status(&response(status, &[]));
        assert_eq!(error.map(|error| error.kind), expected);
    }

    #[test]
    fn statuses_are_classified() {
        check_status(200, None);
        check_status(204, None);
        check_status(302, Some(ErrorKind::Malformed));
        check_status(400, Some(ErrorKind::Invalid));
        check_status(401, Some(ErrorKind::AuthRequired));
        check_status(403, Some(ErrorKind::Permission));
        check_status(404, Some(ErrorKind::NotFound));
        check_status(408, Some(ErrorKind::Timeout));
        check_status(409, Some(ErrorKind::Conflict));
        check_status(410, Some(ErrorKind::NotFound));
        check_status(418, Some(ErrorKind::Invalid));
        check_status(429, Some(ErrorKind::RateLimited));
        check_status(500, Some(ErrorKind::Unavailable));
        check_status(501, Some(ErrorKind::Unsupported));
        check_status(503, Some(ErrorKind::Unavailable));
        check_status(504, Some(ErrorKind::Timeout));
        check_status(0, Some(ErrorKind::Malformed));
        check_status(u16::MAX, Some(ErrorKind::Malformed));
    }

    #[track_caller]
    fn check_wait(value: &str, expected: Option<u64>) {
        let date = ("Date", "Sun, 06 Nov 1994 08:49:30 GMT");
        let error = error_for_status(&response(429, &[date, ("Retry-After", value)]));
        assert_eq!(error.unwrap().retry_after_ms, expected, "{value}");
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        check_wait("120", Some(120_000));
        check_wait(" 0 ", Some(0));
        check_wait("1.5", Some(1500));
        check_wait("0.0001", Some(1));
        check_wait("2.", Some(2000));
        check_wait("Sun, 06 Nov 1994 08:49:37 GMT", Some(7000));
        check_wait("Sunday, 06-Nov-94 08:49:37 GMT", Some(7000));
        check_wait("Sun Nov  6 08:49:37 1994", Some(7000));
        check_wait("1994-11-06T08:50:30Z", Some(60_000));
        check_wait("Sun, 06 Nov 1994 08:00:00 GMT", Some(0));
        check_wait("-1", None);
        check_wait("1e3", None);
        check_wait("soon", None);
        check_wait("", None);
        check_wait(".5", None);
        check_wait("99999999999999999999", None);
        check_wait("18446744073709551615", None);
    }
}
