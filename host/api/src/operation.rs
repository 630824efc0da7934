//! Long work: a thing with an address, to look how far it is and to stop it.

mod registry;

use axum::extract::State;
use model::queue::JobId;
use model::{ConnectionId, Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use registry::{Operations, Step};

use crate::answer::Accepted;
use crate::auth::{Editor, Viewer};
use crate::extract::Path;
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
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OperationStatus {
    /// It waits for its turn.
    Queued,
    /// At work.
    Running,
    /// Done.
    Succeeded,
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

impl Operation {
    /// A job that has just been queued.
    pub(crate) fn queued(
        connection: &ConnectionId,
        job: JobId,
        kind: &str,
        started: Timestamp,
    ) -> Self {
        Self {
            id: format!("job-{job}.{connection}"),
            kind: kind.to_owned(),
            status: OperationStatus::Queued,
            progress: Progress::default(),
            started,
            ended: None,
            result: None,
            problem: None,
        }
    }
}

/// Where an operation is looked at.
pub fn location(operation: &Operation) -> String {
    format!("/api/operations/{}", operation.id)
}

pub(crate) fn routes() -> OpenApiRouter<Operations> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(stop))
}

/// Shows an operation
///
/// Ended operations are shown for an hour. One that is not there any more was not finished if the
/// host was stopped meanwhile: it may be begun again.
#[utoipa::path(get, path = "/api/operations/{operation}", tag = "operations",
    security(("api_key" = ["viewer"])),
    params(("operation" = String, Path, description = "The operation")),
    responses((status = 200, body = Operation)))]
async fn show(
    State(operations): State<Operations>,
    Viewer(scope): Viewer,
    Path(id): Path<String>,
) -> Result<axum::Json<Operation>, Problem> {
    operations.get(&scope.tenant, &id).map(axum::Json).ok_or_else(Problem::not_found)
}

/// Stops an operation
///
/// It stops at its next step; look at it to see when. One that has ended stays as it is.
#[utoipa::path(post, path = "/api/operations/{operation}/stop", tag = "operations",
    security(("api_key" = ["editor"])),
    params(("operation" = String, Path, description = "The operation")),
    responses((status = 202, body = Operation)))]
async fn stop(
    State(operations): State<Operations>,
    Editor(scope): Editor,
    Path(id): Path<String>,
) -> Result<Accepted<Operation>, Problem> {
    let operation = operations.stop(&scope.tenant, &id).ok_or_else(Problem::not_found)?;
    Ok(Accepted(location(&operation), operation))
}
