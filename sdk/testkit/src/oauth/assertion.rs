//! Assertions: their form, and their signature where somebody can check it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::refuse::Refusal;

/// The grant of RFC 7523 §2.1.
pub(super) const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Seconds that an assertion may live.
const LIFE_MAX: i64 = 3600;

/// Tells whether a signature is that of the bytes.
pub(super) type Verifier = Box<dyn Fn(&[u8], &[u8]) -> bool + Send>;

/// Checks an assertion and answers its scopes.
pub(super) fn check(jwt: &str, verifier: Option<&Verifier>) -> Result<String, Refusal> {
    read(jwt, verifier).ok_or_else(|| Refusal::grant("the assertion is not good"))
}

fn read(jwt: &str, verifier: Option<&Verifier>) -> Option<String> {
    let (signed, signature) = jwt.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let part = |text: &str| -> Option<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    };
    let (header, claims) = (part(header)?, part(claims)?);
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|it| !it.is_empty());
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    text("iss")?;
    text("aud")?;
    let life = time("exp")?.checked_sub(time("iat")?)?;
    let good = header.get("alg")? == "RS256"
        && (1..=LIFE_MAX).contains(&life)
        && verifier.is_none_or(|verify| verify(signed.as_bytes(), &signature));
    good.then(|| text("scope").unwrap_or_default().to_owned())
}
