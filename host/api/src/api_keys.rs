//! API keys: given out, listed, revoked.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use model::api_key::{ApiKey, ApiKeyId, ApiKeyStore, Role};
use model::{Clock, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{Created, IfMatch, Tag, Tagged};
use crate::auth::{Keeper, NewKey, Principal, new_key};
use crate::extract::{Json, Path, Query};
use crate::idempotency::Kept;
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;

/// What API keys need.
#[derive(Clone)]
pub(crate) struct Ports {
    keys: Arc<dyn ApiKeyStore>,
    clock: Clock,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self { keys: ports.store.clone(), clock: ports.clock.clone() }
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, revoke))
}

/// What a key allows; each holds those before it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyRole {
    /// Looks at what a tenant has.
    Viewer,
    /// Syncs, maps and schedules.
    Editor,
    /// Connects accounts and gives out keys of the tenant.
    Admin,
    /// Runs the host: packages, apps and all tenants.
    Operator,
}

impl From<Role> for KeyRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Editor => Self::Editor,
            Role::Admin => Self::Admin,
            Role::Operator => Self::Operator,
        }
    }
}

impl From<KeyRole> for Role {
    fn from(role: KeyRole) -> Self {
        match role {
            KeyRole::Viewer => Self::Viewer,
            KeyRole::Editor => Self::Editor,
            KeyRole::Admin => Self::Admin,
            KeyRole::Operator => Self::Operator,
        }
    }
}

/// An API key; its secret part is shown to nobody.
#[derive(Debug, Serialize, ToSchema)]
struct ApiKeyView {
    /// Its public part.
    id: String,
    /// What people call it.
    name: String,
    /// Whose things it opens; nothing for an operator's, which opens all.
    tenant: Option<String>,
    /// What it allows.
    role: KeyRole,
    /// Who has made it: another key, or the command line.
    creator: String,
    /// When it was made.
    created_at: Timestamp,
    /// When it ends by itself.
    expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    last_used_at: Option<Timestamp>,
    /// When it was revoked.
    revoked_at: Option<Timestamp>,
}

/// A key that was made.
#[derive(Debug, Serialize, ToSchema)]
struct NewApiKeyView {
    /// What is kept of it.
    key: ApiKeyView,
    /// The key itself, shown this once. Where an answer is given again it is left out: revoke the
    /// key then, and make another.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<String>,
}

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ApiKeyForm {
    /// What people call it.
    name: String,
    /// What it allows: not more than the key that makes it.
    role: KeyRole,
    /// When it ends by itself; without it, it does not.
    expires_at: Option<Timestamp>,
}

/// Which keys.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ApiKeyListing {
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists API keys
///
/// Those of the tenant, by when they were made; those of operators where an operator names no
/// tenant. Keys that were revoked or have expired stay in the list.
#[utoipa::path(get, path = "/api/api-keys", tag = "api keys",
    security(("api_key" = ["admin"])), params(ApiKeyListing),
    responses((status = 200, body = Page<ApiKeyView>)))]
async fn list(
    State(ports): State<Ports>,
    Keeper(who): Keeper,
    Query(listing): Query<ApiKeyListing>,
) -> Result<axum::Json<Page<ApiKeyView>>, Problem> {
    let keys = ports.keys.api_keys(who.tenant.as_ref()).await?;
    let views = keys.into_iter().map(ApiKeyView::of).collect();
    Page::of(views, listing.cursor.as_ref(), listing.limit).map(axum::Json)
}

/// Makes an API key
///
/// Of the tenant, or of an operator where an operator names no tenant. The answer alone shows the
/// key; the host keeps a hash.
#[utoipa::path(post, path = "/api/api-keys", tag = "api keys",
    security(("api_key" = ["admin"])), request_body = ApiKeyForm,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "A repeated request makes no second key, and its answer leaves the key out")),
    responses((status = 201, body = NewApiKeyView)))]
async fn create(
    State(ports): State<Ports>,
    Keeper(who): Keeper,
    Json(form): Json<ApiKeyForm>,
) -> Result<Response, Problem> {
    let role = Role::from(form.role);
    allowed(&who, role)?;
    let new = NewKey {
        name: form.name,
        creator: who.author(),
        tenant: who.tenant,
        role,
        expires: form.expires_at,
    };
    let (key, secret) = new_key(new, ports.clock.now()).map_err(Problem::of_host)?;
    ports.keys.put_api_key(key.clone()).await?;
    let location = format!("/api/api-keys/{}", key.id);
    let mut view = NewApiKeyView { key: ApiKeyView::of(key), api_key: None };
    let (tag, kept) = (Tag::content(&view.key), Kept::of(&view));
    view.api_key = Some(secret.expose().to_owned());
    Ok((Extension(kept), Created(location, tag, view)).into_response())
}

/// Nobody makes a key that allows more than their own, and operators alone belong to no tenant.
fn allowed(who: &Principal, role: Role) -> Result<(), Problem> {
    if role > who.role {
        let detail = format!("a key of a {} makes none of a {role}", who.role);
        return Err(Problem::new(StatusCode::FORBIDDEN, "api.forbidden", detail));
    }
    let wrong = match (&who.tenant, role) {
        (Some(tenant), Role::Operator) => {
            format!("an operator's key is of no tenant: name none, instead of {tenant}")
        }
        (None, Role::Viewer | Role::Editor | Role::Admin) => {
            format!("a key of {role}s is of a tenant: name it in `Plughouse-Tenant`")
        }
        _ => return Ok(()),
    };
    Err(Problem::invalid("the role does not go with the tenant").at("/role", wrong))
}

/// Shows an API key
#[utoipa::path(get, path = "/api/api-keys/{api_key}", tag = "api keys",
    security(("api_key" = ["admin"])),
    params(("api_key" = String, Path, description = "The public part of the key")),
    responses((status = 200, body = ApiKeyView)))]
async fn show(
    State(ports): State<Ports>,
    Keeper(who): Keeper,
    Path(id): Path<ApiKeyId>,
) -> Result<Tagged<ApiKeyView>, Problem> {
    let view = ApiKeyView::of(find(&ports, who.tenant.as_ref(), &id).await?);
    Ok(Tagged(Tag::content(&view), view))
}

/// Revokes an API key
///
/// It opens nothing from then on, and neither do sessions that were begun with it. It stays in the
/// list. The last key of an operator that works cannot be revoked.
#[utoipa::path(delete, path = "/api/api-keys/{api_key}", tag = "api keys",
    security(("api_key" = ["admin"])),
    params(("api_key" = String, Path, description = "The public part of the key"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what was read")),
    responses((status = 204), (status = 409, body = Problem)))]
async fn revoke(
    State(ports): State<Ports>,
    Keeper(who): Keeper,
    Path(id): Path<ApiKeyId>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let key = find(&ports, who.tenant.as_ref(), &id).await?;
    if_match.allow(&Tag::content(&ApiKeyView::of(key)))?;
    // One that works no more was revoked before, or needs it no more.
    ports.keys.revoke_api_key(who.tenant.as_ref(), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(ports: &Ports, tenant: Option<&TenantId>, id: &ApiKeyId) -> Result<ApiKey, Problem> {
    let key = ports.keys.api_key(id).await?;
    key.filter(|key| key.tenant.as_ref() == tenant).ok_or_else(Problem::not_found)
}

impl ApiKeyView {
    fn of(key: ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            tenant: key.tenant.map(|tenant| tenant.to_string()),
            role: key.role.into(),
            creator: key.creator,
            created_at: key.created,
            expires_at: key.expires,
            last_used_at: key.used,
            revoked_at: key.revoked,
        }
    }
}
