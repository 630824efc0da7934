//! The transit engine, simulated from its documented API.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Clock;
use model::vault::{DataKey, VaultError};
use plughouse_testkit::{Answer, Request, Server, provider};
use serde_json::{Value, json};
use vault::{Setting, WrapperConfig};

use crate::memory::Memory;
use crate::service::{Place, Received, Service};
use crate::{opened, place, seal};

const SECTION: &str = "
    kind = 'transit'
    address = 'http://127.0.0.1:8200'
    key = 'plughouse'
    namespace = 'team'
    token_file = 'FILE'
";

const GOOD: &str = "hvs.good";

/// What the engine keeps: ciphertext → plaintext and associated data.
#[derive(Default)]
struct Engine(Mutex<BTreeMap<String, (Value, Value)>>);

impl Engine {
    fn answer(&self, received: &Received) -> (u16, Value) {
        if received.header("x-vault-token") != Some(GOOD) {
            return (403, json!({"errors": ["permission denied"]}));
        }
        let (body, mut kept) = (received.json(), self.0.lock().unwrap());
        match received.url.strip_prefix("https://127.0.0.1:8200/v1/transit/") {
            Some("encrypt/plughouse") => {
                let ciphertext = format!("vault:v1:{}", kept.len());
                let entry = (body["plaintext"].clone(), body["associated_data"].clone());
                kept.insert(ciphertext.clone(), entry);
                (200, json!({"data": {"ciphertext": ciphertext, "key_version": 1}}))
            }
            Some("decrypt/plughouse") => {
                match kept.get(body["ciphertext"].as_str().unwrap_or_default()) {
                    Some((text, associated)) if *associated == body["associated_data"] => {
                        (200, json!({"request_id": "1", "data": {"plaintext": text}}))
                    }
                    _ => (400, json!({"errors": ["cipher: message authentication failed"]})),
                }
            }
            _ => (404, json!({"errors": []})),
        }
    }
}

fn engine() -> Arc<Service> {
    let engine = Engine::default();
    Service::new(move |received| Some(engine.answer(received)))
}

fn key() -> DataKey {
    DataKey::new([0xfb; 32])
}

#[tokio::test]
async fn key_is_wrapped_and_unwrapped_by_the_documented_requests() {
    let (place, service) = (Place::new("hvs.good\n"), engine());
    let wrapper = place.build(&service, SECTION);
    assert_eq!(wrapper.id(), "transit:127.0.0.1:8200/team/transit/plughouse");
    let wrapped = wrapper.wrap(&key(), b"context").await.unwrap();
    assert_eq!(wrapped, "vault:v1:0");
    assert_eq!(*wrapper.unwrap(&wrapped, b"context").await.unwrap(), *key());

    let received = service.received();
    let [encrypt, decrypt] = received.as_slice() else { panic!("{received:?}") };
    assert_eq!(encrypt.url, "https://127.0.0.1:8200/v1/transit/encrypt/plughouse");
    assert_eq!(encrypt.origin.as_deref(), Some("http://127.0.0.1:8200"));
    assert_eq!(encrypt.header("x-vault-namespace"), Some("team"));
    assert_eq!(encrypt.header("x-vault-request"), Some("true"));
    assert_eq!(encrypt.header("content-type"), Some("application/json"));
    let (text, context) = (STANDARD.encode([0xfb; 32]), STANDARD.encode("context"));
    assert_eq!(encrypt.json(), json!({"plaintext": text, "associated_data": context}));
    assert_eq!(decrypt.url, "https://127.0.0.1:8200/v1/transit/decrypt/plughouse");
    assert_eq!(decrypt.json(), json!({"ciphertext": "vault:v1:0", "associated_data": context}));
}

#[tokio::test]
async fn ciphertext_of_another_key_or_context_is_the_wrong_key() {
    let (place, service) = (Place::new(GOOD), engine());
    let wrapper = place.build(&service, SECTION);
    let wrapped = wrapper.wrap(&key(), b"here").await.unwrap();
    for (wrapped, context) in [(&*wrapped, b"gone"), (b"vault:v1:9", b"here"), (b"\xff", b"here")] {
        let refused = wrapper.unwrap(wrapped, context).await;
        assert!(matches!(refused, Err(VaultError::WrongKey(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn token_is_read_again_when_it_is_refused() {
    let (place, service) = (Place::new("hvs.old"), engine());
    let wrapper = place.build(&service, SECTION);
    let error = wrapper.wrap(&key(), b"").await.unwrap_err().to_string();
    assert!(error.contains("answered 403; put a token into"), "{error}");
    assert!(!error.contains("hvs."), "{error}");
    assert_eq!(service.received().len(), 1, "the same token is not tried twice");
    place.put(GOOD);
    wrapper.wrap(&key(), b"").await.unwrap();
    assert_eq!(service.received().len(), 3);
    wrapper.wrap(&key(), b"").await.unwrap();
    assert_eq!(service.received().len(), 4);
}

#[tokio::test]
async fn missing_token_file_is_named() {
    let (place, service) = (Place::new(GOOD), engine());
    let wrapper = place.build(&service, SECTION);
    std::fs::remove_file(place.secret()).unwrap();
    let error = wrapper.wrap(&key(), b"").await.unwrap_err().to_string();
    assert!(error.contains("failed to read the secret in '/"), "{error}");
}

/// An answer that is no key.
async fn check_unavailable(answer: Option<(u16, Value)>, wanted: &str) {
    let place = Place::new(GOOD);
    let service = Service::new(move |_| answer.clone());
    let wrapper = place.build(&service, SECTION);
    for refused in [
        wrapper.wrap(&key(), b"").await.map(|_| ()),
        wrapper.unwrap(b"vault:v1:0", b"").await.map(|_| ()),
    ] {
        match refused {
            Err(VaultError::Unavailable(error)) => assert!(error.contains(wanted), "{error}"),
            other => panic!("{wanted}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn answers_that_are_no_key_say_what_to_do() {
    let none = || json!({"errors": []});
    check_unavailable(None, "is not to be had: nobody answers").await;
    check_unavailable(Some((503, none())), "answered 503; unseal it").await;
    check_unavailable(Some((500, none())), "answered 500; try again").await;
    check_unavailable(Some((404, none())), "mounted at 'transit' and has a key").await;
    check_unavailable(Some((200, none())), "something else than a key").await;
    check_unavailable(Some((200, json!({"data": {}}))), "something else than a key").await;
    let short = json!({"data": {"ciphertext": 1, "plaintext": "AAAA"}});
    check_unavailable(Some((200, short)), "something else than a key").await;
}

/// What the request is to one who is reached by https.
fn received(request: &Request) -> Received {
    Received {
        url: format!("https://127.0.0.1:8200{}", request.target),
        origin: None,
        headers: request.headers.iter().map(|(n, v)| (n.to_lowercase(), v.clone())).collect(),
        body: String::from_utf8(request.body.clone()).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vault_is_opened_through_the_real_door_out() {
    let engine = Engine::default();
    let server = Server::start(provider::from_fn(move |request: &Request| {
        let (status, body) = engine.answer(&received(request));
        Answer::value(status, &body)
    }));
    let (place_of_token, store) = (Place::new(GOOD), Arc::<Memory>::default());
    let section = SECTION.replace("http://127.0.0.1:8200", &server.origin());
    let token = place_of_token.secret();
    let section = section.replace("FILE", token.file_name().unwrap().to_str().unwrap());
    let config: WrapperConfig = toml::from_str(&section).unwrap();
    let clock = Clock::manual(model::Timestamp::UNIX_EPOCH);
    let gateway = egress::Gateway::new(clock.clone(), egress::Options::default()).unwrap();
    let data = token.parent().unwrap();
    let setting = Setting { data, outbound: gateway.outbound(), clock };
    let open = || vault::open(store.clone(), &config, None, &setting);
    let sealed = seal(&open().await.unwrap(), &place("acme", "crm"), "a").await.unwrap();
    assert_eq!(opened(&open().await.unwrap(), sealed).await.unwrap(), "a");
    // Canary: wrapped and proved. Data key: wrapped, proved, unwrapped. Both again: unwrapped.
    assert_eq!(server.request_count(), 7);
}
