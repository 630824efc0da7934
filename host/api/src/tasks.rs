//! Sync tasks: what is synced when.

mod form;

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use engine::schedule::{self, Desk, Invalid, PutError};
use engine::work::Wake;
use engine::work::job::Cause;
use model::id::NameError;
use model::queue::{Enqueued, JobQueue};
use model::store::Catalogue;
use model::task::{Task, TaskId, TaskStore};
use model::{Clock, ConnectionId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{Accepted, Created, IfMatch, Tag, Tagged};
use crate::auth::{Editor, Scope, Viewer};
use crate::extract::{Json, Path, Query};
use crate::list::{Cursor, Limit, Page};
use crate::operation::{self, Operation};
use crate::problem::Problem;
use crate::sift::{Pick, batch, sift};

use form::{TaskForm, TaskView};

/// Times that are shown of a schedule: enough to see that another one was meant.
const TIMES_SHOWN: usize = 5;

/// What tasks need.
#[derive(Clone)]
pub(crate) struct Ports {
    tasks: Arc<dyn TaskStore>,
    catalogue: Arc<dyn Catalogue>,
    queue: Arc<dyn JobQueue>,
    clock: Clock,
    wake: Wake,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self {
            tasks: ports.store.clone(),
            catalogue: ports.store.clone(),
            queue: ports.store.clone(),
            clock: ports.clock.clone(),
            wake: ports.wake.clone(),
        }
    }

    fn desk(&self) -> Desk<'_> {
        Desk { tasks: &*self.tasks, catalogue: &*self.catalogue, clock: &self.clock }
    }

    async fn find(&self, scope: &Scope, id: &TaskId) -> Result<Task, Problem> {
        self.tasks.task(&scope.tenant, id).await?.ok_or_else(Problem::not_found)
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, replace, remove))
        .routes(routes!(run))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(preview))
        .routes(routes!(preview_unsaved))
}

/// Which tasks.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// Of these connections; otherwise of all.
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    connection: Vec<ConnectionId>,
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists sync tasks
///
/// By name.
#[utoipa::path(get, path = "/api/sync-tasks", tag = "sync tasks",
    security(("api_key" = ["viewer"])), params(Listing),
    responses((status = 200, body = Page<TaskView>)))]
async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(Listing { connection, cursor, limit }): Query<Listing>,
) -> Result<axum::Json<Page<TaskView>>, Problem> {
    let after: Option<TaskId> = cursor.as_ref().map(Cursor::place).transpose()?;
    let limit = limit.unwrap_or_default().get();
    let batch = batch(limit, !connection.is_empty());
    let fetch = |after: Option<TaskId>| {
        let (ports, tenant) = (&ports, &scope.tenant);
        async move { Ok(ports.tasks.tasks(tenant, after.as_ref(), batch).await?) }
    };
    let wanted = |task: &Task| connection.is_empty() || connection.contains(&task.connection);
    let pick = |task: Task| {
        let wanted = wanted(&task);
        (task.id.clone(), Pick::only(TaskView::of(task), wanted))
    };
    let found = sift(after, limit, fetch, pick).await?;
    Ok(axum::Json(Page { items: found.items, next: found.next, total: None }))
}

/// Makes a sync task
///
/// It is due by its schedule from now on; `run` queues it at once.
#[utoipa::path(post, path = "/api/sync-tasks", tag = "sync tasks",
    security(("api_key" = ["editor"])), request_body = TaskForm,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe")),
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
    let draft = form.draft(scope.tenant, id)?;
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
    Ok(tagged(ports.find(&scope, &id).await?))
}

/// Replaces a sync task
///
/// One that is paused stays so, and one whose schedule stays keeps its place in it.
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
    let known = ports.find(&scope, &id).await?;
    let draft = form.draft(scope.tenant, id)?;
    let expected = revision.unwrap_or(known.revision);
    let put = schedule::put(&ports.desk(), &draft, Some(expected)).await;
    Ok(tagged(put.map_err(|error| refused(error, Problem::of_change))?))
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
    let task = ports.find(&scope, &id).await?;
    if_match.allow(&Tag::revision(task.revision))?;
    let removed = ports.tasks.remove_task(&scope.tenant, &id).await?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

/// How a task is to be run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TaskRun {
    /// Everything again, as if for the first time.
    #[serde(default)]
    full: bool,
}

/// Runs a sync task now
///
/// It is queued whatever its schedule says, paused or not. While a job of it waits or runs there
/// is no second one: the answer is that job, which may read less than everything although `full`
/// is asked for.
#[utoipa::path(post, path = "/api/sync-tasks/{task}/run", tag = "sync tasks",
    security(("api_key" = ["editor"])), request_body = TaskRun,
    params(("task" = String, Path, description = "The task"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe")),
    responses((status = 202, body = Operation)))]
async fn run(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(id): Path<TaskId>,
    Extension(cause): Extension<Cause>,
    Json(TaskRun { full }): Json<TaskRun>,
) -> Result<Accepted<Operation>, Problem> {
    let task = ports.find(&scope, &id).await?;
    let queued = schedule::run_now(&*ports.queue, &task, full, Some(cause)).await?;
    let Some(Enqueued::New(job) | Enqueued::Duplicate(job)) = queued else {
        return Err(Problem::conflict("the job was not queued; ask again"));
    };
    ports.wake.wake();
    let job = Operation::queued(&task.connection, job, "sync", ports.clock.now());
    Ok(Accepted(operation::location(&job), job))
}

/// Why a task is paused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TaskPause {
    /// Shown to whoever looks at it.
    reason: String,
}

/// Pauses a sync task
///
/// It is not due until it is resumed. What is at work goes on.
#[utoipa::path(post, path = "/api/sync-tasks/{task}/pause", tag = "sync tasks",
    security(("api_key" = ["editor"])), request_body = TaskPause,
    params(("task" = String, Path, description = "The task"),
        ("If-Match" = String, Header, description = "The `ETag` of what was read")),
    responses((status = 200, body = TaskView)))]
async fn pause(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(id): Path<TaskId>,
    if_match: IfMatch,
    Json(TaskPause { reason }): Json<TaskPause>,
) -> Result<Tagged<TaskView>, Problem> {
    let expected = if_match.revision()?;
    let paused = schedule::pause(&ports.desk(), (&scope.tenant, &id), &reason, expected).await;
    paused.map_err(Problem::of_change)?.map(tagged).ok_or_else(Problem::not_found)
}

/// Resumes a sync task
///
/// What it has missed is not made up for.
#[utoipa::path(post, path = "/api/sync-tasks/{task}/resume", tag = "sync tasks",
    security(("api_key" = ["editor"])),
    params(("task" = String, Path, description = "The task"),
        ("If-Match" = String, Header, description = "The `ETag` of what was read")),
    responses((status = 200, body = TaskView), (status = 422, body = Problem)))]
async fn resume(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(id): Path<TaskId>,
    if_match: IfMatch,
) -> Result<Tagged<TaskView>, Problem> {
    let expected = if_match.revision()?;
    let resumed = schedule::resume(&ports.desk(), (&scope.tenant, &id), expected).await;
    let resumed = resumed.map_err(|error| refused(error, Problem::of_change))?;
    resumed.map(tagged).ok_or_else(Problem::not_found)
}

/// When a schedule comes next.
#[derive(Debug, Serialize, ToSchema)]
struct SchedulePreview {
    /// The next five times, the soonest first; fewer where it never comes again.
    next: Vec<Timestamp>,
}

/// Shows when a sync task is due next
///
/// Of one that is paused, when it would be.
#[utoipa::path(get, path = "/api/sync-tasks/{task}/preview", tag = "sync tasks",
    security(("api_key" = ["viewer"])),
    params(("task" = String, Path, description = "The task")),
    responses((status = 200, body = SchedulePreview), (status = 422, body = Problem)))]
async fn preview(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(id): Path<TaskId>,
) -> Result<axum::Json<SchedulePreview>, Problem> {
    let task = ports.find(&scope, &id).await?;
    let next = schedule::upcoming(&task, ports.clock.now(), TIMES_SHOWN).map_err(unreadable)?;
    Ok(axum::Json(SchedulePreview { next }))
}

/// Shows when a sync task would be due
///
/// As if it were made now; nothing is kept. One that has no name yet is shown under the name of its
/// connection; it matters only where there is a jitter, of which each task has its own.
#[utoipa::path(post, path = "/api/schedule-previews", tag = "sync tasks",
    security(("api_key" = ["viewer"])), request_body = TaskForm,
    responses((status = 200, body = SchedulePreview)))]
async fn preview_unsaved(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Json(form): Json<TaskForm>,
) -> Result<axum::Json<SchedulePreview>, Problem> {
    let id = match &form.id {
        Some(id) => id.clone(),
        None => form.connection.as_str().parse().map_err(|error: NameError| {
            Problem::invalid("a task has a name").at("/id", error.to_string())
        })?,
    };
    let draft = form.draft(scope.tenant, id)?;
    let next = schedule::preview(&draft, ports.clock.now(), TIMES_SHOWN).map_err(unreadable)?;
    Ok(axum::Json(SchedulePreview { next }))
}

fn tagged(task: Task) -> Tagged<TaskView> {
    Tagged(Tag::revision(task.revision), TaskView::of(task))
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn unreadable(invalid: Invalid) -> Problem {
    Problem::invalid(invalid.to_string())
}

fn refused(error: PutError, of: impl Fn(model::store::StoreError) -> Problem) -> Problem {
    match error {
        PutError::Invalid(invalid) => unreadable(invalid),
        PutError::Store(error) => of(error),
    }
}
