use plughouse_sdk::{Payload, Span, host, http, state};

use super::*;
use crate::fault::{Fault, Faulty, Rule};
use crate::message::Answer;
use crate::provider::from_fn;
use crate::{HubSpot, News};

fn request(endpoint: &str, path: &str) -> plughouse_sdk::Request {
    plughouse_sdk::Request {
        endpoint: endpoint.into(),
        method: "GET".into(),
        path: path.into(),
        query: vec![],
        headers: vec![],
        body: None,
    }
}

fn send(host: &TestHost, path: &str) -> Result<Response, Error> {
    host.run(|| http::send(&request("api", path)))
}

#[test]
fn requests_reach_the_provider_with_an_encoded_query_and_the_injected_credential() {
    let host = TestHost::new(HubSpot::with_contacts(1, 1).token("pat-1"))
        .endpoint("api", "https://api.hubapi.com")
        .inject("api", "Authorization", "Bearer pat-1");
    let mut asked = request("api", "/crm/v3/objects/contacts?limit=1");
    asked.query = vec![Pair { name: "properties".into(), value: "email,a b".into() }];
    let answer = host.run(|| http::send(&asked)).unwrap();
    assert_eq!(answer.status, 200);
    let [sent] = host.requests().try_into().unwrap();
    assert_eq!(sent.target, "/crm/v3/objects/contacts?limit=1&properties=email%2Ca%20b");
    assert_eq!(
        (sent.endpoint.as_deref(), sent.header("authorization")),
        (Some("api"), Some("Bearer pat-1"))
    );
}

#[test]
fn endpoints_and_paths_that_the_manifest_would_not_allow_are_denied() {
    let host = TestHost::new(HubSpot::new()).endpoint("files", "https://*.files.example");
    let check = |endpoint: &str, path: &str, code: Option<&str>| {
        let outcome = host.run(|| http::send(&request(endpoint, path)));
        assert_eq!(outcome.err().map(|error| error.code).as_deref(), code, "{endpoint} {path}");
    };
    check("files@eu.files.example", "/a", None);
    check("api", "/a", Some("egress.denied"));
    check("files", "a", Some("egress.path"));
    let target = host.run(|| http::locate("https://eu.files.example/x?y")).unwrap();
    assert_eq!(
        (target.endpoint.as_str(), target.path.as_str()),
        ("files@eu.files.example", "/x?y")
    );
    let refused = host.run(|| http::locate("https://elsewhere.example/")).unwrap_err();
    assert_eq!((refused.kind, refused.code.as_str()), (ErrorKind::Denied, "egress.denied"));
}

#[test]
fn faults_arrive_as_the_host_reports_them() {
    let check = |fault: Fault, expected: Result<u16, (ErrorKind, &str)>| {
        let provider = Faulty::new(HubSpot::new(), [Rule::always(fault.clone())]);
        let outcome = send(&TestHost::new(provider), "/crm/v3/objects/contacts");
        let found = match &outcome {
            Ok(response) => Ok(response.status),
            Err(error) => Err((error.kind, error.code.as_str())),
        };
        assert_eq!(found, expected, "{fault:?}");
        assert!(outcome.err().is_none_or(|error| error.request_sent));
    };
    check(Fault::Status(503), Ok(503));
    check(Fault::Redirect("http://169.254.169.254/".into()), Ok(302));
    check(Fault::Huge(1), Ok(200));
    check(Fault::Latency(60_000), Ok(200));
    check(Fault::GzipBomb(1), Ok(200));
    check(Fault::Stall, Err((ErrorKind::Timeout, "egress.silent")));
    check(Fault::StallAfter(3), Err((ErrorKind::Timeout, "egress.silent")));
    check(Fault::Truncate(3), Err((ErrorKind::Unavailable, "egress.truncated")));
    check(Fault::CutChunks(3), Err((ErrorKind::Unavailable, "egress.truncated")));
    check(Fault::Endless, Err((ErrorKind::BudgetExhausted, "egress.response-bytes")));
    check(Fault::Huge(40), Err((ErrorKind::BudgetExhausted, "egress.response-bytes")));
    check(Fault::GzipBomb(64), Err((ErrorKind::BudgetExhausted, "egress.response-bytes")));
    let coding = Fault::Header("content-encoding".into(), "br".into());
    check(coding, Err((ErrorKind::Malformed, "egress.encoding")));
}

#[test]
fn cookies_and_framing_stay_with_the_host() {
    let provider = from_fn(|_| {
        Answer::plain(200, "x")
            .header("Set-Cookie", "a=b")
            .header("ETag", "1")
            .header("Content-Length", "1")
    });
    let response = send(&TestHost::new(provider), "/").unwrap();
    let names: Vec<_> = response.headers.iter().map(|pair| pair.name.as_str()).collect();
    assert_eq!(names, ["content-type", "etag"]);
}

#[test]
fn payloads_are_resolved_within_the_last_call() {
    let host = TestHost::new(from_fn(|_| Answer::plain(200, "0123456789")));
    let response = send(&host, "/").unwrap();
    let span = |offset, length| Payload::Span(Span { response: response.id, offset, length });
    assert_eq!(host.payload(&span(2, 3)).as_deref(), Some(b"234".as_slice()));
    assert_eq!(host.payload(&span(8, 3)), None);
    assert_eq!(host.payload(&span(u32::MAX, u32::MAX)), None);
    assert_eq!(host.payload(&Payload::Json(b"{}".into())).as_deref(), Some(b"{}".as_slice()));
    host.run(|| ());
    assert_eq!(host.payload(&span(2, 3)), None);
}

#[test]
fn clock_randomness_variables_and_log_are_the_tests_own() {
    let host = TestHost::new(News::new()).variable("auth", "token").now(5).seed(1);
    let (first, second) = host.run(|| {
        host::log(Level::Warn, "odd", &[("count", "2")]);
        assert_eq!((host::now_ms(), host::variable("auth").as_deref()), (5, Some("token")));
        assert_eq!(host::variable("other"), None);
        (host::random(8), host::random(8))
    });
    assert!(first.len() == 8 && first != second);
    let again = TestHost::new(News::new()).seed(1).run(|| host::random(8));
    assert_eq!(first, again);
    let fields = vec![("count".to_owned(), "2".to_owned())];
    let line = LogLine { level: Level::Warn, message: "odd".into(), fields };
    assert_eq!(host.log(), [line]);
}

#[test]
fn the_cache_forgets_what_has_expired() {
    let host = TestHost::new(News::new()).now(1000);
    let get = |key: &str| host.run(|| state::get(key)).unwrap();
    host.run(|| state::put("a", b"1", Some(10)).and(state::put("b", b"2", None))).unwrap();
    assert_eq!((get("a"), get("c")), (Some(b"1".to_vec()), None));
    host.set_now(1010);
    assert_eq!((get("a"), get("b")), (None, Some(b"2".to_vec())));
}

#[test]
fn uploads_are_put_together_from_their_bytes() {
    let host = TestHost::new(from_fn(|request| Answer::json(200, request.body.clone())));
    let pieces = [Piece::Bytes(b"ab".into()), Piece::Bytes(b"c".into())];
    let response = host.run(|| http::upload(&request("api", "/"), &pieces)).unwrap();
    assert_eq!(response.body, b"abc");
    let blob = plughouse_sdk::Slice { blob: "b1".into(), offset: 0, length: 1, base64: false };
    let refused = host.run(|| http::upload(&request("api", "/"), &[Piece::Blob(blob)]));
    assert_eq!(refused.unwrap_err().code, "testkit.blob");
}
