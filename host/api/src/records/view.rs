//! Records as they are shown. Documents and payloads go from the store into the answer as they are:
//! nothing here takes them apart.

use model::Timestamp;
use model::canonical::{CanonicalRecord, ExternalRelationship, RelationshipStatus};
use model::record::{Content, Removal};
use model::store::StoredRecord;
use model::task::Direction;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::problem::Problem;

/// A record in one of the tenant's types.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RecordView<'a> {
    /// Which one: 32 hexadecimal digits, that grow in the order in which records came.
    id: String,
    /// Its type.
    #[serde(rename = "type")]
    record_type: &'a str,
    /// When it was made.
    created: Timestamp,
    /// When its document last changed, or it went or came back.
    changed: Timestamp,
    /// None of the records that it stands for is there any more; the document stays.
    removed: bool,
    /// The document, a member for each field.
    #[schema(value_type = Object)]
    record: &'a RawValue,
    /// The records of providers that it stands for.
    external_relationships: Vec<RelationshipView<'a>>,
}

/// A record of a provider that a record stands for.
#[derive(Debug, Serialize, ToSchema)]
struct RelationshipView<'a> {
    /// The package of the provider's adapter, `publisher/id`.
    provider: &'a str,
    /// The connection.
    connection: &'a str,
    /// The provider's entity.
    entity: &'a str,
    /// The provider's id.
    external_id: &'a str,
    /// Where a person sees the record at its provider.
    url: Option<&'a str>,
    /// The provider's version or etag.
    version: Option<&'a str>,
    /// Which way changes go.
    direction: RecordDirection,
    /// How it stands.
    status: RecordLinkStatus,
    /// When the last change came in; a sync that finds none writes nothing.
    synced: Timestamp,
    /// The digest of the conversion schema that mapped it last.
    schema: Option<String>,
}

/// Which way changes of a record go.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum RecordDirection {
    /// From the provider.
    Inbound,
    /// To the provider.
    Outbound,
    /// Both ways.
    Both,
}

/// How a record of a provider hangs together with what stands for it.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum RecordLinkStatus {
    /// The one follows the other.
    Linked,
    /// The record is gone at its provider.
    Removed,
    /// The record is there, but its present version was not mapped: rejected, or without a schema.
    Unmapped,
}

impl<'a> RecordView<'a> {
    pub(super) fn of(record: &'a CanonicalRecord) -> Result<Self, Problem> {
        Ok(Self {
            id: record.id.to_string(),
            record_type: &record.record_type,
            created: record.created,
            changed: record.changed,
            removed: record.removed,
            record: raw(&record.doc)?,
            external_relationships: record.relationships.iter().map(RelationshipView::of).collect(),
        })
    }
}

impl<'a> RelationshipView<'a> {
    fn of(link: &'a ExternalRelationship) -> Self {
        Self {
            provider: &link.provider,
            connection: link.connection.as_str(),
            entity: &link.entity,
            external_id: &link.external_id,
            url: link.url.as_deref(),
            version: link.version.as_deref(),
            direction: match link.direction {
                Direction::Inbound => RecordDirection::Inbound,
                Direction::Outbound => RecordDirection::Outbound,
                Direction::Both => RecordDirection::Both,
            },
            status: match link.status {
                RelationshipStatus::Linked => RecordLinkStatus::Linked,
                RelationshipStatus::Removed => RecordLinkStatus::Removed,
                RelationshipStatus::Unmapped => RecordLinkStatus::Unmapped,
            },
            synced: link.synced,
            schema: link.schema.map(|schema| schema.to_string()),
        }
    }
}

/// A record in the shape of its provider.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SourceView<'a> {
    /// The connection it came by.
    connection: &'a str,
    /// The provider's entity.
    entity: &'a str,
    /// The provider's id.
    external_id: &'a str,
    /// The dynamic instance or parent it was read under.
    part: Option<&'a str>,
    /// The provider's version or etag.
    version: Option<&'a str>,
    /// When the provider says it changed.
    modified: Option<Timestamp>,
    /// When it last changed here.
    stored: Timestamp,
    /// Why it is gone, if it is; the payload stays.
    removed: Option<SourceRemoval>,
    /// The record that stands for it.
    record: Option<String>,
    /// Its present version could not be mapped.
    rejected: bool,
    /// Files that belong to it.
    contents: Vec<SourceContent<'a>>,
    /// The JSON object that the provider sent.
    #[schema(value_type = Object)]
    payload: &'a RawValue,
}

/// Why a record of a provider is gone.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum SourceRemoval {
    /// Deleted for good.
    Deleted,
    /// Can come back.
    Archived,
    /// Lives on in another one.
    Merged,
    /// Deleted or no longer shared.
    Hidden,
    /// Something else.
    Other,
}

/// A file that belongs to a record of a provider. How it is fetched is not told.
#[derive(Debug, Serialize, ToSchema)]
struct SourceContent<'a> {
    /// Unique in the record.
    key: &'a str,
    /// The file's name.
    name: &'a str,
    /// The media type.
    media_type: &'a str,
    /// Bytes, where the provider says.
    size: Option<u64>,
    /// `md5:…`, `sha256:…` and the like.
    hash: Option<&'a str>,
}

impl<'a> SourceView<'a> {
    pub(super) fn of(record: &'a StoredRecord) -> Result<Self, Problem> {
        let content = |content: &'a Content| SourceContent {
            key: &content.key,
            name: &content.name,
            media_type: &content.media_type,
            size: content.size,
            hash: content.hash.as_deref(),
        };
        Ok(Self {
            connection: record.connection.as_str(),
            entity: &record.entity,
            external_id: &record.id,
            part: record.part.as_deref(),
            version: record.version.as_deref(),
            modified: record.modified,
            stored: record.stored,
            removed: record.removed.map(|removal| match removal {
                Removal::Deleted => SourceRemoval::Deleted,
                Removal::Archived => SourceRemoval::Archived,
                Removal::Merged => SourceRemoval::Merged,
                Removal::Hidden => SourceRemoval::Hidden,
                Removal::Other => SourceRemoval::Other,
            }),
            record: record.link.record.map(|id| id.to_string()),
            rejected: record.link.rejected,
            contents: record.contents.iter().map(content).collect(),
            payload: raw(&record.payload)?,
        })
    }
}

/// JSON as the store has it. Checked once more on its way: what is damaged must not break the
/// answer around it.
fn raw(bytes: &[u8]) -> Result<&RawValue, Problem> {
    serde_json::from_slice(bytes).map_err(|error| Problem::internal(&error))
}
