//! What goes with every request: an id, its place in a trace, a span, a bound on its time, and no
//! panic.

use std::io;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use engine::work::job::Cause;
use futures_util::FutureExt as _;
use model::hex;
use model::trace::{SpanId, TRACEPARENT, TraceContext};
use tracing::Instrument as _;

use crate::problem::Problem;
use crate::random::random;

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

/// Serves a request under an id, within its time, and whatever becomes of it. Handlers find the
/// [`RequestId`] in the request, and the [`Cause`] for what they queue.
pub(crate) async fn around(mut request: Request, next: Next) -> Response {
    let id = taken_over(&request).unwrap_or_else(|| hex::text(&drawn::<16>()));
    let (trace, above) = placed(request.headers());
    let span = tracing::info_span!(
        "request",
        request_id = %id,
        trace_id = %trace.trace_id,
        span_id = %trace.parent_id,
        parent_id = above.map(tracing::field::display),
        method = %request.method(),
        path = request.uri().path(),
    );
    request.extensions_mut().insert(RequestId(id.clone()));
    request.extensions_mut().insert(Cause { request: id.clone(), trace });
    let conditions = matching(&request);
    let reads = request.method().is_safe();
    let work = next.run(request).instrument(span.clone());
    let answered = async {
        if reads {
            // Nobody misses what is read for a caller that hangs up.
            let unwound = AssertUnwindSafe(work).catch_unwind().await;
            return unwound.map_err(|_panic| io::Error::other("a handler has panicked"));
        }
        // In a task of its own: a caller that hangs up cuts off no change that has begun.
        tokio::spawn(work).await.map_err(io::Error::other)
    };
    let response = match tokio::time::timeout(REQUEST_TIME_MAX, answered).await {
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

/// The request's own place in the trace that it came with, and the step above it, or its place in a
/// new one. The answer says nothing of it: the W3C has recommended no header for that.
fn placed(headers: &HeaderMap) -> (TraceContext, Option<SpanId>) {
    let mut all = headers.get_all(TRACEPARENT).iter();
    let given = match (all.next(), all.next()) {
        (Some(only), None) => only.to_str().ok().and_then(|text| TraceContext::parse(text).ok()),
        _ => None,
    };
    match given {
        Some(context) => (context.child(drawn()), Some(context.parent_id)),
        None => (TraceContext::new(drawn()), None),
    }
}

fn drawn<const N: usize>() -> [u8; N] {
    // Without random numbers ids repeat, and the host has worse to tell of.
    random().unwrap_or([0; N])
}

/// The id that the caller has given the request.
fn taken_over(request: &Request) -> Option<String> {
    let text = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let good = !text.is_empty() && text.len() <= REQUEST_ID_BYTES_MAX && text.bytes().all(is_plain);
    good.then(|| text.to_owned())
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
    // A proxy that compresses answers makes their tags weak, and weak ones are as good here.
    let known = |tag: &str| {
        let mut tags = has.unwrap_or_default().split(',').map(str::trim);
        tags.any(|it| it == "*" || it.strip_prefix("W/").unwrap_or(it) == tag)
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

#[cfg(test)]
mod tests;
