//! Changes on both sides that no rule brings together, until a person decides.

use async_trait::async_trait;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::canonical::RecordId;
use crate::store::StoreError;
use crate::{ConnectionId, TenantId, Timestamp};

/// Fields of one conflict: more than a record type has that people look at.
pub const CONFLICT_FIELDS_MAX: usize = 1_000;

/// The largest conflict, in bytes of its JSON: its values stand in it three times.
pub const CONFLICT_BYTES_MAX: usize = 1 << 20;

/// Conflicts in one call: as many as a large page has records.
pub const CONFLICTS_MAX: usize = 1_000;

/// Conflicts in one call, in bytes of their JSON: they are in memory together.
pub const CONFLICTS_BYTES_MAX: usize = 16 << 20;

/// A conflict of a tenant; ids grow in the order in which conflicts were found.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(transparent)]
pub struct ConflictId(pub u64);

/// What has happened on both sides.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConflictKind {
    /// Both have changed the same field.
    BothChanged,
    /// The provider has deleted what was changed here.
    DeletedThere,
    /// What the provider has changed was deleted here.
    DeletedHere,
}

/// A field that both sides have changed.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct ConflictField {
    /// The member of the canonical document.
    pub field: String,
    /// What both knew last; nothing where the member was missing, which is not `null`.
    #[serde(default, deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    pub base: Option<Value>,
    /// What it is here.
    #[serde(default, deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    pub ours: Option<Value>,
    /// What it is at the provider.
    #[serde(default, deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    pub theirs: Option<Value>,
}

/// Reads a value that is there, be it `null`.
fn there<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

/// A conflict.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Conflict {
    /// Whose.
    pub tenant: TenantId,
    /// Which one; 0 before it is stored.
    pub id: ConflictId,
    /// At which account.
    pub connection: ConnectionId,
    /// The provider's entity.
    pub entity: String,
    /// The provider's id.
    pub external_id: String,
    /// The canonical record.
    pub record: RecordId,
    /// Its type.
    pub record_type: String,
    /// What has happened.
    pub kind: ConflictKind,
    /// The fields; none where one side has deleted the record.
    pub fields: Vec<ConflictField>,
    /// When it was found first.
    pub found: Timestamp,
    /// When and how it was resolved, if it was.
    pub resolved: Option<Resolved>,
}

/// That a conflict is no more.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Resolved {
    /// When.
    pub at: Timestamp,
    /// By whom; nothing where both sides have come together by themselves.
    pub by: Option<String>,
}

/// Which conflicts to list.
#[derive(Clone, Debug)]
pub struct ConflictQuery {
    /// Whose.
    pub tenant: TenantId,
    /// At which account.
    pub connection: Option<ConnectionId>,
    /// Resolved ones too.
    pub resolved: bool,
    /// Behind this one.
    pub after: Option<ConflictId>,
    /// At most this many.
    pub limit: usize,
}

/// Conflicts in the store. Every method is one transaction.
#[async_trait]
pub trait ConflictStore: Send + Sync {
    /// Keeps what was found, at most [`CONFLICTS_MAX`] with [`CONFLICTS_BYTES_MAX`], and answers
    /// with the ids, in its order. A record of a provider has one conflict at a time: another
    /// finding replaces what the open one says, but for its id and when it was found. Once that
    /// is resolved the next finding is another conflict.
    async fn put_conflicts(&self, found: Vec<Conflict>) -> Result<Vec<ConflictId>, StoreError>;

    /// The conflict of this id.
    async fn conflict(
        &self,
        tenant: &TenantId,
        id: ConflictId,
    ) -> Result<Option<Conflict>, StoreError>;

    /// Lists conflicts, the oldest first; fewer than there are where the list grows large, so that
    /// only an empty list tells the end.
    async fn conflicts(&self, query: ConflictQuery) -> Result<Vec<Conflict>, StoreError>;

    /// Marks a conflict as resolved. False where it was already, or is not there.
    async fn resolve_conflict(
        &self,
        tenant: &TenantId,
        id: ConflictId,
        resolved: Resolved,
    ) -> Result<bool, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_told_from_nothing() {
        let field = ConflictField {
            field: "name".to_owned(),
            base: Some(Value::from("a")),
            ours: Some(Value::Null),
            theirs: None,
        };
        let text = serde_json::to_string(&field).unwrap();
        assert_eq!(serde_json::from_str::<ConflictField>(&text).unwrap(), field);
    }
}
