//! Azure Key Vault and the Microsoft identity platform, simulated from their documented APIs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::vault::{DataKey, VaultError};
use serde_json::{Value, json};

use crate::service::{Place, Received, Service};

const SECTION: &str = "
    kind = 'azure'
    address = 'https://plug.vault.azure.net'
    key = 'house'
    version = '78deebed173b48e48f55abf87ed4cf71'
    directory = 'contoso.example'
    client = '11111111-2222-3333-4444-555555555555'
    client_secret_file = 'FILE'
";

const KEY: &str = "https://plug.vault.azure.net/keys/house/78deebed173b48e48f55abf87ed4cf71/";

#[derive(Default)]
struct Cloud {
    /// Tokens that were given out; the last one is good.
    tokens: AtomicU64,
    revoked: AtomicU64,
    wrapped: Mutex<Vec<Value>>,
}

impl Cloud {
    fn answer(&self, received: &Received) -> (u16, Value) {
        if received.url.starts_with("https://login.microsoftonline.com/") {
            let token = self.tokens.fetch_add(1, Ordering::SeqCst) + 1;
            return (
                200,
                json!({
                    "token_type": "Bearer", "expires_in": 3599, "access_token": format!("t{token}"),
                }),
            );
        }
        let token = received.header("authorization").and_then(|v| v.strip_prefix("Bearer t"));
        let token: u64 = token.unwrap().parse().unwrap();
        if token <= self.revoked.load(Ordering::SeqCst) {
            return (401, json!({"error": {"code": "Unauthorized"}}));
        }
        let (body, mut wrapped) = (received.json(), self.wrapped.lock().unwrap());
        match received.url.strip_prefix(KEY) {
            Some("wrapkey?api-version=7.4") => {
                wrapped.push(body["value"].clone());
                let value = URL_SAFE_NO_PAD.encode([u8::try_from(wrapped.len()).unwrap(); 256]);
                (200, json!({"kid": KEY, "value": value}))
            }
            Some("unwrapkey?api-version=7.4") => {
                let value = URL_SAFE_NO_PAD.decode(body["value"].as_str().unwrap()).unwrap();
                match value.first().and_then(|first| wrapped.get(usize::from(*first) - 1)) {
                    Some(value) => (200, json!({"kid": KEY, "value": value})),
                    None => (400, json!({"error": {"code": "BadParameter"}})),
                }
            }
            _ => (404, json!({"error": {"code": "KeyNotFound"}})),
        }
    }
}

fn cloud() -> (Arc<Cloud>, Arc<Service>) {
    let cloud = Arc::new(Cloud::default());
    let shared = cloud.clone();
    (cloud, Service::new(move |received| Some(shared.answer(received))))
}

fn key() -> DataKey {
    DataKey::new([0xfb; 32])
}

#[tokio::test]
async fn key_is_wrapped_and_unwrapped_by_the_documented_requests() {
    let (place, (_, service)) = (Place::new("s~cret &+=\n"), cloud());
    let wrapper = place.build(&service, SECTION);
    let id = "azure:plug.vault.azure.net/house/78deebed173b48e48f55abf87ed4cf71";
    assert_eq!(wrapper.id(), id);
    let wrapped = wrapper.wrap(&key(), b"context").await.unwrap();
    assert_eq!(wrapped, vec![1; 256]);
    assert_eq!(*wrapper.unwrap(&wrapped, b"context").await.unwrap(), *key());

    let received = service.received();
    let [token, wrap, unwrap] = received.as_slice() else { panic!("{received:?}") };
    let login = "https://login.microsoftonline.com";
    assert_eq!(token.url, format!("{login}/contoso.example/oauth2/v2.0/token"));
    assert_eq!(token.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(
        token.body,
        "grant_type=client_credentials&client_id=11111111-2222-3333-4444-555555555555\
         &client_secret=s%7Ecret+%26%2B%3D&scope=https%3A%2F%2Fvault.azure.net%2F.default"
    );
    assert_eq!(wrap.url, format!("{KEY}wrapkey?api-version=7.4"));
    assert_eq!(wrap.origin.as_deref(), Some("https://plug.vault.azure.net"));
    let value = URL_SAFE_NO_PAD.encode([0xfb; 32]);
    assert_eq!(wrap.json(), json!({"alg": "RSA-OAEP-256", "value": value}));
    let value = URL_SAFE_NO_PAD.encode([1; 256]);
    assert_eq!(unwrap.url, format!("{KEY}unwrapkey?api-version=7.4"));
    assert_eq!(unwrap.json(), json!({"alg": "RSA-OAEP-256", "value": value}));
}

#[tokio::test]
async fn token_is_used_until_shortly_before_its_end() {
    let (place, (cloud, service)) = (Place::new("secret"), cloud());
    let wrapper = place.build(&service, SECTION);
    for (minutes, tokens) in [(0, 1), (54, 1), (1, 2), (10, 2)] {
        place.clock.advance(Duration::from_mins(minutes));
        wrapper.wrap(&key(), b"").await.unwrap();
        assert_eq!(cloud.tokens.load(Ordering::SeqCst), tokens, "{minutes}");
    }
}

#[tokio::test]
async fn token_that_is_refused_is_replaced_once() {
    let (place, (cloud, service)) = (Place::new("secret"), cloud());
    let wrapper = place.build(&service, SECTION);
    wrapper.wrap(&key(), b"").await.unwrap();
    cloud.revoked.store(1, Ordering::SeqCst);
    wrapper.wrap(&key(), b"").await.unwrap();
    assert_eq!(cloud.tokens.load(Ordering::SeqCst), 2);
    cloud.revoked.store(100, Ordering::SeqCst);
    let error = wrapper.wrap(&key(), b"").await.unwrap_err().to_string();
    assert!(error.contains("answered 401; allow the client"), "{error}");
    assert_eq!(cloud.tokens.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn what_another_key_has_wrapped_is_the_wrong_key() {
    let (place, (_, service)) = (Place::new("secret"), cloud());
    let wrapper = place.build(&service, SECTION);
    let refused = wrapper.unwrap(&[9; 256], b"").await;
    assert!(matches!(refused, Err(VaultError::WrongKey(_))), "{refused:?}");
}

/// An answer of the identity platform or of the vault that is of no use.
async fn check_unavailable(of_login: bool, answer: (u16, Value), wanted: &str) {
    let (place, cloud) = (Place::new("s3cr3t"), Cloud::default());
    let service = Service::new(move |received| {
        let login = received.url.starts_with("https://login.");
        Some(if login == of_login { answer.clone() } else { cloud.answer(received) })
    });
    match place.build(&service, SECTION).wrap(&key(), b"").await {
        Err(VaultError::Unavailable(error)) => {
            assert!(error.contains(wanted) && !error.contains("s3cr3t"), "{error}");
        }
        other => panic!("{wanted}: {other:?}"),
    }
}

#[tokio::test]
async fn answers_that_are_no_key_say_what_to_do() {
    let none = || json!({"error": {}});
    check_unavailable(true, (401, none()), "the right directory and client").await;
    check_unavailable(true, (200, none()), "something else than a key").await;
    check_unavailable(false, (403, none()), "allow the client to wrap").await;
    check_unavailable(false, (404, none()), "an RSA key and a version that exist").await;
    check_unavailable(false, (429, none()), "try again").await;
    check_unavailable(false, (200, none()), "something else than a key").await;
    check_unavailable(false, (200, json!({"value": "!"})), "something else than a key").await;
}
