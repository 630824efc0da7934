//! Why a token endpoint gives nothing.

use std::time::Duration;

use model::outbound::HostAnswer;
use model::{Secret, Timestamp, retry};
use package::manifest::Auth;
use serde_json::{Map, Value};

use crate::answer::{TokenAnswer, members};
use crate::text;
use crate::values::Values;

/// Codes by which a provider refuses the app itself (RFC 6749 §5.2; the third is Salesforce's).
const CLIENT: [&str; 3] = ["invalid_client", "unauthorized_client", "invalid_client_id"];

/// Codes of what passes by itself (RFC 6749 §4.1.2.1; the last is Salesforce's limit of logins).
const TRANSIENT: [&str; 3] = ["temporarily_unavailable", "server_error", "rate_limit_exceeded"];

/// Entra's codes for a directory that has not let the app in, or has shut it out: it calls that
/// `unauthorized_client`, but the app is as good as ever for everybody else's.
const SHUT_OUT: [&str; 2] = ["700016", "7000112"];

/// Codes of a token that is not there any more, which is what a revocation wants.
const GONE: [&str; 3] = ["invalid_token", "invalid_grant", "token_revoked"];

/// What a caller can do about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenErrorKind {
    /// The provider does not accept the grant any more.
    InvalidGrant,
    /// The provider does not accept the app.
    InvalidClient,
    /// It refuses for another reason, which trying again does not remove.
    Refused,
    /// It cannot answer now.
    Transient {
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// It answers what makes no sense, or what the manifest does not allow.
    Malformed,
}

/// Why there is no token, without anything secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct TokenError {
    /// What a caller can do about it.
    pub kind: TokenErrorKind,
    /// The status of the answer.
    pub status: u16,
    /// The provider's code; empty where it gives none.
    pub code: String,
    /// What a person reads.
    pub message: String,
    /// The tokens that came nevertheless: they must be kept, though not used.
    pub kept: Option<Box<TokenAnswer>>,
}

/// Reads the answer of a revocation endpoint: what was gone before is revoked as well.
pub fn check_revoked(
    values: &Values<'_>,
    answer: &HostAnswer,
    now: Timestamp,
) -> Result<(), TokenError> {
    let members = members(answer.body.expose()).unwrap_or_default();
    if (200..300).contains(&answer.status) && !is_refusal(&members) {
        return Ok(());
    }
    let error = of(values, answer, &members, now);
    let gone = codes(&members).iter().any(|code| GONE.contains(&code.as_str()));
    if gone && error.status < 500 { Ok(()) } else { Err(error) }
}

/// Whether an answer is a refusal, whatever its status: some say so with 200.
pub(crate) fn is_refusal(members: &Map<String, Value>) -> bool {
    let said = |value: &Value| match value {
        Value::String(text) => !text.is_empty(),
        Value::Object(_) => true,
        _ => false,
    };
    members.get("ok") == Some(&Value::Bool(false)) || members.get("error").is_some_and(said)
}

/// What a refusal means.
pub(crate) fn of(
    values: &Values<'_>,
    answer: &HostAnswer,
    members: &Map<String, Value>,
    now: Timestamp,
) -> TokenError {
    let mut codes = codes(members);
    let said = description(members);
    // Zoom's numbers are known from its documentation, which does not show where they stand.
    let words = said.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let named = words.filter(|word| reauth(values).iter().any(|code| code == word));
    codes.extend(named.map(str::to_owned));
    let kind = kind(values, answer, &codes, now);
    let mut secrets: Vec<_> = values.fields.iter().map(|(_, secret)| secret.expose()).collect();
    secrets.extend(values.client_secret.map(Secret::expose));
    let said = text::shown(said, &secrets);
    let repeats = |code: &String| secrets.iter().any(|it| !it.is_empty() && code.contains(it));
    let code = codes.into_iter().find(|code| !repeats(code)).unwrap_or_default();
    let mut message = format!("the provider answers {}", answer.status);
    for (separator, part) in [(" ", code.as_str()), (": ", said.as_str())] {
        if !part.is_empty() {
            message.extend([separator, part]);
        }
    }
    TokenError { kind, status: answer.status, code, message, kept: None }
}

fn kind(
    values: &Values<'_>,
    answer: &HostAnswer,
    codes: &[String],
    now: Timestamp,
) -> TokenErrorKind {
    let any = |known: &[&str]| codes.iter().any(|code| known.contains(&code.as_str()));
    let status = answer.status;
    if matches!(status, 408 | 425 | 429) || status >= 500 || any(&TRANSIENT) {
        return TokenErrorKind::Transient { retry_after: retry_after(answer, now) };
    }
    // A status that is neither success nor 400 or 401 comes from something in between.
    if !(matches!(status, 400 | 401) || (200..300).contains(&status)) {
        return TokenErrorKind::Refused;
    }
    if by_app(values) && any(&CLIENT) && !any(&SHUT_OUT) {
        return TokenErrorKind::InvalidClient;
    }
    if any(&["invalid_grant"]) || codes.iter().any(|code| reauth(values).contains(code)) {
        return TokenErrorKind::InvalidGrant;
    }
    TokenErrorKind::Refused
}

/// Whether the app takes part in a token request. Where only an account signs for itself, there
/// is nobody else to be refused.
fn by_app(values: &Values<'_>) -> bool {
    match values.auth() {
        Ok(Auth::OAuth2(_) | Auth::Client(_)) => true,
        Ok(Auth::Jwt(rule)) => {
            let mut claims = [&rule.issuer, &rule.audience].into_iter().chain(&rule.subject);
            claims.any(|claim| claim.holes().any(|hole| hole == "client_id"))
        }
        _ => false,
    }
}

/// The codes that mean the same as `invalid_grant` at this provider.
fn reauth<'a>(values: &Values<'a>) -> &'a [String] {
    match values.auth() {
        Ok(Auth::OAuth2(rule)) => &rule.reauth,
        _ => &[],
    }
}

fn retry_after(answer: &HostAnswer, now: Timestamp) -> Option<Duration> {
    let (_, value) = answer.headers.iter().find(|(name, _)| name == "retry-after")?;
    retry::asked(value, now)
}

/// Every code in a refusal, the most telling first: `error` (RFC 6749 §5.2), where it is an object
/// its members; `code` (Notion, Zoom), `suberror` and `error_codes` (Entra), `status` (HubSpot).
fn codes(members: &Map<String, Value>) -> Vec<String> {
    let nested = members.get("error").and_then(Value::as_object);
    let own = ["error", "code", "errorCode", "error_code", "suberror"];
    let texts = own.iter().filter_map(|name| members.get(*name));
    let status = members.get("status").filter(|status| status.is_string() && *status != "error");
    let inner = nested.into_iter().flat_map(|error| {
        ["status", "code", "type"].into_iter().filter_map(|name| error.get(name))
    });
    let numbers = members.get("error_codes").and_then(Value::as_array).into_iter().flatten();
    texts.chain(inner).chain(numbers).chain(status).filter_map(code).collect()
}

fn code(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text::code(text).map(str::to_owned),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// What a refusal says to people.
fn description(members: &Map<String, Value>) -> &str {
    let own = ["error_description", "message", "reason", "detail"];
    let own = own.iter().find_map(|name| members.get(*name)?.as_str());
    let nested = || members.get("error")?.get("message")?.as_str();
    let listed = || members.get("errors")?.get(0)?.as_str();
    own.or_else(nested).or_else(listed).unwrap_or_default()
}
