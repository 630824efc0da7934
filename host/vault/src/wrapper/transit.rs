//! The transit engine of `HashiCorp` Vault and `OpenBao`, which wraps without giving its key away.
//!
//! `POST /v1/{mount}/encrypt/{key}` and `decrypt`, by their HTTP API: what is wrapped names the
//! version of the key (`vault:v2:…`), so those before go on opening after the key was rotated
//! there. `associated_data` needs a key of an authenticated cipher: `aes256-gcm96`, which is the
//! default, or `chacha20-poly1305`.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use model::Secret;
use model::outbound::{HostAnswer, Outbound};
use model::vault::{DataKey, KeyWrapper, VaultError};
use serde::{Deserialize, Serialize};

use super::service::{self, Address, decode, encode, json, malformed, refused, secret_file};
use super::{data_key, does_not_open};

/// Where a transit key is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransitConfig {
    /// The address of the service: `https://keys.example.com:8200`.
    pub address: String,
    /// The name of the key.
    pub key: String,
    /// Where the engine is mounted.
    #[serde(default = "mount")]
    pub mount: String,
    /// The namespace, where there are some.
    pub namespace: Option<String>,
    /// A file that holds the token; it is read again when the service refuses the token.
    pub token_file: PathBuf,
}

fn mount() -> String {
    "transit".to_owned()
}

/// Wraps with a transit key.
pub(crate) struct TransitWrapper {
    id: String,
    address: Address,
    config: TransitConfig,
    token: Mutex<Option<Secret>>,
    outbound: Arc<dyn Outbound>,
}

impl TransitWrapper {
    pub(crate) fn new(
        config: TransitConfig,
        outbound: Arc<dyn Outbound>,
    ) -> Result<Self, VaultError> {
        let address = Address::parse("address", &config.address)?;
        let (mount, key) =
            (service::name("mount", &config.mount)?, service::name("key", &config.key)?);
        let namespace = config.namespace.as_deref().map(|text| service::name("namespace", text));
        let namespace = namespace.transpose()?.map_or_else(String::new, |name| name + "/");
        let id = format!("transit:{}/{namespace}{mount}/{key}", address.authority);
        let token = Mutex::default();
        Ok(Self { id, address, config, token, outbound })
    }

    async fn call(&self, verb: &'static str, body: Secret) -> Result<HostAnswer, VaultError> {
        let token = match self.token() {
            Some(token) => token,
            None => self.read_token().await?,
        };
        let answer = self.send(verb, &token, &body).await?;
        if answer.status != 403 {
            return Ok(answer);
        }
        let renewed = self.read_token().await?;
        if renewed.expose() == token.expose() {
            return Ok(answer);
        }
        self.send(verb, &renewed, &body).await
    }

    async fn send(
        &self,
        verb: &'static str,
        token: &Secret,
        body: &Secret,
    ) -> Result<HostAnswer, VaultError> {
        let TransitConfig { mount, key, namespace, .. } = &self.config;
        let plain = |name: &str, value: &str| (name.to_owned(), Secret::new(value.to_owned()));
        let mut headers = vec![
            plain("content-type", "application/json"),
            // Agents and proxies of the service may insist on it.
            plain("x-vault-request", "true"),
            ("x-vault-token".to_owned(), token.clone()),
        ];
        headers.extend(namespace.as_deref().map(|text| plain("x-vault-namespace", text)));
        let path = format!("/v1/{mount}/{verb}/{key}");
        let request = self.address.post(verb, &path, headers, body.clone());
        service::send(&*self.outbound, &self.id, request).await
    }

    fn token(&self) -> Option<Secret> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn read_token(&self) -> Result<Secret, VaultError> {
        let token = secret_file(&self.config.token_file).await?;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }

    fn refused(&self, answer: &HostAnswer) -> VaultError {
        let TransitConfig { mount, key, token_file, .. } = &self.config;
        let what_to_do = match answer.status {
            403 => format!(
                "put a token into '{}' whose policy allows to update {mount}/encrypt/{key} and \
                 {mount}/decrypt/{key}",
                token_file.display()
            ),
            400 | 404 => format!(
                "see that the transit engine is mounted at '{mount}' and has a key '{key}' of type \
                 aes256-gcm96"
            ),
            503 => "unseal it".to_owned(),
            _ => "try again when it is well".to_owned(),
        };
        refused(&self.id, answer, &what_to_do)
    }
}

#[async_trait]
impl KeyWrapper for TransitWrapper {
    fn id(&self) -> &str {
        &self.id
    }

    async fn wrap(&self, key: &DataKey, context: &[u8]) -> Result<Bytes, VaultError> {
        let body = json(&Encrypt {
            plaintext: &encode(&STANDARD, &**key),
            associated_data: &encode(&STANDARD, context),
        });
        let answer = self.call("encrypt", body).await?;
        if answer.status != 200 {
            return Err(self.refused(&answer));
        }
        serde_json::from_str::<Answer<Encrypted>>(answer.body.expose())
            .map(|answer| answer.data.ciphertext.into())
            .map_err(|_not_shown| malformed(&self.id))
    }

    async fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<DataKey, VaultError> {
        let ciphertext = str::from_utf8(wrapped).map_err(|_other| does_not_open(&self.id))?;
        let body = json(&Decrypt { ciphertext, associated_data: &encode(&STANDARD, context) });
        let answer = self.call("decrypt", body).await?;
        match answer.status {
            200 => {}
            400 => return Err(does_not_open(&self.id)),
            _ => return Err(self.refused(&answer)),
        }
        serde_json::from_str::<Answer<Decrypted<'_>>>(answer.body.expose())
            .ok()
            .and_then(|answer| decode(&STANDARD, &answer.data.plaintext))
            .and_then(|key| data_key(&key))
            .ok_or_else(|| malformed(&self.id))
    }
}

#[derive(Serialize)]
struct Encrypt<'a> {
    plaintext: &'a str,
    associated_data: &'a str,
}

#[derive(Serialize)]
struct Decrypt<'a> {
    ciphertext: &'a str,
    associated_data: &'a str,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Encrypted {
    ciphertext: String,
}

#[derive(Deserialize)]
struct Decrypted<'a> {
    #[serde(borrow)]
    plaintext: Cow<'a, str>,
}
