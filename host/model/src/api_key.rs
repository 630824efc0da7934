//! Who may ask the host: API keys, and the sessions of browsers that were begun with one.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::id::name;
use crate::store::StoreError;
use crate::{TenantId, Timestamp};

/// API keys of a tenant, or of operators: more are a program that does not keep its own.
pub const API_KEYS_MAX: usize = 1_000;

/// Sessions of one API key: browsers of one person.
pub const SESSIONS_MAX: usize = 100;

name!(
    /// The public part of an API key.
    ApiKeyId,
    "API key"
);

/// What a key allows; each holds those before it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Looks at what a tenant has.
    Viewer,
    /// Syncs, maps and schedules.
    Editor,
    /// Connects accounts and gives out keys of the tenant.
    Admin,
    /// Runs the host: packages, apps and all tenants.
    Operator,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Editor, Self::Admin, Self::Operator];

    /// The name in commands, logs and `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Admin => "admin",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            format!("there is no role {text:?}; choose from: {names}")
        })
    }
}

/// An API key as it is kept: its secret only as a hash.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct ApiKey {
    /// Its public part.
    pub id: ApiKeyId,
    /// What people call it.
    pub name: String,
    /// Whose things it opens; nothing for an operator's, which opens all.
    pub tenant: Option<TenantId>,
    /// What it allows; operator if and only if it has no tenant.
    pub role: Role,
    /// The SHA-256 of the secret part, which is random and long enough for no slower hash to help.
    pub hash: [u8; 32],
    /// Who has made it: another key, or the command line.
    pub creator: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub used: Option<Timestamp>,
    /// When it was revoked; it stays in the list.
    pub revoked: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it opens anything.
    pub fn works(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }
}

/// A browser that somebody has signed in with an API key.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Session {
    /// The SHA-256 of what the cookie holds.
    pub hash: [u8; 32],
    /// The SHA-256 of what every request that changes something must show beside the cookie.
    pub csrf: [u8; 32],
    /// The key that it was begun with; it ends with it.
    pub key: ApiKeyId,
    /// When it was begun.
    pub created: Timestamp,
    /// When it ends by itself.
    pub expires: Timestamp,
}

/// API keys and sessions in the store. Every method is one transaction.
///
/// A key works from when it is made until it is revoked or expires.
#[async_trait]
pub trait ApiKeyStore: Send + Sync {
    /// Keeps a new key. A key of its id is a conflict; one that has expired, or of a tenant that is
    /// not there, is invalid, and so is one more than [`API_KEYS_MAX`] that work. Where some of them
    /// do not, the one of these that was made first goes for it.
    async fn put_api_key(&self, key: ApiKey) -> Result<(), StoreError>;

    /// Keeps the first key of a host, which is an operator's. False where there was one before,
    /// even one that is gone.
    async fn bootstrap_api_key(&self, key: ApiKey) -> Result<bool, StoreError>;

    /// A number that is another one if a key, a session or a tenant has changed since, and may be
    /// for other reasons. Whoever goes by what was read before holds it against this with every
    /// request, so it is cheap.
    fn changes(&self) -> u64;

    /// The key of this id, whether it works or not.
    async fn api_key(&self, id: &ApiKeyId) -> Result<Option<ApiKey>, StoreError>;

    /// All keys of a tenant, or without one those of operators, by when they were made.
    async fn api_keys(&self, tenant: Option<&TenantId>) -> Result<Vec<ApiKey>, StoreError>;

    /// Revokes a key of a tenant, or without one of operators, and ends its sessions. False if
    /// there is none that works; the last operator's key that works is a conflict.
    async fn revoke_api_key(
        &self,
        tenant: Option<&TenantId>,
        id: &ApiKeyId,
    ) -> Result<bool, StoreError>;

    /// Writes down when keys were last used; never back, and those that are gone are skipped.
    async fn use_api_keys(&self, used: Vec<(ApiKeyId, Timestamp)>) -> Result<(), StoreError>;

    /// Begins a session and forgets some of those that have expired; of more than [`SESSIONS_MAX`]
    /// of one key the oldest ends. A session of its hash is a conflict; one that has expired, or of
    /// a key that does not work, is invalid.
    async fn put_session(&self, session: Session) -> Result<(), StoreError>;

    /// The session of this hash, with its key; nothing where either has ended.
    async fn session(&self, hash: &[u8; 32]) -> Result<Option<(Session, ApiKey)>, StoreError>;

    /// Ends a session. False if there was none.
    async fn remove_session(&self, hash: &[u8; 32]) -> Result<bool, StoreError>;
}
