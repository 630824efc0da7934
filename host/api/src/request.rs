//! What goes with every request: an id, a span, a bound on its time, and no panic.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tracing::Instrument as _;

use crate::problem::Problem;

/// The header of the request's id.
pub const REQUEST_ID: &str = "x-request-id";

/// The longest id that is taken over from a caller, in bytes; it stands on every line of the log.
const REQUEST_ID_BYTES_MAX: usize = 64;

/// How long an answer may take until it begins: what waits for a provider waits for two requests
/// of 20 s each. What takes longer is an operation.
pub const REQUEST_TIME_MAX: Duration = Duration::from_secs(50);

/// The id of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestId(pub String);

/// Serves a request under an id, within its time, and whatever becomes of it.
pub(crate) async fn around(mut request: Request, next: Next) -> Response {
    let id = taken_over(&request).unwrap_or_else(drawn);
    let span = tracing::info_span!(
        "request",
        request_id = %id,
        method = %request.method(),
        path = request.uri().path(),
    );
    request.extensions_mut().insert(RequestId(id.clone()));
    let conditions = matching(&request);
    // In a task of its own: a panic ends it and not the connection, and a caller that hangs up
    // cuts off nothing that has begun.
    let served = tokio::spawn(next.run(request).instrument(span.clone()));
    let response = match tokio::time::timeout(REQUEST_TIME_MAX, served).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => span.in_scope(|| Problem::internal(&error)).into_response(),
        Err(_elapsed) => {
            let seconds = REQUEST_TIME_MAX.as_secs();
            let detail = format!("there is no answer after {seconds} s; ask for less at once");
            Problem::new(StatusCode::GATEWAY_TIMEOUT, "api.timeout", detail).into_response()
        }
    };
    span.in_scope(|| tracing::info!(status = response.status().as_u16(), "answered"));
    finished(response, &id, conditions.as_deref())
}

/// The id that the caller has given the request.
fn taken_over(request: &Request) -> Option<String> {
    let text = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let good = !text.is_empty() && text.len() <= REQUEST_ID_BYTES_MAX && text.bytes().all(is_plain);
    good.then(|| text.to_owned())
}

fn drawn() -> String {
    let mut bytes = [0; 16];
    // Without random numbers ids repeat, and the host has worse to tell of.
    getrandom::fill(&mut bytes).unwrap_or_default();
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// Which versions the caller has already.
fn matching(request: &Request) -> Option<String> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let value = request.headers().get(header::IF_NONE_MATCH).filter(|_| reads)?;
    Some(value.to_str().ok()?.to_owned())
}

/// The answer with its id; a problem says it too, and what the caller has is not sent again.
fn finished(mut response: Response, id: &str, has: Option<&str>) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let body = serde_json::to_vec(&problem.of_request(id)).unwrap_or_default();
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from(body);
    }
    let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let known = |tag: &str| {
        has.is_some_and(|has| has.split(',').map(str::trim).any(|it| it == "*" || it == tag))
    };
    if response.status() == StatusCode::OK && tag.is_some_and(known) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert(HeaderName::from_static(REQUEST_ID), id);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
