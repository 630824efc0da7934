//! What people have begun and not finished: kept here, so that leaving a page loses nothing.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::id::name;
use crate::store::StoreError;
use crate::{TenantId, Timestamp};

/// The largest draft, in bytes of its JSON: a conversion schema and room around it.
pub const DRAFT_BYTES_MAX: usize = 1 << 20;

/// Drafts of a tenant: more are a program that never finishes anything.
pub const DRAFTS_MAX: usize = 1_000;

/// How long a draft that nobody touches is kept: longer than a holiday.
pub const DRAFT_KEPT: Duration = Duration::from_hours(24 * 60);

name!(
    /// Something that was begun.
    DraftId,
    "draft"
);

name!(
    /// What a draft will become: `integration`, `schema`, `dead-letter`.
    DraftKind,
    "kind of draft"
);

/// Something that was begun; the host keeps it and does not look into it.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Draft {
    /// Whose.
    pub tenant: TenantId,
    /// Which one.
    pub id: DraftId,
    /// What it will become.
    pub kind: DraftKind,
    /// What it is about, as its author calls it: an integration, a schema.
    pub subject: Option<String>,
    /// JSON.
    pub content: String,
    /// Who changed it last.
    pub author: String,
    /// When it was begun.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
    /// Grows by one with every [`DraftStore::put_draft`], from 1.
    pub revision: u64,
}

/// Drafts in the store. Every method is one transaction.
#[async_trait]
pub trait DraftStore: Send + Sync {
    /// Creates or replaces a draft and answers it as it is kept: with its new revision, and begun
    /// when it was begun first. With `expected` only if it has that revision now, else it is
    /// a conflict; 0 means that there must be none.
    ///
    /// It also forgets the other drafts of the tenant that were last changed longer than
    /// [`DRAFT_KEPT`] ago. A new one is refused where [`DRAFTS_MAX`] are left.
    async fn put_draft(&self, draft: Draft, expected: Option<u64>) -> Result<Draft, StoreError>;

    /// The draft of this id.
    async fn draft(&self, tenant: &TenantId, id: &DraftId) -> Result<Option<Draft>, StoreError>;

    /// Drafts of a tenant by id, of one kind or all, from the one behind `after`; fewer than there
    /// are where the list grows large, so that only an empty list tells the end.
    async fn drafts(
        &self,
        tenant: &TenantId,
        kind: Option<&DraftKind>,
        after: Option<&DraftId>,
        limit: usize,
    ) -> Result<Vec<Draft>, StoreError>;

    /// Removes a draft. False if there was none.
    async fn remove_draft(&self, tenant: &TenantId, id: &DraftId) -> Result<bool, StoreError>;
}
