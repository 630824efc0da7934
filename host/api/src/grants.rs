//! What providers have granted to this host, by connection.

use std::time::Duration;

use axum::extract::State;
use engine::credential::{Credentials, GrantView};
use model::{ConnectionId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{Tag, Tagged};
use crate::auth::Viewer;
use crate::extract::{Path, Query};
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;

/// The furthest that is looked ahead, in days: no provider grants for longer than it can tell.
const DAYS_MAX: u16 = 366;

const DAY: Duration = Duration::from_hours(24);

pub(crate) fn routes() -> OpenApiRouter<Credentials> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// What a provider has granted, without its secrets.
#[derive(Debug, Serialize, ToSchema)]
struct GrantShown {
    /// To which connection.
    connection: String,
    /// Through which package.
    package: String,
    /// By which auth method.
    method: String,
    /// The provider's own key of the account.
    account: Option<String>,
    /// The person whose account it is.
    user: Option<String>,
    /// The scopes, as the provider named them; none where it does not tell.
    scopes: Vec<String>,
    /// What was asked for and not granted.
    missing_scopes: Vec<String>,
    /// What was granted and not asked for.
    more_scopes: Vec<String>,
    /// When a person, or the app itself, was last authorised.
    authorised: Timestamp,
    /// When the access token ends, where the provider tells.
    expires: Option<Timestamp>,
    /// Whether it is renewed without a person.
    renews: bool,
    /// When it was last used.
    used: Option<Timestamp>,
    /// How often it was refreshed.
    refreshes: u64,
    /// How often refreshing has failed since it last succeeded.
    failures: u32,
    /// Why it last failed.
    failure: Option<RefreshFailure>,
}

/// Why a token was not refreshed.
#[derive(Debug, Serialize, ToSchema)]
struct RefreshFailure {
    /// When.
    at: Timestamp,
    /// The stable code.
    code: String,
    /// What it is.
    detail: String,
}

impl GrantShown {
    fn of(view: GrantView) -> Self {
        Self {
            connection: view.connection.to_string(),
            package: view.package,
            method: view.method,
            account: view.account,
            user: view.user,
            scopes: view.grant.scopes,
            missing_scopes: view.scopes.missing,
            more_scopes: view.scopes.more,
            authorised: view.authorised,
            expires: view.grant.expires,
            renews: view.renews,
            used: view.used,
            refreshes: view.refreshes,
            failures: view.failures,
            failure: view.failure.map(|failure| RefreshFailure {
                at: failure.at,
                code: failure.code,
                detail: failure.message,
            }),
        }
    }
}

/// Which grants.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct GrantListing {
    /// Those alone that end within so many days and that nobody but a person can renew, the first
    /// first.
    #[param(minimum = 0, maximum = 366)]
    expiring_within_days: Option<u16>,
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists what providers have granted
///
/// By connection: the scopes against what was asked for, age, end, last use. No secret is in it.
#[utoipa::path(get, path = "/api/grants", tag = "grants",
    security(("api_key" = ["viewer"])), params(GrantListing),
    responses((status = 200, body = Page<GrantShown>), (status = 422, body = Problem)))]
async fn list(
    State(credentials): State<Credentials>,
    Viewer(scope): Viewer,
    Query(listing): Query<GrantListing>,
) -> Result<axum::Json<Page<GrantShown>>, Problem> {
    let grants = match listing.expiring_within_days {
        Some(days) if days > DAYS_MAX => {
            let detail = format!("{days} days are too many: write 0 to {DAYS_MAX}");
            return Err(Problem::invalid(detail).at("expiring_within_days", "write less"));
        }
        Some(days) => credentials.expiring(Some(&scope.tenant), DAY * u32::from(days)).await?,
        None => credentials.inventory(&scope.tenant).await?,
    };
    let grants = grants.into_iter().map(GrantShown::of).collect();
    Page::of(grants, listing.cursor.as_ref(), listing.limit).map(axum::Json)
}

/// Shows what a provider has granted to a connection
#[utoipa::path(get, path = "/api/connections/{connection}/grant", tag = "grants",
    security(("api_key" = ["viewer"])),
    params(("connection" = String, Path, description = "The connection")),
    responses((status = 200, body = GrantShown)))]
async fn show(
    State(credentials): State<Credentials>,
    Viewer(scope): Viewer,
    Path(id): Path<ConnectionId>,
) -> Result<Tagged<GrantShown>, Problem> {
    let grant = credentials.grant(&scope.tenant, &id).await?;
    let grant = grant.map(GrantShown::of).ok_or_else(Problem::not_found)?;
    Ok(Tagged(Tag::content(&grant), grant))
}
