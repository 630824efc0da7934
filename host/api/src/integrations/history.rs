//! The sync history of an integration.

use axum::extract::State;
use model::IntegrationId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Ports;
use crate::auth::Viewer;
use crate::extract::{Path, Query};
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;
use crate::runs::{RunView, history};

/// Which part of the history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryListing {
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists the runs of an integration
///
/// Of all its connections, the newest first. A part may hold fewer runs than asked for where many
/// had to be looked at; only the absence of `next` tells the end.
#[utoipa::path(get, path = "/api/integrations/{integration}/sync-history", tag = "integrations",
    security(("api_key" = ["viewer"])),
    params(("integration" = String, Path, description = "The integration"), HistoryListing),
    responses((status = 200, body = Page<RunView>)))]
pub(super) async fn sync_history(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(id): Path<IntegrationId>,
    Query(HistoryListing { cursor, limit }): Query<HistoryListing>,
) -> Result<axum::Json<Page<RunView>>, Problem> {
    let integration = ports.integration(&scope.tenant, &id).await?;
    let accounts = ports.accounts(&integration).await?;
    let accounts = accounts.into_iter().map(|account| account.id).collect();
    let records = &*ports.connections.records;
    let found = history(records, &scope.tenant, accounts, (cursor, limit)).await?;
    let items = found.items.into_iter().map(RunView::of).collect();
    Ok(axum::Json(Page { items, next: found.next, total: None }))
}
