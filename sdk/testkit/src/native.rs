//! The host as a native adapter sees it, in front of a fake provider and without sockets.

mod wire;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use plughouse_sdk::native::Host;
use plughouse_sdk::{Error, ErrorKind, Level, Pair, Payload, Piece, Response, Target};

use crate::message::Request;
use crate::provider::Provider;
use crate::random::Random;

/// The clock of a host that was told no other: 2026-06-01, noon.
pub const NOW_MS: u64 = 1_780_315_200_000;

/// A line that the adapter wrote into the log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogLine {
    /// Its level.
    pub level: Level,
    /// Its text.
    pub message: String,
    /// Its fields.
    pub fields: Vec<(String, String)>,
}

/// A host for `cargo test`: fixed clock, seeded randomness, variables, and a provider behind it.
///
/// Faults arrive as the real host would report them: a stalled answer is a timeout, a cut body is
/// unavailable, an endless one or a bomb has spent the budget.
///
/// ```
/// use plughouse_testkit::{HubSpot, native::TestHost};
///
/// let host = TestHost::new(HubSpot::with_contacts(3, 1))
///     .endpoint("api", "https://api.hubapi.com")
///     .variable("auth", "token");
/// let answer = host.run(|| {
///     plughouse_sdk::http::send(&plughouse_sdk::Request {
///         endpoint: "api".into(),
///         method: "GET".into(),
///         path: "/crm/v3/objects/contacts".into(),
///         query: vec![],
///         headers: vec![],
///         body: None,
///     })
/// });
/// assert_eq!(answer.unwrap().status, 200);
/// ```
#[derive(Clone)]
pub struct TestHost(Rc<Inner>);

struct Inner {
    provider: RefCell<Box<dyn Provider>>,
    endpoints: RefCell<Vec<(String, String)>>,
    injected: RefCell<Vec<(String, String, String)>>,
    variables: RefCell<BTreeMap<String, String>>,
    now_ms: Cell<u64>,
    random: RefCell<Random>,
    state: RefCell<BTreeMap<String, Kept>>,
    requests: RefCell<Vec<Request>>,
    log: RefCell<Vec<LogLine>>,
    bodies: RefCell<BTreeMap<u64, Vec<u8>>>,
    responses: Cell<u64>,
}

/// A value of the cache and the instant at which it is gone.
type Kept = (Vec<u8>, Option<u64>);

impl std::fmt::Debug for TestHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestHost").field("now_ms", &self.0.now_ms.get()).finish_non_exhaustive()
    }
}

impl TestHost {
    /// A host in front of that provider.
    pub fn new(provider: impl Provider + 'static) -> Self {
        Self(Rc::new(Inner {
            provider: RefCell::new(Box::new(provider)),
            endpoints: RefCell::default(),
            injected: RefCell::default(),
            variables: RefCell::default(),
            now_ms: Cell::new(NOW_MS),
            random: RefCell::new(Random::new(0)),
            state: RefCell::default(),
            requests: RefCell::default(),
            log: RefCell::default(),
            bodies: RefCell::default(),
            responses: Cell::new(0),
        }))
    }

    /// Declares an endpoint; `https://*.example.com` stands for the hosts of a pattern.
    ///
    /// With the first endpoint declared, requests to others are denied.
    #[must_use]
    pub fn endpoint(self, name: impl Into<String>, origin: impl Into<String>) -> Self {
        self.0.endpoints.borrow_mut().push((name.into(), origin.into()));
        self
    }

    /// Puts a header into every request of an endpoint, as the host does with a credential.
    #[must_use]
    pub fn inject(self, endpoint: &str, name: &str, value: impl Into<String>) -> Self {
        let entry = (endpoint.to_owned(), name.to_ascii_lowercase(), value.into());
        self.0.injected.borrow_mut().push(entry);
        self
    }

    /// Sets a connection variable.
    #[must_use]
    pub fn variable(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.variables.borrow_mut().insert(name.into(), value.into());
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn now(self, now_ms: u64) -> Self {
        self.set_now(now_ms);
        self
    }

    /// Seeds the randomness.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        *self.0.random.borrow_mut() = Random::new(seed);
        self
    }

    /// Moves the clock between two calls.
    pub fn set_now(&self, now_ms: u64) {
        self.0.now_ms.set(now_ms);
    }

    /// Runs one call of an adapter; the bodies of the call before are gone.
    pub fn run<T>(&self, call: impl FnOnce() -> T) -> T {
        self.0.bodies.borrow_mut().clear();
        plughouse_sdk::native::with(Rc::<Inner>::clone(&self.0), call)
    }

    /// The requests so far, with what was injected.
    pub fn requests(&self) -> Vec<Request> {
        self.0.requests.borrow().clone()
    }

    /// The lines of the log so far.
    pub fn log(&self) -> Vec<LogLine> {
        self.0.log.borrow().clone()
    }

    /// The bytes of a payload: its own, or those of the span in an answer of the last call.
    pub fn payload(&self, payload: &Payload) -> Option<Vec<u8>> {
        let span = match payload {
            Payload::Json(bytes) => return Some(bytes.clone()),
            Payload::Span(span) => span,
        };
        let bodies = self.0.bodies.borrow();
        let from = usize::try_from(span.offset).ok()?;
        let until = from.checked_add(usize::try_from(span.length).ok()?)?;
        bodies.get(&span.response)?.get(from..until).map(<[u8]>::to_vec)
    }
}

impl Host for Inner {
    fn send(&self, request: &plughouse_sdk::Request) -> Result<Response, Error> {
        let mut sent = wire::request(request)?;
        self.check_endpoint(&request.endpoint)?;
        let name = request.endpoint.split('@').next().unwrap_or_default();
        for (endpoint, header, value) in self.injected.borrow().iter() {
            if endpoint == name {
                sent.headers.push((header.clone(), value.clone()));
            }
        }
        let answer = self.provider.borrow_mut().answer(&sent);
        self.requests.borrow_mut().push(sent);
        let id = self.responses.get() + 1;
        self.responses.set(id);
        let response = wire::response(id, &answer)?;
        self.bodies.borrow_mut().insert(id, response.body.clone());
        Ok(response)
    }

    fn upload(&self, request: &plughouse_sdk::Request, body: &[Piece]) -> Result<Response, Error> {
        let mut whole = Vec::new();
        for piece in body {
            match piece {
                Piece::Bytes(bytes) => whole.extend_from_slice(bytes),
                Piece::Blob(blob) => {
                    let message = format!("this host holds no blob `{}`", blob.blob);
                    return Err(wire::error(ErrorKind::NotFound, "testkit.blob", &message));
                }
            }
        }
        self.send(&plughouse_sdk::Request { body: Some(whole), ..request.clone() })
    }

    fn locate(&self, url: &str) -> Result<Target, Error> {
        let endpoints = self.endpoints.borrow();
        endpoints.iter().find_map(|(name, origin)| wire::located(url, name, origin)).ok_or_else(
            || {
                let message = format!(
                    "no endpoint of this test covers {url}; declare it with \
                    TestHost::endpoint"
                );
                wire::error(ErrorKind::Denied, "egress.denied", &message)
            },
        )
    }

    fn log(&self, level: Level, message: &str, fields: &[Pair]) {
        let fields = fields.iter().map(|it| (it.name.clone(), it.value.clone())).collect();
        self.log.borrow_mut().push(LogLine { level, message: message.to_owned(), fields });
    }

    fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    fn random(&self, length: u32) -> Vec<u8> {
        let mut random = self.random.borrow_mut();
        (0..length).map(|_| random.next().to_le_bytes()[0]).collect()
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.borrow().get(name).cloned()
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let state = self.state.borrow();
        let live = state.get(key).filter(|(_, end)| end.is_none_or(|end| self.now_ms.get() < end));
        Ok(live.map(|(value, _)| value.clone()))
    }

    fn put(&self, key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), Error> {
        let end = ttl_ms.map(|ttl| self.now_ms.get().saturating_add(ttl));
        self.state.borrow_mut().insert(key.to_owned(), (value.to_vec(), end));
        Ok(())
    }
}

impl Inner {
    fn check_endpoint(&self, endpoint: &str) -> Result<(), Error> {
        let name = endpoint.split('@').next().unwrap_or_default();
        let endpoints = self.endpoints.borrow();
        if endpoints.is_empty() || endpoints.iter().any(|(known, _)| known == name) {
            return Ok(());
        }
        let message = format!("there is no endpoint `{endpoint}`; the manifest must declare it");
        Err(wire::error(ErrorKind::Denied, "egress.denied", &message))
    }
}

#[cfg(test)]
mod tests;
