//! One dead letter.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use bytes::Bytes;
use model::TenantId;
use model::queue::{DeadFilter, JobId, Redrive, RedriveTo};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Ports;
use super::view::DeadLetterView;
use crate::auth::{Editor, Viewer};
use crate::extract::{Json, Path};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(retry)).routes(routes!(discard))
}

/// How a dead letter comes back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct RetryForm {
    /// Before what waits in its line; otherwise behind it.
    first: bool,
    /// What it is to do, instead of what it was to do.
    #[schema(value_type = Object)]
    payload: Option<Value>,
}

/// Why a dead letter is thrown away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DiscardForm {
    /// Why; it goes into the log of events.
    reason: String,
}

fn one(tenant: TenantId, id: JobId) -> DeadFilter {
    DeadFilter { ids: Some(BTreeSet::from([id])), limit: 1, ..DeadFilter::all(tenant) }
}

/// Shows a dead letter
///
/// With all that went wrong, by time, and what it was to do.
#[utoipa::path(get, path = "/api/dead-letters/{letter}", tag = "dead letters",
    security(("api_key" = ["viewer"])),
    params(("letter" = String, Path, description = "The dead letter")),
    responses((status = 200, body = DeadLetterView)))]
async fn show(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(id): Path<JobId>,
) -> Result<axum::Json<DeadLetterView>, Problem> {
    let letters = ports.queue.dead(&one(scope.tenant, id)).await?;
    let letter = letters.first().ok_or_else(Problem::not_found)?;
    Ok(axum::Json(DeadLetterView::of(letter)))
}

/// Queues a dead letter again
///
/// Under its id, its attempts counted from the begin; of a sync the operation
/// `job-{letter}.{connection}` says what becomes of it. With a `payload` it does that instead; what
/// it was to do is shown by the letter, and is what is to be edited.
#[utoipa::path(post, path = "/api/dead-letters/{letter}/retry", tag = "dead letters",
    security(("api_key" = ["editor"])), request_body = RetryForm,
    params(("letter" = String, Path, description = "The dead letter")),
    responses((status = 204)))]
async fn retry(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(id): Path<JobId>,
    Json(form): Json<RetryForm>,
) -> Result<StatusCode, Problem> {
    let redrive = Redrive {
        to: if form.first { RedriveTo::Head } else { RedriveTo::Tail },
        payload: form.payload.map(|payload| Bytes::from(payload.to_string())),
        delay: Duration::ZERO,
        spacing: Duration::ZERO,
    };
    met(ports.queue.redrive(&one(scope.tenant, id), redrive).await?)?;
    ports.wake.wake();
    Ok(StatusCode::NO_CONTENT)
}

/// Throws a dead letter away
///
/// What waits behind it in its line goes on.
#[utoipa::path(post, path = "/api/dead-letters/{letter}/discard", tag = "dead letters",
    security(("api_key" = ["editor"])), request_body = DiscardForm,
    params(("letter" = String, Path, description = "The dead letter")),
    responses((status = 204)))]
async fn discard(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(id): Path<JobId>,
    Json(form): Json<DiscardForm>,
) -> Result<StatusCode, Problem> {
    met(ports.queue.discard(&one(scope.tenant, id), &form.reason).await?)?;
    ports.wake.wake();
    Ok(StatusCode::NO_CONTENT)
}

fn met(count: u64) -> Result<(), Problem> {
    if count == 0 { Err(Problem::not_found()) } else { Ok(()) }
}
