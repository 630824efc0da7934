//! What tenants write to have their records mapped, in versions, and what is bound to which
//! entity. The texts mean nothing here.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::store::StoreError;
use crate::{ConnectionId, TenantId, Timestamp};

/// The longest name of a schema or a record type, in bytes; it stands in keys of the store.
pub const SCHEMA_NAME_BYTES_MAX: usize = 128;

/// The longest text of a schema, in bytes; it is compiled whenever its connection is synced.
pub const SCHEMA_TEXT_BYTES_MAX: usize = 1 << 20;

/// Bindings of one connection; what is bound is compiled for every run, whatever the run reads.
pub const BINDINGS_MAX: usize = 1_000;

/// What a text is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SchemaKind {
    /// A conversion schema.
    Conversion,
    /// A record type that the tenant has defined, or that was derived from a provider's entity.
    RecordType,
}

impl SchemaKind {
    /// The name in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conversion => "conversion schema",
            Self::RecordType => "record type",
        }
    }
}

/// The next version of a text.
#[derive(Clone, Debug)]
pub struct NewSchema {
    /// Whose.
    pub tenant: TenantId,
    /// What it is.
    pub kind: SchemaKind,
    /// Unique among those of its kind.
    pub name: String,
    /// The text, JSON; the caller has checked it.
    pub text: String,
    /// Who wrote it, as an audit calls them.
    pub author: Option<String>,
    /// The newest version by now, 0 if there must be none: somebody else's work is not buried.
    pub expected: u32,
    /// Now.
    pub at: Timestamp,
}

/// A version of a text; it never changes and is never removed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredSchema {
    /// What it is, in short.
    pub head: SchemaHead,
    /// The text.
    pub text: String,
}

/// A version without its text.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct SchemaHead {
    /// What it is.
    pub kind: SchemaKind,
    /// The name.
    pub name: String,
    /// Counts from 1.
    pub version: u32,
    /// Who wrote it.
    pub author: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Which versions to list.
#[derive(Clone, Debug)]
pub struct SchemaQuery {
    /// Whose.
    pub tenant: TenantId,
    /// Of which kind.
    pub kind: SchemaKind,
    /// All versions of one name, the newest first; without one the newest of every name, by name.
    pub name: Option<String>,
    /// The last of the previous list: a version of the name, or without one a name.
    pub after: Option<String>,
    /// At most this many.
    pub limit: usize,
}

/// Which conversion schema maps an entity of a connection, or one part of it, instead of the
/// package's own.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Binding {
    /// Whose.
    pub tenant: TenantId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// Of which entity.
    pub entity: String,
    /// Of its records in this part alone; such a binding goes before that of the entity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// The schema and its version; nothing maps the entity with the package's own again, and the
    /// part with that of the entity.
    pub schema: Option<(String, u32)>,
    /// Grows by one whenever the binding is put.
    pub revision: u64,
    /// When it was put.
    pub at: Timestamp,
}

/// Schemas, record types and bindings of tenants.
#[async_trait]
pub trait SchemaStore: Send + Sync {
    /// Appends the next version; a conflict if the newest one is not the expected one.
    async fn put_schema(&self, schema: NewSchema) -> Result<SchemaHead, StoreError>;

    /// A version, or the newest one.
    async fn schema(
        &self,
        tenant: &TenantId,
        kind: SchemaKind,
        name: &str,
        version: Option<u32>,
    ) -> Result<Option<StoredSchema>, StoreError>;

    /// Lists versions without their texts.
    async fn schemas(&self, query: SchemaQuery) -> Result<Vec<SchemaHead>, StoreError>;

    /// Replaces what is bound to an entity, or a part, and answers it with its new revision. With
    /// `expected` only if the binding has that revision now; 0 means that there must be none. A
    /// schema that is not there cannot be bound, nor more than [`BINDINGS_MAX`].
    async fn put_binding(
        &self,
        binding: Binding,
        expected: Option<u64>,
    ) -> Result<Binding, StoreError>;

    /// The bindings of a connection, by entity and part, that of the entity first; ones that were
    /// undone too: their revision counts on.
    async fn bindings(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<Vec<Binding>, StoreError>;
}
