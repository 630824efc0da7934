//! Requests to the one endpoint of the manifest, and the answers that are no success.

use plughouse_sdk::json::{self, Document};
use plughouse_sdk::{Error, ErrorKind, Request, Response, retry_after_ms};

/// The endpoint of the manifest.
const ENDPOINT: &str = "api";

/// How long the daily limit is waited for. It ends at midnight of the account's time zone, which
/// the refusal does not tell; asking once an hour costs 24 refused requests at most.
const DAILY_WAIT_MS: u64 = 3_600_000;

/// How long an account is waited for that moves to another data centre and does not say.
const MIGRATION_WAIT_MS: u64 = 3_600_000;

/// How long a record is waited for that a bulk change holds.
const LOCKED_WAIT_MS: u64 = 2_000;

/// Characters kept of what HubSpot says.
const FACT_CHARS_MAX: usize = 300;

/// A request that reads a path.
pub(crate) fn get(path: &str) -> Request {
    Request::get(ENDPOINT, path)
}

/// A request that reads by what its JSON body says.
pub(crate) fn post(path: &str, body: String) -> Request {
    Request::post(ENDPOINT, path).content("application/json", body)
}

/// Lets a success pass; 207 is one, some of whose rows failed.
pub(crate) fn checked(response: Response) -> Result<Response, Error> {
    if response.is_success() { Ok(response) } else { Err(refusal(&response)) }
}

/// An error about an answer that came.
pub(crate) fn error(kind: ErrorKind, code: &str, message: &str) -> Error {
    Error::new(kind, &format!("hubspot.{code}"), message)
}

/// An answer that makes no sense.
pub(crate) fn malformed(code: &str, message: &str) -> Error {
    error(ErrorKind::Malformed, code, message)
}

/// Classifies a refusal by status and category.
fn refusal(response: &Response) -> Error {
    let facts = json::values(["/category", "/policyName", "/correlationId", "/message"])
        .and(["/context/requiredGranularScopes"])
        .read(response)
        // Cloudflare answers 502, 52x and 530 in HTML: then the status has to do.
        .ok();
    let fact = |position| facts.as_ref().and_then(|facts| fact(facts, position));
    let (kind, code, message) = verdict(response.status, fact(0).as_deref());
    let wait =
        retry_after_ms(response).or_else(|| usual_wait_ms(response.status, fact(1).as_deref()));
    let named = ["category", "policy", "correlation-id", "provider-message", "scopes"];
    named.into_iter().enumerate().fold(
        error(kind, code, message).retry_after(wait).detail("status", &response.status.to_string()),
        |error, (position, name)| match fact(position) {
            Some(fact) => error.detail(name, &fact),
            None => error,
        },
    )
}

/// A text of the refusal, or the JSON of what is none.
fn fact(facts: &Document<'_>, position: usize) -> Option<String> {
    let token = facts.get(position).filter(|token| !token.is_null())?;
    let text = token.scalar().unwrap_or_else(|| String::from_utf8_lossy(token.raw()));
    Some(text.chars().take(FACT_CHARS_MAX).collect())
}

/// What can be done about a status.
fn verdict(status: u16, category: Option<&str>) -> (ErrorKind, &'static str, &'static str) {
    use ErrorKind as Kind;
    match (status, category) {
        // 530 is what the edge makes of a text that is no token.
        (401 | 530, _) => (Kind::AuthRequired, "token", "HubSpot does not accept the token"),
        (403, Some("MISSING_SCOPES")) => {
            (Kind::Permission, "missing-scopes", "the token lacks a scope that this read needs")
        }
        (403, _) => (Kind::Permission, "forbidden", "the account does not allow this read"),
        (404, _) => (Kind::NotFound, "not-found", "HubSpot has nothing at this place"),
        (409, _) => (Kind::Conflict, "conflict", "the request conflicts with another"),
        (414 | 431, _) => (Kind::Invalid, "too-long", "the list of properties is too long"),
        (423, _) => (Kind::Unavailable, "locked", "a bulk change holds these records"),
        (429, _) => (Kind::RateLimited, "rate-limit", "too many requests for this account"),
        (477, _) => (Kind::Unavailable, "migration", "HubSpot is moving this account"),
        (400..=499, _) => (Kind::Invalid, "invalid", "HubSpot refuses the request"),
        (500..=599, _) => (Kind::Unavailable, "unavailable", "HubSpot cannot answer now"),
        _ => (Kind::Malformed, "status", "HubSpot answered with a status that means nothing here"),
    }
}

/// The wait that HubSpot's own client uses where the refusal names none.
fn usual_wait_ms(status: u16, policy: Option<&str>) -> Option<u64> {
    match (status, policy) {
        (423, _) => Some(LOCKED_WAIT_MS),
        (477, _) => Some(MIGRATION_WAIT_MS),
        (429, Some("DAILY")) => Some(DAILY_WAIT_MS),
        (429, Some("TEN_SECONDLY_ROLLING")) => Some(10_000),
        (429, Some("SECONDLY")) => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, headers: &[(&str, &str)], body: &str) -> Error {
        let headers = headers.iter().map(|&pair| pair.into()).collect();
        let body = body.as_bytes().to_vec();
        checked(Response { id: 1, status, headers, body }).unwrap_err()
    }

    #[track_caller]
    fn check(status: u16, body: &str, kind: ErrorKind, code: &str) {
        let error = refused(status, &[], body);
        assert_eq!((error.kind, error.code.as_str()), (kind, code));
        assert!(error.request_sent);
    }

    #[test]
    fn refusals_are_classified_by_status_and_category() {
        check(
            401,
            r#"{"category":"EXPIRED_AUTHENTICATION"}"#,
            ErrorKind::AuthRequired,
            "hubspot.token",
        );
        check(530, "<html>error 1016</html>", ErrorKind::AuthRequired, "hubspot.token");
        check(
            403,
            r#"{"category":"MISSING_SCOPES"}"#,
            ErrorKind::Permission,
            "hubspot.missing-scopes",
        );
        check(403, r#"{"category":"BANNED"}"#, ErrorKind::Permission, "hubspot.forbidden");
        check(404, "", ErrorKind::NotFound, "hubspot.not-found");
        check(409, "{}", ErrorKind::Conflict, "hubspot.conflict");
        check(414, "", ErrorKind::Invalid, "hubspot.too-long");
        check(423, "", ErrorKind::Unavailable, "hubspot.locked");
        check(429, "", ErrorKind::RateLimited, "hubspot.rate-limit");
        check(477, "", ErrorKind::Unavailable, "hubspot.migration");
        check(400, "{}", ErrorKind::Invalid, "hubspot.invalid");
        check(502, "<html>", ErrorKind::Unavailable, "hubspot.unavailable");
        check(524, "", ErrorKind::Unavailable, "hubspot.unavailable");
        check(302, "", ErrorKind::Malformed, "hubspot.status");
    }

    #[track_caller]
    fn check_wait(status: u16, header: Option<&str>, policy: &str, expected_ms: Option<u64>) {
        let headers: Vec<_> = header.map(|wait| ("Retry-After", wait)).into_iter().collect();
        let body = format!("{{\"policyName\":\"{policy}\"}}");
        assert_eq!(refused(status, &headers, &body).retry_after_ms, expected_ms);
    }

    #[test]
    fn wait_is_what_the_answer_says_and_else_what_its_policy_means() {
        check_wait(429, Some("7"), "DAILY", Some(7_000));
        check_wait(429, None, "DAILY", Some(3_600_000));
        check_wait(429, None, "TEN_SECONDLY_ROLLING", Some(10_000));
        check_wait(429, None, "SECONDLY", Some(1_000));
        check_wait(429, None, "", None);
        check_wait(477, Some("86400"), "", Some(86_400_000));
        check_wait(477, None, "", Some(3_600_000));
        check_wait(423, None, "", Some(2_000));
        check_wait(503, None, "", None);
    }

    #[test]
    fn details_hold_what_helps_and_no_more_than_fits() {
        let body = format!(
            r#"{{"message":"{}","correlationId":"c-1","context":{{"requiredGranularScopes":["a"]}}}}"#,
            "é".repeat(1000)
        );
        let error = refused(403, &[], &body);
        let detail = |name: &str| {
            let pair = error.details.iter().find(|pair| pair.name == name);
            pair.map(|pair| pair.value.clone())
        };
        assert_eq!(detail("correlation-id").as_deref(), Some("c-1"));
        assert_eq!(detail("scopes").as_deref(), Some("[\"a\"]"));
        assert_eq!(detail("provider-message"), Some("é".repeat(FACT_CHARS_MAX)));
        assert_eq!(detail("category"), None);
    }
}
