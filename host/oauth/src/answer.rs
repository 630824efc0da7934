//! What token endpoints answer, in all the ways in which they do.

use std::collections::BTreeMap;
use std::time::Duration;

use model::outbound::HostAnswer;
use model::{Secret, Timestamp};
use package::Manifest;
use serde_json::{Map, Value};

use crate::form;
use crate::refusal::{self, TokenError, TokenErrorKind};
use crate::values::Values;

/// Longest token: longer ones fit into no header that servers take.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Longest life of a token that is believed; what is longer is a number of another kind, a date
/// for example.
const LIFE_MAX: Duration = Duration::from_hours(24 * 366 * 10);

/// Types of tokens that are good only together with a key (RFC 9449 and its predecessors).
const BOUND_TYPES: [&str; 3] = ["dpop", "mac", "pop"];

/// What a token endpoint has given.
#[derive(Clone, Debug)]
pub struct TokenAnswer {
    /// The access token.
    pub access: Secret,
    /// The refresh token; nothing if the one before stays good.
    pub refresh: Option<Secret>,
    /// How long the access token lives, where the provider tells.
    pub expires_in: Option<Duration>,
    /// What was granted, as the provider names it; empty where it does not tell.
    pub scopes: Vec<String>,
    /// Variables of the connection that the answer tells, each allowed by the manifest.
    pub variables: BTreeMap<String, String>,
}

/// Reads the answer of a token endpoint, JSON or form, whatever it calls itself.
///
/// A variable that the manifest does not allow is an error, which holds the tokens: a refresh
/// token that came is the only good one by now.
pub fn parse(
    values: &Values<'_>,
    answer: &HostAnswer,
    now: Timestamp,
) -> Result<TokenAnswer, TokenError> {
    let members = members(answer.body.expose());
    let good = (200..300).contains(&answer.status);
    let empty = Map::new();
    if !good || members.as_ref().is_some_and(refusal::is_refusal) {
        return Err(refusal::of(values, answer, members.as_ref().unwrap_or(&empty), now));
    }
    let malformed = |why: &str| TokenError {
        kind: TokenErrorKind::Malformed,
        status: answer.status,
        code: String::new(),
        message: format!("the answer of the token endpoint {why}"),
        kept: None,
    };
    let members = members.ok_or_else(|| malformed("is neither JSON nor a form"))?;
    let mut tokens = tokens(&members).map_err(malformed)?;
    match variables(values.manifest, &Value::Object(members)) {
        Ok(variables) => tokens.variables = variables,
        Err(name) => {
            let why = format!("tells a value of `{name}` that the manifest does not allow");
            return Err(TokenError { kept: Some(Box::new(tokens)), ..malformed(&why) });
        }
    }
    Ok(tokens)
}

/// The members of the body, if it is a JSON object or a form.
pub(crate) fn members(body: &str) -> Option<Map<String, Value>> {
    let body = body.trim_start_matches('\u{feff}').trim();
    if body.starts_with('{') {
        return serde_json::from_str(body).ok();
    }
    if !body.contains('=') || body.contains(|c: char| c.is_whitespace() || c == '<') {
        return None;
    }
    let pairs = form::decoded(body)?.into_iter();
    Some(pairs.map(|(name, value)| (name, Value::String(value))).collect())
}

fn tokens(members: &Map<String, Value>) -> Result<TokenAnswer, &'static str> {
    let token = |name: &str| members.get(name).and_then(Value::as_str).filter(|it| !it.is_empty());
    let access = token("access_token").ok_or("has no access token")?;
    let sendable = |token: &str| {
        token.len() <= TOKEN_BYTES_MAX && token.bytes().all(|byte| (0x21..=0x7e).contains(&byte))
    };
    if !sendable(access) {
        return Err("has an access token that no header can carry");
    }
    let kind = token("token_type").unwrap_or("bearer").to_ascii_lowercase();
    if BOUND_TYPES.contains(&kind.as_str()) {
        return Err("has a token that is bound to a key, which this host cannot use");
    }
    Ok(TokenAnswer {
        access: Secret::new(access.to_owned()),
        refresh: token("refresh_token").map(|token| Secret::new(token.to_owned())),
        expires_in: members.get("expires_in").and_then(life),
        scopes: members
            .get("scope")
            .or_else(|| members.get("scopes"))
            .map(scopes)
            .unwrap_or_default(),
        variables: BTreeMap::new(),
    })
}

/// A number of seconds, as a number or as text; zero and less tell nothing.
fn life(value: &Value) -> Option<Duration> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    let life = Duration::try_from_secs_f64(seconds.trunc()).ok()?;
    (!life.is_zero() && life <= LIFE_MAX).then_some(life)
}

/// A list, or a text with spaces or commas between.
fn scopes(value: &Value) -> Vec<String> {
    let texts = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice).iter();
    let parts = texts.filter_map(Value::as_str).flat_map(|text| text.split([' ', ',', '\n', '\t']));
    parts.filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}

/// The variables that the manifest takes from token answers; the name of one that it refuses.
fn variables(manifest: &Manifest, document: &Value) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    for (name, variable) in &manifest.variables {
        let Some(pointer) = &variable.token else { continue };
        let value = match document.pointer(pointer.as_str()) {
            Some(Value::String(text)) if !text.is_empty() => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => continue,
        };
        variable.check(name, &value).map_err(|_repeats_the_value| name.clone())?;
        found.insert(name.clone(), value);
    }
    Ok(found)
}
