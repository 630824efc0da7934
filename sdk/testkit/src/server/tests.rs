use std::io::{Read as _, Write as _};

use std::time::{Duration, Instant};

use super::*;
use crate::hubspot::Kind;
use crate::message::Delivery;
use crate::provider::from_fn;
use crate::{Fault, Faulty, HubSpot, Rule, Shared};

const BODY: &str = "0123456789";

fn server(delivery: Delivery) -> Server {
    Server::start(from_fn(move |_| Answer::plain(200, BODY).delivered(delivery)))
}

fn connect(server: &Server, sent: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(sent.as_bytes()).unwrap();
    stream
}

/// Everything that comes until the server ends the connection.
fn exchange(server: &Server, sent: &str) -> String {
    let mut received = String::new();
    connect(server, sent).read_to_string(&mut received).unwrap();
    received
}

#[track_caller]
fn check(delivery: Delivery, expected_tail: &str) {
    let server = server(delivery);
    let received = exchange(&server, "GET / HTTP/1.1\r\nconnection: close\r\n\r\n");
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\ncontent-type: text/plain"), "{head}");
    let framing = head.lines().last().unwrap();
    assert_eq!(format!("{framing}|{body}"), expected_tail);
}

#[test]
fn bodies_are_delivered_as_asked() {
    check(Delivery::Whole, "content-length: 10|0123456789");
    check(Delivery::Chunked, "transfer-encoding: chunked|a\r\n0123456789\r\n0\r\n\r\n");
    check(Delivery::Truncated(4), "content-length: 10|0123");
    check(Delivery::Truncated(99), "content-length: 11|0123456789");
    check(Delivery::ChunksCut(4), "transfer-encoding: chunked|4\r\n0123\r\n");
}

#[test]
fn a_connection_serves_many_requests_even_when_they_come_together() {
    let server = server(Delivery::Whole);
    let one = "GET /1 HTTP/1.1\r\n\r\n";
    let post = "POST /2 HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc";
    let last = "GET /3 HTTP/1.1\r\nConnection: Close\r\n\r\n";
    let received = exchange(&server, &[one, post, last].concat());
    assert_eq!(received.matches("HTTP/1.1 200 OK").count(), 3);
    let targets: Vec<String> = server.requests().into_iter().map(|it| it.target).collect();
    assert_eq!(targets, ["/1", "/2", "/3"]);
    assert_eq!(server.requests()[1].body, b"abc");
}

#[test]
fn the_log_keeps_what_stood_on_the_wire() {
    let server = server(Delivery::Whole);
    let head = "GET /a%2fb/%2e%2e/o'n;x?q=%C3%A4+b&&c HTTP/1.1\r\nX-Odd:  Value \r\nconnection: close\r\n\r\n";
    exchange(&server, head);
    let [request] = server.requests().try_into().unwrap();
    assert_eq!(request.target, "/a%2fb/%2e%2e/o'n;x?q=%C3%A4+b&&c");
    assert_eq!(request.path(), "/a%2fb/%2e%2e/o'n;x");
    assert_eq!(request.query("q").as_deref(), Some("ä b"));
    assert_eq!(request.header("x-odd"), Some("Value"));
    assert_eq!(request.head, head.as_bytes());
}

#[test]
fn chunked_request_bodies_are_put_together() {
    let server = server(Delivery::Whole);
    let sent = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
        3;x=y\r\nabc\r\n2\r\nde\r\n0\r\ntrailer: x\r\n\r\n";
    exchange(&server, sent);
    assert_eq!(server.requests()[0].body, b"abcde");
}

#[test]
fn nonsense_is_refused_and_ends_its_connection_only() {
    let server = server(Delivery::Whole);
    for nonsense in [
        "hello\r\n\r\n",
        "GET / HTTP/1.1\r\ncontent-length: many\r\n\r\n",
        "GET / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n",
        "POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n",
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n",
    ] {
        let received = exchange(&server, nonsense);
        assert!(received.starts_with("HTTP/1.1 400 Bad Request"), "{nonsense}: {received}");
    }
    let received = exchange(&server, "GET / HTTP/1.1\r\nconnection: close\r\n\r\n");
    assert!(received.ends_with(BODY));
    assert_eq!(server.request_count(), 1);
}

#[test]
fn an_answer_to_head_has_no_body() {
    let server = server(Delivery::Whole);
    let received =
        exchange(&server, "HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nconnection: close\r\n\r\n");
    assert_eq!(received.matches(BODY).count(), 1);
}

#[test]
fn an_endless_body_ends_with_its_client() {
    let server = server(Delivery::Endless);
    let mut stream = connect(&server, "GET / HTTP/1.1\r\n\r\n");
    let mut taken = vec![0; 1 << 20];
    stream.read_exact(&mut taken).unwrap();
    drop(stream);
    // The drop of the server waits for the thread that was writing.
}

#[test]
fn a_stalled_answer_waits_for_its_release_and_holds_up_nobody() {
    let server = Server::start(from_fn(|request| {
        let answer = Answer::plain(200, BODY);
        if request.target == "/stall" { answer.delivered(Delivery::Stalled) } else { answer }
    }));
    let mut stalled = connect(&server, "GET /stall HTTP/1.1\r\n\r\n");
    while server.request_count() == 0 {
        std::thread::yield_now();
    }
    let other = exchange(&server, "GET / HTTP/1.1\r\nconnection: close\r\n\r\n");
    assert!(other.ends_with(BODY));
    stalled.set_nonblocking(true).unwrap();
    assert_eq!(stalled.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    stalled.set_nonblocking(false).unwrap();
    server.release();
    let mut received = String::new();
    stalled.read_to_string(&mut received).unwrap();
    assert!(received.ends_with(BODY), "{received}");
}

#[test]
fn an_answer_that_stalls_in_its_body_goes_on_when_released() {
    let server = server(Delivery::StalledAfter(4));
    let mut stream = connect(&server, "GET / HTTP/1.1\r\n\r\n");
    let mut received = Vec::new();
    while !received.ends_with(b"0123") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        received.extend(byte);
    }
    server.release();
    stream.read_to_end(&mut received).unwrap();
    assert!(received.ends_with(BODY.as_bytes()));
}

#[test]
fn a_stalled_answer_ends_with_its_client_or_its_server() {
    let server = server(Delivery::Stalled);
    drop(connect(&server, "GET / HTTP/1.1\r\n\r\n"));
    let mut waiting = connect(&server, "GET / HTTP/1.1\r\n\r\n");
    while server.request_count() < 2 {
        std::thread::yield_now();
    }
    drop(server);
    let mut received = Vec::new();
    waiting.read_to_end(&mut received).unwrap();
    assert_eq!(received, b"");
}

#[test]
fn a_port_is_free_again_after_the_server_and_not_before() {
    // No other test listens on this address, so that nobody takes the port in between.
    let server = Server::bind((Ipv4Addr::new(127, 0, 0, 2), 0), from_fn(|_| Answer::empty(204)));
    let server = server.unwrap();
    let address = server.address();
    assert!(Server::bind(address, from_fn(|_| Answer::empty(204))).is_err());
    drop(server);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn the_log_is_bounded() {
    let server = server(Delivery::Whole);
    let state = Arc::clone(&server.state);
    for number in 0..=REQUESTS_KEPT_MAX {
        state.answer(Request::new("GET", number.to_string()));
    }
    let requests = server.requests();
    assert_eq!((requests.len(), requests[0].target.as_str()), (REQUESTS_KEPT_MAX, "1"));
}

const LIST: &str = "/crm/v3/objects/contacts?limit=100&properties=email,phone,jobtitle";

/// Status line and body of one request on a connection of its own.
fn get(server: &Server, target: &str) -> (String, String) {
    let head = format!(
        "GET {target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t\r\nconnection: close\r\n\r\n"
    );
    let received = exchange(server, &head);
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

#[test]
fn faults_and_changes_reach_the_wire() {
    let crm = Shared::new(Faulty::new(HubSpot::with_contacts(3, 1).token("t"), []));
    let server = Server::start(crm.clone());
    let (status, first) = get(&server, LIST);
    assert_eq!(status, "HTTP/1.1 200 OK");

    let id = crm.with(|it| it.provider.ids(Kind::Contacts)).remove(0);
    crm.with(|it| it.provider.update(Kind::Contacts, &id, 1, &[("email", "new@a.example")]))
        .unwrap();
    let (_, second) = get(&server, LIST);
    assert_ne!(first, second);

    crm.with(|it| it.faults.push(Rule::nth(1, Fault::TooMany(Some("2".into())))));
    assert_eq!(get(&server, LIST).0, "HTTP/1.1 429 Too Many Requests");
    crm.with(|it| it.faults.push(Rule::nth(1, Fault::Truncate(10))));
    assert_eq!(get(&server, LIST).1, &second[..10]);
    assert_eq!(get(&server, LIST).1, second);
    assert_eq!(server.request_count(), 5);
}

#[test]
fn latency_is_real() {
    let rules = [Rule::always(Fault::Latency(30))];
    let server = Server::start(Faulty::new(HubSpot::new(), rules));
    let begun = Instant::now();
    get(&server, LIST);
    assert!(begun.elapsed() >= Duration::from_millis(30));
}
