//! Conversion schemas: texts in versions, and what they make of records.
//!
//! What is costly here is the compiler and whatever it makes: all of it is done on threads that
//! may block, and no tenant has more than its share of them.

mod derive;
mod effort;
mod form;
mod paths;
mod place;
mod preview;
mod suggest;
mod validate;
mod versions;

use std::sync::Arc;

use axum::extract::State;
use engine::mapping::{Shelf, Signed};
use engine::work::Wake;
use model::queue::JobQueue;
use model::schema::{SchemaHead, SchemaKind, SchemaQuery, SchemaStore, StoredSchema};
use model::store::{Catalogue, RecordStore, StoreError};
use model::{Clock, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{Created, IfMatch, Tag, Tagged};
use crate::auth::{Editor, Scope, Viewer};
use crate::extract::{Json, Path, Query};
use crate::list::{Cursor, Limit, Page};
use crate::operation::Operations;
use crate::ports::Adapters;
use crate::problem::Problem;
use crate::{bindings, record_types, replays, transformations};

use effort::Effort;
pub(crate) use form::{
    DiagnosticView, Saved, SchemaChoice, SchemaName, SchemaVersion, is_of, raw, refused, segment,
};
pub(crate) use place::Place;
pub(crate) use versions::FOR_EVER;

/// What schemas, record types and bindings need.
#[derive(Clone)]
pub(crate) struct Ports {
    pub(crate) schemas: Arc<dyn SchemaStore>,
    pub(crate) catalogue: Arc<dyn Catalogue>,
    pub(crate) records: Arc<dyn RecordStore>,
    pub(crate) queue: Arc<dyn JobQueue>,
    pub(crate) adapters: Arc<dyn Adapters>,
    pub(crate) operations: Operations,
    pub(crate) wake: Wake,
    pub(crate) clock: Clock,
    effort: Effort,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self {
            schemas: ports.store.clone(),
            catalogue: ports.store.clone(),
            records: ports.store.clone(),
            queue: ports.store.clone(),
            adapters: ports.adapters.clone(),
            operations: ports.operations.clone(),
            wake: ports.wake.clone(),
            clock: ports.clock.clone(),
            effort: Effort::default(),
        }
    }

    fn shelf<'a>(&'a self, tenant: &'a TenantId) -> Shelf<'a> {
        Shelf { tenant, schemas: &*self.schemas, catalogue: &*self.catalogue }
    }

    /// Does what is costly, within the tenant's share.
    pub(crate) async fn costly<T: Send + 'static, F>(
        &self,
        tenant: &TenantId,
        work: impl FnOnce(Self) -> F,
    ) -> Result<T, Problem>
    where
        F: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        self.effort.spend(tenant, work(self.clone())).await
    }
}

/// All that has to do with how records are mapped: the parts share the tenants' shares.
pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, replace))
        .merge(versions::routes())
        .merge(validate::routes())
        .merge(preview::routes())
        .merge(suggest::routes())
        .merge(derive::routes())
        .merge(paths::routes())
        .merge(bindings::routes())
        .merge(replays::routes())
        .merge(record_types::routes())
        .merge(transformations::routes())
}

/// A place where a schema is used.
#[derive(Debug, Serialize, ToSchema)]
struct SchemaUse {
    /// The version that is used there.
    version: u32,
    /// The connection.
    connection: String,
    /// The entity.
    entity: String,
    /// The part of it, where the schema maps that alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<String>,
}

/// A schema in a list.
#[derive(Debug, Serialize, ToSchema)]
struct SchemaRow {
    #[serde(flatten)]
    newest: SchemaVersion,
    /// What is mapped by it, in whichever version.
    used_by: Vec<SchemaUse>,
}

/// A conversion schema.
#[derive(Debug, Serialize, ToSchema)]
struct SchemaView {
    #[serde(flatten)]
    version: SchemaVersion,
    /// The schema, as it was written.
    #[schema(value_type = Object)]
    schema: Box<RawValue>,
}

/// A conversion schema that was just saved.
#[derive(Debug, Serialize, ToSchema)]
struct SavedSchema {
    #[serde(flatten)]
    saved: SchemaVersion,
    /// What may not be as it was meant.
    warnings: Vec<DiagnosticView>,
}

/// A conversion schema as it is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SchemaForm {
    /// The schema, at most 1 MiB of it; what can stand in it is what `docs/mapping.md` says. Its
    /// text is kept as it is.
    #[schema(value_type = Object)]
    schema: Box<RawValue>,
}

/// Which schemas.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SchemaListing {
    pub(crate) cursor: Option<Cursor>,
    pub(crate) limit: Option<Limit>,
}

/// Lists conversion schemas
///
/// The newest version of every name, by name, and what is mapped by it.
#[utoipa::path(get, path = "/api/schemas", tag = "schemas",
    security(("api_key" = ["viewer"])), params(SchemaListing),
    responses((status = 200, body = Page<SchemaRow>)))]
async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(listing): Query<SchemaListing>,
) -> Result<axum::Json<Page<SchemaRow>>, Problem> {
    let query = SchemaQuery {
        tenant: scope.tenant.clone(),
        kind: SchemaKind::Conversion,
        name: None,
        after: listing.cursor.as_ref().map(Cursor::place).transpose()?,
        limit: listing.limit.unwrap_or_default().get(),
    };
    let limit = query.limit;
    let heads = ports.schemas.schemas(query).await?;
    let next = (heads.len() >= limit).then(|| heads.last().map(|last| Cursor::at(&last.name)));
    let uses = ports.shelf(&scope.tenant).uses().await?;
    let row = |head: SchemaHead| {
        let of_it = uses.iter().filter(|((name, _), _)| *name == head.name);
        let used_by = of_it.flat_map(|((_, version), uses)| {
            uses.iter().map(|it| SchemaUse {
                version: *version,
                connection: it.connection.to_string(),
                entity: it.entity.clone(),
                part: it.part.clone(),
            })
        });
        SchemaRow { used_by: used_by.collect(), newest: SchemaVersion::of(head) }
    };
    let items = heads.into_iter().map(row).collect();
    Ok(axum::Json(Page { items, next: next.flatten(), total: None }))
}

/// Saves a conversion schema under a new name
///
/// The name stands in the schema. What does not compile is refused, with the place of everything
/// that is wrong under `errors`. It maps nothing until it is bound to an entity.
#[utoipa::path(post, path = "/api/schemas", tag = "schemas",
    security(("api_key" = ["editor"])), request_body = SchemaForm,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Makes it safe to send the same request again")),
    responses((status = 201, body = SavedSchema), (status = 409, body = Problem)))]
async fn create(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Json(form): Json<SchemaForm>,
) -> Result<Created<SavedSchema>, Problem> {
    let text = Text { kind: SchemaKind::Conversion, at: "/schema", name: None, json: form.schema };
    let (head, warnings) = ports.save(scope, text, 0, Problem::from).await?;
    let location = format!("/api/schemas/{}", segment(&head.name));
    let tag = Tag::revision(head.version.into());
    Ok(Created(location, tag, SavedSchema { saved: SchemaVersion::of(head), warnings }))
}

/// Shows a conversion schema
///
/// In its newest version, which is its `ETag`.
#[utoipa::path(get, path = "/api/schemas/{schema}", tag = "schemas",
    security(("api_key" = ["viewer"])),
    params(("schema" = String, Path, description = "The name")),
    responses((status = 200, body = SchemaView)))]
async fn show(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(name): Path<SchemaName>,
) -> Result<Tagged<SchemaView>, Problem> {
    let kind = SchemaKind::Conversion;
    let found = ports.schemas.schema(&scope.tenant, kind, name.as_str(), None).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    Ok(Tagged(Tag::revision(found.head.version.into()), SchemaView::of(found)?))
}

/// Saves the next version of a conversion schema
///
/// The same text again makes no new version. What is bound to an older version stays so.
#[utoipa::path(put, path = "/api/schemas/{schema}", tag = "schemas",
    security(("api_key" = ["editor"])), request_body = SchemaForm,
    params(("schema" = String, Path, description = "The name"),
        ("If-Match" = String, Header, description = "The `ETag` of what was read")),
    responses((status = 200, body = SavedSchema)))]
async fn replace(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(name): Path<SchemaName>,
    if_match: IfMatch,
    Json(form): Json<SchemaForm>,
) -> Result<Tagged<SavedSchema>, Problem> {
    let kind = SchemaKind::Conversion;
    let expected = ports.expected(&scope, (kind, &name), &if_match).await?;
    let text = Text { kind, at: "/schema", name: Some(name), json: form.schema };
    let (head, warnings) = ports.save(scope, text, expected, Problem::of_change).await?;
    let tag = Tag::revision(head.version.into());
    Ok(Tagged(tag, SavedSchema { saved: SchemaVersion::of(head), warnings }))
}

/// A text to be saved.
pub(crate) struct Text {
    pub(crate) kind: SchemaKind,
    /// Where in the request it stands.
    pub(crate) at: &'static str,
    /// How it must be called, where that is settled.
    pub(crate) name: Option<SchemaName>,
    pub(crate) json: Box<RawValue>,
}

impl Ports {
    /// Which version a change must be of.
    pub(crate) async fn expected(
        &self,
        scope: &Scope,
        (kind, name): (SchemaKind, &SchemaName),
        if_match: &IfMatch,
    ) -> Result<u32, Problem> {
        let said = if_match.revision()?;
        let known = self.schemas.schema(&scope.tenant, kind, name.as_str(), None).await?;
        let newest = known.ok_or_else(Problem::not_found)?.head.version;
        let said = said.map_or(Ok(newest), u32::try_from);
        said.map_err(|_no_version| Problem::precondition_failed())
    }

    /// Checks a text and saves it as the version behind the expected one; the caller knows what it
    /// means that there is another.
    pub(crate) async fn save(
        &self,
        scope: Scope,
        Text { kind, at, name, json }: Text,
        expected: u32,
        conflict: fn(StoreError) -> Problem,
    ) -> Result<(SchemaHead, Vec<DiagnosticView>), Problem> {
        let text = form::text(json, at)?;
        let tenant = scope.tenant.clone();
        let saved = |ports: Self| async move {
            let texts = ports.shelf(&scope.tenant);
            let ready = texts.check(kind, text).await.map_err(|error| refused(error, at))?;
            form::may_be_called(ready.name(), name.as_ref(), at)?;
            let warnings = ready.warnings.iter().map(DiagnosticView::of).collect();
            let (author, expected, at) = (Some(scope.author()), Some(expected), ports.clock.now());
            let put = texts.put(ready, Signed { author, expected, at }).await;
            put.map(|kept| (kept.head, warnings)).map_err(conflict)
        };
        self.costly(&tenant, saved).await
    }
}

impl SchemaView {
    fn of(found: StoredSchema) -> Result<Self, Problem> {
        let schema = raw(found.text)?;
        Ok(Self { version: SchemaVersion::of(found.head), schema })
    }
}
