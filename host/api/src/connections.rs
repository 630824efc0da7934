//! Connections: the accounts of integrations, and what opens them.

mod entered;
mod state;
mod view;

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use engine::breaker::Breakers;
use engine::credential::Credentials;
use engine::health::{self, Looked};
use engine::work::Wake;
use model::credential::{AccessLog, AccessQuery, Actor};
use model::integration::IntegrationStore;
use model::queue::JobQueue;
use model::store::{Catalogue, RecordStore};
use model::{Clock, Connection, ConnectionId, IntegrationId, TenantId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::entered::{Wanted, connection, package_of};
pub(crate) use self::state::{RemovedConnection, TestView, remove, tested};
pub(crate) use self::view::ConnectionView;
use self::view::{AccessView, tag};
use crate::Adapters;
use crate::answer::{IfMatch, Tagged};
use crate::auth::{Admin, Scope, Viewer};
use crate::extract::{Path, Query};
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;

/// What connections need.
#[derive(Clone)]
pub(crate) struct Ports {
    pub(crate) catalogue: Arc<dyn Catalogue>,
    pub(crate) integrations: Arc<dyn IntegrationStore>,
    pub(crate) records: Arc<dyn RecordStore>,
    pub(crate) queue: Arc<dyn JobQueue>,
    pub(crate) access: Arc<dyn AccessLog>,
    pub(crate) adapters: Arc<dyn Adapters>,
    pub(crate) credentials: Credentials,
    pub(crate) breakers: Breakers,
    pub(crate) wake: Wake,
    pub(crate) clock: Clock,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self {
            catalogue: ports.store.clone(),
            integrations: ports.store.clone(),
            records: ports.store.clone(),
            queue: ports.store.clone(),
            access: ports.store.clone(),
            adapters: ports.adapters.clone(),
            credentials: ports.credentials.clone(),
            breakers: ports.breakers.clone(),
            wake: ports.wake.clone(),
            clock: ports.clock.clone(),
        }
    }

    /// A connection of the tenant.
    pub(crate) async fn connection(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
    ) -> Result<Connection, Problem> {
        self.catalogue.connection(tenant, id).await?.ok_or_else(Problem::not_found)
    }

    /// Looks at connections.
    pub(crate) async fn look(
        &self,
        tenant: &TenantId,
        connections: Vec<Connection>,
    ) -> Result<Vec<Looked>, Problem> {
        let ports = health::Ports {
            catalogue: &*self.catalogue,
            records: &*self.records,
            queue: &*self.queue,
        };
        Ok(health::look(ports, tenant, connections).await?)
    }

    /// A connection as it is shown.
    async fn shown(&self, connection: Connection) -> Result<Tagged<ConnectionView>, Problem> {
        let tenant = connection.tenant.clone();
        let looked = self.look(&tenant, vec![connection]).await?;
        let looked = looked.into_iter().next().ok_or_else(Problem::not_found)?;
        let tag = tag(&looked);
        Ok(Tagged(tag, ConnectionView::of(looked, self.clock.now())))
    }
}

/// On whose account a request uses secrets.
pub(crate) fn actor(scope: &Scope) -> Actor {
    Actor::Person(scope.author())
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new()
        .routes(routes!(list, entered::create))
        .routes(routes!(show, delete))
        .routes(routes!(entered::reconnect))
        .routes(routes!(state::test))
        .routes(routes!(state::disable))
        .routes(routes!(state::enable))
        .routes(routes!(state::revoke))
        .routes(routes!(access))
}

/// Which connections.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ConnectionListing {
    /// Those of one integration.
    #[param(value_type = Option<String>)]
    integration: Option<IntegrationId>,
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists connections
///
/// By their names.
#[utoipa::path(get, path = "/api/connections", tag = "connections",
    security(("api_key" = ["viewer"])), params(ConnectionListing),
    responses((status = 200, body = Page<ConnectionView>)))]
async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(listing): Query<ConnectionListing>,
) -> Result<axum::Json<Page<ConnectionView>>, Problem> {
    let mut all = ports.catalogue.connections(&scope.tenant).await?;
    if let Some(integration) = &listing.integration {
        all.retain(|connection| connection.integration() == *integration);
    }
    let Page { items, next, total } = Page::of(all, listing.cursor.as_ref(), listing.limit)?;
    let now = ports.clock.now();
    let looked = ports.look(&scope.tenant, items).await?;
    let items = looked.into_iter().map(|it| ConnectionView::of(it, now)).collect();
    Ok(axum::Json(Page { items, next, total }))
}

/// Shows a connection
///
/// With its health and activity, and those of each entity that it has read.
#[utoipa::path(get, path = "/api/connections/{connection}", tag = "connections",
    security(("api_key" = ["viewer"])),
    params(("connection" = String, Path, description = "The connection")),
    responses((status = 200, body = ConnectionView)))]
async fn show(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(id): Path<ConnectionId>,
) -> Result<Tagged<ConnectionView>, Problem> {
    let connection = ports.connection(&scope.tenant, &id).await?;
    ports.shown(connection).await
}

/// Removes a connection
///
/// Its grant is ended at the provider as far as the provider lets that be done, and its secrets and
/// tasks go with it. What it has read stays: records, runs and events.
#[utoipa::path(delete, path = "/api/connections/{connection}", tag = "connections",
    security(("api_key" = ["admin"])),
    params(("connection" = String, Path, description = "The connection"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what was read")),
    responses((status = 200, body = RemovedConnection)))]
async fn delete(
    State(ports): State<Ports>,
    Admin(scope): Admin,
    Path(id): Path<ConnectionId>,
    if_match: IfMatch,
) -> Result<axum::Json<RemovedConnection>, Problem> {
    let connection = ports.connection(&scope.tenant, &id).await?;
    let looked = ports.look(&scope.tenant, vec![connection]).await?;
    looked.first().map_or(Ok(()), |looked| if_match.allow(&tag(looked)))?;
    remove(&ports.credentials, &scope.tenant, &id)
        .await?
        .map(axum::Json)
        .ok_or_else(Problem::not_found)
}

/// Which uses.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AccessListing {
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists who has used the secrets of a connection
///
/// The newest first; who, which secret, where to, how often. The secrets are nowhere in it.
#[utoipa::path(get, path = "/api/connections/{connection}/access", tag = "connections",
    security(("api_key" = ["admin"])),
    params(("connection" = String, Path, description = "The connection"), AccessListing),
    responses((status = 200, body = Page<AccessView>)))]
async fn access(
    State(ports): State<Ports>,
    Admin(scope): Admin,
    Path(id): Path<ConnectionId>,
    Query(listing): Query<AccessListing>,
) -> Result<axum::Json<Page<AccessView>>, Problem> {
    ports.connection(&scope.tenant, &id).await?;
    let before = listing.cursor.as_ref().map(Cursor::place).transpose()?;
    let limit = listing.limit.unwrap_or_default().get();
    let query = AccessQuery { tenant: scope.tenant, connection: Some(id), before, limit };
    let uses = ports.access.accesses(query).await?;
    let next = uses.last().filter(|_| uses.len() == limit).map(|last| Cursor::at(&last.id));
    let items = uses.into_iter().map(AccessView::of).collect();
    Ok(axum::Json(Page { items, next, total: None }))
}

/// A change of state that has been made.
fn done() -> StatusCode {
    StatusCode::NO_CONTENT
}
