//! Requests that are repeated because nobody knows whether they were heard.
//!
//! The field is that of draft-ietf-httpapi-idempotency-key-header. Whoever sends it with a `POST`
//! and hears nothing sends the same once more, and the host acts once: it notes the request before
//! it acts, and keeps the answer. A host that has died in between does not know how far it came,
//! and says so.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, Collected};
use model::api_key::Role;
use model::idempotency::{
    ANSWER_BYTES_MAX, Asked, Heard, IDEMPOTENCY_KEY_BYTES_MAX, IdempotencyStore, KeptAnswer,
};
use model::store::StoreError;
use model::{Clock, Timestamp};
use package::bundle::FILE_BYTES_MAX;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::auth::{Principal, SignedIn};
use crate::extract::{JSON_BYTES_MAX, is_json, read};
use crate::problem::{MEDIA_TYPE, Problem};
use crate::request::{REQUEST_TIME_MAX, RequestId};

/// The header that names a request.
const KEY: &str = "idempotency-key";

/// The header that says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Headers that belong to the content of an answer.
const KEPT_HEADERS: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::ETAG, header::LOCATION, header::CACHE_CONTROL];

/// Room for the headers of an answer that is kept.
const HEADER_BYTES_MAX: usize = 16 << 10;

/// How long to wait for a request that is at work: most are done in less.
const AT_WORK_AGAIN: Duration = Duration::from_secs(2);

/// What is kept of an answer in place of its content, where that holds a secret.
#[derive(Clone)]
pub(crate) struct Kept(Bytes);

impl Kept {
    pub(crate) fn of(view: &impl Serialize) -> Self {
        Self(serde_json::to_vec(view).unwrap_or_default().into())
    }
}

/// What remembers requests.
#[derive(Clone)]
pub(crate) struct Ports {
    answers: Arc<dyn IdempotencyStore>,
    clock: Clock,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self { answers: ports.store.clone(), clock: ports.clock.clone() }
    }
}

/// Acts once on a request that has a name, and answers it alike from then on.
pub(crate) async fn once(State(ports): State<Ports>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    ports.named(request, next).await.unwrap_or_else(Problem::into_response)
}

impl Ports {
    async fn named(&self, request: Request, next: Next) -> Result<Response, Problem> {
        let (parts, body) = request.into_parts();
        let asked = Asked { scope: scope(&parts), key: key(&parts.headers)? };
        let body = read(body, bytes_max(&parts)).await?;
        match self.answers.hear(&asked, content(&parts, &body)).await? {
            Heard::New => {
                let answer = next.run(Request::from_parts(parts, Body::from(body))).await;
                Ok(self.keep(&asked, answer).await)
            }
            Heard::Answered(answer) => Ok(again(answer, &parts)),
            Heard::Begun(at) => Err(self.begun(at)),
            Heard::Other => {
                let detail = "another request was sent under this `Idempotency-Key`; use a new one";
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Err(Problem::new(status, "api.idempotency", detail))
            }
        }
    }

    /// Keeps an answer, unless the same request may be answered otherwise the next time.
    async fn keep(&self, asked: &Asked, answer: Response) -> Response {
        let status = answer.status();
        let size = answer.body().size_hint().exact();
        let max = u64::try_from(ANSWER_BYTES_MAX - HEADER_BYTES_MAX).unwrap_or_default();
        // Who is not allowed to do a thing fills no store with tries.
        let nothing = [StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS].contains(&status);
        if nothing || status.is_server_error() || size.is_none_or(|size| size > max) {
            settle(self.answers.unhear(asked).await);
            return answer;
        }
        let (mut parts, body) = answer.into_parts();
        // It is as long as it says, and of this process.
        let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        let kept = parts.extensions.remove::<Kept>().map_or_else(|| body.clone(), |Kept(it)| it);
        let headers = KEPT_HEADERS.iter().filter_map(|name| {
            let value = parts.headers.get(name)?.to_str().ok()?;
            Some((name.to_string(), value.to_owned()))
        });
        let kept = KeptAnswer { status: status.as_u16(), headers: headers.collect(), body: kept };
        settle(self.answers.answer(asked, kept).await);
        Response::from_parts(parts, Body::from(body))
    }

    fn begun(&self, at: Timestamp) -> Problem {
        let age = self.clock.now().duration_since(at);
        let problem = |detail| Problem::new(StatusCode::CONFLICT, "api.idempotency", detail);
        if Duration::try_from(age).is_ok_and(|age| age > REQUEST_TIME_MAX) {
            return problem(
                "the first request of this `Idempotency-Key` has not been answered, and may have \
                 been acted on; look whether what it was to make is there, then use a new key",
            );
        }
        problem("the first request of this `Idempotency-Key` is at work; wait for its answer")
            .retry_after(AT_WORK_AGAIN)
    }
}

/// What was done is done: whoever asks again is told that it was begun.
fn settle(settled: Result<(), StoreError>) {
    if let Err(error) = settled {
        let error: &(dyn std::error::Error + 'static) = &error;
        tracing::warn!(error, "the answer to a named request is not kept");
    }
}

/// The largest content: package files come from operators, all else is JSON.
fn bytes_max(parts: &Parts) -> usize {
    let who = parts.extensions.get::<Principal>();
    let is_operator = who.is_some_and(|who| who.role == Role::Operator);
    if is_operator && is_json(&parts.headers).is_err() { FILE_BYTES_MAX } else { JSON_BYTES_MAX }
}

/// Who asks: each key has names of its own, and so has each tenant that an operator names.
fn scope(parts: &Parts) -> String {
    let who = parts.extensions.get::<Principal>();
    who.map_or_else(String::new, |who| {
        let tenant = who.tenant.as_ref().map_or("", |tenant| tenant.as_str());
        format!("{}/{tenant}", who.key)
    })
}

/// The name: a string as RFC 9651 has it, or bare, as many send it.
fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let mut all = headers.get_all(KEY).iter();
    let value = match (all.next(), all.next()) {
        (Some(value), None) => value.to_str().unwrap_or_default().trim(),
        _ => "",
    };
    let name = value.strip_prefix('"').map_or(Some(value), |rest| rest.strip_suffix('"'));
    let plain = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
    let good = |name: &&str| {
        (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&name.len()) && name.bytes().all(plain)
    };
    name.filter(good).map(str::to_owned).ok_or_else(|| {
        let detail = format!(
            "`Idempotency-Key` must stand once and name the request in 1 to \
             {IDEMPOTENCY_KEY_BYTES_MAX} visible characters without quotes inside; a UUID does"
        );
        Problem::new(StatusCode::BAD_REQUEST, "api.malformed", detail)
    })
}

/// Tells requests apart. What opens the request goes into it and is kept nowhere, so that nobody
/// who reads the store can try out which password a request has held.
fn content(parts: &Parts, body: &Bytes) -> [u8; 32] {
    let session = parts.extensions.get::<SignedIn>().map(|it| it.secret.csrf());
    let key = parts.headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let key = key.and_then(|value| value.rsplit(|byte| *byte == b' ').next());
    let opens = session.as_deref().map(str::as_bytes).or(key).unwrap_or_default();
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let head = format!("\n{} {target}\n", parts.method);
    Sha256::new().chain_update(opens).chain_update(head).chain_update(body).finalize().into()
}

/// An answer that was given before, to this request.
fn again(answer: KeptAnswer, parts: &Parts) -> Response {
    let KeptAnswer { status, headers, body } = answer;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    let is_problem =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|it| it == MEDIA_TYPE);
    let id = parts.extensions.get::<RequestId>().filter(|_| is_problem);
    *response.body_mut() = Body::from(id.map_or(body.clone(), |id| of_request(&body, id)));
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// A problem names the request that it is told to.
fn of_request(body: &Bytes, id: &RequestId) -> Bytes {
    let Ok(Value::Object(mut problem)) = serde_json::from_slice(body) else { return body.clone() };
    problem.insert("request_id".to_owned(), Value::from(id.0.clone()));
    Value::Object(problem).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[&'static str], expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(KEY, HeaderValue::from_static(value));
        }
        let found = key(&headers).map_err(|problem| problem.status().as_u16());
        assert_eq!(found, expected.map(str::to_owned).ok_or(400), "{values:?}");
    }

    #[test]
    fn name_is_a_string_or_bare() {
        check(&["8e03978e-40d5"], Some("8e03978e-40d5"));
        check(&["\"8e03978e-40d5\""], Some("8e03978e-40d5"));
        check(&[" x "], Some("x"));
        for bad in ["", "\"\"", "\"", "\"x", "x\"", "a b", "\"a\\\"b\""] {
            check(&[bad], None);
        }
        check(&["a", "a"], None);
        let long = HeaderValue::try_from("x".repeat(IDEMPOTENCY_KEY_BYTES_MAX + 1)).unwrap();
        assert!(key(&HeaderMap::from_iter([(HeaderName::from_static(KEY), long)])).is_err());
    }
}
