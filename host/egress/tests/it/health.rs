//! Circuit breakers: which answers count, and what an open one does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use egress::{Gateway, Options};
use model::breaker::{Breaker, Hosts, Key, Outcome, Pass};
use model::egress::{Access, HttpBudget};
use model::{Clock, Error, ErrorKind, Timestamp};
use plughouse_testkit::message::{Answer, Delivery};
use plughouse_testkit::provider::from_fn;
use plughouse_testkit::server::Server;

use crate::support::{Memory, Setup, budget, get};

/// One breaker, and everything that was said about it.
#[derive(Default)]
struct Watch {
    breaker: Mutex<Breaker>,
    told: Mutex<Vec<(Key, Outcome)>>,
}

fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

impl Hosts for Watch {
    fn admit(&self, _key: &Key) -> Result<Pass, Timestamp> {
        self.breaker.lock().unwrap().admit(now()).map(|(pass, _)| pass)
    }

    fn report(&self, key: &Key, pass: Pass, outcome: Outcome) {
        self.breaker.lock().unwrap().report(pass, outcome, now());
        self.told.lock().unwrap().push((key.clone(), outcome));
    }
}

impl Watch {
    fn gateway(self: &Arc<Self>, gateway: Gateway) -> Gateway {
        gateway.with_breakers(Arc::<Self>::clone(self))
    }

    fn outcomes(&self) -> Vec<Outcome> {
        self.told.lock().unwrap().iter().map(|(_, outcome)| *outcome).collect()
    }
}

/// How one answer counts.
#[track_caller]
fn check(status: u16, headers: &[(&'static str, &str)], expected: Outcome) {
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let memory = Memory::new(move |_| (status, headers.clone(), Bytes::new()));
    let (watch, sent) = (Arc::new(Watch::default()), Arc::<Memory>::clone(&memory));
    let gateway = Gateway::with_transport(Clock::manual(now()), Options::default(), sent).unwrap();
    let door = Setup::new().door(&watch.gateway(gateway)).unwrap();
    let call = door.open(Access::Read, budget());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(call.send(get("api", "/v1/items"))).unwrap();
    assert_eq!(watch.outcomes(), [expected], "{status}");
    let key = watch.told.lock().unwrap().pop().unwrap().0;
    let parts = (key.tenant.as_str(), key.package.as_str(), key.host.as_str());
    assert_eq!(parts, ("acme", "plughouse/sample", "api.sample.example"));
}

#[test]
fn only_answers_that_say_so_speak_against_a_host() {
    for status in [200, 204, 302, 400, 401, 403, 404, 408, 409, 429, 501] {
        check(status, &[], Outcome::Answered);
    }
    for status in [500, 502, 503, 504, 529] {
        check(status, &[], Outcome::Failed(None));
    }
    let wait = Some(Duration::from_secs(90));
    check(503, &[("retry-after", "90")], Outcome::Failed(wait));
    check(500, &[("retry-after", "Thu, 01 Jan 2026 12:01:30 GMT")], Outcome::Failed(wait));
}

/// What the door over loopback says of a server, after so many requests.
async fn over_loopback(origin: &str, requests: usize) -> (Arc<Watch>, Vec<Error>) {
    let watch = Arc::new(Watch::default());
    let gateway = Gateway::new(Clock::manual(now()), Options::default()).unwrap();
    let door = Setup::new().over("api", origin).door(&watch.gateway(gateway)).unwrap();
    let mut errors = Vec::new();
    for _ in 0..requests {
        let call = door.open(Access::Read, budget());
        errors.extend(call.send(get("api", "/v1/items")).await.err());
    }
    (watch, errors)
}

#[tokio::test]
async fn server_that_cuts_its_answers_opens_the_breaker_and_is_left_alone() {
    let cut = |_: &_| Answer::json(200, *br#"{"a":1}"#).delivered(Delivery::Truncated(3));
    let server = Server::start(from_fn(cut));
    let (watch, errors) = over_loopback(&server.origin(), 12).await;
    let (failed, refused) = errors.split_at(10);
    assert!(failed.iter().all(|error| error.code == "egress.truncated"), "{failed:?}");
    for error in refused {
        assert_eq!(
            (error.kind, error.code.as_str(), error.retry_after, error.request_sent),
            (ErrorKind::Unavailable, "egress.breaker-open", Some(Duration::from_secs(30)), false)
        );
    }
    assert_eq!(watch.outcomes(), [Outcome::Failed(None); 10]);
}

#[tokio::test]
async fn port_where_nobody_listens_counts() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (watch, errors) = over_loopback(&origin, 11).await;
    assert_eq!(errors.first().unwrap().code, "egress.connect");
    assert_eq!(errors.last().unwrap().code, "egress.breaker-open");
    assert_eq!(watch.outcomes(), [Outcome::Failed(None); 10]);
}

#[tokio::test]
async fn server_that_answers_is_never_left_alone() {
    let server = Server::start(from_fn(|_: &_| Answer::empty(429)));
    let (watch, errors) = over_loopback(&server.origin(), 1).await;
    assert_eq!((watch.outcomes(), errors.len()), (vec![Outcome::Answered], 0));
}

#[tokio::test]
async fn refusal_of_the_policy_asks_no_breaker() {
    let watch = Arc::new(Watch::default());
    let gateway = Gateway::new(Clock::manual(now()), Options::default()).unwrap();
    let door = Setup::new().door(&watch.gateway(gateway)).unwrap();
    door.open(Access::Read, budget()).send(get("api", "/not/there")).await.unwrap_err();
    assert_eq!(watch.outcomes(), []);
}

#[tokio::test]
async fn request_that_is_given_up_says_nothing() {
    let stalled = |_: &_| Answer::json(200, *b"{}").delivered(Delivery::Stalled);
    let server = Server::start(from_fn(stalled));
    let watch = Arc::new(Watch::default());
    let gateway = Gateway::new(Clock::manual(now()), Options::default()).unwrap();
    let door = Setup::new().over("api", &server.origin()).door(&watch.gateway(gateway)).unwrap();
    let deadline = std::time::Instant::now() + Duration::from_millis(100);
    let call = door.open(Access::Read, HttpBudget { deadline, ..budget() });
    let error = call.send(get("api", "/v1/items")).await.unwrap_err();
    assert_eq!(
        (error.code.as_str(), watch.outcomes()),
        ("egress.deadline", vec![Outcome::Unknown])
    );
}
