//! The HTTP client: HTTP/1.1 over a pool that no other tenant connection shares.
//!
//! HTTP/1.1 alone, because its requests carry the target as it was written, and because coalescing
//! of HTTP/2 would let one origin's connection serve another.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Uri;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use model::{Error, ErrorKind};
use tokio::time::{Instant, timeout_at};

use super::dial::{DialError, Dialler};
use super::resolver::Resolver;
use super::tls::Roots;
use super::{Body, Transport};
use crate::budget::too_late;
use crate::denial::{Allow, Layer, denied};
use crate::guard::Ranges;
use crate::origin::Origin;

/// From sending to the head of the answer; the slowest documented reports take 20 to 30 s.
pub(crate) const HEAD_TIME_MAX: Duration = Duration::from_secs(45);
/// How long an idle connection is kept; several servers close theirs after 30 s.
const IDLE_TIME_MAX: Duration = Duration::from_secs(20);
/// Idle connections per host; as many as an adapter call sends in parallel in practice.
const IDLE_CONNECTIONS_MAX: usize = 16;
/// Bytes of an answer's head, and of one read.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Headers of an answer.
const HEADERS_MAX: usize = 100;

/// What every connection's network is made of.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) ranges: Arc<Ranges>,
    pub(crate) roots: Roots,
}

type Pool = Client<Dialler, Full<Bytes>>;

/// The pools of one connection: one for public origins, one for each override.
pub(crate) struct Network {
    public: Pool,
    overridden: BTreeMap<String, Pool>,
}

impl Network {
    pub(crate) fn new(part: &Part, overrides: &BTreeMap<String, Origin>) -> Self {
        let tls = part.roots.client();
        let dialler = |only: Option<Origin>| Dialler {
            resolver: Arc::clone(&part.resolver),
            ranges: Arc::clone(&part.ranges),
            tls: Arc::clone(&tls),
            only,
        };
        let overridden = overrides
            .iter()
            .map(|(endpoint, origin)| (endpoint.clone(), pool(dialler(Some(origin.clone())))))
            .collect();
        Self { public: pool(dialler(None)), overridden }
    }
}

#[async_trait]
impl Transport for Network {
    async fn send(
        &self,
        endpoint: &str,
        request: http::Request<Bytes>,
        deadline: Instant,
    ) -> Result<http::Response<Body>, Error> {
        let pool = self.overridden.get(endpoint).unwrap_or(&self.public);
        let uri = request.uri().clone();
        let slow = Instant::now() + HEAD_TIME_MAX;
        match timeout_at(slow.min(deadline), pool.request(request.map(Full::new))).await {
            Ok(Ok(answer)) => Ok(answer.map(|body| body.map_err(Into::into).boxed_unsync())),
            Ok(Err(error)) => Err(classify(endpoint, &uri, &error)),
            Err(_elapsed) if slow < deadline => Err(silent().sent()),
            Err(_elapsed) => Err(too_late().sent()),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the crate that the rule points to")]
fn pool(dialler: Dialler) -> Pool {
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIME_MAX)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .http1_max_buf_size(HEAD_BYTES_MAX)
        .http1_max_headers(HEADERS_MAX)
        .build(dialler)
}

/// What a failure means for the caller. The URI may hold a credential: only its host is told.
fn classify(endpoint: &str, uri: &Uri, error: &hyper_util::client::legacy::Error) -> Error {
    let host = uri.host().unwrap_or_default();
    if let Some(error) = cause::<DialError>(error) {
        return undialled(endpoint, uri, error);
    }
    let cut = cause::<hyper::Error>(error);
    if cut.is_some_and(hyper::Error::is_parse) {
        let message = format!("`{host}` answered with something that is not HTTP/1.1");
        return Error::new(ErrorKind::Malformed, "egress.http", message).sent();
    }
    let message = format!("the connection to `{host}` ended before the answer");
    Error::new(ErrorKind::Unavailable, "egress.connection", message).sent()
}

fn undialled(endpoint: &str, uri: &Uri, error: &DialError) -> Error {
    let host = uri.host().unwrap_or_default();
    let message = format!("`{host}` cannot be reached: {error}");
    let (kind, code) = match error {
        DialError::Forbidden { .. } | DialError::Elsewhere => {
            let origin = format!("{}://{host}", uri.scheme_str().unwrap_or("https"));
            let allow = Allow::Override { endpoint, origin: &origin };
            return denied(Layer::Address, message, &allow);
        }
        DialError::Lookup(_) => (ErrorKind::Unavailable, "egress.lookup"),
        DialError::Dial(_) => (ErrorKind::Unavailable, "egress.connect"),
        DialError::Tls(_) => (ErrorKind::Unavailable, "egress.tls"),
        DialError::Slow => (ErrorKind::Timeout, "egress.connect-timeout"),
    };
    Error::new(kind, code, message)
}

fn cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut error = Some(error);
    while let Some(link) = error {
        if let Some(found) = link.downcast_ref::<T>() {
            return Some(found);
        }
        error = link.source();
    }
    None
}

fn silent() -> Error {
    let seconds = HEAD_TIME_MAX.as_secs();
    Error::new(ErrorKind::Timeout, "egress.silent", format!("no answer within {seconds} s"))
}
