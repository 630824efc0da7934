//! Bindings: which conversion schema maps an entity of a connection, or one part of it.

use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use engine::mapping::{Mapping, Origin};
use model::schema::Binding;
use model::{ConnectionId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{IfMatch, Tag, Tagged};
use crate::auth::{Editor, Viewer};
use crate::extract::{Json, Path, Query};
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;
use crate::schemas::{Ports, Saved, is_of, raw};

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, bind, undo))
        .routes(routes!(active))
}

/// What maps an entity, or a part of it, instead of the package's own schema.
#[derive(Debug, Serialize, ToSchema)]
struct BindingView {
    /// The connection.
    connection: String,
    /// The entity.
    entity: String,
    /// The part of it that alone is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<String>,
    /// The schema and its version. Null where nothing is bound: then the package's own maps the
    /// entity, and that of the entity the part.
    schema: Option<Saved>,
    /// Counts the changes; 0 where there was none.
    revision: u64,
    /// When it was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
}

/// What is to be bound.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BindingForm {
    /// A saved schema of the entity.
    schema: Saved,
}

/// The schema that maps an entity, or a part of it.
#[derive(Debug, Serialize, ToSchema)]
struct ActiveSchema {
    /// Its name, and where it comes from, as a run keeps it.
    shown: String,
    /// Its name.
    name: String,
    /// The version, if it is a saved one.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    /// The package and its version, if it comes with that.
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<String>,
    /// The record type that it maps to.
    record_type: String,
    /// The schema, as it was written.
    #[schema(value_type = Object)]
    schema: Box<RawValue>,
}

/// Which part of an entity.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OfPart {
    /// One instance of a dynamic entity; its schema goes before that of the entity.
    part: Option<String>,
}

/// Which bindings.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct BindingListing {
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists the bindings of a connection
///
/// By entity and part, that of the entity first; ones that were undone too.
#[utoipa::path(get, path = "/api/bindings/{connection}", tag = "bindings",
    security(("api_key" = ["viewer"])),
    params(("connection" = String, Path, description = "The connection"), BindingListing),
    responses((status = 200, body = Page<BindingView>)))]
async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(connection): Path<ConnectionId>,
    Query(listing): Query<BindingListing>,
) -> Result<axum::Json<Page<BindingView>>, Problem> {
    let known = ports.catalogue.connection(&scope.tenant, &connection).await?;
    known.ok_or_else(Problem::not_found)?;
    let all = ports.schemas.bindings(&scope.tenant, &connection).await?;
    let all = all.into_iter().map(BindingView::of).collect();
    Page::of(all, listing.cursor.as_ref(), listing.limit).map(axum::Json)
}

/// Shows what is bound to an entity
///
/// Where nothing is, its revision is 0, and `If-Match` of a change is that `ETag` all the same.
#[utoipa::path(get, path = "/api/bindings/{connection}/{entity}", tag = "bindings",
    security(("api_key" = ["viewer"])),
    params(("connection" = String, Path, description = "The connection"),
        ("entity" = String, Path, description = "The entity"), OfPart),
    responses((status = 200, body = BindingView)))]
async fn show(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    spot: SpotRef,
) -> Result<Tagged<BindingView>, Problem> {
    let spot = ports.spot(&scope.tenant, spot).await?;
    Ok(spot.tagged())
}

/// Binds a conversion schema to an entity
///
/// Syncs map by it from now on; what is stored already follows with a replay. The schema must
/// compile, and be one of the entity. Ask for the impact first, to see what it will change.
#[utoipa::path(put, path = "/api/bindings/{connection}/{entity}", tag = "bindings",
    security(("api_key" = ["editor"])), request_body = BindingForm,
    params(("connection" = String, Path, description = "The connection"),
        ("entity" = String, Path, description = "The entity"), OfPart,
        ("If-Match" = String, Header, description = "The `ETag` of what was read")),
    responses((status = 200, body = BindingView)))]
async fn bind(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    spot: SpotRef,
    if_match: IfMatch,
    Json(form): Json<BindingForm>,
) -> Result<Tagged<BindingView>, Problem> {
    let said = if_match.revision()?;
    let spot = ports.spot(&scope.tenant, spot).await?;
    let expected = said.unwrap_or(spot.0.revision);
    let tenant = scope.tenant.clone();
    let mapping = ports
        .costly(&tenant, |ports| async move {
            ports.saved(&scope.tenant, &form.schema, "/schema").await
        })
        .await?;
    is_of(&mapping, &spot.0.entity)?;
    let schema = mapping.schema().saved();
    ports.put(Binding { schema, ..spot.0 }, expected).await.map(Spot::tagged)
}

/// Undoes what is bound to an entity
///
/// The package's own schema maps the entity again, and that of the entity the part. What is stored
/// already follows with a replay.
#[utoipa::path(delete, path = "/api/bindings/{connection}/{entity}", tag = "bindings",
    security(("api_key" = ["editor"])),
    params(("connection" = String, Path, description = "The connection"),
        ("entity" = String, Path, description = "The entity"), OfPart,
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what was read")),
    responses((status = 204)))]
async fn undo(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    spot: SpotRef,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let Spot(binding) = ports.spot(&scope.tenant, spot).await?;
    if_match.allow(&Tag::revision(binding.revision))?;
    if binding.schema.is_none() {
        return Err(Problem::not_found());
    }
    let expected = binding.revision;
    ports.put(Binding { schema: None, ..binding }, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows the active schema of an entity
///
/// The one that is bound to it, or that its package brings.
#[utoipa::path(get, path = "/api/bindings/{connection}/{entity}/active", tag = "bindings",
    security(("api_key" = ["viewer"])),
    params(("connection" = String, Path, description = "The connection"),
        ("entity" = String, Path, description = "The entity"), OfPart),
    responses((status = 200, body = ActiveSchema)))]
async fn active(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    spot: SpotRef,
) -> Result<Tagged<ActiveSchema>, Problem> {
    let tenant = scope.tenant.clone();
    let active = |ports: Ports| async move {
        let SpotRef { connection, entity, part } = spot;
        let place = ports.place(&scope.tenant, &connection).await?;
        let mappings = ports.adapters.mappings(&place.connection).await?;
        if let Some(error) = mappings.refused(&entity) {
            return Err(error.clone().into());
        }
        let mapping = mappings.get(&entity, part.as_deref()).ok_or_else(Problem::not_found)?;
        ActiveSchema::of(mapping)
    };
    let active = ports.costly(&tenant, active).await?;
    Ok(Tagged(Tag::content(&active), active))
}

/// What a request is about.
struct SpotRef {
    connection: ConnectionId,
    entity: String,
    part: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for SpotRef {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path((connection, entity)) = Path::from_request_parts(parts, state).await?;
        let Query(OfPart { part }) = Query::from_request_parts(parts, state).await?;
        Ok(Self { connection, entity, part })
    }
}

/// Something to which a schema can be bound, with what is bound to it.
struct Spot(Binding);

impl Spot {
    fn tagged(self) -> Tagged<BindingView> {
        Tagged(Tag::revision(self.0.revision), BindingView::of(self.0))
    }
}

impl Ports {
    /// An entity of the connection's package, or a part of it.
    async fn spot(
        &self,
        tenant: &TenantId,
        SpotRef { connection, entity, part }: SpotRef,
    ) -> Result<Spot, Problem> {
        let place = self.place(tenant, &connection).await?;
        if !place.package.manifest.entities.contains_key(&entity) {
            return Err(Problem::not_found());
        }
        let bindings = self.schemas.bindings(tenant, &connection).await?;
        let known = bindings.into_iter().find(|it| it.entity == entity && it.part == part);
        let at = self.clock.now();
        let tenant = tenant.clone();
        let new = Binding { tenant, connection, entity, part, schema: None, revision: 0, at };
        Ok(Spot(known.unwrap_or(new)))
    }

    async fn put(&self, binding: Binding, expected: u64) -> Result<Spot, Problem> {
        let binding = Binding { at: self.clock.now(), ..binding };
        let put = self.schemas.put_binding(binding, Some(expected)).await;
        put.map(Spot).map_err(Problem::of_change)
    }
}

impl BindingView {
    fn of(binding: Binding) -> Self {
        let Binding { connection, entity, part, schema, revision, at, .. } = binding;
        Self {
            connection: connection.into(),
            entity,
            part,
            schema: schema.map(|(name, version)| Saved { name, version: Some(version) }),
            revision,
            at: Some(at).filter(|_| revision > 0),
        }
    }
}

impl ActiveSchema {
    fn of(mapping: &Mapping) -> Result<Self, Problem> {
        let schema = mapping.schema();
        let (version, package) = match &schema.origin {
            Origin::Saved(version) => (Some(*version), None),
            Origin::Package(package) => (None, Some(package.clone())),
            Origin::Draft => (None, None),
        };
        Ok(Self {
            shown: schema.to_string(),
            name: schema.name.clone(),
            version,
            package,
            record_type: mapping.record_type().to_owned(),
            schema: raw(mapping.text().to_owned())?,
        })
    }
}
