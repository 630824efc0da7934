//! Providers: what this host can connect, by the packages that are installed.

mod view;

use std::sync::Arc;

use axum::extract::State;
use engine::breaker::Breakers;
use model::TenantId;
use model::store::{Catalogue, StoreError};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::view::{Accounts, ProviderView};
use crate::Adapters;
use crate::answer::{Tag, Tagged};
use crate::auth::Viewer;
use crate::extract::{Path, Query};
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;

pub(crate) use self::view::name as provider_of;

/// What providers need.
#[derive(Clone)]
pub(crate) struct Ports {
    catalogue: Arc<dyn Catalogue>,
    adapters: Arc<dyn Adapters>,
    breakers: Breakers,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self {
            catalogue: ports.store.clone(),
            adapters: ports.adapters.clone(),
            breakers: ports.breakers.clone(),
        }
    }

    async fn accounts(&self, tenant: &TenantId) -> Result<Accounts, StoreError> {
        let connections = self.catalogue.connections(tenant).await?;
        let ids = connections.iter().map(|connection| connection.id.clone()).collect();
        let statuses = self.catalogue.connection_statuses(tenant, ids).await?;
        Ok(Accounts::of(&connections, &statuses, &self.breakers.list(Some(tenant))))
    }

    async fn view(&self, package: &str, accounts: &Accounts) -> Result<ProviderView, Problem> {
        let health = accounts.health(package);
        match self.adapters.package(package).await {
            Ok(package) => Ok(ProviderView::of(&package, health)),
            Err(error) => Ok(ProviderView::unavailable(package, error.message, health)),
        }
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// The package that serves a provider: by the id of its adapter, or, where several publishers have
/// one of that id, by `publisher:id`.
pub(crate) async fn package(catalogue: &dyn Catalogue, provider: &str) -> Result<String, Problem> {
    let names = catalogue.package_names().await?;
    let is_meant = |name: &&String| match provider.split_once(':') {
        Some((publisher, id)) => name.split_once('/') == Some((publisher, id)),
        None => provider_of(name) == provider,
    };
    let mut found = names.iter().filter(is_meant);
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only.clone()),
        (None, _) => Err(Problem::not_found()),
        (Some(one), Some(other)) => Err(Problem::conflict(format!(
            "both {one} and {other} serve {provider}: write which one as {}",
            one.replace('/', ":")
        ))),
    }
}

/// Which providers.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ProviderListing {
    /// Whose id, name or summary holds this text, whatever its case.
    q: Option<String>,
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists the providers that this host can connect
///
/// One for each installed package, by its name. A package that may not run is listed without what
/// it says of itself, with the reason.
#[utoipa::path(get, path = "/api/integration-providers", tag = "providers",
    security(("api_key" = ["viewer"])), params(ProviderListing),
    responses((status = 200, body = Page<ProviderView>)))]
async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(listing): Query<ProviderListing>,
) -> Result<axum::Json<Page<ProviderView>>, Problem> {
    let accounts = ports.accounts(&scope.tenant).await?;
    let mut views = Vec::new();
    for name in ports.catalogue.package_names().await? {
        views.push(ports.view(&name, &accounts).await?);
    }
    if let Some(q) = &listing.q {
        views.retain(|view| view.holds(q));
    }
    Page::of(views, listing.cursor.as_ref(), listing.limit).map(axum::Json)
}

/// Shows a provider
///
/// `provider` is the id of its adapter, `hubspot` for example, as `id` says in the list; where
/// packages of several publishers have that id it is `publisher:id`.
#[utoipa::path(get, path = "/api/integration-providers/{provider}", tag = "providers",
    security(("api_key" = ["viewer"])),
    params(("provider" = String, Path, description = "The provider")),
    responses((status = 200, body = ProviderView), (status = 409, body = Problem)))]
async fn show(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(provider): Path<String>,
) -> Result<Tagged<ProviderView>, Problem> {
    let package = package(&*ports.catalogue, &provider).await?;
    let accounts = ports.accounts(&scope.tenant).await?;
    let view = ports.view(&package, &accounts).await?;
    Ok(Tagged(Tag::content(&view), view))
}
