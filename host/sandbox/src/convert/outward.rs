//! From the guest: everything is checked, cut or refused before it leaves the sandbox.

use std::time::Duration;

use model::adapter::{Account, Entity, Field, FieldKind};
use model::egress::Request;
use model::{Error, ErrorKind, Timestamp, errors};

use crate::bindings::{guest, types};
use crate::call::Call;
use crate::limits::{
    CODE_BYTES_MAX, ENTITIES_MAX, MESSAGE_BYTES_MAX, NAME_BYTES_MAX, PAIRS_MAX, RETRY_AFTER_MAX,
    TEXT_BYTES_MAX,
};
use crate::log::clean;

/// The answer of a guest that breaks a rule of the contract.
pub(crate) fn violation(code: &str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Malformed, code, message)
}

/// A request as egress takes it; egress checks every part of it.
pub(crate) fn request(request: types::Request) -> Request {
    Request {
        endpoint: request.endpoint,
        method: request.method,
        path: request.path,
        query: raw_pairs(request.query),
        headers: raw_pairs(request.headers),
        body: request.body.map(Into::into),
    }
}

/// The error that a guest returned: scrubbed, made one line, cut, and under a code of its own
/// unless it passes on what the host has told it.
pub(crate) fn error(error: types::Error, call: &Call) -> Error {
    let text = |text: &str| clean(text, MESSAGE_BYTES_MAX, |text| call.scrub(text));
    let kind = kind(error.kind);
    let wait = error.retry_after_ms.map(Duration::from_millis);
    let (code, retry_after) = spoken(kind, (error.code, wait), call);
    Error {
        kind,
        code,
        message: text(&error.message),
        retry_after: retry_after.map(|wait| wait.min(RETRY_AFTER_MAX)),
        // The guest may not know what it sent before; egress does.
        request_sent: error.request_sent || call.http().calls > 0,
        details: (error.details.iter().take(PAIRS_MAX))
            .map(|pair| (text(&pair.name), text(&pair.value)))
            .collect(),
    }
}

/// The code and wait of a guest's error. What the host does about one of its own codes goes by
/// what the host knows, so a guest that made one up would steer it: that code is marked as the
/// adapter's. One that the host gave to it in this call stays, with no longer wait than the host
/// gave.
fn spoken(
    kind: ErrorKind,
    (code, wait): (String, Option<Duration>),
    call: &Call,
) -> (String, Option<Duration>) {
    if !errors::is_of_host(&code) {
        return (self::code(code), wait);
    }
    match call.given(kind, &code) {
        Some(given) => (code, wait.min(given.retry_after)),
        None => (self::code(format!("adapter.{code}")), wait),
    }
}

/// A code stands in metrics and policies, so it has no odd characters.
fn code(code: String) -> String {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b);
    if (1..=CODE_BYTES_MAX).contains(&code.len()) && code.bytes().all(is_plain) {
        code
    } else {
        "sandbox.unnamed".to_owned()
    }
}

fn kind(kind: types::ErrorKind) -> ErrorKind {
    use types::ErrorKind as Kind;
    match kind {
        Kind::AuthRequired => ErrorKind::AuthRequired,
        Kind::Permission => ErrorKind::Permission,
        Kind::NotFound => ErrorKind::NotFound,
        Kind::Invalid => ErrorKind::Invalid,
        Kind::Conflict => ErrorKind::Conflict,
        Kind::RateLimited => ErrorKind::RateLimited,
        Kind::Unavailable => ErrorKind::Unavailable,
        Kind::Timeout => ErrorKind::Timeout,
        Kind::ExpiredCheckpoint => ErrorKind::ExpiredCheckpoint,
        Kind::Unsupported => ErrorKind::Unsupported,
        Kind::BudgetExhausted => ErrorKind::BudgetExhausted,
        Kind::Denied => ErrorKind::Denied,
        Kind::Malformed => ErrorKind::Malformed,
        Kind::Other => ErrorKind::Other,
    }
}

pub(crate) fn account(account: guest::Account) -> Result<Account, Error> {
    Ok(Account {
        id: name("account id", account.id)?,
        label: text("account label", account.label)?,
        variables: pairs("variables", account.variables)?,
        details: pairs("details", account.details)?,
    })
}

pub(crate) fn entities(entities: Vec<guest::Entity>) -> Result<Vec<Entity>, Error> {
    at_most("entities", entities.len(), ENTITIES_MAX)?;
    entities.into_iter().map(entity).collect()
}

fn entity(entity: guest::Entity) -> Result<Entity, Error> {
    at_most("fields of an entity", entity.fields.len(), ENTITIES_MAX)?;
    Ok(Entity {
        name: name("entity name", entity.name)?,
        part: optional(name, "part", entity.part)?,
        label: text("label", entity.label)?,
        fields: entity.fields.into_iter().map(field).collect::<Result<_, _>>()?,
        details: pairs("details", entity.details)?,
    })
}

fn field(field: guest::Field) -> Result<Field, Error> {
    at_most("choices of a field", field.choices.len(), ENTITIES_MAX)?;
    Ok(Field {
        name: name("field name", field.name)?,
        label: text("label", field.label)?,
        kind: field_kind(field.kind),
        required: field.required,
        writable: field.writable,
        unique: field.unique,
        choices: raw_pairs(field.choices),
        target: optional(name, "target", field.target)?,
        details: pairs("details", field.details)?,
    })
}

fn field_kind(kind: guest::FieldKind) -> FieldKind {
    use guest::FieldKind as Kind;
    match kind {
        Kind::Text => FieldKind::Text,
        Kind::Integer => FieldKind::Integer,
        Kind::Decimal => FieldKind::Decimal,
        Kind::Boolean => FieldKind::Boolean,
        Kind::Date => FieldKind::Date,
        Kind::DateTime => FieldKind::DateTime,
        Kind::Choice => FieldKind::Choice,
        Kind::Choices => FieldKind::Choices,
        Kind::Reference => FieldKind::Reference,
        Kind::List => FieldKind::List,
        Kind::Object => FieldKind::Object,
        Kind::Other => FieldKind::Other,
    }
}

/// A name that becomes part of keys: not empty, not long, on one line.
pub(crate) fn name(what: &str, name: String) -> Result<String, Error> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains(char::is_control) {
        return Err(violation(
            "sandbox.answer",
            format!(
                "the adapter returned a {what} that is empty, longer than {NAME_BYTES_MAX} bytes or \
             holds control characters"
            ),
        ));
    }
    Ok(name)
}

pub(crate) fn text(what: &str, text: String) -> Result<String, Error> {
    at_most(&format!("bytes in a {what}"), text.len(), TEXT_BYTES_MAX)?;
    Ok(text)
}

pub(crate) fn optional<T>(
    check: impl FnOnce(&str, T) -> Result<T, Error>,
    what: &str,
    value: Option<T>,
) -> Result<Option<T>, Error> {
    value.map(|value| check(what, value)).transpose()
}

pub(crate) fn pairs(what: &str, pairs: Vec<types::Pair>) -> Result<Vec<(String, String)>, Error> {
    at_most(what, pairs.len(), PAIRS_MAX)?;
    let is_long = |pair: &types::Pair| pair.name.len().max(pair.value.len()) > TEXT_BYTES_MAX;
    if pairs.iter().any(is_long) {
        return Err(violation(
            "sandbox.answer",
            format!("the adapter returned {what} with more than {TEXT_BYTES_MAX} bytes in one"),
        ));
    }
    Ok(raw_pairs(pairs))
}

fn raw_pairs(pairs: Vec<types::Pair>) -> Vec<(String, String)> {
    pairs.into_iter().map(|pair| (pair.name, pair.value)).collect()
}

pub(crate) fn time(what: &str, millis: u64) -> Result<Timestamp, Error> {
    let time = i64::try_from(millis).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.ok_or_else(|| {
        violation(
            "sandbox.answer",
            format!("the adapter returned {millis} as {what}: give milliseconds since 1970"),
        )
    })
}

pub(crate) fn at_most(what: &str, count: usize, count_max: usize) -> Result<(), Error> {
    if count <= count_max {
        return Ok(());
    }
    Err(violation(
        "sandbox.answer",
        format!(
            "the adapter returned {count} {what}, at most {count_max} are taken: return smaller pages"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Door;
    use crate::limits::Limits;
    use crate::log::GuestLog;

    const SECOND: Option<u64> = Some(1_000);

    /// What becomes of an error that a guest returns after the host has given it
    /// `egress.rate-limit` with a wait of two seconds.
    #[track_caller]
    fn check(
        (kind, code, wait): (types::ErrorKind, &str, Option<u64>),
        expected: (&str, Option<u64>),
    ) {
        let mut call = Call::new(&Limits::default(), Door::None, GuestLog::default());
        let limit = Error::new(ErrorKind::RateLimited, "egress.rate-limit", "too many");
        call.give(&limit.clone().retry_after(Duration::from_secs(2)));
        call.give(&limit);
        let returned = types::Error {
            kind,
            code: code.to_owned(),
            message: String::new(),
            retry_after_ms: wait,
            request_sent: false,
            details: Vec::new(),
        };
        let error = error(returned, &call);
        let wait = error.retry_after.map(|wait| u64::try_from(wait.as_millis()).unwrap());
        assert_eq!((error.code.as_str(), wait), expected, "{code}");
    }

    #[test]
    fn code_of_the_host_is_kept_only_where_the_host_gave_it() {
        use types::ErrorKind as Kind;
        check((Kind::RateLimited, "egress.rate-limit", SECOND), ("egress.rate-limit", SECOND));
        let day = Some(86_400_000);
        check((Kind::RateLimited, "egress.rate-limit", day), ("egress.rate-limit", Some(2_000)));
        check((Kind::RateLimited, "egress.rate-limit", None), ("egress.rate-limit", None));
        check((Kind::Timeout, "egress.rate-limit", None), ("adapter.egress.rate-limit", None));
        for code in ["egress.quota", "sandbox.busy", "engine.store", "mapping.date", "store.x"] {
            let marked = format!("adapter.{code}");
            check((Kind::RateLimited, code, SECOND), (&marked, SECOND));
        }
        check((Kind::Timeout, "hubspot.slow", SECOND), ("hubspot.slow", SECOND));
        let long = format!("egress.{}", "x".repeat(CODE_BYTES_MAX - 10));
        check((Kind::Timeout, &long, None), ("sandbox.unnamed", None));
    }
}
