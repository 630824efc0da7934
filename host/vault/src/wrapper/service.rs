//! What the wrappers of services share: addresses, requests, credentials in files.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use http::Uri;
use model::Secret;
use model::outbound::{HostAnswer, HostRequest, Outbound};
use model::vault::VaultError;
use serde::Serialize;
use zeroize::Zeroizing;

/// The longest file with a token or a client secret: tokens of services have some kilobytes.
const FILE_BYTES_MAX: u64 = 16 << 10;

/// Room for a body with a wrapped key, so that it does not move and leave a copy behind.
const BODY_BYTES: usize = 4 << 10;

/// Where a service is, as the operator has said: it may be private, or not encrypted.
pub(super) struct Address {
    origin: String,
    /// Its host and port.
    pub(super) authority: String,
}

impl Address {
    /// Reads `https://host` or `https://host:port`, or the same with `http`.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, VaultError> {
        let uri = text.parse::<Uri>().ok();
        let plain = uri.as_ref().filter(|uri| {
            matches!(uri.scheme_str(), Some("https" | "http"))
                && uri.path_and_query().is_none_or(|path| path.as_str() == "/")
        });
        let authority = plain.and_then(Uri::authority).filter(|a| !a.as_str().contains('@'));
        let Some(authority) = authority else {
            // Not shown: a password may stand in it.
            return Err(VaultError::Unavailable(format!(
                "'{name}' of [vault] is not an address like https://keys.example.com:8200; write \
                 scheme, host and port alone"
            )));
        };
        let authority = authority.to_string();
        Ok(Self { origin: text.trim_end_matches('/').to_owned(), authority })
    }

    /// A request to post a body.
    pub(super) fn post(
        &self,
        purpose: &'static str,
        path: &str,
        headers: Vec<(String, Secret)>,
        body: Secret,
    ) -> HostRequest {
        HostRequest {
            purpose,
            method: "POST",
            url: format!("https://{}{path}", self.authority),
            origin: Some(self.origin.clone()),
            headers,
            body: Some(body),
        }
    }
}

/// Sends a request about a key.
pub(super) async fn send(
    outbound: &dyn Outbound,
    key: &str,
    request: HostRequest,
) -> Result<HostAnswer, VaultError> {
    outbound
        .send(request)
        .await
        .map_err(|e| VaultError::Unavailable(format!("the key {key} is not to be had: {e}")))
}

/// What to say of an answer that is of no use.
pub(super) fn refused(key: &str, answer: &HostAnswer, what_to_do: &str) -> VaultError {
    VaultError::Unavailable(format!(
        "the service that keeps the key {key} answered {}; {what_to_do}",
        answer.status
    ))
}

/// What to say of an answer that cannot be read. It is not shown: it may hold a key.
pub(super) fn malformed(key: &str) -> VaultError {
    VaultError::Unavailable(format!(
        "the service that keeps the key {key} answered with something else than a key; see that \
         its address is right"
    ))
}

/// A JSON body.
pub(super) fn json(body: &impl Serialize) -> Secret {
    let mut text = Zeroizing::new(Vec::with_capacity(BODY_BYTES));
    // Text and numbers are always written.
    serde_json::to_writer(&mut *text, body).unwrap_or_default();
    Secret::new(String::from_utf8(std::mem::take(&mut *text)).unwrap_or_default())
}

/// Bytes in Base64, wiped when dropped.
pub(super) fn encode(engine: &GeneralPurpose, bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(engine.encode(bytes))
}

/// Bytes from Base64, wiped when dropped.
pub(super) fn decode(engine: &GeneralPurpose, text: &str) -> Option<Zeroizing<Vec<u8>>> {
    engine.decode(text).ok().map(Zeroizing::new)
}

/// The name of something at the service, which becomes part of a path.
pub(super) fn name(what: &str, text: &str) -> Result<String, VaultError> {
    let plain = |part: &str| {
        let letter = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !part.is_empty() && part.chars().all(letter) && part.chars().any(|c| c != '.')
    };
    if text.split('/').all(plain) {
        return Ok(text.to_owned());
    }
    Err(VaultError::Unavailable(format!(
        "'{what}' of [vault] is '{text}', which is not a name of letters, digits, '-', '_' and '.'"
    )))
}

/// A token or secret in a file, without the space around it.
pub(super) async fn secret_file(path: &Path) -> Result<Secret, VaultError> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || read_secret(&path)).await;
    read.unwrap_or_else(|e| Err(VaultError::Unavailable(e.to_string())))
}

/// The same, for those who may block.
pub(super) fn read_secret(path: &Path) -> Result<Secret, VaultError> {
    let failed = |why: &str| {
        VaultError::Unavailable(format!("failed to read the secret in '{}': {why}", path.display()))
    };
    let mut text = Zeroizing::new(String::with_capacity(BODY_BYTES));
    // One byte more than may be, so that more is noticed.
    let read = File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text))
        .map_err(|e| failed(&e.to_string()))?;
    let secret = text.trim();
    if secret.is_empty() || u64::try_from(read).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(failed("it is empty or too long"));
    }
    if secret.chars().any(char::is_control) {
        return Err(failed("it has more than one line"));
    }
    Ok(Secret::new(secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_address(text: &str, authority: Option<&str>) {
        let address = Address::parse("address", text);
        assert_eq!(address.ok().map(|a| a.authority).as_deref(), authority, "{text}");
    }

    #[test]
    fn address_is_an_origin_and_nothing_more() {
        check_address("https://keys.example.com", Some("keys.example.com"));
        check_address("https://keys.example.com/", Some("keys.example.com"));
        check_address("http://127.0.0.1:8200", Some("127.0.0.1:8200"));
        check_address("https://[::1]:8200", Some("[::1]:8200"));
        check_address("https://keys.example.com/v1", None);
        check_address("https://keys.example.com?a", None);
        check_address("https://user@keys.example.com", None);
        check_address("ftp://keys.example.com", None);
        check_address("keys.example.com", None);
        check_address("", None);
        let error = Address::parse("address", "https://us:hunter2@keys.example.com").err().unwrap();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[track_caller]
    fn check_name(text: &str, good: bool) {
        assert_eq!(name("key", text).is_ok(), good, "{text:?}");
    }

    #[test]
    fn name_cannot_lead_elsewhere() {
        check_name("plughouse-1.a_b", true);
        check_name("team/transit", true);
        for text in ["", "..", "a/../b", "a//b", "/a", "a/", "a?b", "a#b", "a%2f", "a b", "é"] {
            check_name(text, false);
        }
    }

    #[track_caller]
    fn check_file(text: &str, secret: Option<&str>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, text).unwrap();
        let read = read_secret(&path).ok();
        assert_eq!(read.as_ref().map(Secret::expose), secret, "{text:?}");
    }

    #[test]
    fn secret_in_a_file_is_one_line() {
        check_file("hvs.abc", Some("hvs.abc"));
        check_file(" hvs.abc\r\n", Some("hvs.abc"));
        check_file("", None);
        check_file("\n", None);
        check_file("one\ntwo", None);
        check_file(&"x".repeat(20_000), None);
    }
}
