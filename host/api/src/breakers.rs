//! Circuit breakers: hosts of providers that are not asked at present.

use axum::extract::State;
use axum::http::StatusCode;
use engine::breaker::Breakers;
use engine::work::Wake;
use model::Timestamp;
use model::breaker::{Key, Opened};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{Operator, Principal, Viewer};
use crate::extract::{Json, Query};
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;

/// What breakers need.
#[derive(Clone)]
pub(crate) struct Ports {
    breakers: Breakers,
    wake: Wake,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self { breakers: ports.breakers.clone(), wake: ports.wake.clone() }
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(reset))
}

/// A breaker that is open.
#[derive(Debug, Serialize, ToSchema)]
struct BreakerView {
    /// Whose requests are held back.
    tenant: String,
    /// The package that asks.
    package: String,
    /// The host, with its port where it is not the usual one.
    host: String,
    /// Since when nothing is sent,
    since: Timestamp,
    /// and until when; then one request tries.
    until: Timestamp,
    /// How many requests had failed,
    failures: u32,
    /// of so many.
    requests: u32,
    /// How often it has opened without having closed in between.
    times: u32,
}

impl From<Opened> for BreakerView {
    fn from(Opened { key, open }: Opened) -> Self {
        Self {
            tenant: key.tenant.to_string(),
            package: key.package,
            host: key.host,
            since: open.since,
            until: open.until,
            failures: open.failures,
            requests: open.requests,
            times: open.times,
        }
    }
}

/// Which breaker.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BreakerChoice {
    /// The package that asks.
    package: String,
    /// The host, as the list shows it.
    host: String,
}

/// Which breakers.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists breakers that are open
///
/// Those of the tenant; an operator who names none is shown those of all.
#[utoipa::path(get, path = "/api/breakers", tag = "breakers",
    security(("api_key" = ["viewer"])), params(Listing),
    responses((status = 200, body = Page<BreakerView>)))]
async fn list(
    State(ports): State<Ports>,
    who: Principal,
    Query(listing): Query<Listing>,
) -> Result<axum::Json<Page<BreakerView>>, Problem> {
    let open = ports.breakers.list(who.tenant.as_ref());
    let open = open.into_iter().map(BreakerView::from).collect();
    Page::of(open, listing.cursor.as_ref(), listing.limit).map(axum::Json)
}

/// Closes a breaker before its time
///
/// For an operator who knows that the host is well. What was put off goes on at once.
#[utoipa::path(post, path = "/api/breakers/reset", tag = "breakers",
    security(("api_key" = ["operator"])), request_body = BreakerChoice,
    responses((status = 204)))]
async fn reset(
    State(ports): State<Ports>,
    Operator(_): Operator,
    Viewer(scope): Viewer,
    Json(choice): Json<BreakerChoice>,
) -> Result<StatusCode, Problem> {
    let BreakerChoice { package, host } = choice;
    if !ports.breakers.reset(&Key { tenant: scope.tenant, package, host }) {
        return Err(Problem::not_found());
    }
    ports.breakers.flush().await?;
    ports.wake.wake();
    Ok(StatusCode::NO_CONTENT)
}
