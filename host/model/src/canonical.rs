//! Records in the tenant's own types, their links to the records of providers, and the port to
//! both.
//!
//! A record of a provider is linked to one canonical record at most. A canonical record has as
//! many links as there are records of providers that describe the same thing; all of it is decided
//! in the commit of the page that brings the provider's record:
//! - a record that is mapped for the first time joins the oldest canonical record of its type that
//!   is known by one of its identities, unless a live record of the same entity and connection is
//!   linked there; else it has one of its own. Later it stays, whatever its identities become;
//! - with one link the document is what the record was mapped to. A further link fills what is
//!   missing or null; from then on each link overwrites exactly the members that it has changed;
//! - a canonical record is removed when all of its links are, and is back with the first of them;
//! - a record whose type becomes another one leaves its canonical record and is mapped anew.

mod id;

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::record::{PAYLOAD_BYTES_MAX, Record};
use crate::store::{PageOutcome, RunRef, StoreError, StoredRecord};
use crate::task::Direction;
use crate::{ConnectionId, TenantId, Timestamp};

pub use id::{IdError, IdentityKey, RecordId, SchemaDigest};

/// The longest name of a record type, in bytes; it stands in keys of the store.
pub const TYPE_BYTES_MAX: usize = 64;

/// The largest document of a canonical record, in bytes: as large as the payload it comes from.
pub const DOC_BYTES_MAX: usize = PAYLOAD_BYTES_MAX;

/// The longest link to a record at its provider, in bytes; browsers and servers take no longer.
pub const URL_BYTES_MAX: usize = 8 << 10;

/// Identities of one record: a type that needs more field sets to know a thing again knows none.
pub const IDENTITIES_MAX: usize = 8;

/// Links of one canonical record. It lies in one row with the documents of all of them; who has
/// one person in more accounts has an identity that many share, `info@` for example.
pub const LINKS_MAX: usize = 16;

/// Records that are looked at when those of a type are counted: a moment's work, and who has more
/// wants no exact number.
pub const COUNT_LOOKED_MAX: usize = 100_000;

/// Items in one call of this port, what a store may look up or write before others get their turn.
pub const BATCH_MAX: usize = 1_000;

/// What the conversion schema made of a record of a provider. It is small where there is none, for
/// it goes with every record.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Outcome {
    /// No schema is active for its entity.
    #[default]
    NoSchema,
    /// A document.
    Mapped(Box<Mapped>),
    /// It could not be mapped. The record is stored all the same, its canonical record stays as it
    /// is, and the error is kept as a reject.
    Rejected(Box<Rejected>),
}

impl Outcome {
    /// The program that made it.
    pub fn schema(&self) -> Option<SchemaDigest> {
        match self {
            Self::NoSchema => None,
            Self::Mapped(mapped) => Some(mapped.schema),
            Self::Rejected(rejected) => Some(rejected.schema),
        }
    }
}

/// Why a record of a provider has no shape of a record type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rejected {
    /// The digest of the program that tried.
    pub schema: SchemaDigest,
    /// The reason.
    pub error: Error,
}

/// A record of a provider in the shape of a record type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mapped {
    /// The record type.
    pub record_type: String,
    /// The digest of the program that mapped it.
    pub schema: SchemaDigest,
    /// One JSON object, a member for each field.
    pub doc: Bytes,
    /// Where a person sees the record at its provider.
    pub url: Option<String>,
    /// Which way the schema carries changes.
    pub direction: Direction,
    /// What it is known by across connections; the first that is known already decides.
    pub identities: Vec<IdentityKey>,
}

/// A record of a page and what was made of it.
#[derive(Clone, Debug)]
pub struct PageRecord {
    /// The record, redacted.
    pub record: Record,
    /// What the schema made of it.
    pub outcome: Outcome,
}

impl From<Record> for PageRecord {
    /// A record without a schema.
    fn from(record: Record) -> Self {
        Self { record, outcome: Outcome::NoSchema }
    }
}

/// How a record of a provider hangs together with its canonical record.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub struct Link {
    /// The program that mapped it last, or tried to.
    pub schema: Option<SchemaDigest>,
    /// The last try failed.
    pub rejected: bool,
    /// The canonical record.
    pub record: Option<RecordId>,
}

/// A canonical record as it lies in the store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CanonicalRecord {
    /// Unique, over all types and tenants.
    pub id: RecordId,
    /// The record type.
    pub record_type: String,
    /// One JSON object.
    pub doc: Bytes,
    /// When it was made.
    pub created: Timestamp,
    /// When its document last changed, or it went or came back.
    pub changed: Timestamp,
    /// None of its records is there any more; the document stays.
    pub removed: bool,
    /// The records of providers that it stands for.
    pub relationships: Vec<ExternalRelationship>,
}

/// A link of a canonical record as its readers see it. The base snapshot, which is large, is the
/// payload of the [`StoredRecord`] that connection, entity and external id name.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct ExternalRelationship {
    /// The package of the provider's adapter, `publisher/id`.
    pub provider: String,
    /// The connection.
    pub connection: ConnectionId,
    /// The provider's entity.
    pub entity: String,
    /// The provider's id.
    pub external_id: String,
    /// Where a person sees the record at its provider.
    pub url: Option<String>,
    /// The provider's version or etag.
    pub version: Option<String>,
    /// Which way changes go.
    pub direction: Direction,
    /// How it stands.
    pub status: RelationshipStatus,
    /// When the last change came in; a sync that finds none writes nothing.
    pub synced: Timestamp,
    /// The program that mapped it last.
    pub schema: Option<SchemaDigest>,
}

/// How an external relationship stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RelationshipStatus {
    /// The canonical record follows it.
    Linked,
    /// The record is gone at its provider.
    Removed,
    /// The record is there, but its present version was not mapped: rejected, or without a schema.
    Unmapped,
}

/// Which canonical records to list; they come ordered by type, the oldest of a type first.
#[derive(Clone, Debug)]
pub struct CanonicalQuery {
    /// Whose.
    pub tenant: TenantId,
    /// Of one type.
    pub record_type: Option<String>,
    /// Removed ones too.
    pub removed: bool,
    /// Where the previous list ended.
    pub after: Option<String>,
    /// At most this many; a list may end earlier where it grows large.
    pub limit: usize,
}

/// A list of canonical records and where the next one begins.
#[derive(Clone, Debug, Default)]
pub struct CanonicalList {
    /// The records.
    pub records: Vec<CanonicalRecord>,
    /// Opaque; its absence alone tells the end.
    pub next: Option<String>,
}

/// The content of a stored record as it was when it was read: the condition of a remapping.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ContentHash(pub [u8; 16]);

/// What is to be listed of the records of an entity, or of a part of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pick {
    /// Nothing.
    Nothing,
    /// All that are there.
    All,
    /// Those that this program, the active one, has neither mapped nor rejected.
    Unless(SchemaDigest),
}

/// Which stored records to look at again.
#[derive(Clone, Debug)]
pub struct ReplayQuery {
    /// Whose.
    pub tenant: TenantId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// Of which entity.
    pub entity: String,
    /// What of it.
    pub pick: Pick,
    /// What of these parts, instead.
    pub parts: BTreeMap<String, Pick>,
    /// Where the previous list ended.
    pub after: Option<String>,
    /// At most this many, and never more than [`BATCH_MAX`].
    pub limit: usize,
}

impl ReplayQuery {
    /// What is to be listed of the records in a part.
    pub fn pick(&self, part: Option<&str>) -> Pick {
        part.and_then(|part| self.parts.get(part)).copied().unwrap_or(self.pick)
    }
}

/// A stored record and what it was mapped to last.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReplayRecord {
    /// The record; never one that is gone.
    pub record: StoredRecord,
    /// Its content.
    pub hash: ContentHash,
    /// The document that it was last mapped to: a new one that is equal changes nothing.
    pub doc: Option<Bytes>,
}

/// A part of the records that are to be mapped again. It may be empty and yet not the last: a
/// store looks at a bounded number of records in one call.
#[derive(Clone, Debug, Default)]
pub struct ReplayList {
    /// The records, ordered by id.
    pub records: Vec<ReplayRecord>,
    /// How many records were passed over, as the program that is active for them has seen them.
    pub current: u64,
    /// Opaque; its absence alone tells the end.
    pub next: Option<String>,
}

/// What a new program makes of stored records; committed in one transaction.
#[derive(Clone, Debug)]
pub struct Remap {
    /// The fence.
    pub run: RunRef,
    /// The entity.
    pub entity: String,
    /// At most [`BATCH_MAX`].
    pub items: Vec<RemapItem>,
    /// Now.
    pub at: Timestamp,
}

/// What a new program makes of one stored record.
#[derive(Clone, Debug)]
pub struct RemapItem {
    /// The provider's id.
    pub id: String,
    /// The content that was mapped; a record with another one by now is skipped.
    pub hash: ContentHash,
    /// What came of it.
    pub outcome: Outcome,
}

/// Canonical records, and the mapping of what is stored already.
#[async_trait]
pub trait CanonicalStore: Send + Sync {
    /// The canonical records of these ids, in their order; at most [`BATCH_MAX`].
    async fn canonical(
        &self,
        tenant: &TenantId,
        ids: Vec<RecordId>,
    ) -> Result<Vec<Option<CanonicalRecord>>, StoreError>;

    /// Lists canonical records. What has changed since a list was read is told by events.
    async fn canonical_list(&self, query: CanonicalQuery) -> Result<CanonicalList, StoreError>;

    /// Where a list of one type goes on behind a record, be it still there or not: what
    /// [`CanonicalQuery::after`] takes.
    fn canonical_behind(&self, tenant: &TenantId, record_type: &str, id: RecordId) -> String;

    /// How many canonical records of a type there are that are not removed, counted up to `max`
    /// and among the oldest [`COUNT_LOOKED_MAX`]; more cost more, for each is looked at.
    async fn canonical_count(
        &self,
        tenant: &TenantId,
        record_type: &str,
        max: u64,
    ) -> Result<u64, StoreError>;

    /// The canonical records of records of a provider, given as entity and id, in their order; at
    /// most [`BATCH_MAX`].
    ///
    /// A mapping that refers to other records runs before the commit of its page. It collects what
    /// the page refers to, asks here once, and maps with what it was told: a link never moves to
    /// another record while the record keeps its type, so answers may be kept for the run, but
    /// for those that are nothing.
    async fn record_ids(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        records: Vec<(String, String)>,
    ) -> Result<Vec<Option<RecordId>>, StoreError>;

    /// Lists stored records that the active programs have not mapped, ordered by id. A replay that
    /// was stopped begins again from the front: what it has done is passed over.
    async fn replayable(&self, query: ReplayQuery) -> Result<ReplayList, StoreError>;

    /// Commits what a new program makes of stored records: canonical records, links, rejects,
    /// events and the counters of the entity in the run.
    async fn remap(&self, remap: Remap) -> Result<PageOutcome, StoreError>;
}
