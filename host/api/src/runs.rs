//! Runs: the sync history, what each has done, and what it could not.

mod filter;
mod reject;
mod view;

use std::sync::Arc;

use axum::extract::State;
use model::run::Run;
use model::store::{RecordStore, RejectQuery};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{Scope, Viewer};
use crate::extract::{Path, Query};
use crate::list::{Cursor, Page};
use crate::problem::Problem;

use filter::RunListing;
pub(crate) use filter::history;
use reject::{RejectListing, RejectView, RunOutcomes};
pub(crate) use view::{RunKey, RunStatusView, RunView};

/// What runs need.
#[derive(Clone)]
pub(crate) struct Ports {
    records: Arc<dyn RecordStore>,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self { records: ports.store.clone() }
    }

    async fn find(&self, scope: &Scope, key: &RunKey) -> Result<Run, Problem> {
        let RunKey { connection, number } = key;
        let run = self.records.run(&scope.tenant, connection, *number).await?;
        run.ok_or_else(Problem::not_found)
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(outcomes))
        .routes(routes!(rejects))
}

/// Lists runs
///
/// The newest first. A part may hold fewer runs than asked for, even none, where many had to be
/// looked at: its `next` goes on from there, and only its absence tells the end.
#[utoipa::path(get, path = "/api/runs", tag = "runs",
    security(("api_key" = ["viewer"])), params(RunListing),
    responses((status = 200, body = Page<RunView>)))]
async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(listing): Query<RunListing>,
) -> Result<axum::Json<Page<RunView>>, Problem> {
    let found = listing.find(&*ports.records, &scope.tenant).await?;
    let items = found.items.into_iter().map(RunView::of).collect();
    Ok(axum::Json(Page { items, next: found.next, total: None }))
}

/// Shows a run
///
/// A run is named by its connection and its number there, as `crm:12`.
#[utoipa::path(get, path = "/api/runs/{run}", tag = "runs",
    security(("api_key" = ["viewer"])),
    params(("run" = String, Path, description = "The run, as `crm:12`")),
    responses((status = 200, body = RunView)))]
async fn show(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(key): Path<RunKey>,
) -> Result<axum::Json<RunView>, Problem> {
    Ok(axum::Json(RunView::of(ports.find(&scope, &key).await?)))
}

/// Shows what became of the records of a run
///
/// The counts of all its entities together, and its rejects by their codes; each code leads to its
/// records under `rejects`.
#[utoipa::path(get, path = "/api/runs/{run}/outcomes", tag = "runs",
    security(("api_key" = ["viewer"])),
    params(("run" = String, Path, description = "The run, as `crm:12`")),
    responses((status = 200, body = RunOutcomes)))]
async fn outcomes(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(key): Path<RunKey>,
) -> Result<axum::Json<RunOutcomes>, Problem> {
    let run = ports.find(&scope, &key).await?;
    let codes = ports.records.reject_codes(&run.reference()).await?;
    Ok(axum::Json(RunOutcomes::of(&run, codes)))
}

/// Lists what a run could not read or map
///
/// In the order in which it was met. `payload` is what the provider sent, up to 64 KiB of it: it
/// may hold personal data that no mapping has let through.
#[utoipa::path(get, path = "/api/runs/{run}/rejects", tag = "runs",
    security(("api_key" = ["viewer"])),
    params(("run" = String, Path, description = "The run, as `crm:12`"), RejectListing),
    responses((status = 200, body = Page<RejectView>)))]
async fn rejects(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(key): Path<RunKey>,
    Query(RejectListing { code, cursor, limit }): Query<RejectListing>,
) -> Result<axum::Json<Page<RejectView>>, Problem> {
    let run = ports.find(&scope, &key).await?.reference();
    let after = cursor.as_ref().map(Cursor::place).transpose()?;
    let query = RejectQuery { run, code, after, limit: limit.unwrap_or_default().get() };
    let rejects = ports.records.reject_list(query).await?;
    // The end is told by an empty list alone.
    let next = rejects.last().map(|(number, _)| Cursor::at(number));
    let items = rejects.into_iter().map(RejectView::of).collect();
    Ok(axum::Json(Page { items, next, total: None }))
}
