//! The paths of values in stored records: what a schema can read.

use std::collections::BTreeMap;

use axum::extract::State;
use engine::mapping::{LOOKED_THROUGH, PathSeen, paths, payloads};
use model::ConnectionId;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Ports;
use crate::auth::Viewer;
use crate::extract::Query;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(seen))
}

/// Of which records.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Sampled {
    /// The connection.
    #[param(value_type = String)]
    connection: ConnectionId,
    /// The entity.
    entity: String,
    /// One part of it alone.
    part: Option<String>,
}

/// The paths of values in stored records.
#[derive(Debug, Serialize, ToSchema)]
struct SourcePaths {
    /// How many stored records were looked at: the first ones, at most 200.
    records: usize,
    /// Whether there are more paths than the 2,000 that are told of.
    more: bool,
    /// The paths, in alphabetical order; objects more than 4 deep stand whole.
    paths: Vec<SourcePath>,
}

/// A path at which values stand.
#[derive(Debug, Serialize, ToSchema)]
struct SourcePath {
    /// A JSON Pointer into the provider's record.
    pointer: String,
    /// How many of the records have a value there that is neither null nor empty.
    filled: usize,
    /// How many values of each type stand there: `null`, `bool`, `integer`, `decimal`, `text`,
    /// `list`, `object`.
    #[schema(value_type = BTreeMap<String, usize>)]
    kinds: BTreeMap<&'static str, usize>,
    /// Up to three different values; of long texts the beginning. What the package has taken out
    /// of records is not in them either.
    examples: Vec<Json>,
}

/// Shows what stands in stored records
///
/// The paths of their values, with types, examples, and how many of the records have one.
#[utoipa::path(get, path = "/api/schemas/paths", tag = "schemas",
    security(("api_key" = ["viewer"])), params(Sampled),
    responses((status = 200, body = SourcePaths)))]
async fn seen(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(sampled): Query<Sampled>,
) -> Result<axum::Json<SourcePaths>, Problem> {
    let Sampled { connection, entity, part } = sampled;
    let place = ports.place(&scope.tenant, &connection).await?;
    place.has(&entity, "entity")?;
    let looked_at = |ports: Ports| async move {
        let records = ports.sample(&place, (&entity, part.as_deref()), LOOKED_THROUGH).await?;
        let found = paths(&payloads(&records));
        let paths = found.paths.into_iter().map(SourcePath::of).collect();
        Ok(SourcePaths { records: records.len(), more: found.more, paths })
    };
    ports.costly(&scope.tenant, looked_at).await.map(axum::Json)
}

impl SourcePath {
    fn of(PathSeen { pointer, filled, kinds, examples }: PathSeen) -> Self {
        Self { pointer, filled, kinds, examples }
    }
}
