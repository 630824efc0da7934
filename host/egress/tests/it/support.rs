//! A small provider's manifest, a door to it, and answers from memory or from loopback.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use egress::{Body, Gateway, Opening, Options, Transport};
use http_body_util::{BodyExt as _, Full};
use model::credential::{AccessLog, Actor, Tokens};
use model::egress::{Access, Egress, EgressCall, HttpBudget, Priority, Request, Response};
use model::{Clock, Connection, Error, Secret};
use package::{Manifest, Permissions};

/// The secret that must appear nowhere but in the credential's header.
pub(crate) const CANARY: &str = "pat-na1-c4n4ry-0123456789";

/// A manifest with every kind of endpoint.
pub(crate) const MANIFEST: &str = r#"
[adapter]
id = "sample"
name = "Sample"
version = "0.1.0"
contract = "0.1"
publisher = "plughouse"
license = "Apache-2.0"
summary = "Every kind of endpoint."

[variable.region]
ask = "Regional host"
shape = "host"
suffix = [".regional.example"]

[auth.token]
kind = "key"
fields = { token = { label = "Token", secret = true } }
header = { name = "Authorization", value = "Bearer {token}" }
[auth.basic]
kind = "key"
fields = { user = { label = "User" }, password = { label = "Password", secret = true } }
basic = { user = "{user}", password = "{password}" }
[auth.query]
kind = "key"
fields = { key = { label = "Key", secret = true } }
query = { name = "api_key", value = "{key}" }
[auth.oauth]
kind = "oauth2"
authorize = "https://login.sample.example/authorize"
token = "https://login.sample.example/token"
client_auth = "body"
scopes = ["read"]
[auth.none]
kind = "none"

[endpoint.api]
origin = "https://api.sample.example"
credential = "account"
headers = { "X-Version" = "3" }
read = ["GET /v1/items", "GET /v1/items/*", "GET /v1/wide/**", "POST /v1/search", "HEAD /v1/items"]
write = ["POST /v1/items", "DELETE /v1/items/*"]
[endpoint.open]
origin = "https://api.sample.example"
read = ["GET /public/**"]
[endpoint.regional]
origin = "https://{region}"
read = ["GET /**"]
[endpoint.links]
hosts = ["*.files.example"]
read = ["GET /**"]
[endpoint.news]
origin = "https://news.sample.example"
read = ["GET /rss"]
consent = "For personal use only."
[endpoint.media]
origin = "https://media.sample.example"
credential = "account"
read = ["GET /**"]
redirect = ["media", "store"]
[endpoint.store]
hosts = ["*.store.example"]

[entity.item]
cursor = "scan"
"#;

/// A manifest with something changed.
pub(crate) fn manifest(change: impl FnOnce(&str) -> String) -> Arc<Manifest> {
    Arc::new(Manifest::parse(&change(MANIFEST)).unwrap())
}

/// A connection with the canary for its token.
pub(crate) fn connection() -> Connection {
    Connection {
        account: Some("42".to_owned()),
        ..Connection::new(
            "acme".parse().unwrap(),
            "main".parse().unwrap(),
            "plughouse/sample",
            "token",
        )
    }
}

pub(crate) fn secrets(pairs: &[(&str, &str)]) -> Vec<(String, Secret)> {
    let pair = |(name, text): &(&str, &str)| ((*name).to_owned(), Secret::new((*text).to_owned()));
    pairs.iter().map(pair).collect()
}

pub(crate) fn budget() -> HttpBudget {
    HttpBudget {
        calls: 100,
        request_bytes: 1 << 20,
        response_bytes: 16 << 20,
        deadline: Instant::now() + Duration::from_secs(20),
    }
}

pub(crate) fn get(endpoint: &str, path: &str) -> Request {
    Request {
        endpoint: endpoint.to_owned(),
        method: "GET".to_owned(),
        path: path.to_owned(),
        ..Request::default()
    }
}

pub(crate) fn detail<'a>(error: &'a Error, name: &str) -> &'a str {
    let found = error.details.iter().find(|(key, _)| key == name);
    found.map_or("", |(_, value)| value.as_str())
}

/// Every byte percent-encoded, needed or not.
pub(crate) fn escaped(text: &str) -> String {
    text.bytes().flat_map(|byte| ["%".to_owned(), format!("{byte:02x}")]).collect()
}

/// An answer from memory: status, headers, body.
pub(crate) type Canned = (u16, Vec<(&'static str, String)>, Bytes);

type Answerer = Box<dyn Fn(&http::Request<Bytes>) -> Canned + Send + Sync>;

/// Answers every request from a function and remembers what was sent.
pub(crate) struct Memory {
    answer: Answerer,
    pub(crate) sent: Mutex<Vec<http::Request<Bytes>>>,
}

impl Memory {
    pub(crate) fn new(
        answer: impl Fn(&http::Request<Bytes>) -> Canned + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { answer: Box::new(answer), sent: Mutex::default() })
    }

    /// Always the same body.
    pub(crate) fn saying(body: &'static str) -> Arc<Self> {
        Self::new(move |_| (200, Vec::new(), Bytes::from_static(body.as_bytes())))
    }

    /// What it answers, without being sent anything.
    pub(crate) fn answered(&self, request: &http::Request<Bytes>) -> Canned {
        (self.answer)(request)
    }

    /// A gateway whose other side it is.
    pub(crate) fn gateway(self: &Arc<Self>, clock: Clock) -> Gateway {
        let transport = Arc::<Self>::clone(self);
        Gateway::with_transport(clock, Options::default(), transport).unwrap()
    }

    /// The absolute URIs that were sent, in order.
    pub(crate) fn uris(&self) -> Vec<String> {
        self.sent.lock().unwrap().iter().map(|request| request.uri().to_string()).collect()
    }

    /// A header of the last request.
    pub(crate) fn last_header(&self, name: &str) -> Option<String> {
        let sent = self.sent.lock().unwrap();
        sent.last()?.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    }
}

#[async_trait]
impl Transport for Memory {
    async fn send(
        &self,
        _endpoint: &str,
        request: http::Request<Bytes>,
        _deadline: tokio::time::Instant,
    ) -> Result<http::Response<Body>, Error> {
        let (status, headers, body) = self.answered(&request);
        self.sent.lock().unwrap().push(request);
        let mut answer = http::Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(name, value);
        }
        let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
        Ok(answer.body(body).unwrap())
    }
}

/// What a test changes about the usual door.
pub(crate) struct Setup {
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) connection: Connection,
    pub(crate) grant: Permissions,
    pub(crate) secrets: Vec<(String, Secret)>,
    pub(crate) tokens: Option<Arc<dyn Tokens>>,
    pub(crate) access: Option<(Arc<dyn AccessLog>, Actor)>,
}

impl Setup {
    pub(crate) fn new() -> Self {
        Self::of(manifest(str::to_owned))
    }

    pub(crate) fn of(manifest: Arc<Manifest>) -> Self {
        let grant = Permissions::of(&manifest);
        let secrets = secrets(&[("token", CANARY)]);
        let connection = connection();
        Self { manifest, connection, grant, secrets, tokens: None, access: None }
    }

    /// The same with one endpoint overridden.
    pub(crate) fn over(mut self, endpoint: &str, origin: &str) -> Self {
        self.connection.overrides.insert(endpoint.to_owned(), origin.to_owned());
        self
    }

    pub(crate) fn door(&self, gateway: &Gateway) -> Result<Arc<dyn Egress>, Error> {
        self.door_for(Priority::Background, gateway)
    }

    pub(crate) fn door_for(
        &self,
        priority: Priority,
        gateway: &Gateway,
    ) -> Result<Arc<dyn Egress>, Error> {
        gateway.connect(Opening {
            connection: &self.connection,
            manifest: Arc::clone(&self.manifest),
            grant: &self.grant,
            secrets: self.secrets.clone(),
            tokens: self.tokens.clone(),
            access: self.access.clone(),
            priority,
        })
    }

    /// A call through a door whose other side is memory.
    pub(crate) fn call(&self, memory: &Arc<Memory>) -> Box<dyn EgressCall> {
        self.try_call(memory).unwrap()
    }

    pub(crate) fn try_call(&self, memory: &Arc<Memory>) -> Result<Box<dyn EgressCall>, Error> {
        Ok(self.door(&memory.gateway(Clock::system()))?.open(Access::Read, budget()))
    }

    /// A call through a door to the network.
    pub(crate) fn network_call(&self) -> Box<dyn EgressCall> {
        let gateway = Gateway::new(Clock::system(), Options::default()).unwrap();
        self.door(&gateway).unwrap().open(Access::Read, budget())
    }
}

/// One request through the usual door, answered with an empty object.
pub(crate) async fn send(request: Request) -> Result<Response, Error> {
    Setup::new().call(&Memory::saying("{}")).send(request).await
}
