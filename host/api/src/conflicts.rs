//! Conflicts: changes on both sides that wait for a person.

use std::sync::Arc;

use axum::extract::State;
use model::conflict::{
    Conflict, ConflictField, ConflictId, ConflictKind, ConflictQuery, ConflictStore, Resolved,
};
use model::{ConnectionId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{Tag, Tagged};
use crate::auth::Viewer;
use crate::extract::{Path, Query};
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;
use crate::sift::{Pick, batch, sift};

/// What conflicts need.
#[derive(Clone)]
pub(crate) struct Ports {
    conflicts: Arc<dyn ConflictStore>,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self { conflicts: ports.store.clone() }
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// A conflict.
#[derive(Debug, Serialize, ToSchema)]
struct ConflictView {
    /// Which one; a later one has a greater number.
    id: u64,
    /// At which account.
    connection: String,
    /// The provider's entity.
    entity: String,
    /// The provider's id.
    external_id: String,
    /// The canonical record.
    record: String,
    /// Its type.
    record_type: String,
    /// What has happened.
    kind: ConflictKindView,
    /// The fields; none where one side has deleted the record.
    fields: Vec<ConflictFieldView>,
    /// When it was found first.
    found: Timestamp,
    /// When and by whom it was resolved, if it was.
    resolved: Option<ConflictResolved>,
}

/// What has happened on both sides.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum ConflictKindView {
    /// Both have changed the same field.
    BothChanged,
    /// The provider has deleted what was changed here.
    DeletedThere,
    /// What the provider has changed was deleted here.
    DeletedHere,
}

impl From<ConflictKind> for ConflictKindView {
    fn from(kind: ConflictKind) -> Self {
        match kind {
            ConflictKind::BothChanged => Self::BothChanged,
            ConflictKind::DeletedThere => Self::DeletedThere,
            ConflictKind::DeletedHere => Self::DeletedHere,
        }
    }
}

/// A field that both sides have changed. A value that is missing is not `null`.
#[derive(Debug, Serialize, ToSchema)]
struct ConflictFieldView {
    /// The member of the record.
    field: String,
    /// What both knew last.
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<Value>,
    /// What it is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    ours: Option<Value>,
    /// What it is at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    theirs: Option<Value>,
}

/// That a conflict is no more.
#[derive(Debug, Serialize, ToSchema)]
struct ConflictResolved {
    /// When.
    at: Timestamp,
    /// By whom; nothing where both sides have come together by themselves.
    by: Option<String>,
}

impl ConflictView {
    fn of(conflict: Conflict) -> Self {
        let field = |ConflictField { field, base, ours, theirs }| ConflictFieldView {
            field,
            base,
            ours,
            theirs,
        };
        Self {
            id: conflict.id.0,
            connection: conflict.connection.into(),
            entity: conflict.entity,
            external_id: conflict.external_id,
            record: conflict.record.to_string(),
            record_type: conflict.record_type,
            kind: conflict.kind.into(),
            fields: conflict.fields.into_iter().map(field).collect(),
            found: conflict.found,
            resolved: conflict.resolved.map(|Resolved { at, by }| ConflictResolved { at, by }),
        }
    }
}

/// Which conflicts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ConflictListing {
    /// At these accounts; otherwise at all.
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    connection: Vec<ConnectionId>,
    /// Of these kinds; otherwise of all.
    #[serde(default)]
    kind: Vec<ConflictKindView>,
    /// Resolved ones too.
    #[serde(default)]
    resolved: bool,
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

impl ConflictListing {
    fn wants(&self, conflict: &Conflict) -> bool {
        (self.connection.is_empty() || self.connection.contains(&conflict.connection))
            && (self.kind.is_empty() || self.kind.contains(&conflict.kind.into()))
    }
}

/// Lists conflicts
///
/// The oldest first. A part may hold fewer than asked for, even none, where many had to be looked
/// at: its `next` goes on from there.
#[utoipa::path(get, path = "/api/conflicts", tag = "conflicts",
    security(("api_key" = ["viewer"])), params(ConflictListing),
    responses((status = 200, body = Page<ConflictView>)))]
async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(listing): Query<ConflictListing>,
) -> Result<axum::Json<Page<ConflictView>>, Problem> {
    let after: Option<ConflictId> = listing.cursor.as_ref().map(Cursor::place).transpose()?;
    let limit = listing.limit.unwrap_or_default().get();
    // Those of one connection lie together; those of several are picked out of all.
    let connection = match listing.connection.as_slice() {
        [one] => Some(one),
        _ => None,
    };
    let filtered = listing.connection.len() > 1 || !listing.kind.is_empty();
    let batch = batch(limit, filtered);
    let fetch = |after: Option<ConflictId>| {
        let query = ConflictQuery {
            tenant: scope.tenant.clone(),
            connection: connection.cloned(),
            resolved: listing.resolved,
            after,
            limit: batch,
        };
        let conflicts = &ports.conflicts;
        async move { Ok(conflicts.conflicts(query).await?) }
    };
    let pick = |conflict: Conflict| {
        let wanted = listing.wants(&conflict);
        (conflict.id, Pick::only(ConflictView::of(conflict), wanted))
    };
    let found = sift(after, limit, fetch, pick).await?;
    Ok(axum::Json(Page { items: found.items, next: found.next, total: None }))
}

/// Shows a conflict
#[utoipa::path(get, path = "/api/conflicts/{conflict}", tag = "conflicts",
    security(("api_key" = ["viewer"])),
    params(("conflict" = u64, Path, description = "The conflict")),
    responses((status = 200, body = ConflictView)))]
async fn show(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(id): Path<u64>,
) -> Result<Tagged<ConflictView>, Problem> {
    let found = ports.conflicts.conflict(&scope.tenant, ConflictId(id)).await?;
    let view = ConflictView::of(found.ok_or_else(Problem::not_found)?);
    Ok(Tagged(Tag::content(&view), view))
}
