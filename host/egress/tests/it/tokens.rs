//! Access tokens: replaced before they end, and once when they are refused.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use egress::Redactor;
use model::credential::{Token, Tokens};
use model::egress::{Access, EgressCall, HttpBudget, Request};
use model::masking::Masking as _;
use model::{Error, ErrorKind, Secret};

use crate::mint::{Mint, authorizations, bearer, door, items, open, setup, text};
use crate::support::{CANARY, Canned, Memory, budget, get, secrets};

fn empty(status: u16) -> Canned {
    (status, Vec::new(), Bytes::new())
}

/// Accepts tokens of this generation and later.
fn accepting(least: u64) -> Arc<Memory> {
    Memory::new(move |request| {
        let authorization = request.headers()["authorization"].to_str().unwrap();
        let generation = authorization.rsplit('-').next().unwrap().parse::<u64>().unwrap();
        empty(if generation < least { 401 } else { 200 })
    })
}

/// Whether a token that lives for so long is replaced after so long, before anything is sent.
async fn check_expiry(lives: u64, after: u64, replaced: bool) {
    let (mint, memory) = (Arc::new(Mint::living(lives)), Memory::saying("{}"));
    let call = open(&mint, &memory);
    items(call.as_ref()).await.unwrap();
    mint.clock.advance(Duration::from_secs(after));
    items(call.as_ref()).await.unwrap();
    let second = if replaced { bearer(2) } else { bearer(1) };
    assert_eq!(authorizations(&memory), [bearer(1), second], "{lives} s, after {after} s");
    assert_eq!(mint.asked().len(), if replaced { 2 } else { 1 });
}

#[tokio::test]
async fn token_is_replaced_before_it_ends_on_its_way() {
    check_expiry(3600, 0, false).await;
    check_expiry(3600, 3569, false).await;
    check_expiry(3600, 3570, true).await;
    check_expiry(3600, 3600, true).await;
    check_expiry(3600, 7200, true).await;
    // One that never lasts is asked for each time, and used as it is.
    check_expiry(20, 0, true).await;
}

#[tokio::test]
async fn token_without_an_end_is_asked_for_once_and_only_where_it_is_needed() {
    let (mint, memory) = (Arc::new(Mint::new()), Memory::saying("{}"));
    let call = open(&mint, &memory);
    call.send(get("open", "/public/x")).await.unwrap();
    call.send(get("nowhere", "/x")).await.unwrap_err();
    assert_eq!((mint.asked(), authorizations(&memory)), (vec![], vec![String::new()]));
    mint.clock.advance(Duration::from_hours(1000));
    for _ in 0..3 {
        items(call.as_ref()).await.unwrap();
    }
    assert_eq!(mint.asked(), [None]);
    let mut key = setup(&mint);
    key.connection.auth = "token".to_owned();
    key.secrets = secrets(&[("token", CANARY)]);
    let key = key.door(&memory.gateway(mint.clock.clone())).unwrap();
    items(key.open(Access::Read, budget()).as_ref()).await.unwrap();
    assert_eq!(mint.asked(), [None], "a key is no token");
}

#[tokio::test]
async fn refused_young_token_is_the_guests_to_see() {
    let (mint, memory) = (Arc::new(Mint::new()), accepting(2));
    let call = open(&mint, &memory);
    for (later, status) in [(0, 401), (60, 401), (1, 200)] {
        mint.clock.advance(Duration::from_secs(later));
        assert_eq!(items(call.as_ref()).await.unwrap().status, status, "{later}");
    }
    assert_eq!(mint.asked(), [None, Some(1)]);
    assert_eq!(authorizations(&memory), [bearer(1), bearer(1), bearer(1), bearer(2)]);
}

/// A door whose token is an hour old.
async fn aged(mint: &Arc<Mint>, memory: &Arc<Memory>, limits: HttpBudget) -> Box<dyn EgressCall> {
    let door = door(mint, memory);
    items(door.open(Access::Read, budget()).as_ref()).await.unwrap();
    mint.clock.advance(Duration::from_hours(1));
    memory.sent.lock().unwrap().clear();
    door.open(Access::Write, limits)
}

/// Accepts tokens of this generation and later, and any token once.
fn souring(least: u64) -> Arc<Memory> {
    let first = std::sync::atomic::AtomicBool::new(true);
    let strict = accepting(least);
    Memory::new(move |request| {
        let first = first.swap(false, std::sync::atomic::Ordering::AcqRel);
        if first { empty(200) } else { strict.answered(request) }
    })
}

#[tokio::test]
async fn refused_token_is_replaced_and_the_request_repeated_to_the_byte() {
    let (mint, memory) = (Arc::new(Mint::new()), souring(2));
    let call = aged(&mint, &memory, budget()).await;
    let body = Bytes::from_static(b"{\"a\": [1,  2],\r\n\"b\": \"\xc3\xa9\"}");
    let request = Request {
        method: "POST".to_owned(),
        query: vec![("q".to_owned(), "a b".to_owned())],
        headers: vec![("x-a".to_owned(), "1".to_owned())],
        body: Some(body.clone()),
        ..get("api", "/v1/items?x='%27'")
    };
    assert_eq!(call.send(request).await.unwrap().status, 200);
    assert_eq!(authorizations(&memory), [bearer(1), bearer(2)]);
    let sent = memory.sent.lock().unwrap();
    for request in sent.iter() {
        assert_eq!((request.method().as_str(), request.body()), ("POST", &body));
        assert_eq!(request.uri(), "https://api.sample.example/v1/items?x='%27'&q=a%20b");
        assert_eq!(request.headers()["x-a"], "1");
    }
    assert_eq!((call.usage().calls, mint.asked()), (2, vec![None, Some(1)]));
}

#[tokio::test]
async fn second_refusal_is_the_guests_to_see() {
    let (mint, memory) = (Arc::new(Mint::new()), souring(9));
    let call = aged(&mint, &memory, budget()).await;
    assert_eq!(items(call.as_ref()).await.unwrap().status, 401);
    assert_eq!(authorizations(&memory), [bearer(1), bearer(2)]);
    // The new one is young, so that it is not replaced either.
    assert_eq!(items(call.as_ref()).await.unwrap().status, 401);
    assert_eq!(mint.asked(), [None, Some(1)]);
}

#[tokio::test]
async fn other_refusals_are_not_about_the_token() {
    let (mint, status) = (Arc::new(Mint::new()), Arc::new(Mutex::new(200)));
    let told = Arc::clone(&status);
    let memory = Memory::new(move |_| empty(*told.lock().unwrap()));
    let call = aged(&mint, &memory, budget()).await;
    for refusal in [400, 403, 407, 429, 500] {
        *status.lock().unwrap() = refusal;
        assert_eq!(items(call.as_ref()).await.unwrap().status, refusal);
        mint.clock.advance(Duration::from_mins(10));
    }
    *status.lock().unwrap() = 401;
    let open = call.send(get("open", "/public/x")).await.unwrap();
    assert_eq!((open.status, mint.asked()), (401, vec![None]));
}

#[tokio::test]
async fn fifty_refused_at_once_replace_one_token_and_send_twice_each() {
    let (mint, memory) = (Arc::new(Mint::new()), souring(2));
    let call: Arc<dyn EgressCall> = aged(&mint, &memory, budget()).await.into();
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let call = Arc::clone(&call);
        sending.spawn(async move { items(call.as_ref()).await.unwrap().status });
    }
    assert!(sending.join_all().await.iter().all(|status| *status == 200));
    let sent = authorizations(&memory);
    let count = |generation| sent.iter().filter(|it| **it == bearer(generation)).count();
    let asked = mint.asked();
    let renewed = &asked[1..];
    assert_eq!((count(2), sent.len()), (50, 50 + renewed.len()));
    assert!(!renewed.is_empty() && renewed.iter().all(|asked| *asked == Some(1)), "{renewed:?}");
    assert_eq!(mint.state.lock().unwrap().generation, 2);
}

#[tokio::test]
async fn repeated_request_needs_a_place_in_the_budget() {
    let (mint, memory) = (Arc::new(Mint::new()), souring(2));
    let call = aged(&mint, &memory, HttpBudget { calls: 1, ..budget() }).await;
    let error = items(call.as_ref()).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.request_sent), ("egress.calls", true));
    // The next call has the new token.
    assert_eq!(mint.asked(), [None, Some(1)]);
}

#[tokio::test]
async fn redirect_that_refuses_the_token_is_repeated_alone() {
    let first = std::sync::atomic::AtomicBool::new(true);
    let memory = Memory::new(move |request| match request.uri().path() {
        "/file/1" => (302, vec![("location", "/file/2".to_owned())], Bytes::new()),
        "/file/2" if first.swap(false, std::sync::atomic::Ordering::AcqRel) => empty(401),
        _ => empty(200),
    });
    let mint = Arc::new(Mint::new());
    let call = aged(&mint, &memory, budget()).await;
    assert_eq!(call.send(get("media", "/file/1")).await.unwrap().status, 200);
    let paths =
        ["/file/1", "/file/2", "/file/2"].map(|it| format!("https://media.sample.example{it}"));
    assert_eq!(memory.uris(), paths);
    assert_eq!(authorizations(&memory), [bearer(1), bearer(1), bearer(2)]);
}

#[tokio::test]
async fn origin_moves_with_the_token_within_the_manifests_rules() {
    for (region, expected) in [
        ("eu-N.regional.example", Some("https://eu-2.regional.example/x")),
        ("eu-N.regional.example.evil.example", None),
        ("127.0.0.N", None),
        ("eu-N.regional.example:8443", None),
    ] {
        let (mint, memory) = (Arc::new(Mint::living(3600)), Memory::saying("{}"));
        mint.moves("eu-N.regional.example");
        let mut setup = setup(&mint);
        let before = ("region".to_owned(), "eu-0.regional.example".to_owned());
        setup.connection.variables.extend([before]);
        let door = setup.door(&memory.gateway(mint.clock.clone())).unwrap();
        let call = door.open(Access::Read, budget());
        call.send(get("regional", "/x")).await.unwrap();
        assert_eq!(memory.uris(), ["https://eu-1.regional.example/x"], "{region}");
        mint.clock.advance(Duration::from_hours(1));
        mint.moves(region);
        let answer = call.send(get("regional", "/x")).await;
        if let Some(uri) = expected {
            assert_eq!(memory.uris().last().unwrap(), uri);
        } else {
            let error = answer.unwrap_err();
            assert_eq!((error.code.as_str(), error.request_sent), ("egress.variable", false));
            assert_eq!(memory.uris().len(), 1, "{region}");
        }
    }
}

#[tokio::test]
async fn variable_that_only_the_token_tells_opens_the_endpoint() {
    let (mint, memory) = (Arc::new(Mint::new()), Memory::saying("{}"));
    mint.moves("eu-N.regional.example");
    open(&mint, &memory).send(get("regional", "/x")).await.unwrap();
    assert_eq!(memory.uris(), ["https://eu-1.regional.example/x"]);
}

#[tokio::test]
async fn token_of_before_is_still_watched() {
    for generation in [1, 2] {
        let page = format!("{{\"token\":\"{}\"}}", text(generation));
        let memory = Memory::new(move |request| match request.uri().path() {
            "/public/x" => (200, Vec::new(), Bytes::from(page.clone())),
            _ => empty(200),
        });
        let mint = Arc::new(Mint::living(3600));
        let call = open(&mint, &memory);
        for _ in 0..2 {
            items(call.as_ref()).await.unwrap();
            mint.clock.advance(Duration::from_hours(1));
        }
        let error = call.send(get("open", "/public/x")).await.unwrap_err();
        assert_eq!(error.code, "egress.secret-echo", "{generation}");
        let error = call.send(get("open", &format!("/public/{}", text(generation)))).await;
        assert_eq!(error.unwrap_err().code, "egress.secret-in-request", "{generation}");
        assert!(!call.scrub(&text(generation)).contains("generation"));
    }
}

#[tokio::test]
async fn refusal_that_repeats_the_token_does_not_keep_it_from_being_replaced() {
    let memory = Memory::new(|request| {
        let authorization = request.headers()["authorization"].to_str().unwrap().to_owned();
        let old = authorization == bearer(1) && request.uri().path() != "/v1/items";
        if old { (401, Vec::new(), Bytes::from(authorization)) } else { empty(200) }
    });
    let mint = Arc::new(Mint::new());
    let call = aged(&mint, &memory, budget()).await;
    assert_eq!(call.send(get("api", "/v1/items/7")).await.unwrap().status, 200);
}

/// How a failure to have a token is told, before anything is sent and after a refusal.
async fn check_failure(error: Error, kind: ErrorKind, code: &str) {
    let wait = error.retry_after;
    let mint = Arc::new(Mint::new());
    mint.fail(error.clone());
    let memory = souring(2);
    let told = items(open(&mint, &memory).as_ref()).await.unwrap_err();
    assert_eq!((told.kind, told.code.as_str(), told.request_sent), (kind, code, false));
    assert_eq!((told.retry_after, memory.uris().len()), (wait, 0));
    let call = aged(&mint, &memory, budget()).await;
    mint.fail(error);
    let told = items(call.as_ref()).await.unwrap_err();
    assert_eq!((told.kind, told.code.as_str(), told.request_sent), (kind, code, true));
    assert_eq!(memory.uris().len(), 1);
    // The next request is another chance.
    assert_eq!(items(call.as_ref()).await.unwrap().status, 200);
}

#[tokio::test]
async fn account_to_be_authorised_again_is_told_as_it_is_and_anything_else_passes() {
    let person = Error::new(ErrorKind::AuthRequired, "oauth.invalid-grant", "connect again");
    check_failure(person, ErrorKind::AuthRequired, "oauth.invalid-grant").await;
    for kind in [
        ErrorKind::Unavailable,
        ErrorKind::Timeout,
        ErrorKind::RateLimited,
        ErrorKind::Invalid,
        ErrorKind::Denied,
        ErrorKind::Malformed,
    ] {
        let error = Error::new(kind, "oauth.any", "no").sent().retry_after(Duration::from_secs(7));
        check_failure(error, ErrorKind::Unavailable, "egress.token-unavailable").await;
    }
}

#[tokio::test]
async fn canary_in_the_failure_of_a_refresh_is_not_told() {
    let canary = "refresh-token-c4n4ry";
    let redactor = Redactor::default();
    let _masked = redactor.mask(&[Secret::new(canary.to_owned())]);
    for kind in [ErrorKind::AuthRequired, ErrorKind::Unavailable] {
        let mint = Arc::new(Mint::new());
        let memory = souring(2);
        let gateway = memory.gateway(mint.clock.clone()).with_redactor(redactor.clone());
        let call = setup(&mint).door(&gateway).unwrap().open(Access::Read, budget());
        items(call.as_ref()).await.unwrap();
        mint.clock.advance(Duration::from_hours(1));
        let message = format!("`{canary}` for `{}` is no good", text(1));
        mint.fail(Error::new(kind, "oauth.any", message).detail("sent", canary));
        let told = format!("{:?}", items(call.as_ref()).await.unwrap_err());
        assert!(told.contains("[secret]") && !told.contains(canary) && !told.contains(&text(1)));
    }
}

/// Never answers.
struct Silent;

#[async_trait]
impl Tokens for Silent {
    async fn current(&self) -> Result<Token, Error> {
        std::future::pending().await
    }

    async fn renewed(&self, _refused: u64) -> Result<Token, Error> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn token_is_waited_for_no_longer_than_the_call_lasts() {
    let memory = Memory::saying("{}");
    let mut setup = setup(&Arc::new(Mint::new()));
    setup.tokens = Some(Arc::new(Silent));
    let call = setup.call(&memory);
    let error = items(call.as_ref()).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.request_sent), ("egress.token-unavailable", false));
    assert!(memory.uris().is_empty());
}

#[tokio::test]
async fn token_that_no_header_carries_or_no_scan_finds_is_not_sent() {
    for (bad, code) in [("short", "egress.secret-short"), ("line\nend-of-it", "egress.auth")] {
        let (mint, memory) = (Arc::new(Mint::new()), Memory::saying("{}"));
        mint.state.lock().unwrap().text = Some(bad.to_owned());
        let error = items(open(&mint, &memory).as_ref()).await.unwrap_err();
        assert_eq!((error.code.as_str(), memory.uris().len()), (code, 0));
        assert!(!error.message.contains(bad));
    }
}
