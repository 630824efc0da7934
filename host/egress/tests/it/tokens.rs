//! Access tokens: replaced before they end, and once when they are refused.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use egress::{Body, Gateway, Options, Transport};
use http_body_util::{BodyExt as _, Full};
use model::Error;
use model::egress::{Access, EgressCall, HttpBudget, Request};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::mint::{
    Mint, accepting, aged, authorizations, bearer, empty, items, open, setup, souring, text,
};
use crate::support::{CANARY, Memory, budget, get, secrets};

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
    let first = AtomicBool::new(true);
    let memory = Memory::new(move |request| match request.uri().path() {
        "/file/1" => (302, vec![("location", "/file/2".to_owned())], Bytes::new()),
        "/file/2" if first.swap(false, Ordering::AcqRel) => empty(401),
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

/// Answers the slow path with the second token, when it is let go.
#[derive(Default)]
struct Slow(Notify);

#[async_trait]
impl Transport for Slow {
    async fn send(
        &self,
        _endpoint: &str,
        request: http::Request<Bytes>,
        _deadline: Instant,
    ) -> Result<http::Response<Body>, Error> {
        if request.uri().path() == "/v1/items/slow" {
            self.0.notified().await;
        }
        let body = Full::new(text(2).into()).map_err(|never| match never {});
        Ok(http::Response::new(body.boxed_unsync()))
    }
}

#[tokio::test]
async fn answer_to_a_request_with_the_token_of_before_is_searched_for_the_new_one() {
    let (mint, slow) = (Arc::new(Mint::living(3600)), Arc::new(Slow::default()));
    let transport = Arc::<Slow>::clone(&slow);
    let gateway = Gateway::with_transport(mint.clock.clone(), Options::default(), transport);
    let call = setup(&mint).door(&gateway.unwrap()).unwrap().open(Access::Read, budget());
    let second = async {
        mint.clock.advance(Duration::from_hours(1));
        let fast = items(call.as_ref()).await;
        slow.0.notify_one();
        fast
    };
    let (first, second) = tokio::join!(call.send(get("api", "/v1/items/slow")), second);
    assert_eq!(mint.asked(), [None, None]);
    for answer in [first, second] {
        assert_eq!(answer.unwrap_err().code, "egress.secret-echo");
    }
}
