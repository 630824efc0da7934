//! Apps: registrations of this host, or of a tenant, as a client at providers.

use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use engine::credential::{Credentials, NewApp};
use model::credential::{App, Incident};
use model::{Secret, TenantId, Timestamp};
use package::manifest::is_publisher;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{Created, IfMatch, Tag, Tagged};
use crate::auth::{Admin, Operator, Principal};
use crate::extract::{Json, Path, Query};
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;

/// What apps need.
pub(crate) type Ports = Credentials;

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show, put, remove))
}

/// Leave to keep apps: of a tenant for its administrators, of the deployment for operators who name
/// no tenant.
struct Keeper {
    tenant: Option<TenantId>,
    is_operator: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Keeper {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let is_operator = Operator::from_request_parts(parts, state).await.is_ok();
        if Principal::from_request_parts(parts, state).await?.tenant.is_none() {
            return Ok(Self { tenant: None, is_operator });
        }
        let Admin(scope) = Admin::from_request_parts(parts, state).await?;
        Ok(Self { tenant: Some(scope.tenant), is_operator })
    }
}

/// An app.
#[derive(Debug, Serialize, ToSchema)]
struct AppView {
    /// The package whose provider it is registered at, `publisher/id`.
    package: String,
    /// The tenant whose own it is; nothing for the deployment's, which serves all others.
    tenant: Option<String>,
    /// The client id.
    client_id: String,
    /// Where its requests for authorisation and tokens go instead of to the provider.
    origin: Option<String>,
    /// How often it was written; its secret goes with it.
    generation: u64,
    /// When it was written.
    since: Timestamp,
    /// What is wrong with it.
    incident: Option<AppIncident>,
}

/// That a provider refuses an app.
#[derive(Debug, Serialize, ToSchema)]
struct AppIncident {
    /// Since when.
    since: Timestamp,
    /// The provider's code.
    code: String,
    /// What a person reads.
    message: String,
    /// When it is tried again.
    probe_at: Timestamp,
    /// Whether it was refused to one connection alone, so that the cause may be that one's.
    suspected: bool,
}

/// An app as it is written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AppForm {
    /// The client id that the provider has given.
    client_id: String,
    /// The client secret, if the provider has given one. It is never shown again; without one the
    /// app has none from then on.
    client_secret: Option<String>,
    /// Sends its requests for authorisation and tokens to this origin; for operators alone.
    origin: Option<String>,
}

/// Which apps.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

impl AppView {
    fn of(app: App) -> (Tag, Self) {
        let tag = Tag::revision(app.generation);
        let incident = |it: Incident| AppIncident {
            since: it.since,
            code: it.code,
            message: it.message,
            probe_at: it.probe_at,
            suspected: it.suspected,
        };
        let view = Self {
            package: app.package,
            tenant: app.tenant.map(|tenant| tenant.to_string()),
            client_id: app.client_id,
            origin: app.origin,
            generation: app.generation,
            since: app.created,
            incident: app.incident.map(incident),
        };
        (tag, view)
    }
}

/// The package that a path names.
fn package((publisher, id): (String, String)) -> Result<String, Problem> {
    let is_name = is_publisher(&publisher) && !id.is_empty() && !id.contains('/');
    if is_name { Ok(format!("{publisher}/{id}")) } else { Err(Problem::not_found()) }
}

async fn find(
    credentials: &Credentials,
    package: &str,
    tenant: Option<&TenantId>,
) -> Result<Option<App>, Problem> {
    let mut apps = credentials.apps().await.map_err(Problem::of_host)?.into_iter();
    Ok(apps.find(|app| app.package == package && app.tenant.as_ref() == tenant))
}

/// Lists apps
///
/// Those of the tenant, or those of the deployment where an operator names no tenant.
#[utoipa::path(get, path = "/api/apps", tag = "apps",
    security(("api_key" = ["admin"])), params(Listing),
    responses((status = 200, body = Page<AppView>)))]
async fn list(
    State(credentials): State<Credentials>,
    keeper: Keeper,
    Query(listing): Query<Listing>,
) -> Result<axum::Json<Page<AppView>>, Problem> {
    let apps = credentials.apps().await.map_err(Problem::of_host)?.into_iter();
    let own = apps.filter(|app| app.tenant == keeper.tenant);
    let own = own.map(|app| AppView::of(app).1).collect();
    Page::of(own, listing.cursor.as_ref(), listing.limit).map(axum::Json)
}

/// Shows an app
///
/// The tenant's own, or the deployment's where an operator names no tenant. Its secret is not shown.
#[utoipa::path(get, path = "/api/apps/{publisher}/{id}", tag = "apps",
    security(("api_key" = ["admin"])),
    params(("publisher" = String, Path, description = "The publisher of the package"),
        ("id" = String, Path, description = "The id of the package")),
    responses((status = 200, body = AppView)))]
async fn show(
    State(credentials): State<Credentials>,
    keeper: Keeper,
    Path(path): Path<(String, String)>,
) -> Result<Tagged<AppView>, Problem> {
    let app = find(&credentials, &package(path)?, keeper.tenant.as_ref()).await?;
    let (tag, view) = AppView::of(app.ok_or_else(Problem::not_found)?);
    Ok(Tagged(tag, view))
}

/// Writes an app
///
/// With its secret, which is sealed. The package need not be installed yet. One that is there is
/// replaced, which `If-Match` must say; connections through it go on with what is written here, and
/// its incident is over. Where there is none `If-Match` is left out.
#[utoipa::path(put, path = "/api/apps/{publisher}/{id}", tag = "apps",
    security(("api_key" = ["admin"])), request_body = AppForm,
    params(("publisher" = String, Path, description = "The publisher of the package"),
        ("id" = String, Path, description = "The id of the package"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what was read")),
    responses((status = 200, body = AppView), (status = 201, body = AppView),
        (status = 409, body = Problem, description = "Somebody else has written it meanwhile.")))]
async fn put(
    State(credentials): State<Credentials>,
    keeper: Keeper,
    Path(path): Path<(String, String)>,
    if_match: IfMatch,
    Json(form): Json<AppForm>,
) -> Result<Response, Problem> {
    let package = package(path)?;
    if form.origin.is_some() && !keeper.is_operator {
        let detail = "only an operator sends an app elsewhere than to its provider";
        let status = StatusCode::FORBIDDEN;
        return Err(Problem::new(status, "api.forbidden", detail).at("/origin", "leave it out"));
    }
    let known = find(&credentials, &package, keeper.tenant.as_ref()).await?;
    match &known {
        Some(app) => if_match.demand(&Tag::revision(app.generation))?,
        None => if_match.allow(&Tag::revision(0))?,
    }
    let new = NewApp {
        package: package.clone(),
        tenant: keeper.tenant,
        client_id: form.client_id,
        secret: form.client_secret.map(Secret::new),
        origin: form.origin,
    };
    let expected = known.as_ref().map_or(0, |app| app.generation);
    let put = credentials.replace_app(new, expected).await;
    let (tag, view) = AppView::of(put.map_err(Problem::of_host)?);
    if known.is_some() {
        return Ok(Tagged(tag, view).into_response());
    }
    Ok(Created(format!("/api/apps/{package}"), tag, view).into_response())
}

/// Forgets an app
///
/// Connections through it can no longer be refreshed.
#[utoipa::path(delete, path = "/api/apps/{publisher}/{id}", tag = "apps",
    security(("api_key" = ["admin"])),
    params(("publisher" = String, Path, description = "The publisher of the package"),
        ("id" = String, Path, description = "The id of the package"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what was read")),
    responses((status = 204)))]
async fn remove(
    State(credentials): State<Credentials>,
    keeper: Keeper,
    Path(path): Path<(String, String)>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let (package, tenant) = (package(path)?, keeper.tenant);
    let app = find(&credentials, &package, tenant.as_ref()).await?;
    if_match.allow(&Tag::revision(app.ok_or_else(Problem::not_found)?.generation))?;
    let removed = credentials.remove_app(&package, tenant.as_ref()).await;
    let removed = removed.map_err(Problem::of_host)?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}
