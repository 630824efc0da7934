//! Versions of conversion schemas, which never change.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use model::TenantId;
use model::schema::{SchemaKind, SchemaQuery, StoredSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Ports, SchemaListing, SchemaName, SchemaVersion, SchemaView};
use crate::answer::{Tag, Tagged};
use crate::auth::Viewer;
use crate::extract::{Path, Query};
use crate::list::{Cursor, Page};
use crate::problem::Problem;

/// What never changes may be kept for a year, by the caller alone.
pub(crate) const FOR_EVER: HeaderValue =
    HeaderValue::from_static("private, max-age=31536000, immutable");

pub(super) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(versions)).routes(routes!(version))
}

/// Lists the versions of a conversion schema
///
/// The newest first.
#[utoipa::path(get, path = "/api/schemas/{schema}/versions", tag = "schemas",
    security(("api_key" = ["viewer"])),
    params(("schema" = String, Path, description = "The name"), SchemaListing),
    responses((status = 200, body = Page<SchemaVersion>)))]
async fn versions(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(name): Path<SchemaName>,
    Query(listing): Query<SchemaListing>,
) -> Result<axum::Json<Page<SchemaVersion>>, Problem> {
    let kind = SchemaKind::Conversion;
    ports.versions(scope.tenant, (kind, name), listing).await.map(axum::Json)
}

/// Shows a version of a conversion schema
///
/// It never changes.
#[utoipa::path(get, path = "/api/schemas/{schema}/versions/{version}", tag = "schemas",
    security(("api_key" = ["viewer"])),
    params(("schema" = String, Path, description = "The name"),
        ("version" = u32, Path, description = "The version")),
    responses((status = 200, body = SchemaView)))]
async fn version(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path((name, version)): Path<(SchemaName, u32)>,
) -> Result<impl IntoResponse, Problem> {
    let found = ports.version(&scope.tenant, (SchemaKind::Conversion, &name), version).await?;
    let tagged = Tagged(Tag::revision(version.into()), SchemaView::of(found)?);
    Ok(([(header::CACHE_CONTROL, FOR_EVER)], tagged))
}

impl Ports {
    /// The versions of a name, the newest first.
    pub(crate) async fn versions(
        &self,
        tenant: TenantId,
        (kind, name): (SchemaKind, SchemaName),
        listing: SchemaListing,
    ) -> Result<Page<SchemaVersion>, Problem> {
        let after: Option<u32> = listing.cursor.as_ref().map(Cursor::place).transpose()?;
        let (limit, is_first) = (listing.limit.unwrap_or_default().get(), after.is_none());
        let query = SchemaQuery {
            tenant,
            kind,
            name: Some(name.as_str().to_owned()),
            after: after.map(|version| version.to_string()),
            limit,
        };
        let heads = self.schemas.schemas(query).await?;
        if heads.is_empty() && is_first {
            return Err(Problem::not_found());
        }
        let next = heads.last().filter(|last| heads.len() >= limit && last.version > 1);
        let next = next.map(|last| Cursor::at(&last.version));
        let items = heads.into_iter().map(SchemaVersion::of).collect();
        Ok(Page { items, next, total: None })
    }

    /// A version of a name.
    pub(crate) async fn version(
        &self,
        tenant: &TenantId,
        (kind, name): (SchemaKind, &SchemaName),
        version: u32,
    ) -> Result<StoredSchema, Problem> {
        let found = self.schemas.schema(tenant, kind, name.as_str(), Some(version)).await?;
        found.ok_or_else(Problem::not_found)
    }
}
