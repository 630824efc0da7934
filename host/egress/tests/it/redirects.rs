//! Redirects: listed targets only, each a new request with the target's credential.

use bytes::Bytes;
use model::ErrorKind;
use model::egress::Request;

use crate::support::{Canned, Memory, Setup, detail, get, manifest};

fn to(location: &str) -> Canned {
    (302, vec![("location", location.to_owned())], Bytes::new())
}

fn found() -> Canned {
    (200, Vec::new(), Bytes::from_static(b"found"))
}

#[tokio::test]
async fn redirect_is_the_guests_where_the_manifest_has_no_rule() {
    let memory = Memory::new(|_| to("https://consent.example/ml?continue=x"));
    let answer = Setup::new().call(&memory).send(get("api", "/v1/items")).await.unwrap();
    assert_eq!(answer.status, 302);
    let location = ("location".to_owned(), "https://consent.example/ml?continue=x".to_owned());
    assert!(answer.headers.contains(&location));
    assert_eq!(memory.uris().len(), 1);
}

#[tokio::test]
async fn credential_is_dropped_where_the_target_has_none() {
    let memory = Memory::new(|request| match request.uri().host() {
        Some("media.sample.example") => to("https://eu.store.example/a/%252F?sig='x'&e=%3d"),
        _ => found(),
    });
    let call = Setup::new().call(&memory);
    let answer = call.send(get("media", "/file/1")).await.unwrap();
    assert_eq!(&answer.body[..], b"found");
    assert_eq!(
        memory.uris(),
        ["https://media.sample.example/file/1", "https://eu.store.example/a/%252F?sig='x'&e=%3d"]
    );
    assert_eq!(memory.last_header("authorization"), None);
    assert_eq!(call.usage().calls, 2);
}

#[tokio::test]
async fn credential_is_kept_where_the_target_has_it() {
    let memory = Memory::new(|request| match request.uri().path() {
        "/file/1" => to("/file/2"),
        _ => found(),
    });
    Setup::new().call(&memory).send(get("media", "/file/1")).await.unwrap();
    assert_eq!(memory.uris()[1], "https://media.sample.example/file/2");
    assert!(memory.last_header("authorization").is_some());
}

/// `links` redirects to itself, and `api` names one of its hosts.
fn chained(to: &'static str) -> (Setup, std::sync::Arc<Memory>) {
    let memory = Memory::new(move |request| match (request.uri().host(), request.uri().path()) {
        (Some("api.sample.example"), _) => (
            200,
            Vec::new(),
            Bytes::from_static(b"https://eu1.files.example https://eu2.files.example"),
        ),
        (_, "/a") => self::to(to),
        _ => found(),
    });
    let with = "hosts = [\"*.files.example\"]\nredirect = [\"links\"]";
    let manifest = manifest(|text| text.replace("hosts = [\"*.files.example\"]", with));
    (Setup::of(manifest), memory)
}

#[tokio::test]
async fn host_by_pattern_redirects_to_proven_hosts_only() {
    for (to, proven) in [
        ("/b", true),
        ("https://eu1.files.example/b", true),
        ("https://eu2.files.example/b", true),
        ("https://evil.files.example/b", false),
    ] {
        let (setup, memory) = chained(to);
        let call = setup.call(&memory);
        call.send(get("api", "/v1/items")).await.unwrap();
        let answer = call.send(get("links@eu1.files.example", "/a")).await;
        assert_eq!(answer.is_ok(), proven, "{to}");
        if let Err(error) = answer {
            assert_eq!(detail(&error, "layer"), "provenance");
            assert!(error.request_sent && memory.uris().len() == 2);
        }
    }
}

#[tokio::test]
async fn endpoint_that_is_reached_by_redirect_only_is_shut_for_guests() {
    let call = Setup::new().call(&Memory::saying("https://eu.store.example/a"));
    call.send(get("api", "/v1/items")).await.unwrap();
    let error = call.send(get("store@eu.store.example", "/a")).await.unwrap_err();
    assert_eq!((error.kind, detail(&error, "layer")), (ErrorKind::Denied, "manifest"));
}

#[tokio::test]
async fn target_that_is_not_listed_is_denied_and_named() {
    let memory = Memory::new(|_| to("https://storage.elsewhere.example/a"));
    let error = Setup::new().call(&memory).send(get("media", "/x")).await.unwrap_err();
    assert_eq!(detail(&error, "allow"), r#"endpoint.media.hosts = ["storage.elsewhere.example"]"#);
    assert!(error.message.contains("storage.elsewhere.example"));
    assert!(error.request_sent);
    let memory = Memory::new(|_| to("https://api.sample.example/v1/items"));
    let error = Setup::new().call(&memory).send(get("media", "/x")).await.unwrap_err();
    assert_eq!(detail(&error, "allow"), r#"endpoint.media.redirect = ["api"]"#);
}

#[tokio::test]
async fn redirect_to_a_metadata_service_is_denied() {
    for location in ["https://169.254.169.254/latest/meta-data/", "http://169.254.169.254/"] {
        let memory = Memory::new(move |_| to(location));
        let error = Setup::new().call(&memory).send(get("media", "/x")).await.unwrap_err();
        assert!(error.request_sent);
        assert_eq!(memory.uris().len(), 1, "{location}");
    }
}

#[tokio::test]
async fn endless_redirects_end() {
    let memory = Memory::new(|_| to("/again"));
    let error = Setup::new().call(&memory).send(get("media", "/x")).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Malformed, "egress.redirects"));
    assert_eq!(memory.uris().len(), 4);
}

#[tokio::test]
async fn only_get_is_redirected() {
    let memory = Memory::new(|_| to("/again"));
    let head = Request { method: "HEAD".to_owned(), ..get("media", "/x") };
    let error = Setup::new().call(&memory).send(head).await.unwrap_err();
    assert_eq!(detail(&error, "layer"), "manifest");
    for status in [300, 304, 305, 306] {
        let memory = Memory::new(move |_| (status, to("/again").1, Bytes::new()));
        let answer = Setup::new().call(&memory).send(get("media", "/x")).await.unwrap();
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn secret_in_a_location_does_not_travel_on() {
    let location = format!("https://eu.store.example/a?token={}", crate::support::CANARY);
    let memory = Memory::new(move |_| to(&location));
    let error = Setup::new().call(&memory).send(get("media", "/x")).await.unwrap_err();
    assert_eq!(error.code, "egress.secret-echo");
    assert_eq!(memory.uris().len(), 1);
}
