//! What an integration is asked to do now: say whether its accounts open, and read.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use engine::health::Looked;
use engine::sync::{Choice, SyncPlan};
use engine::work::job::{Cause, Order, SyncOrder};
use futures_util::{StreamExt as _, stream};
use model::integration::Integration;
use model::queue::{BATCH_MAX, Enqueued};
use model::{ConnectionId, IntegrationId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Ports;
use crate::auth::Editor;
use crate::connections::{TestView, actor, tested};
use crate::extract::{Json, Path};
use crate::operation::{Operation, location};
use crate::problem::Problem;

/// Connections that are asked about in one request. A provider has 20 s for an answer, so all of
/// them have had theirs before the request itself is given up.
const TESTED_MAX: usize = 16;

/// Connections that are asked about at the same time.
const TESTED_AT_ONCE_MAX: usize = 8;

/// What providers have said of the accounts of an integration.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tests {
    /// Whether all that were asked about open.
    works: bool,
    /// What was said of each.
    connections: Vec<TestView>,
    /// How many more there are: of those, each is tested by itself.
    more: usize,
}

/// Asks the provider whether the accounts of an integration open
///
/// Through the adapter, as a sync does. What the provider says is the answer, good or bad. At most
/// 16 connections are asked about; `more` says how many were left out.
#[utoipa::path(post, path = "/api/integrations/{integration}/test", tag = "integrations",
    security(("api_key" = ["editor"])),
    params(("integration" = String, Path, description = "The integration")),
    responses((status = 200, body = Tests), (status = 409, body = Problem)))]
pub(super) async fn test(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(id): Path<IntegrationId>,
) -> Result<axum::Json<Tests>, Problem> {
    let integration = ports.integration(&scope.tenant, &id).await?;
    let accounts = ports.accounts(&integration).await?;
    if accounts.is_empty() {
        return Err(unconnected());
    }
    let more = accounts.len().saturating_sub(TESTED_MAX);
    let asking = accounts.into_iter().take(TESTED_MAX).map(|account| {
        let (ports, actor) = (&ports.connections, actor(&scope));
        async move { tested(ports, &account, actor).await }
    });
    let connections: Vec<_> = stream::iter(asking).buffered(TESTED_AT_ONCE_MAX).collect().await;
    let works = connections.iter().all(|test| test.works);
    Ok(axum::Json(Tests { works, connections, more }))
}

/// What is to be read.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncForm {
    /// Everything again, as if for the first time.
    #[serde(default)]
    full: bool,
    /// These entities; none means all.
    #[serde(default)]
    entities: Vec<String>,
    /// Of this connection; without it of all that work.
    #[schema(value_type = Option<String>)]
    connection: Option<ConnectionId>,
}

/// Syncs that were queued.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncsQueued {
    /// One for each connection.
    operations: Vec<Operation>,
}

impl IntoResponse for SyncsQueued {
    fn into_response(self) -> Response {
        let place = match self.operations.as_slice() {
            [only] => location(only),
            _ => "/api/operations".to_owned(),
        };
        (StatusCode::ACCEPTED, [(LOCATION, place)], axum::Json(self)).into_response()
    }
}

/// Syncs an integration now
///
/// Whatever its tasks say of when. Each connection is read by a job of its own, which goes on by
/// itself, over restarts too; its operation says how far it is. `Location` is that of the only
/// operation, or the list of all.
#[utoipa::path(post, path = "/api/integrations/{integration}/sync", tag = "integrations",
    security(("api_key" = ["editor"])), request_body = SyncForm,
    params(("integration" = String, Path, description = "The integration"),
        ("Idempotency-Key" = Option<String>, Header,
            description = "Repeats of the request under it are answered as the first one was")),
    responses((status = 202, body = SyncsQueued), (status = 409, body = Problem)))]
pub(super) async fn sync(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(id): Path<IntegrationId>,
    Extension(cause): Extension<Cause>,
    Json(form): Json<SyncForm>,
) -> Result<SyncsQueued, Problem> {
    let integration = ports.integration(&scope.tenant, &id).await?;
    let chosen = ports.chosen(&integration, form.connection.as_ref()).await?;
    let package = ports.connections.adapters.package(&integration.package).await?;
    let choice = Choice { entities: form.entities.clone(), ..Choice::default() };
    let mut jobs = Vec::with_capacity(chosen.len());
    for Looked { connection, .. } in &chosen {
        let plan = SyncPlan::of(package.reference.clone(), &package.manifest, connection, &choice);
        // What cannot be read is told here, and not by a dead letter.
        plan.map_err(|error| Problem::invalid(error.to_string()).at("/entities", "choose others"))?;
        let order = Order::Sync(SyncOrder {
            connection: connection.id.clone(),
            entities: form.entities.clone(),
            full: form.full,
            task: None,
            by_person: true,
            cause: Some(cause.clone()),
        });
        jobs.push(order.job(&scope.tenant, Some(connection.package.clone())));
    }
    let mut queued = Vec::with_capacity(jobs.len());
    for some in jobs.chunks(BATCH_MAX) {
        queued.extend(ports.connections.queue.enqueue(some.to_vec()).await?);
    }
    ports.connections.wake.wake();
    let now = ports.connections.clock.now();
    let operations = chosen.iter().zip(queued).map(|(looked, queued)| {
        let (Enqueued::New(job) | Enqueued::Duplicate(job)) = queued;
        Operation::queued(&looked.connection.id, job, "sync", now)
    });
    Ok(SyncsQueued { operations: operations.collect() })
}

impl Ports {
    /// The connection of an integration that is named, or all of them that work.
    pub(super) async fn chosen(
        &self,
        integration: &Integration,
        named: Option<&ConnectionId>,
    ) -> Result<Vec<Looked>, Problem> {
        let mut accounts = self.accounts(integration).await?;
        if let Some(named) = named {
            accounts.retain(|account| account.id == *named);
            if accounts.is_empty() {
                let problem = Problem::invalid("it is no connection of this integration");
                return Err(problem.at("connection", "name one of its connections"));
            }
        }
        let mut looked = self.connections.look(&integration.tenant, accounts).await?;
        let status = looked.iter().find_map(|it| it.facts.status.clone());
        let works = |it: &Looked| it.facts.status.as_ref().is_none_or(|it| it.state.works());
        looked.retain(works);
        match (looked.is_empty(), status) {
            (false, _) => Ok(looked),
            (true, None) => Err(unconnected()),
            (true, Some(status)) => {
                let (state, reason) = (status.state.as_str(), status.reason);
                Err(Problem::conflict(format!("no account of it works: {state}, {reason}")))
            }
        }
    }
}

fn unconnected() -> Problem {
    let detail = "no account is connected yet: `POST /api/connections`, or `GET \
                  /api/integrations/oauth/authorize/{provider}`";
    Problem::conflict(detail)
}
