//! Signed assertions (RFC 7523), RS256 alone.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use model::{Secret, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

/// Longest text of a key: one of 8192 bits has 6,400 characters.
const KEY_BYTES_MAX: usize = 16 * 1024;

/// Why a text is no key to sign with. The text itself is never repeated.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// It is not a PEM file.
    #[error(
        "the private key is not PEM; paste it with its lines `-----BEGIN PRIVATE KEY-----` and \
         `-----END PRIVATE KEY-----`"
    )]
    NotPem,
    /// It needs a passphrase.
    #[error("the private key is encrypted; enter one without a passphrase")]
    Encrypted,
    /// It is another kind of key, or none.
    #[error("the PEM text holds {0}, not an RSA private key; enter one of PKCS#8 or PKCS#1")]
    Kind(&'static str),
    /// What is between the lines is damaged.
    #[error("the private key is damaged; copy it again as a whole")]
    Damaged,
    /// It is no RSA key of 2048 to 4096 bits.
    #[error("the private key does not sign RS256 ({0}); enter an RSA key of 2048 to 4096 bits")]
    Unfit(String),
    /// Signing has failed.
    #[error("signing with the private key has failed")]
    Sign,
}

/// What an assertion says.
#[derive(Debug)]
pub(crate) struct Claims {
    pub(crate) issuer: String,
    pub(crate) subject: Option<String>,
    pub(crate) audience: String,
    pub(crate) scopes: String,
    pub(crate) lifetime: Duration,
}

/// An RSA key that signs.
pub(crate) struct SigningKey(RsaKeyPair);

impl SigningKey {
    /// Reads a key from PKCS#8 or PKCS#1 in PEM, as it stands in a file or, with `\n` for its line
    /// ends, in a JSON file.
    pub(crate) fn parse(pem: &str) -> Result<Self, KeyError> {
        if pem.len() > KEY_BYTES_MAX {
            return Err(KeyError::Damaged);
        }
        let (label, body) = split(pem).ok_or(KeyError::NotPem)?;
        if label.contains("ENCRYPTED") || body.contains("ENCRYPTED") {
            return Err(KeyError::Encrypted);
        }
        let read = match label {
            "PRIVATE KEY" => RsaKeyPair::from_pkcs8,
            "RSA PRIVATE KEY" => RsaKeyPair::from_der,
            "EC PRIVATE KEY" => return Err(KeyError::Kind("a key of elliptic curves")),
            "OPENSSH PRIVATE KEY" => return Err(KeyError::Kind("a key of OpenSSH")),
            "CERTIFICATE" => return Err(KeyError::Kind("a certificate")),
            "PUBLIC KEY" | "RSA PUBLIC KEY" => return Err(KeyError::Kind("a public key")),
            _ => return Err(KeyError::Kind("something else")),
        };
        // Reserved at once, so that no copy of the key is left behind by growing.
        let mut base64 = Zeroizing::new(String::with_capacity(body.len()));
        let lines = body.split("\\n").flat_map(|line| line.split("\\r"));
        base64.extend(lines.flat_map(str::split_whitespace));
        let der = STANDARD.decode(base64.as_bytes()).map_err(|_bad| KeyError::Damaged)?;
        let der = Zeroizing::new(der);
        read(&der).map(Self).map_err(|why| KeyError::Unfit(why.to_string()))
    }

    /// Signs the claims as a JWT that lives from now on.
    pub(crate) fn sign(
        &self,
        claims: &Claims,
        key_id: Option<&str>,
        now: Timestamp,
    ) -> Result<Secret, KeyError> {
        let mut header = json!({ "alg": "RS256", "typ": "JWT" });
        if let (Some(key_id), Some(header)) = (key_id, header.as_object_mut()) {
            header.insert("kid".to_owned(), key_id.into());
        }
        let claims = Value::Object(members(claims, now));
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_unspecified| KeyError::Sign)?;
        Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}

fn members(claims: &Claims, now: Timestamp) -> Map<String, Value> {
    let lifetime = i64::try_from(claims.lifetime.as_secs()).unwrap_or(i64::MAX);
    let mut members = Map::new();
    let mut text = |name: &str, value: &str| {
        if !value.is_empty() {
            members.insert(name.to_owned(), value.into());
        }
    };
    text("iss", &claims.issuer);
    text("sub", claims.subject.as_deref().unwrap_or_default());
    text("aud", &claims.audience);
    text("scope", &claims.scopes);
    members.insert("iat".to_owned(), now.as_second().into());
    members.insert("exp".to_owned(), now.as_second().saturating_add(lifetime).into());
    members
}

/// The label of the first PEM block and what is between its lines.
fn split(pem: &str) -> Option<(&str, &str)> {
    let (_, behind) = pem.split_once("-----BEGIN ")?;
    let (label, behind) = behind.split_once("-----")?;
    let (body, end) = behind.split_once("-----END ")?;
    end.strip_prefix(label)?.starts_with("-----").then_some((label, body))
}
