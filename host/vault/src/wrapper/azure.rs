//! A key of Azure Key Vault, by its REST API 7.4.
//!
//! `POST {vault}/keys/{key}/{version}/wrapkey` and `unwrapkey` with RSA-OAEP-256; a token comes from
//! the Microsoft identity platform by client credentials for `https://vault.azure.net/.default`.
//! RSA-OAEP authenticates no context; the commitment beside each data key tells whose it is. To wrap
//! takes the public half alone, so whoever can write to the store can put a data key of their own
//! there, which no other kind of wrapper lets them. The version is part of the key's name here:
//! another version is another key to rotate to.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use model::outbound::{HostAnswer, Outbound};
use model::vault::{DataKey, KeyWrapper, VaultError};
use model::{Clock, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::service::{self, Address, decode, encode, json, malformed, refused, secret_file};
use super::{data_key, does_not_open};

/// The algorithm, which every RSA key of the service knows.
const ALGORITHM: &str = "RSA-OAEP-256";

/// Room for the form, so that it does not move and leave a copy behind.
const FORM_BYTES: usize = 4 << 10;

/// How long before its end a token is used no more: clocks differ, and requests take time.
const TOKEN_SPARE: Duration = Duration::from_mins(5);

/// Where a key of Azure Key Vault is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AzureConfig {
    /// The address of the vault: `https://name.vault.azure.net`.
    pub address: String,
    /// The name of the key, an RSA key.
    pub key: String,
    /// Its version, 32 digits.
    pub version: String,
    /// The directory (tenant) of the client.
    pub directory: String,
    /// The client, which may wrap and unwrap with the key.
    pub client: String,
    /// A file that holds the client's secret.
    pub client_secret_file: PathBuf,
    /// Where tokens come from; national clouds have others.
    #[serde(default = "authority")]
    pub authority: String,
}

fn authority() -> String {
    "https://login.microsoftonline.com".to_owned()
}

/// Wraps with a key of Azure Key Vault.
pub(crate) struct AzureWrapper {
    id: String,
    address: Address,
    authority: Address,
    config: AzureConfig,
    outbound: Arc<dyn Outbound>,
    clock: Clock,
    /// Whoever obtains a token holds it.
    token: Mutex<Option<(Secret, Timestamp)>>,
}

impl AzureWrapper {
    pub(crate) fn new(
        config: AzureConfig,
        outbound: Arc<dyn Outbound>,
        clock: Clock,
    ) -> Result<Self, VaultError> {
        let address = Address::parse("address", &config.address)?;
        let authority = Address::parse("authority", &config.authority)?;
        let key = service::name("key", &config.key)?;
        let version = service::name("version", &config.version)?;
        service::name("directory", &config.directory)?;
        let id = format!("azure:{}/{key}/{version}", address.authority);
        let token = Mutex::default();
        Ok(Self { id, address, authority, config, outbound, clock, token })
    }

    async fn call(&self, verb: &'static str, value: &[u8]) -> Result<HostAnswer, VaultError> {
        let body = json(&Operation { alg: ALGORITHM, value: &encode(&URL_SAFE_NO_PAD, value) });
        let token = self.token(None).await?;
        let answer = self.send(verb, &token, &body).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        let renewed = self.token(Some(token)).await?;
        self.send(verb, &renewed, &body).await
    }

    async fn send(
        &self,
        verb: &'static str,
        token: &Secret,
        body: &Secret,
    ) -> Result<HostAnswer, VaultError> {
        let AzureConfig { key, version, .. } = &self.config;
        let path = format!("/keys/{key}/{version}/{verb}?api-version=7.4");
        let bearer = format!("Bearer {}", token.expose());
        let headers = vec![
            ("content-type".to_owned(), Secret::new("application/json".to_owned())),
            ("authorization".to_owned(), Secret::new(bearer)),
        ];
        let request = self.address.post(verb, &path, headers, body.clone());
        service::send(&*self.outbound, &self.id, request).await
    }

    /// The token in use, or a new one; never one that was refused.
    async fn token(&self, refused: Option<Secret>) -> Result<Secret, VaultError> {
        let mut kept = self.token.lock().await;
        let refused = refused.as_ref().map(Secret::expose);
        if let Some((token, until)) = &*kept
            && self.clock.now() < *until
            && Some(token.expose()) != refused
        {
            return Ok(token.clone());
        }
        let (token, lives) = self.obtain().await?;
        let until = self.clock.now().saturating_add(lives.saturating_sub(TOKEN_SPARE));
        *kept = Some((token.clone(), until.unwrap_or(Timestamp::UNIX_EPOCH)));
        Ok(token)
    }

    async fn obtain(&self) -> Result<(Secret, Duration), VaultError> {
        let AzureConfig { directory, client, client_secret_file, .. } = &self.config;
        let secret = secret_file(client_secret_file).await?;
        let form = form_urlencoded::Serializer::new(String::with_capacity(FORM_BYTES))
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", client)
            .append_pair("client_secret", secret.expose())
            .append_pair("scope", "https://vault.azure.net/.default")
            .finish();
        let form_type = "application/x-www-form-urlencoded".to_owned();
        let headers = vec![("content-type".to_owned(), Secret::new(form_type))];
        let path = format!("/{directory}/oauth2/v2.0/token");
        let request = self.authority.post("token", &path, headers, Secret::new(form));
        let answer = service::send(&*self.outbound, &self.id, request).await?;
        if answer.status != 200 {
            let what_to_do = format!(
                "see that [vault] names the right directory and client, and that the secret in \
                 '{}' has not expired",
                client_secret_file.display()
            );
            return Err(refused(&self.id, &answer, &what_to_do));
        }
        let token = serde_json::from_str::<Token<'_>>(answer.body.expose())
            .map_err(|_not_shown| malformed(&self.id))?;
        let text = Secret::new(token.access_token.into_owned());
        Ok((text, Duration::from_secs(token.expires_in)))
    }

    fn refused(&self, answer: &HostAnswer) -> VaultError {
        let what_to_do = match answer.status {
            401 | 403 => "allow the client to wrap and unwrap with it, and see that it is enabled",
            400 | 404 => "see that [vault] names an RSA key and a version that exist",
            _ => "try again when it is well",
        };
        refused(&self.id, answer, what_to_do)
    }

    fn value(&self, answer: &HostAnswer) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        serde_json::from_str::<Value<'_>>(answer.body.expose())
            .ok()
            .and_then(|answer| decode(&URL_SAFE_NO_PAD, &answer.value))
            .ok_or_else(|| malformed(&self.id))
    }
}

#[async_trait]
impl KeyWrapper for AzureWrapper {
    fn id(&self) -> &str {
        &self.id
    }

    async fn wrap(&self, key: &DataKey, _context: &[u8]) -> Result<Bytes, VaultError> {
        let answer = self.call("wrapkey", &**key).await?;
        match answer.status {
            200 => Ok(Bytes::copy_from_slice(&self.value(&answer)?)),
            _ => Err(self.refused(&answer)),
        }
    }

    async fn unwrap(&self, wrapped: &[u8], _context: &[u8]) -> Result<DataKey, VaultError> {
        let answer = self.call("unwrapkey", wrapped).await?;
        match answer.status {
            200 => data_key(&self.value(&answer)?).ok_or_else(|| malformed(&self.id)),
            400 => Err(does_not_open(&self.id)),
            _ => Err(self.refused(&answer)),
        }
    }
}

#[derive(Serialize)]
struct Operation<'a> {
    alg: &'static str,
    value: &'a str,
}

#[derive(Deserialize)]
struct Value<'a> {
    #[serde(borrow)]
    value: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Token<'a> {
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    expires_in: u64,
}
