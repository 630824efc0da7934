//! Dead letters: jobs that came to nothing, and what people do about them.

mod bulk;
mod letter;
mod view;

use std::sync::Arc;

use axum::extract::State;
use engine::dead::{Group, groups};
use engine::work::Wake;
use model::queue::{DeadFilter, JobId, JobQueue, Queue};
use model::{ConnectionId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Viewer;
use crate::extract::Query;
use crate::list::{COUNTED_MAX, Cursor, Limit, Page, Total};
use crate::operation::Operations;
use crate::problem::Problem;
use view::DeadLetterRow;

/// What dead letters need.
#[derive(Clone)]
pub(crate) struct Ports {
    queue: Arc<dyn JobQueue>,
    operations: Operations,
    wake: Wake,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self {
            queue: ports.store.clone(),
            operations: ports.operations.clone(),
            wake: ports.wake.clone(),
        }
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(grouped))
        .merge(letter::routes())
        .merge(bulk::routes())
}

/// Which dead letters; all conditions must hold.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// Of this queue: `inbound-webhook`, `inbound-scheduled`, `outbound` or `delivery`.
    #[param(value_type = Option<String>)]
    queue: Option<Queue>,
    /// Of this connection.
    #[param(value_type = Option<String>)]
    connection: Option<ConnectionId>,
    /// Of this package, `publisher/id`.
    package: Option<String>,
    /// Whose last error has this code.
    code: Option<String>,
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Dead letters that have died of the same.
#[derive(Debug, Serialize, ToSchema)]
struct DeadLetterGroup {
    /// The code of their last error.
    code: String,
    /// The connection that they worked for.
    connection: Option<String>,
    /// How many they are.
    count: u64,
    /// When the first of them died.
    since: Timestamp,
    /// When the last of them died.
    last: Timestamp,
}

impl From<Group> for DeadLetterGroup {
    fn from(group: Group) -> Self {
        let Group { code, connection, count, since, until } = group;
        let connection = connection.map(|it| it.to_string());
        Self { code, connection, count, since, last: until }
    }
}

/// Lists dead letters
///
/// By id, the oldest job first; what they were to do and all that went wrong is shown of each by
/// itself.
#[utoipa::path(get, path = "/api/dead-letters", tag = "dead letters",
    security(("api_key" = ["viewer"])), params(Listing),
    responses((status = 200, body = Page<DeadLetterRow>)))]
async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(listing): Query<Listing>,
) -> Result<axum::Json<Page<DeadLetterRow>>, Problem> {
    let Listing { queue, connection, package, code, cursor, limit } = listing;
    let after: Option<JobId> = cursor.as_ref().map(Cursor::place).transpose()?;
    let limit = limit.unwrap_or_default().get();
    let all = DeadFilter::all(scope.tenant);
    let filter = DeadFilter { queue, connection, package, code, after, limit, ..all };
    let letters = ports.queue.dead(&filter).await?;
    // The end is told by an empty list alone.
    let next = letters.last().map(|last| Cursor::at(&last.id));
    let items = letters.iter().map(DeadLetterRow::of).collect();
    Ok(axum::Json(Page { items, next, total: total(&*ports.queue, &filter).await? }))
}

/// How many there are, where the store has counted them: by queue, and by nothing else.
async fn total(queue: &dyn JobQueue, filter: &DeadFilter) -> Result<Option<Total>, Problem> {
    if filter.connection.is_some() || filter.package.is_some() || filter.code.is_some() {
        return Ok(None);
    }
    let mut count = 0;
    for of in Queue::ALL.into_iter().filter(|of| filter.queue.is_none_or(|it| it == *of)) {
        count += queue.stats(&filter.tenant, of).await?.dead;
    }
    Ok(Some(Total { count, at_least: false }))
}

/// Lists dead letters by what they have died of
///
/// By the code of the last error and the connection, the most first. The first 10,000 letters are
/// looked at; where there are more, `total` says `at_least`. `total` counts groups.
#[utoipa::path(get, path = "/api/dead-letters/groups", tag = "dead letters",
    security(("api_key" = ["viewer"])), params(Listing),
    responses((status = 200, body = Page<DeadLetterGroup>)))]
async fn grouped(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(listing): Query<Listing>,
) -> Result<axum::Json<Page<DeadLetterGroup>>, Problem> {
    let Listing { queue, connection, package, code, cursor, limit } = listing;
    let all = DeadFilter::all(scope.tenant);
    let filter = DeadFilter { queue, connection, package, code, ..all };
    let max = usize::try_from(COUNTED_MAX).unwrap_or(usize::MAX);
    let (groups, count) = groups(&*ports.queue, filter, max).await?;
    let groups = groups.into_iter().map(DeadLetterGroup::from).collect();
    let mut page = Page::of(groups, cursor.as_ref(), limit)?;
    if let Some(total) = &mut page.total {
        total.at_least = count >= COUNTED_MAX;
    }
    Ok(axum::Json(page))
}
