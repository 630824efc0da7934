//! Tenants: the customers of the host.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use model::tenant::{Tenant, TenantRemoval, TenantStore};
use model::{Clock, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{Created, IfMatch, Tag, Tagged};
use crate::auth::Operator;
use crate::extract::{Json, Path, Query};
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;

/// What tenants need.
#[derive(Clone)]
pub(crate) struct Ports {
    tenants: Arc<dyn TenantStore>,
    clock: Clock,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self { tenants: ports.store.clone(), clock: ports.clock.clone() }
    }

    async fn find(&self, id: &TenantId) -> Result<Tenant, Problem> {
        self.tenants.tenant(id).await?.ok_or_else(Problem::not_found)
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, rename, remove))
}

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
struct TenantView {
    /// Its id, by which operators name it.
    id: String,
    /// What people call it.
    name: String,
    /// When it was made.
    created: Timestamp,
}

impl TenantView {
    fn of(tenant: Tenant) -> (Tag, Self) {
        let Tenant { id, name, created, revision } = tenant;
        (Tag::revision(revision), Self { id: id.to_string(), name, created })
    }
}

/// A tenant to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTenant {
    /// Its id: 1 to 64 characters of a-z, 0-9, `-`, `_` or `.`, beginning with a letter or a digit.
    #[schema(value_type = String, example = "acme")]
    id: TenantId,
    /// What people call it; its id, where nothing is said.
    name: Option<String>,
}

/// What changes of a tenant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TenantChange {
    /// What people call it.
    name: String,
}

/// Which tenants.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists tenants
#[utoipa::path(get, path = "/api/tenants", tag = "tenants",
    security(("api_key" = ["operator"])), params(Listing),
    responses((status = 200, body = Page<TenantView>)))]
async fn list(
    State(ports): State<Ports>,
    Operator(_): Operator,
    Query(listing): Query<Listing>,
) -> Result<axum::Json<Page<TenantView>>, Problem> {
    let after: Option<TenantId> = listing.cursor.as_ref().map(Cursor::place).transpose()?;
    let limit = listing.limit.unwrap_or_default().get();
    let tenants = ports.tenants.tenants(after.as_ref(), limit).await?;
    let more = tenants.len() >= limit;
    let next = tenants.last().filter(|_| more).map(|last| Cursor::at(&last.id));
    let items = tenants.into_iter().map(|tenant| TenantView::of(tenant).1).collect();
    Ok(axum::Json(Page { items, next, total: None }))
}

/// Makes a tenant
#[utoipa::path(post, path = "/api/tenants", tag = "tenants",
    security(("api_key" = ["operator"])), request_body = NewTenant,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Makes the request safe to repeat: who sends it again is answered the same")),
    responses((status = 201, body = TenantView), (status = 409, body = Problem)))]
async fn create(
    State(ports): State<Ports>,
    Operator(_): Operator,
    Json(new): Json<NewTenant>,
) -> Result<Created<TenantView>, Problem> {
    let name = new.name.unwrap_or_else(|| new.id.to_string());
    let tenant = Tenant { id: new.id, name, created: ports.clock.now(), revision: 0 };
    let (tag, view) = TenantView::of(ports.tenants.put_tenant(tenant, Some(0)).await?);
    Ok(Created(format!("/api/tenants/{}", view.id), tag, view))
}

/// Shows a tenant
#[utoipa::path(get, path = "/api/tenants/{tenant}", tag = "tenants",
    security(("api_key" = ["operator"])),
    params(("tenant" = String, Path, description = "The tenant")),
    responses((status = 200, body = TenantView)))]
async fn show(
    State(ports): State<Ports>,
    Operator(_): Operator,
    Path(id): Path<TenantId>,
) -> Result<Tagged<TenantView>, Problem> {
    let (tag, view) = TenantView::of(ports.find(&id).await?);
    Ok(Tagged(tag, view))
}

/// Renames a tenant
///
/// Its id stays.
#[utoipa::path(patch, path = "/api/tenants/{tenant}", tag = "tenants",
    security(("api_key" = ["operator"])), request_body = TenantChange,
    params(("tenant" = String, Path, description = "The tenant"),
        ("If-Match" = String, Header, description = "The `ETag` of what was read")),
    responses((status = 200, body = TenantView)))]
async fn rename(
    State(ports): State<Ports>,
    Operator(_): Operator,
    Path(id): Path<TenantId>,
    if_match: IfMatch,
    Json(change): Json<TenantChange>,
) -> Result<Tagged<TenantView>, Problem> {
    let revision = if_match.revision()?;
    let known = ports.find(&id).await?;
    let expected = revision.unwrap_or(known.revision);
    let tenant = Tenant { name: change.name, ..known };
    let put = ports.tenants.put_tenant(tenant, Some(expected)).await;
    let (tag, view) = TenantView::of(put.map_err(Problem::of_change)?);
    Ok(Tagged(tag, view))
}

/// Removes a tenant
///
/// It must have no integration any more; its API keys go with it. What it has synced stays, and
/// whoever makes it again finds it.
#[utoipa::path(delete, path = "/api/tenants/{tenant}", tag = "tenants",
    security(("api_key" = ["operator"])),
    params(("tenant" = String, Path, description = "The tenant"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what was read")),
    responses((status = 204), (status = 409, body = Problem)))]
async fn remove(
    State(ports): State<Ports>,
    Operator(_): Operator,
    Path(id): Path<TenantId>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    if_match.allow(&Tag::revision(ports.find(&id).await?.revision))?;
    match ports.tenants.remove_tenant(&id).await? {
        TenantRemoval::Removed => Ok(StatusCode::NO_CONTENT),
        TenantRemoval::Absent => Err(Problem::not_found()),
        TenantRemoval::InUse => Err(Problem::conflict(
            "the tenant has integrations; remove them first, so that their grants are revoked",
        )),
    }
}
