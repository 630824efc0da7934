//! Who has used which secret for what.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::store::StoreError;
use crate::{ConnectionId, TenantId, Timestamp};

/// Entries that are closed in one call: an adapter has a handful of endpoints.
pub const ACCESSES_MAX: usize = 1_024;

/// On whose account a secret was used.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "id")]
pub enum Actor {
    /// A job of a worker.
    Job(String),
    /// A command or request of a person.
    Person(String),
    /// The refresher.
    Refresher,
}

/// Uses of one secret at one endpoint by one actor. It is written before the first of them; how
/// many they became is added when the actor is done.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Access {
    /// The place in the log, from 1; 0 before it is written.
    pub id: u64,
    /// Whose secret.
    pub tenant: TenantId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// By whom.
    pub actor: Actor,
    /// Which secret: `account`, the slot, or `refresh_token`.
    pub slot: String,
    /// The endpoint of the manifest that it was sent to, or the host for the host's own requests.
    pub endpoint: String,
    /// The first use.
    pub first: Timestamp,
    /// The last use.
    pub last: Timestamp,
    /// How many.
    pub uses: u64,
}

/// Which uses to list.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AccessQuery {
    /// Whose.
    pub tenant: TenantId,
    /// Of which connection; of all without it.
    pub connection: Option<ConnectionId>,
    /// Those before this one, the newest first.
    pub before: Option<u64>,
    /// At most this many.
    pub limit: usize,
}

/// The access log in the store. Every method is one transaction.
#[async_trait]
pub trait AccessLog: Send + Sync {
    /// Writes an entry before the first use and answers its place. It also tells when the
    /// credential was last used; the refresher only keeps it alive.
    async fn note_access(&self, access: Access) -> Result<u64, StoreError>;

    /// Replaces what became of entries, at most [`ACCESSES_MAX`]: their last use and how many, which
    /// never go back. Entries that are gone are skipped.
    async fn close_access(&self, entries: Vec<Access>) -> Result<(), StoreError>;

    /// Lists uses, the newest first.
    async fn accesses(&self, query: AccessQuery) -> Result<Vec<Access>, StoreError>;
}
