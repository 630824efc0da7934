//! What went wrong, as RFC 9457 has it: one shape for every error of the API.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::store::{StoreError, StoreErrorKind};
use model::{Error, ErrorKind, errors};
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// How long to wait for a store that is not there: a restart takes a few seconds.
const STORE_AGAIN: Duration = Duration::from_secs(5);

/// What went wrong. It is small, for every handler's answer has room for one.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<Said>);

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        Said::schema()
    }
}

impl ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Problem")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Said::schemas(schemas);
    }
}

/// What went wrong.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
struct Said {
    /// Where the code is explained: `/api/errors/{code}`.
    #[serde(rename = "type")]
    about: String,
    /// What the code means.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What it is in this case, and what to do about it.
    detail: String,
    /// The stable code; what programs branch on.
    code: String,
    /// The request, as the host's log names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// What is wrong where in the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
    #[serde(skip)]
    retry_after: Option<Duration>,
}

/// Something wrong at one place of a request.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub struct Fault {
    /// Where: a JSON pointer (RFC 6901) into the content, or the name of a parameter or header.
    pub pointer: String,
    /// What.
    pub detail: String,
}

impl Problem {
    /// A problem under one of the host's codes.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let title = errors::find(code).map_or_else(|| detail.clone(), |it| it.meaning.to_owned());
        Self(Box::new(Said {
            about: format!("/api/errors/{code}"),
            title,
            status: status.as_u16(),
            detail,
            code: code.to_owned(),
            request_id: None,
            errors: Vec::new(),
            retry_after: None,
        }))
    }

    /// There is no such thing, or it is not the caller's to see: nobody can tell which.
    pub fn not_found() -> Self {
        let detail = "there is no such thing here; look at the list above it";
        Self::new(StatusCode::NOT_FOUND, "api.not-found", detail)
    }

    /// The request says something that cannot be.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "api.invalid", detail)
    }

    /// There is one already, or it is in use.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "api.conflict", detail)
    }

    /// Somebody has changed it since it was read.
    pub fn precondition_failed() -> Self {
        let detail = "it has changed since it was read; read it again and repeat the change";
        Self::new(StatusCode::PRECONDITION_FAILED, "api.precondition-failed", detail)
    }

    /// The host itself has failed: what is in the log is not for the caller.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "a request has failed");
        let detail = "the host has failed at this; its log says why, under the request id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "api.internal", detail)
    }

    /// The same problem with something wrong at a place of the request.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.0.errors.push(Fault { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// The same problem with a time to wait.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// The same problem of this request.
    pub(crate) fn of_request(mut self, id: &str) -> Self {
        self.0.request_id = Some(id.to_owned());
        self
    }

    /// What a store says to a change of a thing that was read before: a conflict means that
    /// somebody was faster.
    pub fn of_change(error: StoreError) -> Self {
        match error.kind() {
            StoreErrorKind::Conflict => Self::precondition_failed(),
            _ => error.into(),
        }
    }

    /// What the host could not do by itself: no provider is behind it that could be to blame.
    pub fn of_host(error: Error) -> Self {
        match error.kind {
            ErrorKind::Other | ErrorKind::Unavailable => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, &error.code, error.message)
            }
            _ => error.into(),
        }
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error.kind() {
            StoreErrorKind::Conflict | StoreErrorKind::Fenced => Self::conflict(error.to_string()),
            StoreErrorKind::Invalid => Self::invalid(error.to_string()),
            StoreErrorKind::Busy | StoreErrorKind::Unavailable => {
                tracing::error!(%error, "the store is not there");
                let detail = "the store cannot be reached now; ask again after a moment";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "api.unavailable", detail)
                    .retry_after(STORE_AGAIN)
            }
            StoreErrorKind::Corrupt => Self::internal(&error),
        }
    }
}

/// Whatever comes from behind the host is a bad gateway's, unless the request is to blame.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match error.kind {
            ErrorKind::Invalid | ErrorKind::Unsupported => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorKind::AuthRequired | ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::Denied => StatusCode::FORBIDDEN,
            ErrorKind::NotFound if errors::is_of_host(&error.code) => StatusCode::NOT_FOUND,
            ErrorKind::RateLimited => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
            ErrorKind::Permission
            | ErrorKind::NotFound
            | ErrorKind::Unavailable
            | ErrorKind::ExpiredCheckpoint
            | ErrorKind::BudgetExhausted
            | ErrorKind::Malformed
            | ErrorKind::Other => StatusCode::BAD_GATEWAY,
        };
        let mut problem = Self::new(status, &error.code, error.message);
        problem.0.retry_after = error.retry_after;
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(wait) = self.0.retry_after {
            // Rounded up: who comes too early is sent away again.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if self.0.status == StatusCode::UNAUTHORIZED.as_u16() {
            let scheme = HeaderValue::from_static("Bearer realm=\"plughouse\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: Error, status: u16) {
        assert_eq!(Problem::from(error).0.status, status);
    }

    #[test]
    fn blame_goes_where_it_belongs() {
        check(Error::new(ErrorKind::Invalid, "engine.plan", "no"), 422);
        check(Error::new(ErrorKind::NotFound, "engine.connection", "no"), 404);
        check(Error::new(ErrorKind::NotFound, "hubspot.gone", "no"), 502);
        check(Error::new(ErrorKind::Timeout, "egress.deadline", "no"), 504);
        check(Error::new(ErrorKind::AuthRequired, "credential.refused", "no"), 409);
    }

    #[test]
    fn problem_says_what_to_wait_for_and_who_may_come() {
        let wait = Duration::from_millis(1_200);
        let answer = Problem::new(StatusCode::TOO_MANY_REQUESTS, "api.rate-limited", "slowly")
            .retry_after(wait)
            .into_response();
        assert_eq!(answer.headers()[header::RETRY_AFTER], "2");
        assert_eq!(answer.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
        let answer = Problem::new(StatusCode::UNAUTHORIZED, "api.unauthenticated", "who?");
        assert!(answer.into_response().headers().contains_key(header::WWW_AUTHENTICATE));
    }

    #[test]
    fn what_the_store_says_of_itself_is_not_told() {
        let error = StoreError::new(StoreErrorKind::Corrupt, "row 7 of /var/lib is damaged");
        let problem = Problem::from(error);
        assert_eq!(problem.0.status, 500);
        assert!(!problem.0.detail.contains("row 7"));
    }
}
