//! Drafts: what people have begun and not finished, kept here so that leaving a page loses nothing.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use model::draft::{DRAFT_BYTES_MAX, Draft, DraftId, DraftKind, DraftStore};
use model::{Clock, Timestamp, hex};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{Created, IfMatch, Tag, Tagged};
use crate::auth::{Editor, Scope};
use crate::extract::{Json, Path, Query};
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;
use crate::random::random;

/// What drafts need.
#[derive(Clone)]
pub(crate) struct Ports {
    drafts: Arc<dyn DraftStore>,
    clock: Clock,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self { drafts: ports.store.clone(), clock: ports.clock.clone() }
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, replace, remove))
}

/// A draft without its content.
#[derive(Debug, Serialize, ToSchema)]
struct DraftHead {
    /// Which one.
    id: String,
    /// What it will become: `integration`, `schema`, `dead-letter`.
    kind: String,
    /// What it is about, as its author calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// Who changed it last.
    author: String,
    /// When it was begun.
    created: Timestamp,
    /// When it was last changed.
    updated: Timestamp,
    /// Counts its changes, from 1.
    revision: u64,
}

/// A draft.
#[derive(Debug, Serialize, ToSchema)]
struct DraftView {
    #[serde(flatten)]
    head: DraftHead,
    /// Any JSON, as it was given.
    #[schema(value_type = serde_json::Value)]
    content: Box<RawValue>,
}

/// A draft as it is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DraftForm {
    /// What it will become: `integration`, `schema`, `dead-letter`; it stays what it is.
    #[schema(value_type = String, max_length = 64)]
    kind: DraftKind,
    /// What it is about, as its author calls it.
    #[schema(max_length = 256)]
    subject: Option<String>,
    /// Any JSON, at most 1 MiB of it. The host keeps it as it is and does not look into it.
    #[schema(value_type = serde_json::Value)]
    content: Box<RawValue>,
}

/// Which drafts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DraftListing {
    /// Of this kind alone.
    #[param(value_type = Option<String>)]
    kind: Option<DraftKind>,
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists drafts
///
/// By id, without their contents. All editors of a tenant see and change the same drafts.
#[utoipa::path(get, path = "/api/drafts", tag = "drafts",
    security(("api_key" = ["editor"])), params(DraftListing),
    responses((status = 200, body = Page<DraftHead>)))]
async fn list(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Query(listing): Query<DraftListing>,
) -> Result<axum::Json<Page<DraftHead>>, Problem> {
    let after: Option<DraftId> = listing.cursor.as_ref().map(Cursor::place).transpose()?;
    let limit = listing.limit.unwrap_or_default().get();
    let kind = listing.kind.as_ref();
    let drafts = ports.drafts.drafts(&scope.tenant, kind, after.as_ref(), limit).await?;
    // The end is told by an empty list alone.
    let next = drafts.last().map(|last| Cursor::at(&last.id));
    let items = drafts.into_iter().map(DraftHead::of).collect();
    Ok(axum::Json(Page { items, next, total: None }))
}

/// Begins a draft
///
/// The host draws its id. A draft that nobody changes for 60 days is forgotten, and a tenant has at
/// most 1,000 of them. A draft is no place for a secret: it is kept unsealed, and every editor of
/// the tenant reads it.
#[utoipa::path(post, path = "/api/drafts", tag = "drafts",
    security(("api_key" = ["editor"])), request_body = DraftForm,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Makes it safe to send the same request again")),
    responses((status = 201, body = DraftView)))]
async fn create(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Json(form): Json<DraftForm>,
) -> Result<Created<DraftView>, Problem> {
    let id = drawn()?;
    let draft = form.draft(&scope, id, ports.clock.now())?;
    let draft = ports.drafts.put_draft(draft, Some(0)).await?;
    let location = format!("/api/drafts/{}", draft.id);
    Ok(Created(location, Tag::revision(draft.revision), DraftView::of(draft)?))
}

/// Shows a draft
#[utoipa::path(get, path = "/api/drafts/{draft}", tag = "drafts",
    security(("api_key" = ["editor"])),
    params(("draft" = String, Path, description = "The draft")),
    responses((status = 200, body = DraftView)))]
async fn show(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(id): Path<DraftId>,
) -> Result<Tagged<DraftView>, Problem> {
    let draft = ports.drafts.draft(&scope.tenant, &id).await?.ok_or_else(Problem::not_found)?;
    Ok(Tagged(Tag::revision(draft.revision), DraftView::of(draft)?))
}

/// Replaces a draft
///
/// A draft is no place for a secret: it is kept unsealed, and every editor of the tenant reads it.
#[utoipa::path(put, path = "/api/drafts/{draft}", tag = "drafts",
    security(("api_key" = ["editor"])), request_body = DraftForm,
    params(("draft" = String, Path, description = "The draft"),
        ("If-Match" = String, Header, description = "The `ETag` of what was read")),
    responses((status = 200, body = DraftView)))]
async fn replace(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(id): Path<DraftId>,
    if_match: IfMatch,
    Json(form): Json<DraftForm>,
) -> Result<Tagged<DraftView>, Problem> {
    let revision = if_match.revision()?;
    let known = ports.drafts.draft(&scope.tenant, &id).await?.ok_or_else(Problem::not_found)?;
    if form.kind != known.kind {
        let detail = format!("it is a draft of {}; begin another one", known.kind);
        return Err(Problem::invalid("a draft stays of its kind").at("/kind", detail));
    }
    let draft = form.draft(&scope, id, ports.clock.now())?;
    let expected = revision.unwrap_or(known.revision);
    let draft = ports.drafts.put_draft(draft, Some(expected)).await.map_err(Problem::of_change)?;
    Ok(Tagged(Tag::revision(draft.revision), DraftView::of(draft)?))
}

/// Removes a draft
#[utoipa::path(delete, path = "/api/drafts/{draft}", tag = "drafts",
    security(("api_key" = ["editor"])),
    params(("draft" = String, Path, description = "The draft"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what was read")),
    responses((status = 204)))]
async fn remove(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(id): Path<DraftId>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let draft = ports.drafts.draft(&scope.tenant, &id).await?.ok_or_else(Problem::not_found)?;
    if_match.allow(&Tag::revision(draft.revision))?;
    let removed = ports.drafts.remove_draft(&scope.tenant, &id).await?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

/// An id that no other draft has and that nobody guesses.
fn drawn() -> Result<DraftId, Problem> {
    let bytes: [u8; 16] = random().map_err(|error| Problem::internal(&error))?;
    hex::text(&bytes).parse::<DraftId>().map_err(|error| Problem::internal(&error))
}

impl DraftForm {
    fn draft(self, scope: &Scope, id: DraftId, now: Timestamp) -> Result<Draft, Problem> {
        let content = Box::<str>::from(self.content).into_string();
        if content.len() > DRAFT_BYTES_MAX {
            let detail = format!(
                "the content of the draft has {} bytes; at most {DRAFT_BYTES_MAX} are kept",
                content.len()
            );
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Err(Problem::new(status, "api.too-large", detail));
        }
        Ok(Draft {
            tenant: scope.tenant.clone(),
            id,
            kind: self.kind,
            subject: self.subject,
            content,
            author: scope.author(),
            created: now,
            updated: now,
            revision: 0,
        })
    }
}

impl DraftHead {
    fn of(draft: Draft) -> Self {
        let Draft { id, kind, subject, author, created, updated, revision, .. } = draft;
        let (id, kind) = (id.into(), kind.into());
        Self { id, kind, subject, author, created, updated, revision }
    }
}

impl DraftView {
    fn of(mut draft: Draft) -> Result<Self, Problem> {
        let content = RawValue::from_string(std::mem::take(&mut draft.content));
        let content = content.map_err(|error| Problem::internal(&error))?;
        Ok(Self { head: DraftHead::of(draft), content })
    }
}
