//! The credential goes out in its place and nowhere else, and never comes back.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use egress::{Gateway, Options};
use model::egress::{EgressCall, Request};
use model::{Clock, Error, ErrorKind};
use plughouse_testkit::{Answer, Server, from_fn};

use crate::support::{CANARY, Memory, Setup, escaped, get, manifest, secrets};

/// `main-user:pat-na1-c4n4ry-0123456789` in base64, as a proxy would echo it.
const BASIC: &str = "Basic bWFpbi11c2VyOnBhdC1uYTEtYzRuNHJ5LTAxMjM0NTY3ODk=";

fn call(auth: &str, pairs: &[(&str, &str)], memory: &Arc<Memory>) -> Box<dyn EgressCall> {
    let mut setup = Setup::new();
    setup.connection.auth = auth.into();
    setup.secrets = secrets(pairs);
    setup.call(memory)
}

async fn sent(auth: &str, pairs: &[(&str, &str)]) -> (String, Option<String>) {
    let memory = Memory::saying("{}");
    call(auth, pairs, &memory).send(get("api", "/v1/items?a=1")).await.unwrap();
    (memory.uris().remove(0), memory.last_header("authorization"))
}

#[tokio::test]
async fn credential_stands_where_the_method_says() {
    let plain = "https://api.sample.example/v1/items?a=1".to_owned();
    let bearer = Some(format!("Bearer {CANARY}"));
    assert_eq!(sent("token", &[("token", CANARY)]).await, (plain.clone(), bearer.clone()));
    assert_eq!(sent("oauth", &[("access_token", CANARY)]).await, (plain.clone(), bearer));
    let pair = [("user", "main-user"), ("password", CANARY)];
    assert_eq!(sent("basic", &pair).await, (plain.clone(), Some(BASIC.to_owned())));
    let query = format!("{plain}&api_key={CANARY}%2F%2B");
    assert_eq!(sent("query", &[("key", &format!("{CANARY}/+"))]).await, (query, None));
    assert_eq!(sent("none", &[]).await, (plain, None));
}

#[tokio::test]
async fn guest_cannot_set_the_credential_of_any_method_at_any_endpoint() {
    let custom = "[auth.custom]\nkind = \"key\"\n\
        fields = { key = { label = \"Key\", secret = true } }\n\
        header = { name = \"X-Api-Key\", value = \"{key}\" }\n[endpoint.api]";
    let manifest = manifest(|text| text.replacen("[endpoint.api]", custom, 1));
    let pair = |name: &str| vec![(name.to_owned(), "guest".to_owned())];
    for (endpoint, path) in [("api", "/v1/items"), ("open", "/public/x")] {
        for request in [
            Request { headers: pair("x-api-KEY"), ..get(endpoint, path) },
            Request { query: pair("API_key"), ..get(endpoint, path) },
            get(endpoint, &format!("{path}?api%5fkey=guest")),
        ] {
            for auth in ["token", "query", "custom"] {
                let mut setup = Setup::of(Arc::clone(&manifest));
                setup.connection.auth = auth.into();
                setup.secrets = secrets(&[("token", CANARY), ("key", CANARY)]);
                let memory = Memory::saying("{}");
                let error = setup.call(&memory).send(request.clone()).await.unwrap_err();
                assert!(matches!(error.code.as_str(), "egress.header" | "egress.query"), "{error}");
                assert!(memory.uris().is_empty(), "{auth}: {request:?}");
            }
        }
    }
}

#[tokio::test]
async fn endpoint_without_credential_gets_none() {
    let memory = Memory::saying("{}");
    Setup::new().call(&memory).send(get("open", "/public/x")).await.unwrap();
    assert_eq!(memory.last_header("authorization"), None);
}

#[tokio::test]
async fn missing_secret_is_an_error_and_nothing_is_sent() {
    for (auth, pairs) in [
        ("token", &[][..]),
        ("token", &[("token", "")]),
        ("oauth", &[]),
        ("basic", &[("user", "u")]),
    ] {
        let memory = Memory::saying("{}");
        let error = call(auth, pairs, &memory).send(get("api", "/v1/items")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::AuthRequired, "{auth}");
        assert!(memory.uris().is_empty() && !error.request_sent, "{auth}");
    }
}

#[test]
fn secret_that_no_scan_can_find_is_refused() {
    let mut setup = Setup::new();
    setup.secrets = secrets(&[("token", "hunter2")]);
    let error = setup.try_call(&Memory::saying("")).map(drop).unwrap_err();
    assert_eq!(error.code, "egress.secret-short");
    assert!(!error.message.contains("hunter2"));
    setup.secrets = secrets(&[("token", "line\nend-of-a-key")]);
    let error = setup.try_call(&Memory::saying("")).map(drop).unwrap_err();
    assert_eq!(error.code, "egress.auth");
    assert!(!error.message.contains("end-of"));
}

#[tokio::test]
async fn guest_that_learned_the_secret_cannot_send_it() {
    let escaped = escaped(CANARY);
    let requests = [
        Request { path: format!("/v1/items/{CANARY}"), ..get("api", "") },
        // Refusals for other reasons, whose texts and hints quote the guest.
        get("api", &format!("/v9/{CANARY}")),
        get(&format!("links@{CANARY}.files.example"), "/"),
        get(CANARY, "/"),
        Request { headers: vec![(CANARY.to_owned(), "\n".to_owned())], ..get("api", "/v1/items") },
        Request { path: format!("/v1/items?q={escaped}"), ..get("api", "") },
        Request { query: vec![("q".to_owned(), format!("x{CANARY}y"))], ..get("api", "/v1/items") },
        Request { headers: vec![("X-A".to_owned(), CANARY.to_owned())], ..get("api", "/v1/items") },
        Request {
            method: "POST".to_owned(),
            body: Some(Bytes::from(format!("{{\"q\":\"{CANARY}\"}}"))),
            ..get("api", "/v1/search")
        },
        Request {
            method: "POST".to_owned(),
            body: Some(Bytes::from_static(BASIC.as_bytes())),
            ..get("api", "/v1/search")
        },
    ];
    for request in requests {
        let memory = Memory::saying("{}");
        let error = Setup::new().call(&memory).send(request).await.unwrap_err();
        assert_eq!(error.code, "egress.secret-in-request");
        assert!(memory.uris().is_empty() && !format!("{error:?}").contains(CANARY));
    }
}

#[test]
fn link_with_the_secret_is_refused_without_repeating_it() {
    let call = Setup::new().call(&Memory::saying(""));
    for url in
        [format!("https://{CANARY}.example/"), format!("https://api.sample.example/{CANARY}")]
    {
        let error = call.locate(&url).unwrap_err();
        assert_eq!(error.code, "egress.secret-in-request");
        assert!(!format!("{error:?}").contains(CANARY));
    }
}

async fn echo(headers: Vec<(&'static str, String)>, body: String) -> Error {
    let memory = Memory::new(move |_| (200, headers.clone(), Bytes::from(body.clone())));
    Setup::new().call(&memory).send(get("api", "/v1/items")).await.unwrap_err()
}

#[tokio::test]
async fn answer_that_echoes_the_secret_is_thrown_away() {
    let escaped = escaped(CANARY);
    let echoes = [
        echo(Vec::new(), format!("you sent Bearer {CANARY}")).await,
        echo(Vec::new(), format!("{{\"authorization\":\"{BASIC}\"}}")).await,
        echo(Vec::new(), escaped).await,
        echo(vec![("x-debug", format!("auth={CANARY}"))], String::new()).await,
    ];
    for error in echoes {
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, "egress.secret-echo"));
        assert!(error.request_sent && !format!("{error:?}").contains(CANARY));
    }
}

#[tokio::test]
async fn cookies_and_challenges_are_not_the_guests() {
    let memory = Memory::new(|_| {
        let headers = vec![
            ("set-cookie", "a=b".to_owned()),
            ("www-authenticate", "Bearer".to_owned()),
            ("etag", "1".to_owned()),
        ];
        (401, headers, Bytes::new())
    });
    let answer = Setup::new().call(&memory).send(get("api", "/v1/items")).await.unwrap();
    assert_eq!(answer.status, 401);
    assert_eq!(answer.headers, [("etag".to_owned(), "1".to_owned())]);
}

#[test]
fn text_of_a_guest_is_scrubbed() {
    let call = Setup::new().call(&Memory::saying(""));
    assert_eq!(call.scrub(&format!("got {CANARY} and {BASIC}")).matches("[secret]").count(), 2);
    assert_eq!(call.scrub("nothing here"), "nothing here");
}

/// Collects what a subscriber writes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn audit_names_the_route_and_never_the_content() {
    let log = Log::default();
    let sink = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || sink.clone())
        .finish();
    // While there is one subscriber alone, `tracing` asks that of the thread which comes to a line
    // first, and the other tests' threads have none.
    let second = tracing::Dispatch::new(tracing_subscriber::registry());
    let guard = tracing::subscriber::set_default(subscriber);
    let setup = Setup::new();
    setup.call(&Memory::saying("payload")).send(get("api", "/v1/items/7?q=query")).await.unwrap();
    setup.call(&Memory::saying(CANARY)).send(get("api", "/v1/items/7")).await.unwrap_err();
    setup.call(&Memory::saying("")).send(get("api", "/v9/7?q=query")).await.unwrap_err();
    setup.call(&Memory::saying("")).send(get(CANARY, "/")).await.unwrap_err();
    let call = setup.call(&Memory::saying(""));
    for _ in 0..150 {
        call.send(get("api", "/v9/7")).await.unwrap_err();
    }
    let server = Server::start(from_fn(|_| Answer::plain(200, "payload")));
    let call = setup.over("api", &server.origin()).network_call();
    call.send(get("api", "/v1/items/7?q=query")).await.unwrap();
    drop((guard, second));
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let events = text.lines().filter(|line| line.contains("egress::audit")).count();
    // Beyond as many refusals as the call may send requests, there is nothing to tell.
    assert_eq!(events, 5 + 100, "{text}");
    for told in ["acme", "main", "GET /v1/items/*", "status=200", "egress.secret-echo"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    for untold in [CANARY, "payload", "q=query", "items/7"] {
        assert!(!text.contains(untold), "{untold}: {text}");
    }
}

#[test]
fn nothing_prints_a_secret() {
    let setup = Setup::new();
    let gateway = Gateway::new(Clock::system(), Options::default()).unwrap();
    let door = setup.door(&gateway).unwrap();
    let call = door.open(model::egress::Access::Read, crate::support::budget());
    let printed = format!("{gateway:?} {:?} {:?}", call.usage(), setup.secrets);
    assert!(!printed.contains(CANARY));
}
