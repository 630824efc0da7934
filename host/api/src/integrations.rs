//! Integrations: a tenant's uses of providers.

mod entities;
mod history;
mod listing;
mod remove;
mod sync;
mod view;

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::State;
use model::id::NameError;
use model::integration::Integration;
use model::store::StoreErrorKind;
use model::task::TaskStore;
use model::{Connection, IntegrationId, TenantId};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::view::{IntegrationView, Schedules, tag};
use crate::answer::{Created, IfMatch, Tagged};
use crate::auth::{Admin, Viewer};
use crate::extract::{Json, Path};
use crate::operation::Operations;
use crate::problem::Problem;
use crate::{connections, providers};

/// The longest name, in bytes: one line of a list.
const NAME_BYTES_MAX: usize = 128;

/// What integrations need.
#[derive(Clone)]
pub(crate) struct Ports {
    connections: connections::Ports,
    tasks: Arc<dyn TaskStore>,
    operations: Operations,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self {
            connections: connections::Ports::of(ports),
            tasks: ports.store.clone(),
            operations: ports.operations.clone(),
        }
    }

    async fn integration(
        &self,
        tenant: &TenantId,
        id: &IntegrationId,
    ) -> Result<Integration, Problem> {
        let found = self.connections.integrations.integration(tenant, id).await?;
        found.ok_or_else(Problem::not_found)
    }

    /// The connections of an integration.
    async fn accounts(&self, integration: &Integration) -> Result<Vec<Connection>, Problem> {
        let mut all = self.connections.catalogue.connections(&integration.tenant).await?;
        all.retain(|connection| connection.integration() == integration.id);
        Ok(all)
    }

    async fn shown(&self, integration: Integration) -> Result<Tagged<IntegrationView>, Problem> {
        let tenant = integration.tenant.clone();
        let accounts = self.accounts(&integration).await?;
        let looked = self.connections.look(&tenant, accounts).await?;
        let schedules = Schedules::of(&*self.tasks, &tenant).await?;
        let tag = tag(&integration);
        let now = self.connections.clock.now();
        Ok(Tagged(tag, IntegrationView::of(integration, looked, &schedules, now)))
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new()
        .routes(routes!(listing::list, create))
        .routes(routes!(show, change, remove::delete))
        .routes(routes!(sync::test))
        .routes(routes!(sync::sync))
        .routes(routes!(history::sync_history))
        .routes(routes!(entities::entities))
}

/// An integration to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct IntegrationForm {
    /// Its name within the tenant; made from the provider's where it is left out.
    #[schema(value_type = Option<String>)]
    id: Option<IntegrationId>,
    /// What people call it; the provider's name where it is left out.
    name: Option<String>,
    /// The provider.
    provider: String,
}

/// A change of an integration.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct IntegrationChange {
    /// What people call it.
    name: String,
}

/// Makes an integration
///
/// It has no account yet: `POST /api/connections`, or
/// `GET /api/integrations/oauth/authorize/{provider}`, connects one.
#[utoipa::path(post, path = "/api/integrations", tag = "integrations",
    security(("api_key" = ["admin"])), request_body = IntegrationForm,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Repeats of the request under it are answered as the first one was")),
    responses((status = 201, body = IntegrationView), (status = 409, body = Problem)))]
async fn create(
    State(ports): State<Ports>,
    Admin(scope): Admin,
    Json(form): Json<IntegrationForm>,
) -> Result<Created<IntegrationView>, Problem> {
    let catalogue = &*ports.connections.catalogue;
    let package = providers::package(catalogue, &form.provider).await;
    let package = package.map_err(|problem| match problem.status() {
        axum::http::StatusCode::NOT_FOUND => {
            let detail = format!("there is no provider {:?} on this host", form.provider);
            Problem::invalid(detail).at("/provider", "see `GET /api/integration-providers`")
        }
        _ => problem.at("/provider", "say which one"),
    })?;
    let manifest = ports.connections.adapters.package(&package).await?.manifest;
    let name = named(form.name.unwrap_or_else(|| manifest.adapter.name.clone()))?;
    let id = match form.id {
        Some(id) => id,
        None => ports.free(&scope.tenant, &manifest.adapter.id).await?,
    };
    let now = ports.connections.clock.now();
    let (tenant, location) = (scope.tenant, format!("/api/integrations/{id}"));
    let new = Integration { tenant, id, name, package, created: now, updated: now, revision: 0 };
    let made = ports.connections.integrations.put_integration(new, Some(0)).await;
    let made = made.map_err(|error| match error.kind() {
        StoreErrorKind::Conflict => {
            Problem::conflict("there is an integration of that name; choose another `id`")
        }
        _ => error.into(),
    })?;
    let Tagged(tag, view) = ports.shown(made).await?;
    Ok(Created(location, tag, view))
}

impl Ports {
    async fn free(&self, tenant: &TenantId, provider: &str) -> Result<IntegrationId, Problem> {
        let all = self.connections.integrations.integrations(tenant).await?;
        let free = free(provider, all.iter().map(|it| it.id.as_str()));
        free.map_err(|error| Problem::invalid(error.to_string()).at("/id", "write one"))
    }
}

/// The first name that is not taken: `hubspot`, `hubspot-2`, …
pub(crate) fn free<'a, Id: FromStr<Err = NameError>>(
    name: &str,
    taken: impl Iterator<Item = &'a str>,
) -> Result<Id, NameError> {
    let taken: BTreeSet<_> = taken.collect();
    let numbered = (2_u32..).map(|number| format!("{name}-{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !taken.contains(name.as_str())).unwrap_or_default().parse()
}

fn named(name: String) -> Result<String, Problem> {
    let fits =
        !name.trim().is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains(char::is_control);
    if fits {
        return Ok(name);
    }
    let detail = format!("a name has 1 to {NAME_BYTES_MAX} bytes and stands in one line");
    Err(Problem::invalid("the name is none").at("/name", detail))
}

/// Shows an integration
///
/// With its connections, how they and their entities are, and when it was and will be synced.
#[utoipa::path(get, path = "/api/integrations/{integration}", tag = "integrations",
    security(("api_key" = ["viewer"])),
    params(("integration" = String, Path, description = "The integration")),
    responses((status = 200, body = IntegrationView)))]
async fn show(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(id): Path<IntegrationId>,
) -> Result<Tagged<IntegrationView>, Problem> {
    let integration = ports.integration(&scope.tenant, &id).await?;
    ports.shown(integration).await
}

/// Renames an integration
#[utoipa::path(patch, path = "/api/integrations/{integration}", tag = "integrations",
    security(("api_key" = ["admin"])), request_body = IntegrationChange,
    params(("integration" = String, Path, description = "The integration"),
        ("If-Match" = String, Header, description = "The `ETag` of what was read")),
    responses((status = 200, body = IntegrationView)))]
async fn change(
    State(ports): State<Ports>,
    Admin(scope): Admin,
    Path(id): Path<IntegrationId>,
    if_match: IfMatch,
    Json(form): Json<IntegrationChange>,
) -> Result<Tagged<IntegrationView>, Problem> {
    let revision = if_match.revision()?;
    let known = ports.integration(&scope.tenant, &id).await?;
    let expected = revision.unwrap_or(known.revision);
    let updated = ports.connections.clock.now();
    let new = Integration { name: named(form.name)?, updated, ..known };
    let put = ports.connections.integrations.put_integration(new, Some(expected)).await;
    ports.shown(put.map_err(Problem::of_change)?).await
}
