use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth::{KeyError, RequestError, grant};
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::{Value, json};

use crate::support::{FORM, Setup, now, wire};

const RSA: &str = include_str!("../keys/rsa.pem");
const RSA_PKCS1: &str = include_str!("../keys/rsa.pkcs1.pem");
/// 2026-01-01, noon.
const NOON: i64 = 1_767_268_800;

fn public_key() -> Vec<u8> {
    let body: String = RSA_PKCS1.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
    RsaKeyPair::from_der(&der).unwrap().public_key().as_ref().to_vec()
}

/// Header and claims of the assertion that is sent, whose signature is good.
#[track_caller]
fn check(setup: &Setup, url: &str, header: &Value, claims: &Value) {
    let sent = wire(&grant(&setup.values(), now()).unwrap());
    let grant_type = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
    let start = format!("POST {url}\n{FORM}{grant_type}&assertion=");
    let jwt = sent.strip_prefix(&start).unwrap_or_else(|| panic!("{sent}"));
    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key())
        .verify(signed.as_bytes(), &signature)
        .unwrap();
    let (first, second) = signed.split_once('.').unwrap();
    let part = |text: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    };
    assert_eq!((&part(first), &part(second)), (header, claims));
}

#[test]
fn google_gets_scopes_and_the_id_of_the_key() {
    let url = "https://oauth2.googleapis.com/token";
    let scope = "https://www.googleapis.com/auth/drive.readonly";
    let account = "a@p.iam.gserviceaccount.com";
    let mut setup = Setup::of("google_drive", "service")
        .field("client_email", account)
        .field("private_key_id", "k1")
        .field("private_key", RSA);
    setup.app = None;
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": "k1" });
    let claims =
        json!({ "iss": account, "aud": url, "scope": scope, "iat": NOON, "exp": NOON + 3600 });
    check(&setup, url, &header, &claims);
    let setup = setup.variable("impersonate", "user@acme.example").writing();
    let scope = format!("{scope} https://www.googleapis.com/auth/drive");
    let claims = json!({
        "iss": account, "sub": "user@acme.example", "aud": url, "scope": scope,
        "iat": NOON, "exp": NOON + 3600,
    });
    check(&setup, url, &header, &claims);
}

#[test]
fn salesforce_gets_the_id_of_the_app_and_three_minutes() {
    let setup = Setup::of("salesforce", "jwt")
        .variable("login_host", "test.salesforce.com")
        .field("username", "u@acme.example")
        .field("private_key", RSA_PKCS1);
    let claims = json!({
        "iss": "app-id", "sub": "u@acme.example", "aud": "https://test.salesforce.com",
        "iat": NOON, "exp": NOON + 180,
    });
    let url = "https://test.salesforce.com/services/oauth2/token";
    check(&setup, url, &json!({ "alg": "RS256", "typ": "JWT" }), &claims);
}

/// Signs with a key as a person has entered it.
fn signed(key: &str) -> Result<(), RequestError> {
    let setup = Setup::of("salesforce", "jwt")
        .field("username", "u@acme.example")
        .field("private_key", key);
    grant(&setup.values(), now()).map(|_| ())
}

#[test]
fn keys_are_read_as_people_paste_them() {
    let json = RSA.replace('\n', "\\n");
    let windows = RSA.replace('\n', "\r\n");
    let indented = RSA.replace('\n', "\n   ");
    let one_line = RSA.replace('\n', " ");
    let noted = format!("subject=acme\nissuer=acme\n{RSA}\n");
    for text in [RSA, RSA_PKCS1, &json, &windows, &indented, &one_line, &noted] {
        signed(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    }
}

#[track_caller]
fn refused(text: &str, expected: &KeyError) {
    let error = signed(text).unwrap_err();
    assert_eq!(error, RequestError::Key(expected.clone()), "{text}");
    let lines = text.lines().filter(|line| line.len() > 20 && !line.starts_with('-'));
    let told = format!("{error} {error:?}");
    assert!(lines.into_iter().all(|line| !told.contains(line)), "{told}");
}

#[test]
fn other_texts_are_refused_by_what_they_are() {
    let unfit = |why: &str| KeyError::Unfit(why.to_owned());
    refused(include_str!("../keys/ec.pem"), &unfit("WrongAlgorithm"));
    refused(include_str!("../keys/short.pem"), &unfit("TooSmall"));
    refused(include_str!("../keys/ec.sec1.pem"), &KeyError::Kind("a key of elliptic curves"));
    refused(include_str!("../keys/public.pem"), &KeyError::Kind("a public key"));
    refused(include_str!("../keys/encrypted.pem"), &KeyError::Encrypted);
    refused(include_str!("../keys/encrypted.pkcs1.pem"), &KeyError::Encrypted);
    refused("hunter2-hunter2-hunter2-hunter2", &KeyError::NotPem);
    refused(&RSA.replace("END PRIVATE", "END"), &KeyError::NotPem);
    refused(&RSA.replacen('M', "!", 1), &KeyError::Damaged);
    refused(&RSA.repeat(10), &KeyError::Damaged);
    refused(&RSA.replace("PRIVATE", "OPENSSH PRIVATE"), &KeyError::Kind("a key of OpenSSH"));
    refused(&RSA.replace("PRIVATE KEY", "CERTIFICATE"), &KeyError::Kind("a certificate"));
    refused(&RSA.replace("PRIVATE KEY", "DH PARAMETERS"), &KeyError::Kind("something else"));
    let cut: String = RSA.lines().enumerate().filter(|(at, _)| *at != 5).map(|(_, l)| l).collect();
    refused(&cut, &unfit("InvalidEncoding"));
}

#[test]
fn absence_of_a_key_is_named() {
    let message = "`private_key` has no value; set it on the connection";
    assert_eq!(signed("").unwrap_err().to_string(), message);
}
