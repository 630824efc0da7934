//! Pauses: work that rests, because somebody has said so.

use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::queue::{Pause, PauseScope, Queue};
use model::{ConnectionId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Ports;
use crate::answer::{Created, Tag};
use crate::auth::{Editor, Viewer};
use crate::extract::{Json, Path, Query};
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(list, pause)).routes(routes!(resume))
}

/// What rests.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum PausedWork {
    /// A queue of the tenant.
    Queue {
        /// Which one: `inbound-webhook`, `inbound-scheduled`, `outbound` or `delivery`.
        #[schema(value_type = String)]
        queue: Queue,
    },
    /// One line of jobs.
    Session {
        /// Its queue.
        #[schema(value_type = String)]
        queue: Queue,
        /// Its name.
        session: String,
    },
    /// All work of a package for the tenant.
    Package {
        /// Its name, `publisher/id`.
        package: String,
    },
    /// All work of a connection.
    Connection {
        /// Its name.
        #[schema(value_type = String)]
        connection: ConnectionId,
    },
    /// All work of a connection until its account is authorised again; nobody begins or ends that
    /// by itself.
    Unauthorised {
        /// Its name.
        #[schema(value_type = String)]
        connection: ConnectionId,
    },
}

impl From<PausedWork> for PauseScope {
    fn from(work: PausedWork) -> Self {
        match work {
            PausedWork::Queue { queue } => Self::Queue(queue),
            PausedWork::Session { queue, session } => Self::Session(queue, session),
            PausedWork::Package { package } => Self::Package(package),
            PausedWork::Connection { connection } => Self::Connection(connection),
            PausedWork::Unauthorised { connection } => Self::Unauthorised(connection),
        }
    }
}

impl From<PauseScope> for PausedWork {
    fn from(scope: PauseScope) -> Self {
        match scope {
            PauseScope::Queue(queue) => Self::Queue { queue },
            PauseScope::Session(queue, session) => Self::Session { queue, session },
            PauseScope::Package(package) => Self::Package { package },
            PauseScope::Connection(connection) => Self::Connection { connection },
            PauseScope::Unauthorised(connection) => Self::Unauthorised { connection },
        }
    }
}

/// A pause.
#[derive(Debug, Serialize, ToSchema)]
struct PauseView {
    /// Which one; what rests, in one word.
    id: String,
    /// What rests.
    what: PausedWork,
    /// Why.
    reason: String,
    /// Since when.
    since: Timestamp,
    /// When it ends by itself.
    until: Option<Timestamp>,
}

impl PauseView {
    fn of(pause: Pause) -> Self {
        let Pause { scope, reason, since, until } = pause;
        Self { id: id(&scope), what: scope.into(), reason, since, until }
    }
}

/// A pause to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPause {
    /// What is to rest.
    what: PausedWork,
    /// Why; shown to whoever looks at it.
    reason: String,
    /// When it ends by itself; otherwise it is ended by somebody.
    until: Option<Timestamp>,
}

/// Which pauses.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// A scope as a part of a path.
fn id(scope: &PauseScope) -> String {
    // Names serialise.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(scope).unwrap_or_default())
}

fn scope(id: &str) -> Option<PauseScope> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(id).ok()?).ok()
}

/// Lists pauses
#[utoipa::path(get, path = "/api/pauses", tag = "queues",
    operation_id = "pauses", security(("api_key" = ["viewer"])), params(Listing),
    responses((status = 200, body = Page<PauseView>)))]
async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(listing): Query<Listing>,
) -> Result<axum::Json<Page<PauseView>>, Problem> {
    let after: Option<PauseScope> = listing.cursor.as_ref().map(Cursor::place).transpose()?;
    let limit = listing.limit.unwrap_or_default().get();
    let pauses = ports.queue.pauses(&scope.tenant, after.as_ref(), limit).await?;
    // The end is told by an empty list alone.
    let next = pauses.last().map(|last| Cursor::at(&last.scope));
    let items = pauses.into_iter().map(PauseView::of).collect();
    Ok(axum::Json(Page { items, next, total: None }))
}

/// Lets work rest
///
/// What is at work ends as ever. A pause of the same work that is there already is replaced.
#[utoipa::path(post, path = "/api/pauses", tag = "queues",
    security(("api_key" = ["editor"])), request_body = NewPause,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Makes the request safe to repeat: who sends it again is answered the same")),
    responses((status = 201, body = PauseView), (status = 409, body = Problem)))]
async fn pause(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Json(new): Json<NewPause>,
) -> Result<Created<PauseView>, Problem> {
    let since = ports.clock.now();
    if new.until.is_some_and(|until| until <= since) {
        let detail = format!("a pause cannot end before it begins, at {since}");
        return Err(Problem::invalid(detail).at("/until", "write a later time, or none"));
    }
    let pause = Pause { scope: new.what.into(), reason: new.reason, since, until: new.until };
    ports.queue.pause(&scope.tenant, pause.clone()).await?;
    let view = PauseView::of(pause);
    Ok(Created(format!("/api/pauses/{}", view.id), Tag::content(&view), view))
}

/// Ends a pause
///
/// The work goes on unless another pause holds it too.
#[utoipa::path(delete, path = "/api/pauses/{pause}", tag = "queues",
    security(("api_key" = ["editor"])),
    params(("pause" = String, Path, description = "The pause")),
    responses((status = 204), (status = 422, body = Problem,
        description = "The connection must be authorised again.")))]
async fn resume(
    State(ports): State<Ports>,
    Editor(by): Editor,
    Path(pause): Path<String>,
) -> Result<StatusCode, Problem> {
    let scope = scope(&pause).ok_or_else(Problem::not_found)?;
    if !ports.queue.resume(&by.tenant, &scope).await? {
        return Err(Problem::not_found());
    }
    ports.wake.wake();
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pause_is_found_by_what_stands_for_it() {
        let session = PauseScope::Session(Queue::Outbound, "crm/contact/ä b".to_owned());
        for known in [PauseScope::Queue(Queue::Delivery), session] {
            assert_eq!(scope(&id(&known)), Some(known));
        }
        assert_eq!(scope("nonsense"), None);
    }
}
