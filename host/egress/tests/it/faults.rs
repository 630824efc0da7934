//! Providers that misbehave, over real HTTP: each ends in one classified error.

use std::time::{Duration, Instant};

use egress::{Gateway, Options};
use model::egress::{Access, HttpBudget, Response};
use model::{Clock, Error, ErrorKind};
use plughouse_testkit::{Answer, Delivery, Fault, Faulty, Provider, Rule, Server, from_fn};

use crate::support::{CANARY, Setup, budget, get};

const PAGE: &str = r#"{"results":[{"id":"1"},{"id":"2"},{"id":"3"}]}"#;

fn gateway() -> Gateway {
    Gateway::new(Clock::system(), Options::default()).unwrap()
}

async fn ask(server: &Server, limits: HttpBudget) -> Result<Response, Error> {
    let door = Setup::new().over("api", &server.origin()).door(&gateway()).unwrap();
    let call = door.open(Access::Read, limits);
    call.send(get("api", "/v1/items")).await
}

fn faulty_page(fault: Fault) -> impl Provider {
    Faulty::new(from_fn(|_| Answer::json(200, PAGE.as_bytes())), [Rule::always(fault)])
}

async fn faulty(fault: Fault) -> Result<Response, Error> {
    ask(&Server::start(faulty_page(fault)), budget()).await
}

async fn answered(answer: Answer) -> Result<Response, Error> {
    ask(&Server::start(from_fn(move |_| answer.clone())), budget()).await
}

#[track_caller]
fn check(answer: &Result<Response, Error>, kind: ErrorKind, code: &str) {
    let error = answer.as_ref().unwrap_err();
    assert_eq!(
        (error.kind, error.code.as_str(), error.request_sent),
        (kind, code, true),
        "{error}"
    );
}

#[tokio::test]
async fn any_status_and_any_type_is_an_answer() {
    for fault in [
        Fault::Unauthorized,
        Fault::Forbidden,
        Fault::TooMany(None),
        Fault::Status(500),
        Fault::Html,
        Fault::Malformed,
    ] {
        let answer = faulty(fault.clone()).await.unwrap();
        assert!(answer.status >= 200, "{fault:?}");
    }
    for delivery in [Delivery::Whole, Delivery::Chunked] {
        let answer =
            answered(Answer::json(200, PAGE.as_bytes()).delivered(delivery)).await.unwrap();
        assert_eq!(&answer.body[..], PAGE.as_bytes());
    }
}

#[tokio::test]
async fn bomb_ends_in_an_error_and_not_in_memory() {
    const MIB: u64 = 1 << 20;
    for (response_bytes, kind, code, counted_max) in [
        // 64 MiB of one byte pack to less than 70 KiB, of which a hundred times is allowed.
        (1024 * MIB, ErrorKind::Malformed, "egress.bomb", 7 * MIB),
        (MIB, ErrorKind::BudgetExhausted, "egress.response-bytes", MIB + (64 << 10)),
    ] {
        let bomb =
            Faulty::new(from_fn(|_| Answer::empty(200)), [Rule::always(Fault::GzipBomb(64))]);
        let server = Server::start(bomb);
        let door = Setup::new().over("api", &server.origin()).door(&gateway()).unwrap();
        let call = door.open(Access::Read, HttpBudget { response_bytes, ..budget() });
        check(&call.send(get("api", "/v1/items")).await, kind, code);
        let counted = call.usage().bytes_in;
        assert!((MIB..=counted_max).contains(&counted), "{counted} bytes were decompressed");
    }
}

#[tokio::test]
async fn endless_body_ends_at_the_budget() {
    for fault in [Fault::Endless, Fault::Huge(2)] {
        let limits = HttpBudget { response_bytes: 1 << 20, ..budget() };
        let answer = ask(&Server::start(faulty_page(fault)), limits).await;
        check(&answer, ErrorKind::BudgetExhausted, "egress.response-bytes");
    }
}

#[tokio::test]
async fn truncated_body_is_not_a_page() {
    for fault in [Fault::Truncate(10), Fault::Truncate(0), Fault::CutChunks(10)] {
        check(&faulty(fault).await, ErrorKind::Unavailable, "egress.truncated");
    }
}

#[tokio::test]
async fn stall_ends_at_the_deadline() {
    for fault in [Fault::Stall, Fault::StallAfter(5)] {
        let provider = faulty_page(fault);
        let deadline = Instant::now() + Duration::from_millis(200);
        let answer = ask(&Server::start(provider), HttpBudget { deadline, ..budget() }).await;
        check(&answer, ErrorKind::Timeout, "egress.deadline");
    }
}

#[tokio::test]
async fn redirect_to_a_metadata_service_is_the_guests_to_see_and_not_to_follow() {
    let location = "http://169.254.169.254/latest/meta-data/".to_owned();
    let answer = faulty(Fault::Redirect(location)).await.unwrap();
    assert!((300..400).contains(&answer.status));
}

#[tokio::test]
async fn provider_that_echoes_the_credential_is_not_heard() {
    let answer = faulty(Fault::EchoAuthorization).await;
    check(&answer, ErrorKind::Denied, "egress.secret-echo");
    assert!(!format!("{answer:?}").contains(CANARY));
}

#[tokio::test]
async fn foreign_coding_is_malformed() {
    let packed = Answer::json(200, PAGE.as_bytes()).header("content-encoding", "br");
    check(&answered(packed).await, ErrorKind::Malformed, "egress.encoding");
}

#[tokio::test]
async fn answer_that_is_not_http_is_malformed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let garbage = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(std::io::Read::read(&mut stream, &mut [0; 4096]).unwrap() > 0);
        std::io::Write::write_all(&mut stream, b"SSH-2.0-OpenSSH_9.6\r\n\r\n").unwrap();
    });
    let call = Setup::new().over("api", &origin).network_call();
    let answer = call.send(get("api", "/v1/items")).await;
    check(&answer, ErrorKind::Malformed, "egress.http");
    garbage.join().unwrap();
}

#[tokio::test]
async fn head_of_an_answer_is_bounded() {
    let headers = (0..200).map(|index| (format!("x-{index}"), "a".repeat(20)));
    let answer =
        headers.fold(Answer::empty(200), |answer, (name, value)| answer.header(name, value));
    check(&answered(answer).await, ErrorKind::Malformed, "egress.http");
    let answer = answered(Answer::empty(200).header("x-a", "a".repeat(200 << 10))).await;
    check(&answer, ErrorKind::Malformed, "egress.http");
}

#[tokio::test]
async fn nobody_there_is_unavailable_and_nothing_was_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let call = Setup::new().over("api", &origin).network_call();
    let error = call.send(get("api", "/v1/items")).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "egress.connect"));
    assert!(!error.request_sent);
}

#[tokio::test]
async fn plain_server_behind_an_https_override_is_a_tls_error() {
    let server = Server::start(from_fn(|_| Answer::empty(200)));
    let origin = server.origin().replace("http://", "https://");
    let call = Setup::new().over("api", &origin).network_call();
    let error = call.send(get("api", "/v1/items")).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "egress.tls"));
    assert!(!error.request_sent);
}

#[tokio::test]
async fn override_of_one_endpoint_opens_no_other() {
    let server = Server::start(from_fn(|_| Answer::empty(200)));
    let port = server.address().port();
    let setup = Setup::new().over("api", &server.origin());
    let call = setup.network_call();
    assert!(call.send(get("api", "/v1/items")).await.is_ok());
    let link = format!("http://127.0.0.1:{port}/public/x");
    assert!(call.locate(&link).is_err());
    assert_eq!(server.request_count(), 1);
}

/// A pool that two connections share would hand one tenant's socket, and what a provider ties to
/// it, to another.
#[tokio::test]
async fn tenants_do_not_share_a_socket() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let accepted = std::thread::spawn(move || {
        let sockets: Vec<_> = (0..2).map(|_| listener.accept().unwrap().0).collect();
        sockets.into_iter().map(served).collect::<Vec<_>>()
    });
    let gateway = gateway();
    let mut calls = Vec::new();
    for tenant in ["acme", "umbrella"] {
        let mut setup = Setup::new().over("api", &origin);
        setup.connection.tenant = tenant.parse().unwrap();
        calls.push(setup.door(&gateway).unwrap().open(Access::Read, budget()));
    }
    let (first, second) = tokio::join!(twice(calls[0].as_ref()), twice(calls[1].as_ref()));
    first.unwrap();
    second.unwrap();
    drop(calls);
    assert_eq!(accepted.join().unwrap(), [2, 2]);
}

async fn twice(call: &dyn model::egress::EgressCall) -> Result<(), Error> {
    call.send(get("api", "/v1/items")).await?;
    call.send(get("api", "/v1/items")).await.map(drop)
}

/// Answers two requests on one socket and counts them.
fn served(mut stream: std::net::TcpStream) -> usize {
    let mut served = 0;
    let mut bytes = [0; 4096];
    while served < 2 && std::io::Read::read(&mut stream, &mut bytes).unwrap() > 0 {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        std::io::Write::write_all(&mut stream, answer).unwrap();
        served += 1;
    }
    served
}
