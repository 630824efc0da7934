//! The host's own requests: token endpoints, revocation, services that keep keys.
//!
//! They meet the same dialler, address guard and root certificates as those of adapters, in a pool
//! of their own. Circuit breakers neither hold them up nor hear of them: whoever refreshes tokens
//! spaces its attempts by itself, and an endpoint that answers no tokens says nothing of how the
//! same host serves data.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{self, ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, StatusCode};
use model::egress::HttpBudget;
use model::masking::Masking as _;
use model::outbound::{HostAnswer, HostRequest, Outbound};
use model::{Error, ErrorKind, Secret};
use package::manifest::METHODS;
use tokio::time::Instant;

use crate::audit;
use crate::body;
use crate::budget::Budget;
use crate::call::uri;
use crate::denial::invalid;
use crate::guard::Ranges;
use crate::header::for_guest;
use crate::link::Link;
use crate::origin::Origin;
use crate::redactor::Redactor;
use crate::resolve;
use crate::transport::{Network, Part, Transport};
use crate::wire;

/// The whole exchange; a token endpoint that takes longer is not well.
const TIME_MAX: Duration = Duration::from_secs(20);

/// The body of a request, and of an answer after decompression: tokens take a few KiB, the key sets
/// of an identity provider some ten.
const BODY_BYTES_MAX: usize = 64 << 10;

/// The override that an operator would set, as denials name it.
pub(crate) const OVERRIDE: &str = "auth";

/// Headers that say where a message ends and whose it is; the HTTP client writes them.
const FRAMING: [HeaderName; 4] =
    [header::CONNECTION, header::CONTENT_LENGTH, header::HOST, header::TRANSFER_ENCODING];

/// The way out of the host's own requests.
pub(crate) struct Own {
    pub(crate) ways: Ways,
    pub(crate) ranges: Arc<Ranges>,
    pub(crate) redactor: Redactor,
    pub(crate) user_agent: HeaderValue,
}

/// The transports of the host's own requests.
pub(crate) enum Ways {
    /// The pool of public origins, and what a pool is made of: an operator's origin has one for
    /// each request, so that none is ever used for another.
    Network(Arc<dyn Transport>, Part),
    Memory(Arc<dyn Transport>),
}

impl Ways {
    fn to(&self, over: Option<&Origin>) -> Arc<dyn Transport> {
        match (self, over) {
            (Self::Memory(transport) | Self::Network(transport, _), None)
            | (Self::Memory(transport), Some(_)) => Arc::clone(transport),
            (Self::Network(_, part), Some(over)) => {
                let over = BTreeMap::from([(OVERRIDE.to_owned(), over.clone())]);
                Arc::new(Network::new(part, &over))
            }
        }
    }
}

/// A request that was checked.
struct Ready {
    origin: Origin,
    over: bool,
    request: http::Request<Bytes>,
}

#[async_trait]
impl Outbound for Own {
    async fn send(&self, request: HostRequest) -> Result<HostAnswer, Error> {
        let _masked = self.redactor.mask(&secrets(&request));
        let began = Instant::now();
        let (purpose, method) = (request.purpose, request.method);
        let bytes_out = request.body.as_ref().map_or(0, |body| body.expose().len());
        let ready = self.ready(request);
        let host =
            ready.as_ref().map_or("?".to_owned(), |ready| ready.origin.authority().to_string());
        let outcome = match ready {
            Ok(ready) => self.exchange(ready).await,
            Err(refused) => Err(refused),
        };
        let entry = audit::Own { purpose, method, host: &host, bytes_out };
        let told = outcome.as_ref().map(|answer| (answer.status, answer.body.expose().len()));
        audit::record_own(&entry, told, began.elapsed());
        outcome
    }
}

impl Own {
    /// Checks the request; nothing is waited for.
    fn ready(&self, request: HostRequest) -> Result<Ready, Error> {
        let link = Link::parse(&request.url).map_err(|error| bad_url(&error))?;
        let over = request.origin.as_deref().map(Origin::operator).transpose();
        let over = over.map_err(|error| {
            invalid("egress.override", format!("the origin of `{OVERRIDE}` {error}"))
        })?;
        let origin = match &over {
            Some(over) => over.clone(),
            None => link.public().map_err(|error| bad_url(&error))?,
        };
        if over.is_none() {
            resolve::guard(&self.ranges, OVERRIDE, &origin)?;
        }
        let method = method(request.method)?;
        let body = body(&method, request.body)?;
        let mut sent = http::Request::new(body);
        *sent.method_mut() = method;
        *sent.uri_mut() = uri(&origin, wire::target(&link.path, &[])?)?;
        *sent.headers_mut() = self.headers(&request.headers)?;
        Ok(Ready { origin, over: over.is_some(), request: sent })
    }

    fn headers(&self, pairs: &[(String, Secret)]) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::with_capacity(pairs.len() + 2);
        for (name, value) in pairs {
            let refused = |why| invalid("egress.header", format!("header `{name}` {why}"));
            let parsed = HeaderName::try_from(name.as_str())
                .map_err(|_bad| refused("has no name that can be sent"))?;
            if FRAMING.contains(&parsed) {
                return Err(refused("is the client's"));
            }
            let mut value = HeaderValue::try_from(value.expose())
                .map_err(|_bad| refused("has a value that no header can carry"))?;
            value.set_sensitive(true);
            headers.append(parsed, value);
        }
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.entry(USER_AGENT).or_insert_with(|| self.user_agent.clone());
        Ok(headers)
    }

    async fn exchange(&self, ready: Ready) -> Result<HostAnswer, Error> {
        let Ready { origin, over, request } = ready;
        let deadline = Instant::now() + TIME_MAX;
        let way = self.ways.to(over.then_some(&origin));
        let host = origin.authority().as_str();
        let answer = way.send(OVERRIDE, request, deadline).await;
        let (head, body) = answer.map_err(|error| named(error, host))?.into_parts();
        if head.status.is_redirection() {
            return Err(unwanted(host, &redirected(head.status)).sent());
        }
        let budget = Budget::new(HttpBudget {
            calls: 1,
            request_bytes: 0,
            response_bytes: u64::try_from(BODY_BYTES_MAX).unwrap_or(u64::MAX),
            deadline: deadline.into_std(),
        });
        let body = body::read(&head.headers, body, &budget).await;
        let body = Vec::from(body.map_err(|error| named(error, host).sent())?);
        // A page of an error in another encoding is an answer as well.
        let body = String::from_utf8(body)
            .unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned());
        Ok(HostAnswer {
            status: head.status.as_u16(),
            headers: for_guest(&head.headers, None),
            body: Secret::new(body),
        })
    }
}

/// What is masked while it is sent: the query, the body, and each header's value without its scheme.
fn secrets(request: &HostRequest) -> Vec<Secret> {
    let query = request.url.split_once('?').map(|(_, query)| Secret::new(query.to_owned()));
    let value = |(_, value): &(String, Secret)| {
        let text = value.expose();
        Secret::new(text.split_once(' ').map_or(text, |(_scheme, rest)| rest).to_owned())
    };
    request.headers.iter().map(value).chain(request.body.clone()).chain(query).collect()
}

fn method(text: &str) -> Result<Method, Error> {
    if !METHODS.contains(&text) {
        let known = METHODS.join(", ");
        return Err(invalid("egress.method", format!("the method is none of {known}")));
    }
    Method::try_from(text).map_err(|error| invalid("egress.method", error.to_string()))
}

fn body(method: &Method, body: Option<Secret>) -> Result<Bytes, Error> {
    let Some(body) = body else { return Ok(Bytes::new()) };
    if matches!(*method, Method::GET | Method::HEAD) {
        return Err(invalid("egress.body", format!("a {method} has no body")));
    }
    let bytes = body.expose().len();
    if bytes > BODY_BYTES_MAX {
        let message = format!("a body of {bytes} bytes is more than {BODY_BYTES_MAX}");
        return Err(Error::new(ErrorKind::BudgetExhausted, "egress.request-bytes", message));
    }
    Ok(Bytes::from_owner(Exposed(body)))
}

/// A body that is wiped when it was sent.
struct Exposed(Secret);

impl AsRef<[u8]> for Exposed {
    fn as_ref(&self) -> &[u8] {
        self.0.expose().as_bytes()
    }
}

/// Errors that mean another thing to an adapter, in the words of who sends for itself.
fn named(error: Error, host: &str) -> Error {
    let sent = error.request_sent;
    let error = match error.code.as_str() {
        "egress.deadline" => {
            let message = format!("`{host}` gave no whole answer within {} s", TIME_MAX.as_secs());
            Error::new(ErrorKind::Timeout, "egress.silent", message)
        }
        "egress.response-bytes" => {
            unwanted(host, &format!("answers more than {BODY_BYTES_MAX} bytes"))
        }
        _ => return error,
    };
    if sent { error.sent() } else { error }
}

fn redirected(status: StatusCode) -> String {
    format!("redirects ({}), which is not followed", status.as_u16())
}

fn unwanted(host: &str, what: &str) -> Error {
    Error::new(ErrorKind::Malformed, "egress.host-answer", format!("`{host}` {what}"))
}

/// The address itself is not told: its path and query may hold a secret.
fn bad_url(error: &dyn std::fmt::Display) -> Error {
    invalid("egress.link", format!("the address of a request of the host's own {error}"))
}
