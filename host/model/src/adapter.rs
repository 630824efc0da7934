//! The port to an adapter: the contract's functions as the engine sees them.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::error::Error;
use crate::record::{Record, Reject, Tombstone};

/// The account behind a connection.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Account {
    /// The provider's own key; limits are shared by it.
    pub id: String,
    /// What a person recognises.
    pub label: String,
    /// Values for the variables that the manifest marks `check`.
    pub variables: Vec<(String, String)>,
    /// More facts.
    pub details: Vec<(String, String)>,
}

/// The kind of a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it all")]
pub enum FieldKind {
    Text,
    Integer,
    Decimal,
    Boolean,
    Date,
    DateTime,
    Choice,
    Choices,
    Reference,
    List,
    Object,
    Other,
}

/// A field of an entity.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Field {
    /// The provider's name.
    pub name: String,
    /// What a person reads.
    pub label: String,
    /// The kind.
    pub kind: FieldKind,
    /// A record without it is refused.
    pub required: bool,
    /// It can be written.
    pub writable: bool,
    /// Its values are unique.
    pub unique: bool,
    /// Value and label of a choice.
    pub choices: Vec<(String, String)>,
    /// The entity that a reference points to.
    pub target: Option<String>,
    /// More facts.
    pub details: Vec<(String, String)>,
}

/// What an account offers.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Entity {
    /// An entity of the manifest.
    pub name: String,
    /// One instance of a dynamic entity.
    pub part: Option<String>,
    /// What a person reads.
    pub label: String,
    /// The fields; empty where they were not asked for.
    pub fields: Vec<Field>,
    /// More facts.
    pub details: Vec<(String, String)>,
}

/// A half-open stretch of time.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Window {
    /// Inclusive.
    pub from: Timestamp,
    /// Exclusive.
    pub until: Timestamp,
}

/// Which records a pull asks for.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// Everything there is now.
    All,
    /// What the provider's feed reports since the checkpoint.
    Changes,
    /// What was created or changed in a window.
    Window(Window),
    /// What was deleted or archived in a window.
    Deleted(Window),
    /// These records.
    Ids(Vec<String>),
}

impl std::fmt::Display for Selection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Changes => f.write_str("changes"),
            Self::Window(Window { from, until }) => write!(f, "{from}..{until}"),
            Self::Deleted(Window { from, until }) => write!(f, "deleted {from}..{until}"),
            Self::Ids(ids) => write!(f, "{} ids", ids.len()),
        }
    }
}

/// One page, please.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PullRequest {
    /// An entity of the manifest.
    pub entity: String,
    /// The dynamic instance or the parent record.
    pub part: Option<String>,
    /// Which records.
    pub selection: Selection,
    /// Where the previous page ended.
    pub checkpoint: Option<String>,
    /// The fields wanted; empty means all.
    pub fields: Vec<String>,
    /// Records per page, a hint.
    pub limit: u32,
}

/// The largest checkpoint, in bytes (the contract's number).
pub const CHECKPOINT_BYTES_MAX: usize = 64 << 10;

/// What follows a page.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Next {
    /// More pages, from this checkpoint.
    More(String),
    /// The selection is finished.
    Done(String),
    /// Finished, but the provider did not show everything.
    Partial(String),
}

/// One page of records.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page {
    /// Records, in the provider's order.
    pub records: Vec<Record>,
    /// Records that are gone.
    pub tombstones: Vec<Tombstone>,
    /// Records that could not be read.
    pub rejects: Vec<Reject>,
    /// What follows.
    pub next: Next,
    /// More facts.
    pub details: Vec<(String, String)>,
}

/// What one adapter call cost.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub struct Receipt {
    /// CPU time of the guest, and of the host on its behalf.
    pub cpu: Duration,
    /// Peak of all linear memories together, in bytes.
    pub memory_bytes: u64,
    /// Calls of host functions.
    pub host_calls: u64,
    /// HTTP requests.
    pub http_calls: u64,
    /// Bytes that the provider sent.
    pub bytes_in: u64,
    /// Bytes that the provider was sent.
    pub bytes_out: u64,
    /// Time spent waiting for a rate limit.
    pub throttled: Duration,
    /// Wall time.
    pub wall: Duration,
}

impl Receipt {
    /// What has been added to `before` to make this; the peak of memory stays.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
            memory_bytes: self.memory_bytes,
            host_calls: self.host_calls.saturating_sub(before.host_calls),
            http_calls: self.http_calls.saturating_sub(before.http_calls),
            bytes_in: self.bytes_in.saturating_sub(before.bytes_in),
            bytes_out: self.bytes_out.saturating_sub(before.bytes_out),
            throttled: self.throttled.saturating_sub(before.throttled),
            wall: self.wall.saturating_sub(before.wall),
        }
    }
}

impl std::ops::AddAssign for Receipt {
    fn add_assign(&mut self, other: Self) {
        self.cpu += other.cpu;
        self.memory_bytes = self.memory_bytes.max(other.memory_bytes);
        self.host_calls += other.host_calls;
        self.http_calls += other.http_calls;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.throttled += other.throttled;
        self.wall += other.wall;
    }
}

/// The result of an adapter call and what it cost.
#[derive(Clone, Debug)]
pub struct Called<T> {
    /// What the adapter answered.
    pub outcome: Result<T, Error>,
    /// What it cost, on success and on failure.
    pub receipt: Receipt,
}

/// An adapter serving one run of one connection.
#[async_trait]
pub trait Adapter: Send {
    /// Asks for the account behind the connection.
    async fn check(&mut self) -> Called<Account>;

    /// Asks what the account offers; with a name, that entity with its fields.
    async fn discover(&mut self, name: Option<&str>, part: Option<&str>) -> Called<Vec<Entity>>;

    /// Pulls one page.
    async fn pull(&mut self, request: PullRequest) -> Called<Page>;
}
