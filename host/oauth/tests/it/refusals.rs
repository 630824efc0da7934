use std::time::Duration;

use oauth::{TokenErrorKind, check_revoked, parse};
use plughouse_testkit::material::recorded;

use crate::support::{Setup, answer, now};

const GRANT: TokenErrorKind = TokenErrorKind::InvalidGrant;
const CLIENT: TokenErrorKind = TokenErrorKind::InvalidClient;
const REFUSED: TokenErrorKind = TokenErrorKind::Refused;
const TRANSIENT: TokenErrorKind = TokenErrorKind::Transient { retry_after: None };

#[track_caller]
fn check(setup: &Setup, status: u16, body: &str, kind: TokenErrorKind, message: &str) {
    let error = setup.parse(status, body).unwrap_err();
    let message = format!("the provider answers {status}{message}");
    assert_eq!((error.kind, error.message), (kind, message), "{body}");
    assert!(error.kept.is_none());
}

#[test]
fn salesforce() {
    let setup = Setup::of("salesforce", "oauth");
    let refused =
        |error: &str, more: &str| format!(r#"{{"error":"{error}","error_description":"{more}"}}"#);
    let body = refused("invalid_grant", "expired access/refresh token");
    check(&setup, 400, &body, GRANT, " invalid_grant: expired access/refresh token");
    let body = refused("inactive_user", "user is inactive");
    check(&setup, 400, &body, GRANT, " inactive_user: user is inactive");
    let body = refused("invalid_client_id", "client identifier invalid");
    check(&setup, 400, &body, CLIENT, " invalid_client_id: client identifier invalid");
    let body = refused("invalid_client", "invalid client credentials");
    check(&setup, 400, &body, CLIENT, " invalid_client: invalid client credentials");
    let body = refused("rate_limit_exceeded", "login rate exceeded");
    check(&setup, 400, &body, TRANSIENT, " rate_limit_exceeded: login rate exceeded");
    let body = refused("unsupported_grant_type", "");
    check(&setup, 400, &body, REFUSED, " unsupported_grant_type");
}

#[test]
fn entra() {
    let setup = Setup::of("onedrive", "oauth");
    let refused = |error: &str, number: u32, more: &str| {
        format!(
            r#"{{"error":"{error}","error_description":"AADSTS{number}: {more}","error_codes":[{number}],
            "timestamp":"2016-01-09 02:02:12Z","trace_id":"0000aaaa-11bb-cccc-dd22-eeeeee333333"}}"#
        )
    };
    let body = refused("invalid_grant", 70008, "The grant has expired due to inactivity.");
    let message = " invalid_grant: AADSTS70008: The grant has expired due to inactivity.";
    check(&setup, 400, &body, GRANT, message);
    let body = refused("interaction_required", 50076, "MFA.");
    check(&setup, 400, &body, GRANT, " interaction_required: AADSTS50076: MFA.");
    let body = refused("invalid_client", 7_000_222, "The client secret has expired.");
    let message = " invalid_client: AADSTS7000222: The client secret has expired.";
    check(&setup, 401, &body, CLIENT, message);
    let body = refused("temporarily_unavailable", 90033, "Try again.");
    check(&setup, 400, &body, TRANSIENT, " temporarily_unavailable: AADSTS90033: Try again.");
    let body = refused("unauthorized_client", 700_016, "Not in the directory.");
    let message = " unauthorized_client: AADSTS700016: Not in the directory.";
    check(&setup, 400, &body, REFUSED, message);
    let body = refused("unauthorized_client", 7_000_112, "Application 'a'(b) is disabled.");
    let message = " unauthorized_client: AADSTS7000112: Application 'a'(b) is disabled.";
    check(&setup, 400, &body, REFUSED, message);
    let body = refused("unauthorized_client", 700_025, "Public client.");
    check(&setup, 400, &body, CLIENT, " unauthorized_client: AADSTS700025: Public client.");
}

#[test]
fn hubspot() {
    let setup = Setup::of("hubspot", "oauth");
    let first = r#"{"status":"BAD_REFRESH_TOKEN","message":"missing or unknown refresh token",
        "correlationId":"5f0c7d1e-0000-4000-8000-000000000001"}"#;
    let message = " BAD_REFRESH_TOKEN: missing or unknown refresh token";
    check(&setup, 400, first, GRANT, message);
    let third = r#"{"status":"BAD_REFRESH_TOKEN","error":"invalid_grant",
        "error_description":"refresh token is invalid","message":"refresh token is invalid"}"#;
    check(&setup, 400, third, GRANT, " invalid_grant: refresh token is invalid");
    let other = r#"{"status":"error","message":"redirect_uri does not match"}"#;
    check(&setup, 400, other, REFUSED, ": redirect_uri does not match");
}

#[test]
fn zoom() {
    let setup = Setup::of("zoom", "oauth");
    let body = r#"{"reason":"Invalid Token!","error":"invalid_grant"}"#;
    check(&setup, 400, body, GRANT, " invalid_grant: Invalid Token!");
    let body = r#"{"reason":"Invalid client_id or client_secret","error":"invalid_client"}"#;
    let message = " invalid_client: Invalid client_id or client_secret";
    check(&setup, 401, body, CLIENT, message);
    for body in [
        r#"{"code":4735,"reason":"Owner gone"}"#,
        r#"{"error":"invalid_request","reason":"Owner gone (4735)"}"#,
        r#"{"errorCode":"4735","message":"Owner gone"}"#,
    ] {
        assert_eq!(setup.parse(400, body).unwrap_err().kind, GRANT, "{body}");
    }
    let body = r#"{"code":4709,"reason":"Redirect mismatch"}"#;
    check(&setup, 400, body, REFUSED, " 4709: Redirect mismatch");
}

#[test]
fn notion_gong_and_google() {
    let body = r#"{"object":"error","status":400,"code":"invalid_grant","message":"Expired."}"#;
    check(&Setup::of("notion", "oauth"), 400, body, GRANT, " invalid_grant: Expired.");
    let google = Setup::of("google_drive", "oauth");
    let body = r#"{"error":"invalid_grant","error_description":"Token has been revoked."}"#;
    check(&google, 400, body, GRANT, " invalid_grant: Token has been revoked.");
    let nested = r#"{"error":{"code":403,"message":"Not enabled.","status":"PERMISSION_DENIED"}}"#;
    check(&google, 403, nested, REFUSED, " PERMISSION_DENIED: Not enabled.");
    let service = Setup::of("google_drive", "service");
    let body = r#"{"error":"unauthorized_client","error_description":"Not delegated."}"#;
    check(&service, 401, body, REFUSED, " unauthorized_client: Not delegated.");
    let signed = Setup::of("salesforce", "jwt");
    check(&signed, 400, r#"{"error":"invalid_client"}"#, CLIENT, " invalid_client");
    let body = r#"{"requestId":"x","errors":["Access denied"]}"#;
    check(&Setup::of("gong", "oauth"), 401, body, REFUSED, ": Access denied");
}

#[test]
fn only_a_body_that_says_so_ends_a_grant() {
    let setup = Setup::of("salesforce", "oauth");
    let body = r#"{"error":"invalid_grant"}"#;
    check(&setup, 400, body, GRANT, " invalid_grant");
    check(&setup, 401, body, GRANT, " invalid_grant");
    check(&setup, 200, body, GRANT, " invalid_grant");
    check(&setup, 403, body, REFUSED, " invalid_grant");
    check(&setup, 404, body, REFUSED, " invalid_grant");
    for status in [408, 425, 429, 500, 502, 503, 504, 599] {
        check(&setup, status, body, TRANSIENT, " invalid_grant");
    }
    for silent in ["", "<html>invalid_grant</html>", "invalid_grant", "[]", "{}"] {
        check(&setup, 400, silent, REFUSED, "");
        check(&setup, 401, silent, REFUSED, "");
    }
    check(&setup, 400, "error=invalid_grant&error_description=gone", GRANT, " invalid_grant: gone");
    check(&setup, 200, r#"{"ok":false,"error":"fatal"}"#, REFUSED, " fatal");
    check(&setup, 200, r#"{"ok":false}"#, REFUSED, "");
}

#[test]
fn wait_that_is_asked_for_is_told() {
    let setup = Setup::of("zoom", "oauth");
    let mut late = answer(429, "");
    late.headers.push(("retry-after".to_owned(), "Thu, 01 Jan 2026 12:00:07 GMT".to_owned()));
    let kind = parse(&setup.values(), &late, now()).unwrap_err().kind;
    assert_eq!(kind, TokenErrorKind::Transient { retry_after: Some(Duration::from_secs(7)) });
}

#[track_caller]
fn revoked(status: u16, body: &str, expected: bool) {
    let setup = Setup::of("google_drive", "oauth");
    let result = check_revoked(&setup.values(), &answer(status, body), now());
    assert_eq!(result.is_ok(), expected, "{status} {body}");
}

#[test]
fn what_was_gone_before_is_revoked() {
    revoked(200, "", true);
    revoked(204, "", true);
    revoked(200, r#"{"status":"success"}"#, true);
    revoked(400, r#"{"error":"invalid_token"}"#, true);
    revoked(401, r#"{"object":"error","code":"invalid_grant"}"#, true);
    revoked(400, r#"{"error":"unsupported_token_type"}"#, false);
    revoked(401, r#"{"error":"invalid_client"}"#, false);
    revoked(503, r#"{"error":"invalid_token"}"#, false);
    revoked(200, r#"{"ok":false,"error":"fatal"}"#, false);
    revoked(404, "<html>", false);
}

/// What Microsoft's own documentation shows, where it lies beside the repository.
#[test]
fn samples_of_entra_are_read() {
    let file = "dynamics365/powerapps_docs/error_and_token_samples.json";
    let Some(text) = recorded(file) else { return };
    let samples: Vec<serde_json::Value> = serde_json::from_slice(&text).unwrap();
    let setup = Setup::of("dynamics365", "oauth");
    let mut seen = 0;
    for sample in samples {
        let body = sample["body"].to_string();
        match sample["name"].as_str().unwrap() {
            "Entra token endpoint error" => {
                let error = setup.parse(400, &body).unwrap_err();
                assert_eq!((error.kind, error.code.as_str()), (REFUSED, "invalid_scope"));
                assert!(error.message.contains("AADSTS70011: The provided value"), "{error}");
                seen += 1;
            }
            "Entra token success" => {
                let tokens = setup.parse(200, &body).unwrap();
                assert_eq!(tokens.expires_in, Some(Duration::from_secs(3599)));
                seen += 1;
            }
            _ => {}
        }
    }
    assert_eq!(seen, 2);
}
