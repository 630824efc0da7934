//! Held deletions: records that a full read has not met, in such number that a person decides.

use std::sync::Arc;

use axum::extract::State;
use model::absence::{AbsenceStore, Decision, HeldDeletions};
use model::{ConnectionId, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{IfMatch, Tag, Tagged};
use crate::auth::{Editor, Scope, Viewer};
use crate::extract::{Json, Path, Query};
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;
use crate::runs::RunKey;

/// What held deletions need.
#[derive(Clone)]
pub(crate) struct Ports {
    absence: Arc<dyn AbsenceStore>,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self { absence: ports.store.clone() }
    }

    /// The newest run that holds some of a connection, and what is held.
    async fn find(
        &self,
        scope: &Scope,
        connection: &ConnectionId,
    ) -> Result<(RunId, HeldView), Problem> {
        let held = self.absence.held(&scope.tenant, Some(connection)).await?;
        let newest = held.iter().map(|held| held.run).max().ok_or_else(Problem::not_found)?;
        Ok((newest, HeldView::of(connection, held)))
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(decide))
}

/// Deletions of a connection that wait for a person, or for the run that acts on its word.
#[derive(Debug, Serialize, ToSchema)]
struct HeldView {
    /// The connection.
    connection: String,
    /// What is held, by entity.
    entities: Vec<HeldEntity>,
}

/// Deletions of one entity.
#[derive(Debug, Serialize, ToSchema)]
struct HeldEntity {
    /// The entity.
    entity: String,
    /// The run that has asked about them, as `crm:12`; later ones that find no more hold the same.
    run: String,
    /// How many records are absent,
    absent: u64,
    /// of so many.
    live: u64,
    /// Since when.
    since: Timestamp,
    /// What a person has said.
    decision: Option<HeldDecision>,
}

/// What a person says about held deletions.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum HeldDecision {
    /// They are gone: the next run deletes as many as were held, and no more.
    Approve,
    /// They are not: they stay until the provider shows them again, and nobody is asked unless
    /// more than a usual number go missing as well.
    Keep,
}

impl HeldView {
    fn of(connection: &ConnectionId, held: Vec<HeldDeletions>) -> Self {
        let entity = |held: HeldDeletions| HeldEntity {
            run: RunKey { connection: connection.clone(), number: held.run }.to_string(),
            entity: held.entity,
            absent: held.absent,
            live: held.live,
            since: held.since,
            decision: held.decision.map(|decision| match decision {
                Decision::Approved => HeldDecision::Approve,
                Decision::Discarded => HeldDecision::Keep,
            }),
        };
        Self {
            connection: connection.to_string(),
            entities: held.into_iter().map(entity).collect(),
        }
    }
}

/// Which held deletions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HeldListing {
    /// Of these connections; otherwise of all.
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    connection: Vec<ConnectionId>,
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists held deletions
///
/// By connection.
#[utoipa::path(get, path = "/api/held-deletions", tag = "held deletions",
    security(("api_key" = ["viewer"])), params(HeldListing),
    responses((status = 200, body = Page<HeldView>)))]
async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(HeldListing { connection, cursor, limit }): Query<HeldListing>,
) -> Result<axum::Json<Page<HeldView>>, Problem> {
    let mut held = ports.absence.held(&scope.tenant, None).await?;
    held.retain(|held| connection.is_empty() || connection.contains(&held.connection));
    let by_connection = held.chunk_by(|a, b| a.connection == b.connection);
    let views = by_connection.filter_map(|held| {
        let connection = held.first()?.connection.clone();
        Some(HeldView::of(&connection, held.to_vec()))
    });
    Page::of(views.collect(), cursor.as_ref(), limit).map(axum::Json)
}

/// Shows the held deletions of a connection
#[utoipa::path(get, path = "/api/held-deletions/{connection}", tag = "held deletions",
    security(("api_key" = ["viewer"])),
    params(("connection" = String, Path, description = "The connection")),
    responses((status = 200, body = HeldView)))]
async fn show(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(connection): Path<ConnectionId>,
) -> Result<Tagged<HeldView>, Problem> {
    let (_, held) = ports.find(&scope, &connection).await?;
    Ok(Tagged(Tag::content(&held), held))
}

/// What is decided about held deletions.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HeldVerdict {
    /// What is to become of them.
    decision: HeldDecision,
}

/// Decides about the held deletions of a connection
///
/// Of all its entities; its next run acts on it. What a run holds meanwhile is not decided, for
/// `If-Match` says what was looked at. It may be decided otherwise until that run begins.
#[utoipa::path(post, path = "/api/held-deletions/{connection}/decide", tag = "held deletions",
    security(("api_key" = ["editor"])), request_body = HeldVerdict,
    params(("connection" = String, Path, description = "The connection"),
        ("If-Match" = String, Header, description = "The `ETag` of what was read")),
    responses((status = 200, body = HeldView)))]
async fn decide(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(connection): Path<ConnectionId>,
    if_match: IfMatch,
    Json(HeldVerdict { decision }): Json<HeldVerdict>,
) -> Result<Tagged<HeldView>, Problem> {
    let (newest, held) = ports.find(&scope, &connection).await?;
    if_match.demand(&Tag::content(&held))?;
    let decision = match decision {
        HeldDecision::Approve => Decision::Approved,
        HeldDecision::Keep => Decision::Discarded,
    };
    let decided = ports.absence.decide_held(&scope.tenant, &connection, newest, decision).await?;
    let held = HeldView::of(&connection, decided);
    Ok(Tagged(Tag::content(&held), held))
}
