//! What egress adds to a request: everything but the network.
//!
//! `cargo bench -p e2e --bench mediation` — the same canned answer with and without the pipeline.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and fails by panicking"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use egress::{Body, Gateway, Opening, Options, Transport};
use http_body_util::{BodyExt as _, Full};
use model::egress::{Access, HttpBudget, Priority, Request};
use model::{Clock, Connection, Error, Secret};
use package::{Manifest, Permissions};

const CALLS: u32 = 20_000;
const ROUNDS: usize = 7;

struct Canned(Bytes);

#[async_trait]
impl Transport for Canned {
    async fn send(
        &self,
        _endpoint: &str,
        _request: http::Request<Bytes>,
        _deadline: tokio::time::Instant,
    ) -> Result<http::Response<Body>, Error> {
        let body = Full::new(self.0.clone()).map_err(|never| match never {}).boxed_unsync();
        Ok(http::Response::new(body))
    }
}

const MANIFEST: &str = r#"
[adapter]
id = "bench"
name = "Bench"
version = "0.1.0"
contract = "0.1"
publisher = "plughouse"
license = "Apache-2.0"
summary = "What egress adds to a request."

[auth.token]
kind = "key"
fields = { token = { label = "Token", secret = true } }
header = { name = "Authorization", value = "Bearer {token}" }

[endpoint.api]
origin = "https://api.example.com"
credential = "account"
read = ["GET /crm/v3/objects/*", "POST /crm/v3/objects/*/search"]

[[limit]]
scope = "connection"
requests = 1000000000
per = "1s"

[entity.contact]
cursor = "scan"
deletes = []
writes = []
"#;

/// A record as most of them are.
const PLAIN: &[u8] =
    br#"{"id":"713492963560","name":"Renee O'Hara","city":"Lyon","phone":"+33 4 72",
"url":"https://app.example.com/a/b","company":"Acme Widgets","jobtitle":"Pilot","owner":"88842095",
"updatedAt":"2026-01-01T12:00:00Z","archived":false},"#;

/// A record with everything that a secret could hide behind: each escape is looked at.
const ESCAPED: &[u8] = br#"{"id":"713492963560","name":"Ren\u00e9e O\u0027Hara","rate":"50% off",
"url":"https://app.example.com/a%20b?q=1%2B1","hash":"cGF0LW5hMS0wMTIzNDU2Nzg5","etag":"7061742d6e61",
"updatedAt":"2026-01-01T12:00:00Z","archived":false},"#;

fn request() -> Request {
    Request {
        endpoint: "api".to_owned(),
        method: "GET".to_owned(),
        path: "/crm/v3/objects/contacts".to_owned(),
        query: [("limit", "100"), ("after", "713492963560"), ("properties", "email,firstname")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        headers: vec![("accept".to_owned(), "application/json".to_owned())],
        body: None,
    }
}

fn budget() -> HttpBudget {
    HttpBudget {
        calls: u32::MAX,
        request_bytes: 1 << 20,
        response_bytes: u64::MAX,
        deadline: Instant::now() + Duration::from_mins(10),
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (what, record, bytes) in [
        ("plain", PLAIN, 1 << 10),
        ("plain", PLAIN, 64 << 10),
        ("full of escapes", ESCAPED, 64 << 10),
    ] {
        runtime.block_on(compare(what, record, bytes));
    }
}

async fn compare(what: &str, record: &[u8], bytes: usize) {
    let page = record.iter().copied().cycle().take(bytes).collect::<Vec<_>>();
    let canned = Arc::new(Canned(Bytes::from(page)));
    let manifest = Arc::new(Manifest::parse(MANIFEST).unwrap());
    let options = Options::default();
    let transport: Arc<dyn Transport> = canned.clone();
    let gateway = Gateway::with_transport(Clock::system(), options, transport).unwrap();
    let connection = Connection::new(
        "main".parse().unwrap(),
        "bench".parse().unwrap(),
        manifest.name(),
        "token",
    );
    let secrets = vec![("token".to_owned(), Secret::new("pat-na1-0123456789abcdef".to_owned()))];
    let grant = Permissions::of(&manifest);
    let opening = Opening {
        connection: &connection,
        manifest,
        grant: &grant,
        secrets,
        tokens: None,
        access: None,
        priority: Priority::Interactive,
    };
    let door = gateway.connect(opening).unwrap();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..CALLS {
            // A door a call, as an adapter call that sends one request has it.
            let answer = door.open(Access::Read, budget()).send(request()).await.unwrap();
            assert_eq!(answer.body.len(), bytes);
        }
        with.push(start.elapsed() / CALLS);
        let start = Instant::now();
        for _ in 0..CALLS {
            let bare = http::Request::new(Bytes::new());
            let deadline = tokio::time::Instant::now();
            let answer = canned.send("api", bare, deadline).await.unwrap();
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes().len(), bytes);
        }
        without.push(start.elapsed() / CALLS);
    }
    with.sort();
    without.sort();
    let (with, without) = (with[ROUNDS / 2], without[ROUNDS / 2]);
    let added = with.saturating_sub(without);
    println!(
        "answer of {bytes} bytes, {what}: mediation takes {added:?} ({with:?} with, {without:?} without)"
    );
}
