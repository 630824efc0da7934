//! Writing to a provider: what `push` of the contract takes and answers.

use bytes::Bytes;

use crate::error::Error;

/// What a write does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operation {
    /// A record that is not there yet.
    Create,
    /// Some fields of a record.
    Update,
    /// The record goes.
    Delete,
    /// Something else; the details say what.
    Other,
}

/// Bytes to write, held by the host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Blob {
    /// The name under which an upload refers to it.
    pub handle: String,
    /// The file's name.
    pub name: String,
    /// The media type.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
}

/// One write.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Write {
    /// A UUID, the same at every attempt.
    pub key: String,
    /// What it does.
    pub operation: Operation,
    /// The provider's id; a create has none.
    pub id: Option<String>,
    /// Only if the provider still holds this version.
    pub if_version: Option<String>,
    /// The record (create) or the changed fields (update), one JSON object.
    pub payload: Bytes,
    /// Files that go with it.
    pub blobs: Vec<Blob>,
    /// More facts.
    pub details: Vec<(String, String)>,
}

/// What to do with a batch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Write.
    Apply,
    /// Earlier attempts are uncertain: look for their effect, with the write routes closed.
    Recover,
}

/// Writes of one entity.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Batch {
    /// An entity of the manifest.
    pub entity: String,
    /// The dynamic instance or the parent record.
    pub part: Option<String>,
    /// Write, or look for earlier writes.
    pub mode: Mode,
    /// The writes, in order.
    pub writes: Vec<Write>,
}

/// What the provider holds after a write.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Applied {
    /// The provider's id.
    pub id: String,
    /// The new version.
    pub version: Option<String>,
    /// The record as the provider answered it, one JSON object.
    pub payload: Option<Bytes>,
    /// More facts.
    pub details: Vec<(String, String)>,
}

/// How a write ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The provider took it.
    Applied(Applied),
    /// The provider refused it for good.
    Rejected(Error),
    /// Nobody knows; recover before the next attempt.
    Uncertain(Error),
}
