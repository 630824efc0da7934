//! Records in the provider's own shape, as an adapter returns them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::error::Error;

/// The longest id, part or version of a record, in bytes; ids and parts stand in keys of the store.
pub const ID_BYTES_MAX: usize = 1 << 10;

/// The longest name of an entity, in bytes; it stands in keys of the store.
pub const ENTITY_BYTES_MAX: usize = 128;

/// The largest payload of a record, in bytes: no response of a provider is read beyond that.
pub const PAYLOAD_BYTES_MAX: usize = 16 << 20;

/// The longest list of the contents of a record, in bytes of its JSON.
pub const CONTENTS_BYTES_MAX: usize = 1 << 20;

/// How to fetch the bytes of a record; they never enter the adapter.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Content {
    /// Unique in the record.
    pub key: String,
    /// The file's name.
    pub name: String,
    /// The media type.
    pub media_type: String,
    /// Bytes, where the provider says.
    pub size: Option<u64>,
    /// `md5:…`, `sha256:…`, `quickxor:…`.
    pub hash: Option<String>,
    /// The request that answers the bytes; without it the record is pulled again by id.
    pub source: Option<Source>,
    /// The source answers text in base64.
    pub base64: bool,
    /// When the source goes stale.
    pub expires: Option<Timestamp>,
}

/// A stored request: endpoint, method, path and what goes with it.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Source {
    /// An endpoint of the manifest.
    pub endpoint: String,
    /// Upper-case method.
    pub method: String,
    /// The raw path.
    pub path: String,
    /// Query pairs.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: Vec<(String, String)>,
}

/// One record in the provider's shape.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The entity of the manifest.
    pub entity: String,
    /// Unique within the entity and the connection.
    pub id: String,
    /// The provider's version or etag.
    pub version: Option<String>,
    /// When the provider says it changed.
    pub modified: Option<Timestamp>,
    /// One JSON object, checked: a slice of a response, or text of the guest.
    pub payload: Bytes,
    /// Files that belong to it.
    pub contents: Vec<Content>,
    /// The adapter's own facts.
    pub details: Vec<(String, String)>,
}

/// Why a record is gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Removal {
    /// Deleted for good.
    Deleted,
    /// Can come back.
    Archived,
    /// Lives on in its successor.
    Merged,
    /// Deleted or no longer shared.
    Hidden,
    /// Something else.
    Other,
}

/// A record that is gone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tombstone {
    /// The entity of the manifest.
    pub entity: String,
    /// The id of the record.
    pub id: String,
    /// Why.
    pub reason: Removal,
    /// The record it was merged into.
    pub successor: Option<String>,
    /// When, where the provider says.
    pub deleted: Option<Timestamp>,
}

/// A record that could not be read; the others of its page are not affected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reject {
    /// The entity of the manifest.
    pub entity: String,
    /// The id, where one could be read.
    pub id: Option<String>,
    /// The reason.
    pub error: Error,
    /// What the provider sent.
    pub payload: Option<Bytes>,
}
