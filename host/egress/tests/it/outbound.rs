//! The host's own requests, against memory and against servers that misbehave.

use std::io::{Read as _, Write as _};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use egress::{Body, Gateway, Options, Redactor, Transport};
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use model::outbound::{HostAnswer, HostRequest, Outbound};
use model::{Clock, Error, ErrorKind, Secret};
use plughouse_testkit::{Answer, Fault, Faulty, Rule, Server, from_fn};
use tokio::time::{Instant, Interval};

use crate::support::{CANARY, Memory};

const URL: &str = "https://login.sample.example/oauth/token";

fn token_request() -> HostRequest {
    HostRequest {
        purpose: "token",
        method: "POST",
        url: URL.to_owned(),
        origin: None,
        headers: vec![("authorization".to_owned(), Secret::new(format!("Basic {CANARY}")))],
        body: Some(Secret::new(format!("grant_type=refresh_token&refresh_token={CANARY}"))),
    }
}

fn to(server: &Server) -> HostRequest {
    HostRequest { origin: Some(server.origin()), ..token_request() }
}

fn network() -> Arc<dyn Outbound> {
    Gateway::new(Clock::system(), Options::default()).unwrap().outbound()
}

fn memory(memory: &Arc<Memory>) -> Arc<dyn Outbound> {
    memory.gateway(Clock::system()).outbound()
}

async fn faulty(fault: Fault) -> Result<HostAnswer, Error> {
    let provider = from_fn(|_| Answer::json(200, &br#"{"access_token":"a"}"#[..]));
    let server = Server::start(Faulty::new(provider, [Rule::always(fault)]));
    network().send(to(&server)).await
}

async fn answered(answer: Answer) -> Result<HostAnswer, Error> {
    let server = Server::start(from_fn(move |_| answer.clone()));
    network().send(to(&server)).await
}

#[track_caller]
fn check(answer: &Result<HostAnswer, Error>, kind: ErrorKind, code: &str) {
    let error = answer.as_ref().unwrap_err();
    let told = (error.kind, error.code.as_str(), error.request_sent);
    assert_eq!(told, (kind, code, true), "{error}");
    assert!(!format!("{error:?}").contains("oauth/token"), "{error:?}");
}

#[tokio::test]
async fn request_arrives_as_it_was_written() {
    let server = Server::start(from_fn(|_| Answer::json(200, &b"{}"[..])));
    let url = "https://login.sample.example/a%2Fb/token?x='1'&y=%20".to_owned();
    let answer = network().send(HostRequest { url, ..to(&server) }).await.unwrap();
    assert_eq!((answer.status, answer.body.expose()), (200, "{}"));
    assert!(answer.headers.iter().any(|(name, _)| name == "content-type"));
    let request = server.requests().remove(0);
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("POST", "/a%2Fb/token?x='1'&y=%20")
    );
    assert_eq!(request.header("authorization").unwrap(), format!("Basic {CANARY}"));
    assert_eq!(request.header("accept-encoding"), Some("identity"));
    assert_eq!(request.header("host").unwrap(), server.address().to_string());
    let body = format!("grant_type=refresh_token&refresh_token={CANARY}");
    assert_eq!(request.body, body.as_bytes());
}

#[tokio::test]
async fn any_status_but_a_redirect_is_an_answer() {
    for status in [200, 201, 400, 401, 403, 429, 500, 503] {
        let answer = answered(Answer::json(status, &b"{}"[..])).await.unwrap();
        assert_eq!(answer.status, status);
    }
    for status in [300, 301, 302, 303, 304, 307, 308] {
        let elsewhere = Answer::empty(status).header("location", "http://169.254.169.254/");
        check(&answered(elsewhere).await, ErrorKind::Malformed, "egress.host-answer");
    }
}

#[tokio::test]
async fn cookies_are_neither_told_nor_kept() {
    let server = Server::start(from_fn(|_| Answer::empty(200).header("set-cookie", "a=b")));
    let outbound = network();
    for _ in 0..2 {
        let answer = outbound.send(to(&server)).await.unwrap();
        assert!(answer.headers.iter().all(|(name, _)| name != "set-cookie"));
    }
    assert!(server.requests().iter().all(|request| request.header("cookie").is_none()));
}

#[tokio::test]
async fn answer_is_at_most_64_kib_as_it_comes_and_unpacked() {
    for (bytes, fits) in [(0, true), (64 << 10, true), ((64 << 10) + 1, false), (65 << 10, false)] {
        let answer = answered(Answer::plain(200, &"a".repeat(bytes))).await;
        if fits {
            assert_eq!(answer.unwrap().body.expose().len(), bytes);
        } else {
            check(&answer, ErrorKind::Malformed, "egress.host-answer");
        }
    }
    for fault in [Fault::GzipBomb(64), Fault::Endless, Fault::Huge(1)] {
        check(&faulty(fault).await, ErrorKind::Malformed, "egress.host-answer");
    }
}

#[tokio::test]
async fn answer_that_is_cut_is_none() {
    for fault in [Fault::Truncate(5), Fault::Truncate(0), Fault::CutChunks(5)] {
        check(&faulty(fault).await, ErrorKind::Unavailable, "egress.truncated");
    }
    let packed = Answer::json(200, &b"{}"[..]).header("content-encoding", "br");
    check(&answered(packed).await, ErrorKind::Malformed, "egress.encoding");
}

#[tokio::test]
async fn nothing_is_tried_twice() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let counted = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        drop(stream);
        listener.set_nonblocking(true).unwrap();
        listener
    });
    let request = HostRequest { origin: Some(origin), ..token_request() };
    let answer = network().send(request).await;
    check(&answer, ErrorKind::Unavailable, "egress.connection");
    assert!(counted.join().unwrap().accept().is_err(), "nobody came again");
}

#[tokio::test]
async fn nobody_there_has_received_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let request = HostRequest { origin: Some(origin), ..token_request() };
    let error = network().send(request).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.request_sent), ("egress.connect", false));
}

#[tokio::test]
async fn peer_that_does_not_speak_http_is_malformed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let garbage = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n\r\n").unwrap();
    });
    let request = HostRequest { origin: Some(origin), ..token_request() };
    check(&network().send(request).await, ErrorKind::Malformed, "egress.http");
    garbage.join().unwrap();
}

/// A body of one byte every four seconds, without end.
struct Drip(Interval);

impl hyper::body::Body for Drip {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_tick(context).map(|_| Some(Ok(Frame::data(Bytes::from_static(b"a")))))
    }
}

/// Answers such a body, and remembers how long the head was given.
#[derive(Default)]
struct Dripping {
    deadline: Mutex<Option<Instant>>,
}

#[async_trait]
impl Transport for Dripping {
    async fn send(
        &self,
        _endpoint: &str,
        _request: http::Request<Bytes>,
        deadline: Instant,
    ) -> Result<http::Response<Body>, Error> {
        *self.deadline.lock().unwrap() = Some(deadline);
        let body = Drip(tokio::time::interval(Duration::from_secs(4)));
        Ok(http::Response::new(body.boxed_unsync()))
    }
}

#[tokio::test(start_paused = true)]
async fn answer_that_drips_ends_after_twenty_seconds() {
    let dripping = Arc::new(Dripping::default());
    let transport = Arc::<Dripping>::clone(&dripping);
    let gateway = Gateway::with_transport(Clock::system(), Options::default(), transport).unwrap();
    let began = Instant::now();
    let answer = gateway.outbound().send(token_request()).await;
    check(&answer, ErrorKind::Timeout, "egress.silent");
    assert_eq!(began.elapsed().as_secs(), 20);
    // The head has no more time than the whole.
    assert_eq!(*dripping.deadline.lock().unwrap(), Some(began + Duration::from_secs(20)));
}

/// Refused, with nothing looked up and nothing sent.
async fn refuse(request: HostRequest, code: &str) {
    let memory = Memory::saying("{}");
    let told = format!("{request:?}");
    let error = self::memory(&memory).send(request).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.request_sent), (code, false), "{told}: {error}");
    assert!(memory.uris().is_empty() && !format!("{error:?}").contains(CANARY), "{told}");
}

#[tokio::test]
async fn address_with_another_meaning_elsewhere_is_refused() {
    for url in [
        "",
        "/token",
        "//login.sample.example/token",
        "http://login.sample.example/token",
        "ftp://login.sample.example/",
        "file:///etc/passwd",
        "https:login.sample.example/",
        "https:///login.sample.example/",
        "https://",
        "https://user@login.sample.example/",
        "https://user:pw@login.sample.example/",
        "https://login.sample.example@evil.example/",
        "https://login.sample.example:443@evil.example/",
        "https://evil.example\\@login.sample.example/",
        "https://login.sample.example\\.evil.example/",
        "https://login.sample.example/token#fragment",
        "https://login.sample.example#@evil.example/",
        "https://login.sample.example/ token",
        "https://login.sample.example/token\r\nHost: evil.example",
        "https://login.sample.example/\0",
        "https://login.sample.example:0/",
        "https://login.sample.example:65979/",
        "https://login.sample.example:/",
        "https://%6cogin.sample.example/",
        "https://localhost/",
        "https://metadata.google.internal/",
        "https://vault/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://127.1/",
    ] {
        refuse(HostRequest { url: url.to_owned(), ..token_request() }, "egress.link").await;
    }
    for path in ["/tök", "/a\\b", "/\u{7f}"] {
        let url = format!("https://login.sample.example{path}");
        let memory = Memory::saying("{}");
        self::memory(&memory).send(HostRequest { url, ..token_request() }).await.unwrap_err();
        assert!(memory.uris().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn address_inside_is_denied() {
    for host in "127.0.0.1 10.0.0.1 169.254.169.254 192.168.0.1 172.16.0.1 100.100.100.200 [::1] \
        [fd00:ec2::254] [::ffff:127.0.0.1] [64:ff9b::127.0.0.1] 0.0.0.0 255.255.255.255"
        .split_whitespace()
    {
        let url = format!("https://{host}/token");
        refuse(HostRequest { url, ..token_request() }, "egress.denied").await;
    }
}

#[tokio::test]
async fn metadata_service_is_denied_whatever_the_operator_says() {
    let origin = Some("http://169.254.169.254".to_owned());
    let error = network().send(HostRequest { origin, ..token_request() }).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.request_sent), ("egress.denied", false));
    assert!(!format!("{error:?}").contains("oauth"));
}

#[tokio::test]
async fn origin_of_the_operator_is_an_origin() {
    for origin in ["", "127.0.0.1", "ftp://a.example", "http://a.example/x", "http://u@a.example"] {
        let origin = Some(origin.to_owned());
        refuse(HostRequest { origin, ..token_request() }, "egress.override").await;
    }
}

#[tokio::test]
async fn message_that_cannot_be_sent_is_refused() {
    let header = |name: &str, value: &str| vec![(name.to_owned(), Secret::new(value.to_owned()))];
    let with = |headers| HostRequest { headers, ..token_request() };
    for (name, value) in [
        ("a b", "x"),
        ("", "x"),
        ("x-a", "line\nend"),
        ("x-a", "pat-na1-c4n4ry-0123456789\r\nx: y"),
        ("host", "evil.example"),
        ("Content-Length", "5"),
        ("transfer-encoding", "chunked"),
        ("connection", "close"),
    ] {
        refuse(with(header(name, value)), "egress.header").await;
    }
    refuse(HostRequest { method: "post", ..token_request() }, "egress.method").await;
    refuse(HostRequest { method: "CONNECT", ..token_request() }, "egress.method").await;
    refuse(HostRequest { method: "GET", ..token_request() }, "egress.body").await;
    let body = Some(Secret::new("a".repeat((64 << 10) + 1)));
    refuse(HostRequest { body, ..token_request() }, "egress.request-bytes").await;
}

#[tokio::test]
async fn values_are_marked_and_masked_while_they_are_sent() {
    let redactor = Redactor::default();
    let seen = redactor.clone();
    let memory = Memory::new(move |request| {
        assert!(request.headers()["authorization"].is_sensitive());
        assert_eq!(seen.scrub(&format!("with {CANARY}")), "with [secret]");
        assert_eq!(
            seen.scrub(&format!("at {}", request.uri().path_and_query().unwrap())),
            "at /oauth/token?[secret]"
        );
        (200, Vec::new(), Bytes::new())
    });
    let gateway = memory.gateway(Clock::system()).with_redactor(redactor.clone());
    let url = format!("{URL}?code=c0de-of-us");
    gateway.outbound().send(HostRequest { url, ..token_request() }).await.unwrap();
    assert_eq!(redactor.scrub(CANARY), CANARY);
}
