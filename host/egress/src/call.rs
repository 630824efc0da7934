//! One adapter call: the pipeline that every request passes, in this order.
//!
//! budgets → endpoint, with its address where it is a literal → path and headers → permission and
//! grant → secrets in the guest's parts → circuit breaker → rate limits → credential → access log →
//! look-up, address and dialling (a pooled connection went through them before) → send → bounded
//! read and echo scan → redirects → audit. Where the credential is a token that ends, one that lasts
//! is had after the budgets, and one that is refused is replaced once and all is done once more.
//!
//! A looked-up address is judged when it is dialled and not before, so that it cannot change in
//! between; the credential stands in the request by then, but not a byte of it has been sent.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue, USER_AGENT};
use http::uri::{PathAndQuery, Scheme as UriScheme};
use http::{Method, StatusCode, Uri};
use model::egress::{Access, EgressCall, HttpBudget, HttpUsage, Request, Response, Target};
use model::{Error, ErrorKind};
use package::manifest::METHODS;
use package::path::{self, CanonicalPath};
use tokio::time::Instant;

use crate::audit::{self, Entry};
use crate::budget::{Budget, Size};
use crate::denial::invalid;
use crate::door::Door;
use crate::endpoint::Endpoint;
use crate::health::Leave;
use crate::limit::Asked;
use crate::live::Live;
use crate::origin::{Origin, Scheme};
use crate::permission::Way;
use crate::provenance::Provenance;
use crate::redirect::{self, Hop, REDIRECTS_MAX};
use crate::{body, header, locate, permission, resolve, wire};

/// The codings that egress decompresses itself.
const CODINGS: HeaderValue = HeaderValue::from_static("gzip");

/// The door for the length of one adapter call.
pub(crate) struct Call {
    door: Arc<Door>,
    access: Access,
    budget: Budget,
    provenance: Provenance,
}

/// A request that the policy allows.
struct Allowed<'a> {
    hop: &'a Hop,
    endpoint: &'a Endpoint,
    origin: Cow<'a, Origin>,
    method: Method,
    path: CanonicalPath,
    /// The route of the manifest; nothing for an endpoint that is reached by redirect only.
    route: Option<Arc<str>>,
}

/// What of it goes over the wire, without its credential.
struct Message {
    target: PathAndQuery,
    headers: HeaderMap,
    body: Bytes,
}

/// What came of one request.
enum Reply {
    /// An answer, and the request that it leads to.
    Answer(Response, Option<Box<Hop>>),
    /// The provider refuses a token that is old enough to be replaced; its generation.
    Refused(u64),
}

impl Allowed<'_> {
    /// The request, as far as limits ask.
    fn asked(&self) -> Asked<'_> {
        let Self { endpoint, method, path, .. } = self;
        Asked { endpoint: &endpoint.name, method: method.as_str(), path }
    }
}

impl Call {
    pub(crate) fn new(door: Arc<Door>, access: Access, budget: HttpBudget) -> Self {
        Self { door, access, budget: Budget::new(budget), provenance: Provenance::default() }
    }

    /// Sends one request without following what it answers, and writes the audit.
    async fn exchange(&self, hop: &Hop) -> Result<Reply, Error> {
        self.budget.patience()?;
        let began = Instant::now();
        let size = Size::of(&hop.request);
        let mut entry = self.entry(&hop.request, size.whole);
        let outcome = self.pass(hop, size, &mut entry).await;
        let told = outcome.as_ref().map(|reply| match reply {
            Reply::Answer(answer, _) => (answer.status, answer.body.len()),
            Reply::Refused(_) => (StatusCode::UNAUTHORIZED.as_u16(), 0),
        });
        audit::record(&self.door, entry, told, began.elapsed());
        outcome
    }

    /// What the audit may tell of a request: names of the manifest, not the guest's text.
    fn entry(&self, request: &Request, bytes_out: usize) -> Entry<'_> {
        let endpoint = self.door.manifest.endpoints.get_key_value(named(request));
        let endpoint = endpoint.map_or("?", |(name, _)| name.as_str());
        let method = METHODS.into_iter().find(|known| *known == request.method).unwrap_or("?");
        Entry { endpoint, method, route: None, bytes_out }
    }

    async fn pass(&self, hop: &Hop, size: Size, entry: &mut Entry<'_>) -> Result<Reply, Error> {
        let slot = self.budget.reserve(size)?;
        let live = self.door.live_for(named(&hop.request), self.budget.deadline()).await?;
        let allowed = self.allow(&live, hop);
        // A secret wins over any other refusal, whose text would repeat what the guest wrote.
        scan(&live, &hop.request)?;
        let (allowed, message) = allowed?;
        entry.route.clone_from(&allowed.route);
        let mut leave = self.door.health.admit(&allowed.origin, self.door.clock.now())?;
        let permit = self.door.limits.admit(allowed.asked(), &self.budget).await?;
        let request = outgoing(&live, &allowed, message)?;
        if live.carries(allowed.endpoint) {
            self.door.note(&allowed.endpoint.name, self.budget.deadline()).await?;
        }
        if hop.way == Way::Guest && live.has_patterns() {
            self.provenance.write(&hop.request, |host| live.has_host(host));
        }
        slot.spend();
        let began = Instant::now();
        let reply = self.reply(&live, &allowed, request, leave.as_mut()).await;
        if let (Some(leave), Err(error)) = (&mut leave, &reply) {
            leave.failed(error, began.elapsed());
        }
        drop((leave, permit));
        reply
    }

    /// Sends the request and reads the whole answer; limits and breaker learn from its head.
    async fn reply(
        &self,
        live: &Live,
        allowed: &Allowed<'_>,
        request: http::Request<Bytes>,
        leave: Option<&mut Leave<'_>>,
    ) -> Result<Reply, Error> {
        let Allowed { hop, endpoint, origin, .. } = allowed;
        let deadline = self.budget.deadline();
        let answer = self.door.transport.send(&endpoint.name, request, deadline).await?;
        self.door.limits.learn(allowed.asked(), answer.status(), answer.headers());
        let now = self.door.clock.now();
        if let Some(leave) = leave {
            leave.answered(answer.status(), answer.headers(), now);
        }
        if answer.status() == StatusCode::UNAUTHORIZED
            && !hop.renewed
            && let Some(generation) = live.renewable(endpoint, now)
        {
            // Unread: some providers repeat the token that they refuse.
            return Ok(Reply::Refused(generation));
        }
        let answer = self.receive(live, endpoint, answer).await.map_err(Error::sent)?;
        let next = redirect::next(live, hop, endpoint, origin, &answer)?;
        Ok(Reply::Answer(answer, next.map(Box::new)))
    }

    /// Steps 2 to 4: pure, and nothing is waited for.
    fn allow<'a>(&self, live: &'a Live, hop: &'a Hop) -> Result<(Allowed<'a>, Message), Error> {
        let Hop { request, way, .. } = hop;
        let asked = (request.endpoint.as_str(), *way);
        let (endpoint, origin) =
            resolve::resolve(live, &self.door.ranges, asked, &self.provenance)?;
        let method = method(&request.method)?;
        let path = path::canonical(&request.path)
            .map_err(|error| invalid("egress.path", error.to_string()))?;
        wire::refuse_owned(&request.path, &request.query, &self.door.owned_query)?;
        let target = wire::target(&request.path, &request.query)?;
        let mut headers = header::from_guest(&request.headers, &endpoint.owned)?;
        let rule = permission::decide(endpoint, self.access, *way, method.as_str(), &path)?;
        if endpoint.credential {
            live.credential.present()?;
        }
        headers.extend(endpoint.headers.iter().cloned());
        headers.insert(ACCEPT_ENCODING, CODINGS);
        headers.entry(USER_AGENT).or_insert_with(|| self.door.user_agent.clone());
        let route = rule.map(|rule| Arc::clone(&rule.text));
        let body = request.body.clone().unwrap_or_default();
        if !body.is_empty() && matches!(method, Method::GET | Method::HEAD) {
            // RFC 9110 gives it no meaning, so servers and proxies disagree about where it ends.
            return Err(invalid("egress.body", format!("a {method} has no body")));
        }
        let allowed = Allowed { hop, endpoint, origin, method, path, route };
        Ok((allowed, Message { target, headers, body }))
    }

    /// Reads the answer and takes out of it what a guest must not see.
    async fn receive(
        &self,
        live: &Live,
        endpoint: &Endpoint,
        answer: http::Response<crate::transport::Body>,
    ) -> Result<Response, Error> {
        let (head, body) = answer.into_parts();
        let body = body::read(&head.headers, body, &self.budget).await?;
        let headers = header::for_guest(&head.headers, live.credential.header());
        // The token may have been replaced meanwhile; the newest part knows those of before.
        let newest = self.door.live();
        let echoes = |bytes: &[u8]| newest.needles.stand_in(bytes);
        if headers.iter().any(|(_, value)| echoes(value.as_bytes())) || echoes(&body) {
            return Err(self.echo(endpoint));
        }
        if endpoint.is_fixed() && live.has_patterns() {
            let location = headers.iter().find(|(name, _)| name == "location");
            let location = location.map_or(&[][..], |(_, value)| value.as_bytes());
            for text in [location, &body] {
                self.provenance.remember(text, |host| live.has_host(host));
            }
        }
        Ok(Response { status: head.status.as_u16(), headers, body })
    }

    fn echo(&self, endpoint: &Endpoint) -> Error {
        let Door { tenant, connection, .. } = &*self.door;
        let endpoint = endpoint.name.as_str();
        tracing::warn!(tenant, connection, endpoint, "an answer holds a secret of the connection");
        let message = "the answer holds a secret of the connection and was thrown away";
        Error::new(ErrorKind::Denied, "egress.secret-echo", message)
    }
}

#[async_trait]
impl EgressCall for Call {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let mut hop = Hop::first(request);
        let mut redirects = 0;
        loop {
            let reply = self.exchange(&hop).await;
            let reply = if hop.is_first() { reply } else { reply.map_err(Error::sent) };
            match reply? {
                Reply::Answer(answer, None) => return Ok(answer),
                Reply::Answer(..) if redirects == REDIRECTS_MAX => {
                    return Err(redirect::too_many());
                }
                Reply::Answer(_, Some(next)) => {
                    hop = *next;
                    redirects += 1;
                }
                Reply::Refused(generation) => {
                    let renewed = self.door.renew(generation, self.budget.deadline()).await;
                    renewed.map_err(Error::sent)?;
                    hop.renewed = true;
                }
            }
        }
    }

    fn locate(&self, url: &str) -> Result<Target, Error> {
        let live = self.door.live();
        if live.needles.stand_in(url.as_bytes()) {
            return Err(secret_in("the link"));
        }
        locate::locate(&live, url)
    }

    fn scrub(&self, text: &str) -> String {
        self.door.live().needles.scrub(text)
    }

    fn usage(&self) -> HttpUsage {
        self.budget.usage()
    }
}

/// Step 5: refuses what the guest wrote if a secret of the connection stands in it.
fn scan(live: &Live, request: &Request) -> Result<(), Error> {
    let found = |text: &str| live.needles.stand_in(text.as_bytes());
    let pair = |(name, value): &(String, String)| found(name) || found(value);
    let place = if found(&request.endpoint) {
        "the name of the endpoint"
    } else if found(&request.path) || request.query.iter().any(pair) {
        "the path or query"
    } else if request.headers.iter().any(pair) {
        "a header"
    } else if request.body.as_ref().is_some_and(|body| live.needles.stand_in(body)) {
        "the body"
    } else {
        return Ok(());
    };
    Err(secret_in(place))
}

/// Puts the credential in, after the guest has let go of the request.
fn outgoing(
    live: &Live,
    allowed: &Allowed<'_>,
    message: Message,
) -> Result<http::Request<Bytes>, Error> {
    let Message { mut target, mut headers, body } = message;
    if allowed.endpoint.credential {
        target = live.credential.inject(target, &mut headers)?;
    }
    let mut request = http::Request::new(body);
    *request.method_mut() = allowed.method.clone();
    *request.uri_mut() = uri(&allowed.origin, target)?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// The name of the endpoint that is asked for, without the host.
fn named(request: &Request) -> &str {
    request.endpoint.split('@').next().unwrap_or_default()
}

fn secret_in(place: &str) -> Error {
    let message = format!("{place} holds a secret of the connection");
    Error::new(ErrorKind::Denied, "egress.secret-in-request", message)
}

fn method(text: &str) -> Result<Method, Error> {
    if METHODS.contains(&text)
        && let Ok(method) = Method::try_from(text)
    {
        return Ok(method);
    }
    let known = METHODS.join(", ");
    Err(invalid("egress.method", format!("the method is none of {known} in upper case")))
}

/// The absolute address of a request.
pub(crate) fn uri(origin: &Origin, target: PathAndQuery) -> Result<Uri, Error> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(match origin.scheme() {
        Scheme::Https => UriScheme::HTTPS,
        Scheme::Http => UriScheme::HTTP,
    });
    parts.authority = Some(origin.authority().clone());
    parts.path_and_query = Some(target);
    Uri::from_parts(parts).map_err(|error| invalid("egress.path", error.to_string()))
}
