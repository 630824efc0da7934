//! `[entity.NAME]`: what can be read and written, and how.

use std::time::Duration;

use crate::words::words;

mod check;
mod decode;

pub(super) use check::check;
pub(super) use decode::decode;

/// One kind of record; `[default.entity]` is merged in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entity {
    /// The record type that it becomes by default.
    pub record_type: Option<String>,
    /// The default mapping, a member of the package.
    pub mapping: Option<String>,
    /// How changes are read; an entity that another one brings has that one's.
    pub cursor: Cursor,
    /// How everything is read.
    pub full: Full,
    /// The longest window.
    pub window: Option<WindowRule>,
    /// `until` = now − `lag`.
    pub lag: Duration,
    /// `from` = last `until` − `lookback`.
    pub lookback: Duration,
    /// Nothing older can be read.
    pub history: Option<Duration>,
    /// How deletions are noticed; empty means not at all.
    pub deletes: Vec<Deletes>,
    /// How long the provider keeps its feed or its list of deletions.
    pub kept: Option<Duration>,
    /// Without a hint it is not polled more often.
    pub min_interval: Option<Duration>,
    /// Records per page asked for.
    pub page: u32,
    /// The parent entity: one pull per record of it.
    pub per: Option<String>,
    /// Whether instances come from `discover`.
    pub dynamic: bool,
    /// Entities whose records the pull also returns.
    pub yields: Vec<String>,
    /// The entity whose pull alone returns this one.
    pub with: Option<String>,
    /// Writes that are possible; empty means read-only.
    pub writes: Vec<Write>,
    /// Writes per `push`.
    pub batch: u32,
    /// How an update is made conditional.
    pub conditional: Conditional,
    /// How a repeated create is made safe.
    pub create_key: CreateKey,
    /// Whether deliveries can bring hints or records of it.
    pub webhook: bool,
}

/// The longest window and the unit of its ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WindowRule {
    /// The longest window.
    pub step: Duration,
    /// The unit that the ends are rounded to.
    pub granularity: Option<Duration>,
}

words! {
    /// How changes are read.
    pub enum Cursor {
        /// The host passes [from, until).
        Window = "window",
        /// The checkpoint is the provider's token.
        Feed = "feed",
        /// There is no incremental read.
        Scan = "scan",
    }
}

words! {
    /// How everything is read.
    pub enum Full {
        /// By `pull(all)`.
        Scan = "scan",
        /// Window by window; there is no scan.
        Windows = "windows",
    }
}

words! {
    /// How deletions are noticed.
    pub enum Deletes {
        /// The feed brings them.
        Feed = "feed",
        /// `pull(deleted)` lists them.
        List = "list",
        /// What a complete scan misses is gone.
        Absence = "absence",
        /// Deliveries bring them.
        Webhook = "webhook",
    }
}

words! {
    /// A kind of write.
    pub enum Write {
        /// A new record.
        Create = "create",
        /// A change.
        Update = "update",
        /// A deletion.
        Delete = "delete",
    }
}

words! {
    /// How an update is made conditional.
    pub enum Conditional {
        /// The provider checks the version.
        Version = "version",
        /// The guest reads again and compares first.
        Compare = "compare",
        /// It is not.
        None = "none",
    }
}

words! {
    /// How a repeated create is made safe.
    pub enum CreateKey {
        /// The provider knows upsert by our key.
        Upsert = "upsert",
        /// The id is derived from the write key.
        ClientId = "client-id",
        /// `push(recover)` can look it up.
        Find = "find",
        /// It is not: a person decides.
        None = "none",
    }
}
