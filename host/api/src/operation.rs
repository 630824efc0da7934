//! Long work: a thing with an address, to look how far it is and to stop it.

mod job;
mod registry;

use std::sync::Arc;

use axum::extract::State;
use engine::work::Stops;
use model::queue::JobQueue;
use model::store::{Catalogue, RecordStore};
use model::{Clock, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use job::JobName;
pub use registry::{Operations, Step};

use crate::answer::Accepted;
use crate::auth::{Editor, Viewer};
use crate::extract::{Path, Query};
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;

/// Long work.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Operation {
    /// Which one.
    pub id: String,
    /// What is being done: `impact`, `bulk-retry`, …
    pub kind: String,
    /// How it stands.
    pub status: OperationStatus,
    /// How far it is.
    pub progress: Progress,
    /// When it was begun.
    pub started: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// What came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub result: Option<Value>,
    /// Why it has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// How an operation stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OperationStatus {
    /// It waits for its turn.
    Queued,
    /// At work.
    Running,
    /// Done.
    Succeeded,
    /// Done, but not with everything: look at its run.
    Partial,
    /// It has failed.
    Failed,
    /// Somebody has stopped it; what it had done until then stays.
    Stopped,
}

/// How far work is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, ToSchema)]
pub struct Progress {
    /// So many are done,
    pub done: u64,
    /// of so many, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

/// Where an operation is looked at.
pub fn location(operation: &Operation) -> String {
    format!("/api/operations/{}", operation.id)
}

/// What operations need.
#[derive(Clone)]
pub(crate) struct Ports {
    operations: Operations,
    catalogue: Arc<dyn Catalogue>,
    queue: Arc<dyn JobQueue>,
    records: Arc<dyn RecordStore>,
    stops: Stops,
    clock: Clock,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self {
            operations: ports.operations.clone(),
            catalogue: ports.store.clone(),
            queue: ports.store.clone(),
            records: ports.store.clone(),
            stops: ports.stops.clone(),
            clock: ports.clock.clone(),
        }
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(stop))
}

/// Which operations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OperationListing {
    /// With one of these states; otherwise with any.
    #[serde(default)]
    status: Vec<OperationStatus>,
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists operations
///
/// Those of this process, as long as they are shown, and the jobs that wait, are at work or have
/// ended lately; what was begun last comes first. Of jobs that wait, 200 are listed at most.
#[utoipa::path(get, path = "/api/operations", tag = "operations",
    security(("api_key" = ["viewer"])), params(OperationListing),
    responses((status = 200, body = Page<Operation>)))]
async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(listing): Query<OperationListing>,
) -> Result<axum::Json<Page<Operation>>, Problem> {
    let mut all = ports.operations.all(&scope.tenant);
    all.extend(ports.jobs(&scope.tenant).await?);
    all.retain(|it| listing.status.is_empty() || listing.status.contains(&it.status));
    all.sort_by(|a, b| (b.started, &b.id).cmp(&(a.started, &a.id)));
    Page::of(all, listing.cursor.as_ref(), listing.limit).map(axum::Json)
}

/// Shows an operation
///
/// Ended operations `op-…` are shown for an hour. One that is not there any more was not finished
/// if the host was stopped meanwhile: it may be begun again. An operation `job-…` is a job: it goes
/// on over restarts, is shown as long as its runs are kept, and its `result` names them. One that
/// was stopped before it had any is shown until the host is started again, or many others were
/// stopped. While it waits to be tried again, `problem` says why it has failed.
#[utoipa::path(get, path = "/api/operations/{operation}", tag = "operations",
    security(("api_key" = ["viewer"])),
    params(("operation" = String, Path, description = "The operation")),
    responses((status = 200, body = Operation)))]
async fn show(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(id): Path<String>,
) -> Result<axum::Json<Operation>, Problem> {
    let found = match id.parse::<JobName>() {
        Ok(name) => ports.job(&scope.tenant, &name).await?,
        Err(()) => ports.operations.get(&scope.tenant, &id),
    };
    found.map(axum::Json).ok_or_else(Problem::not_found)
}

/// Stops an operation
///
/// It stops at its next step; look at it to see when. A job stops at its next border of a page, or
/// ends without having begun when its turn comes. One that has ended stays as it is.
#[utoipa::path(post, path = "/api/operations/{operation}/stop", tag = "operations",
    security(("api_key" = ["editor"])),
    params(("operation" = String, Path, description = "The operation")),
    responses((status = 202, body = Operation)))]
async fn stop(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(id): Path<String>,
) -> Result<Accepted<Operation>, Problem> {
    let found = match id.parse::<JobName>() {
        Ok(name) => ports.stop_job(&scope.tenant, &name).await?,
        Err(()) => ports.operations.stop(&scope.tenant, &id),
    };
    let operation = found.ok_or_else(Problem::not_found)?;
    Ok(Accepted(location(&operation), operation))
}
