//! Requests that are repeated because nobody knows whether they were heard.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::Timestamp;
use crate::store::StoreError;

/// The longest key, in bytes: clients send UUIDs.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// The longest name of who asks, in bytes: the id of an API key and a tenant.
pub const SCOPE_BYTES_MAX: usize = 256;

/// How long an answer is kept. Who repeats a request does it within minutes; a day covers a
/// machine that was off over night.
pub const ANSWER_KEPT: Duration = Duration::from_hours(24);

/// The largest answer that is kept, in bytes: what creates a thing answers the thing.
pub const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Which request: whoever asks, and the key that they chose.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Asked {
    /// Who asks: the id of the API key, and the tenant that is meant.
    pub scope: String,
    /// What they call the request.
    pub key: String,
}

/// What was answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeptAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Headers that belong to the content, by lower-case name.
    pub headers: Vec<(String, String)>,
    /// The content.
    pub body: Bytes,
}

/// Whether a request was heard before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Heard {
    /// It was not: it is to be acted on, and its answer kept.
    New,
    /// It was, and has been answered.
    Answered(KeptAnswer),
    /// It was, and has not been answered: it is being acted on, or whoever did has died over it.
    Begun(Timestamp),
    /// Another request was, under the same key.
    Other,
}

/// Answers in the store. Every method is one transaction.
#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// Notes a request by the hash of its content unless it was heard within [`ANSWER_KEPT`], and
    /// forgets some of what is older.
    async fn hear(&self, asked: &Asked, content: [u8; 32]) -> Result<Heard, StoreError>;

    /// Keeps the answer to a request that was heard. The first one stays, and one that was
    /// forgotten has none. More than [`ANSWER_BYTES_MAX`] of headers and content are invalid.
    async fn answer(&self, asked: &Asked, answer: KeptAnswer) -> Result<(), StoreError>;

    /// Forgets a request of which nothing was done; one that was answered stays.
    async fn unhear(&self, asked: &Asked) -> Result<(), StoreError>;
}
