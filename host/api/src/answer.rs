//! Answers: things with their version, things that were made, work that goes on.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::hex;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::problem::Problem;

/// The version of a thing: its `ETag`, and what `If-Match` must say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Tag(String);

impl Tag {
    /// Of a thing that counts its revisions.
    pub(crate) fn revision(revision: u64) -> Self {
        Self(format!("\"r{revision}\""))
    }

    /// Of a thing that does not: by what is shown of it.
    pub(crate) fn content(shown: &impl Serialize) -> Self {
        Self::written(&serde_json::to_vec(shown).unwrap_or_default())
    }

    /// Of a thing that does not either, and is written already.
    pub(crate) fn written(shown: &[u8]) -> Self {
        let hash: [u8; 32] = Sha256::digest(shown).into();
        let (half, _) = hash.split_at(16);
        Self(format!("\"{}\"", hex::text(half)))
    }

    fn header(&self) -> (HeaderName, HeaderValue) {
        let value = HeaderValue::try_from(&self.0).unwrap_or(HeaderValue::from_static("\"\""));
        (header::ETAG, value)
    }
}

/// A thing with its version.
pub(crate) struct Tagged<T>(pub(crate) Tag, pub(crate) T);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        ([self.0.header()], axum::Json(self.1)).into_response()
    }
}

/// A thing that is written as JSON already.
pub(crate) struct Written(Vec<u8>);

impl Written {
    /// Writes it.
    pub(crate) fn of(thing: &impl Serialize) -> Result<Self, Problem> {
        serde_json::to_vec(thing).map(Self).map_err(|error| Problem::internal(&error))
    }

    /// With the version that its content makes.
    pub(crate) fn tagged(self) -> Response {
        ([Tag::written(&self.0).header()], self).into_response()
    }
}

impl IntoResponse for Written {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, json)], self.0).into_response()
    }
}

/// A thing that was made: where it is, its version, and itself.
pub(crate) struct Created<T>(pub(crate) String, pub(crate) Tag, pub(crate) T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let Self(location, tag, thing) = self;
        let headers = [(header::LOCATION, place(&location)), tag.header()];
        (StatusCode::CREATED, headers, axum::Json(thing)).into_response()
    }
}

/// Work that goes on: where to look how far it is, and how it stands.
pub(crate) struct Accepted<T>(pub(crate) String, pub(crate) T);

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        let headers = [(header::LOCATION, place(&self.0))];
        (StatusCode::ACCEPTED, headers, axum::Json(self.1)).into_response()
    }
}

fn place(location: &str) -> HeaderValue {
    HeaderValue::try_from(location).unwrap_or(HeaderValue::from_static("/"))
}

/// What a change says of the version that it changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct IfMatch(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let text = value.to_str().map_err(|_no_text| {
            Problem::new(StatusCode::BAD_REQUEST, "api.malformed", "`If-Match` is no text")
        })?;
        Ok(Self(Some(text.to_owned())))
    }
}

impl IfMatch {
    /// The revision that a change must say it is of. Nothing for `*`: whatever is there.
    pub(crate) fn revision(&self) -> Result<Option<u64>, Problem> {
        let Some(text) = &self.0 else { return Err(required()) };
        if text.trim() == "*" {
            return Ok(None);
        }
        let revision = text.trim().strip_prefix("\"r").and_then(|rest| rest.strip_suffix('"'));
        let revision = revision.and_then(|revision| revision.parse().ok());
        revision.map(Some).ok_or_else(Problem::precondition_failed)
    }

    /// Refuses a change that is of another version than the one that is there, or says none.
    pub(crate) fn demand(&self, there: &Tag) -> Result<(), Problem> {
        if self.0.is_none() { Err(required()) } else { self.allow(there) }
    }

    /// Refuses a change that says another version than the one that is there.
    pub(crate) fn allow(&self, there: &Tag) -> Result<(), Problem> {
        let Some(text) = &self.0 else { return Ok(()) };
        let mut tags = text.split(',').map(str::trim);
        if tags.any(|tag| tag == "*" || tag == there.0) {
            return Ok(());
        }
        Err(Problem::precondition_failed())
    }
}

fn required() -> Problem {
    let detail = "send the `ETag` of what you have read as `If-Match`, so that nobody's change is \
                  buried; `*` changes whatever is there";
    Problem::new(StatusCode::PRECONDITION_REQUIRED, "api.precondition-required", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: Option<&str>, expected: Result<Option<u64>, u16>) {
        let revision = IfMatch(header.map(str::to_owned)).revision();
        assert_eq!(revision.map_err(|problem| problem.status().as_u16()), expected, "{header:?}");
    }

    #[test]
    fn change_says_which_revision_it_is_of() {
        check(Some("\"r7\""), Ok(Some(7)));
        check(Some("*"), Ok(None));
        check(None, Err(428));
        check(Some("r7"), Err(412));
        check(Some("\"abc\""), Err(412));
        check(Some("W/\"r7\""), Err(412));
    }

    #[test]
    fn change_of_another_version_is_refused() {
        let (old, new) = (Tag::content(&1), Tag::content(&2));
        let of = |tag: &Tag| IfMatch(Some(format!("\"x\", {}", tag.0)));
        assert!(of(&new).demand(&new).is_ok() && of(&old).allow(&new).is_err());
        assert!(IfMatch(None).allow(&new).is_ok() && IfMatch(None).demand(&new).is_err());
    }
}
