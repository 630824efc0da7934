//! Records of providers and rejects as they lie in the store, and lists of them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::canonical::Link;
use crate::error::Error;
use crate::record::{Content, Removal};
use crate::store::RunRef;
use crate::{ConnectionId, RunId, TenantId, Timestamp};

/// A record as it lies in the store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredRecord {
    /// The connection it came by.
    pub connection: ConnectionId,
    /// The entity.
    pub entity: String,
    /// The provider's id.
    pub id: String,
    /// The dynamic instance or parent it was read under.
    pub part: Option<String>,
    /// The provider's version or etag.
    pub version: Option<String>,
    /// When the provider says it changed.
    pub modified: Option<Timestamp>,
    /// When this store last changed it.
    pub stored: Timestamp,
    /// Why it is gone; the payload stays.
    pub removed: Option<Removal>,
    /// The JSON object that the provider sent.
    pub payload: Bytes,
    /// Files that belong to it.
    pub contents: Vec<Content>,
    /// What the mapping made of it.
    pub link: Link,
}

/// Which records to list; they come ordered by connection, entity and id.
#[derive(Clone, Debug)]
pub struct RecordQuery {
    /// Whose.
    pub tenant: TenantId,
    /// Of one connection.
    pub connection: Option<ConnectionId>,
    /// Of one entity; needs the connection.
    pub entity: Option<String>,
    /// Of one id; needs the entity.
    pub id: Option<String>,
    /// Gone records too.
    pub removed: bool,
    /// Where the previous list ended.
    pub after: Option<String>,
    /// At most this many; a list may end earlier where it grows large.
    pub limit: usize,
}

/// A list of records and where the next one begins.
#[derive(Clone, Debug, Default)]
pub struct RecordList {
    /// The records.
    pub records: Vec<StoredRecord>,
    /// Opaque; its absence alone tells the end.
    pub next: Option<String>,
}

/// A kept reject.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct StoredReject {
    /// The connection.
    pub connection: ConnectionId,
    /// The run that met it.
    pub run: RunId,
    /// The entity.
    pub entity: String,
    /// The id, where one could be read.
    pub id: Option<String>,
    /// The reason.
    pub error: Error,
    /// What the provider sent, as text; cut at 64 KiB.
    pub payload: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Which runs to list, the newest first.
#[derive(Clone, Debug)]
pub struct RunQuery {
    /// Whose.
    pub tenant: TenantId,
    /// Of one connection.
    pub connection: Option<ConnectionId>,
    /// Those that began before this one: when it did, of which connection, its number.
    pub before: Option<(Timestamp, ConnectionId, RunId)>,
    /// At most this many, and never more than [`RUNS_LISTED_MAX`](crate::store::RUNS_LISTED_MAX).
    pub limit: usize,
}

/// Which rejects of a run to list, in the order in which they were met.
#[derive(Clone, Debug)]
pub struct RejectQuery {
    /// Of which run.
    pub run: RunRef,
    /// With this code.
    pub code: Option<String>,
    /// Behind the one of this number.
    pub after: Option<u64>,
    /// At most this many, and never more than
    /// [`REJECTS_LISTED_MAX`](crate::store::REJECTS_LISTED_MAX).
    pub limit: usize,
}
