//! Sync tasks: what is synced when.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use engine::schedule::{self, Desk, Draft, PutError};
use engine::work::Wake;
use model::store::Catalogue;
use model::task::{Direction, HourWindow, Schedule, Task, TaskId, TaskStore};
use model::{Clock, ConnectionId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{Created, IfMatch, Tag, Tagged};
use crate::auth::{Editor, Viewer};
use crate::extract::{Json, Path, Query};
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;

/// What tasks need.
#[derive(Clone)]
pub(crate) struct Ports {
    tasks: Arc<dyn TaskStore>,
    catalogue: Arc<dyn Catalogue>,
    clock: Clock,
    #[expect(dead_code, reason = "until a task can be run at once")]
    wake: Wake,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self {
            tasks: ports.store.clone(),
            catalogue: ports.store.clone(),
            clock: ports.clock.clone(),
            wake: ports.wake.clone(),
        }
    }

    fn desk(&self) -> Desk<'_> {
        Desk { tasks: &*self.tasks, catalogue: &*self.catalogue, clock: &self.clock }
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, replace, remove))
}

/// A sync task.
#[derive(Debug, Serialize, ToSchema)]
struct TaskView {
    /// Its name within the tenant.
    id: String,
    /// The connection that it syncs.
    connection: String,
    /// When.
    schedule: ScheduleForm,
    /// When it is due next.
    next_sync_at: Option<Timestamp>,
    /// When its schedule last queued it.
    last_sync_at: Option<Timestamp>,
    /// The entities; none means all.
    entities: Vec<String>,
    /// Why it is paused, if it is.
    paused: Option<String>,
}

/// When a task is due.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum ScheduleForm {
    /// After every so many seconds.
    EverySeconds(u32),
    /// By the clock on the wall of a time zone.
    Cron {
        /// Five fields: minute, hour, day of month, month, day of week.
        expression: String,
        /// A name of the IANA time zone database.
        zone: String,
    },
}

/// A task as it is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TaskForm {
    /// Its name within the tenant; where the path holds it, it may be left out.
    #[schema(value_type = Option<String>)]
    id: Option<TaskId>,
    /// The connection that it syncs.
    #[schema(value_type = String)]
    connection: ConnectionId,
    /// When.
    schedule: ScheduleForm,
    /// The entities; none means all.
    #[serde(default)]
    entities: Vec<String>,
}

/// Which tasks.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists sync tasks
#[utoipa::path(get, path = "/api/sync-tasks", tag = "sync tasks",
    security(("api_key" = ["viewer"])), params(Listing),
    responses((status = 200, body = Page<TaskView>)))]
async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(listing): Query<Listing>,
) -> Result<axum::Json<Page<TaskView>>, Problem> {
    let after: Option<TaskId> = listing.cursor.as_ref().map(Cursor::place).transpose()?;
    let limit = listing.limit.unwrap_or_default().get();
    let tasks = ports.tasks.tasks(&scope.tenant, after.as_ref(), limit).await?;
    // The end is told by an empty list alone.
    let next = tasks.last().map(|last| Cursor::at(&last.id));
    let items = tasks.into_iter().map(TaskView::of).collect();
    Ok(axum::Json(Page { items, next, total: None }))
}

/// Makes a sync task
#[utoipa::path(post, path = "/api/sync-tasks", tag = "sync tasks",
    security(("api_key" = ["editor"])), request_body = TaskForm,
    responses((status = 201, body = TaskView), (status = 409, body = Problem)))]
async fn create(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Json(form): Json<TaskForm>,
) -> Result<Created<TaskView>, Problem> {
    let id = form
        .id
        .clone()
        .ok_or_else(|| Problem::invalid("a task has a name").at("/id", "write one"))?;
    let draft = form.draft(scope.tenant, id);
    let put = schedule::put(&ports.desk(), &draft, Some(0)).await;
    let task = put.map_err(|error| refused(error, Problem::from))?;
    let location = format!("/api/sync-tasks/{}", task.id);
    Ok(Created(location, Tag::revision(task.revision), TaskView::of(task)))
}

/// Shows a sync task
#[utoipa::path(get, path = "/api/sync-tasks/{task}", tag = "sync tasks",
    security(("api_key" = ["viewer"])),
    params(("task" = String, Path, description = "The task")),
    responses((status = 200, body = TaskView)))]
async fn show(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(id): Path<TaskId>,
) -> Result<Tagged<TaskView>, Problem> {
    let task = ports.tasks.task(&scope.tenant, &id).await?.ok_or_else(Problem::not_found)?;
    Ok(Tagged(Tag::revision(task.revision), TaskView::of(task)))
}

/// Replaces a sync task
#[utoipa::path(put, path = "/api/sync-tasks/{task}", tag = "sync tasks",
    security(("api_key" = ["editor"])), request_body = TaskForm,
    params(("task" = String, Path, description = "The task"),
        ("If-Match" = String, Header, description = "The `ETag` of what was read")),
    responses((status = 200, body = TaskView)))]
async fn replace(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(id): Path<TaskId>,
    if_match: IfMatch,
    Json(form): Json<TaskForm>,
) -> Result<Tagged<TaskView>, Problem> {
    let revision = if_match.revision()?;
    if form.id.as_ref().is_some_and(|named| *named != id) {
        return Err(Problem::invalid("a task cannot be renamed").at("/id", format!("it is {id}")));
    }
    let known = ports.tasks.task(&scope.tenant, &id).await?.ok_or_else(Problem::not_found)?;
    let expected = revision.unwrap_or(known.revision);
    let draft = form.draft(scope.tenant, id);
    let put = schedule::put(&ports.desk(), &draft, Some(expected)).await;
    let task = put.map_err(|error| refused(error, Problem::of_change))?;
    Ok(Tagged(Tag::revision(task.revision), TaskView::of(task)))
}

/// Removes a sync task
///
/// What it has synced stays.
#[utoipa::path(delete, path = "/api/sync-tasks/{task}", tag = "sync tasks",
    security(("api_key" = ["editor"])),
    params(("task" = String, Path, description = "The task"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what was read")),
    responses((status = 204)))]
async fn remove(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(id): Path<TaskId>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let task = ports.tasks.task(&scope.tenant, &id).await?.ok_or_else(Problem::not_found)?;
    if_match.allow(&Tag::revision(task.revision))?;
    let removed = ports.tasks.remove_task(&scope.tenant, &id).await?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

fn refused(error: PutError, of: impl Fn(model::store::StoreError) -> Problem) -> Problem {
    match error {
        PutError::Invalid(invalid) => Problem::invalid(invalid.to_string()),
        PutError::Store(error) => of(error),
    }
}

impl TaskForm {
    fn draft(self, tenant: model::TenantId, id: TaskId) -> Draft {
        let schedule = match self.schedule {
            ScheduleForm::EverySeconds(seconds) => {
                Schedule::Every(Duration::from_secs(seconds.into()))
            }
            ScheduleForm::Cron { expression, zone } => Schedule::Cron { expression, zone },
        };
        let window: Option<HourWindow> = None;
        Draft {
            tenant,
            id,
            connection: self.connection,
            schedule,
            window,
            jitter: Duration::ZERO,
            direction: Direction::Inbound,
            entities: self.entities,
        }
    }
}

impl TaskView {
    fn of(task: Task) -> Self {
        let schedule = match task.schedule {
            Schedule::Every(every) => {
                ScheduleForm::EverySeconds(u32::try_from(every.as_secs()).unwrap_or(u32::MAX))
            }
            Schedule::Cron { expression, zone } => ScheduleForm::Cron { expression, zone },
        };
        Self {
            id: task.id.to_string(),
            connection: task.connection.to_string(),
            schedule,
            next_sync_at: task.next_sync_at,
            last_sync_at: task.last_sync_at,
            entities: task.entities,
            paused: task.paused,
        }
    }
}
