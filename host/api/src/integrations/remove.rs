//! The end of an integration.

use axum::extract::State;
use futures_util::{StreamExt as _, stream};
use model::IntegrationId;
use serde::Serialize;
use utoipa::ToSchema;

use super::Ports;
use super::view::tag;
use crate::answer::{Accepted, IfMatch};
use crate::auth::Admin;
use crate::connections::{RemovedConnection, remove};
use crate::extract::Path;
use crate::operation::{Operation, location};
use crate::problem::Problem;

/// Grants that are ended at one time: what one provider takes without complaint.
const AT_ONCE_MAX: usize = 4;

/// An integration that was removed: the result of the operation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RemovedIntegration {
    /// The integration.
    integration: String,
    /// Its connections, and what became of their grants.
    connections: Vec<RemovedConnection>,
    /// What is still there.
    stays: Vec<String>,
}

/// Removes an integration
///
/// Its connections go first, as `DELETE /api/connections/{connection}` has it: their grants are
/// ended at the provider as far as it lets that be done. Records, runs and events stay, and the
/// result of the operation says so. It may be begun again where it was stopped.
#[utoipa::path(delete, path = "/api/integrations/{integration}", tag = "integrations",
    security(("api_key" = ["admin"])),
    params(("integration" = String, Path, description = "The integration"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what was read")),
    responses((status = 202, body = Operation)))]
pub(super) async fn delete(
    State(ports): State<Ports>,
    Admin(scope): Admin,
    Path(id): Path<IntegrationId>,
    if_match: IfMatch,
) -> Result<Accepted<Operation>, Problem> {
    let integration = ports.integration(&scope.tenant, &id).await?;
    if_match.allow(&tag(&integration))?;
    let accounts = ports.accounts(&integration).await?;
    let (operations, tenant) = (ports.operations.clone(), scope.tenant);
    let whose = tenant.clone();
    let operation = operations.begin(&whose, "remove-integration", |step| async move {
        let total = u64::try_from(accounts.len()).ok();
        let ending = accounts.into_iter().filter(|_| !step.cancel.is_cancelled()).map(|account| {
            let (credentials, tenant) = (&ports.connections.credentials, &tenant);
            async move { remove(credentials, tenant, &account.id).await }
        });
        let mut ending = stream::iter(ending).buffered(AT_ONCE_MAX);
        let (mut connections, mut done) = (Vec::new(), 0);
        while let Some(removed) = ending.next().await {
            connections.extend(removed?);
            done += 1;
            step.progress(done, total);
        }
        drop(ending);
        if !step.cancel.is_cancelled() {
            ports.connections.integrations.remove_integration(&tenant, &id).await?;
        }
        let stays = ["records", "runs", "events"].map(str::to_owned).into();
        let removed = RemovedIntegration { integration: id.to_string(), connections, stays };
        serde_json::to_value(removed).map_err(|error| Problem::internal(&error))
    })?;
    Ok(Accepted(location(&operation), operation))
}
