//! Replays: stored records through other schemas, looked at before and done.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use engine::mapping::Mappings;
use engine::replay::{ReplayPlan, Scope as Within, impact};
use engine::work::job::{Cause, Order, ReplayOrder};
use model::ConnectionId;
use model::queue::Enqueued;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Accepted;
use crate::auth::{Editor, Scope};
use crate::extract::Json;
use crate::operation::{Operation, location};
use crate::problem::Problem;
use crate::schemas::{Place, Ports, SchemaChoice, is_of};

mod result;

use result::ImpactResult;

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::with_openapi(result::document()).routes(routes!(look)).routes(routes!(replay))
}

/// What is looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ImpactForm {
    /// The connection.
    #[schema(value_type = String)]
    connection: ConnectionId,
    /// The entity; without one all of the connection.
    entity: Option<String>,
    /// One part of it.
    part: Option<String>,
    /// The schema that would be bound to the entity, or to the part; without one the active ones
    /// are looked at.
    schema: Option<SchemaChoice>,
    /// Looks at what would be if the binding of the entity, or of the part, was undone.
    #[serde(default)]
    undo: bool,
    /// Looks at records too that their schema has mapped already.
    #[serde(default)]
    again: bool,
}

/// What is mapped again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReplayForm {
    /// The connection.
    #[schema(value_type = String)]
    connection: ConnectionId,
    /// The entities; none means all.
    #[serde(default)]
    entities: Vec<String>,
    /// Records too that the active schema has mapped already.
    #[serde(default)]
    again: bool,
}

/// Looks at what a replay would change
///
/// The result of the operation is an `ImpactResult`. It says for every entity how many records are
/// `current`, and how many would be `new`, `changed`, `unchanged`, `rejected` or `unmapped`, with
/// `examples`. Nothing is saved, and the provider is not asked.
#[utoipa::path(post, path = "/api/impact", tag = "replays",
    security(("api_key" = ["editor"])), request_body = ImpactForm,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Makes it safe to send the same request again")),
    responses((status = 202, body = Operation)))]
async fn look(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Json(form): Json<ImpactForm>,
) -> Result<Accepted<Operation>, Problem> {
    let tenant = scope.tenant.clone();
    let plan = ports.costly(&tenant, |ports| planned(ports, scope, form)).await?;
    let records = Arc::clone(&ports.records);
    let operation = ports.operations.begin(&tenant, "impact", |step| async move {
        let seen = |records| step.progress(records, None);
        let found = impact(&plan, &*records, &step.cancel, &seen).await?;
        serde_json::to_value(ImpactResult::of(found)).map_err(|error| Problem::internal(&error))
    })?;
    Ok(Accepted(location(&operation), operation))
}

/// What a replay would go through.
async fn planned(ports: Ports, scope: Scope, form: ImpactForm) -> Result<ReplayPlan, Problem> {
    let place = ports.place(&scope.tenant, &form.connection).await?;
    let entities: Vec<_> = form.entity.clone().into_iter().collect();
    entities.iter().try_for_each(|entity| place.has(entity, "/entity"))?;
    let again = form.again;
    let plan = match (form.entity, form.schema, form.undo) {
        (_, None, false) if form.part.is_none() => {
            place.replay(&entities, ports.adapters.mappings(&place.connection).await?)?
        }
        (Some(entity), schema, undo) if schema.is_some() != undo => {
            ports.bound(&place, (entity, form.part), schema).await?
        }
        _ => {
            let detail = "`part` and `undo` go with `entity`, as one of `schema` and `undo` does";
            return Err(Problem::invalid(detail));
        }
    };
    Ok(ReplayPlan { again, ..plan })
}

impl Ports {
    /// What is mapped otherwise once this schema is bound, or what is bound now is undone.
    async fn bound(
        &self,
        place: &Place,
        (entity, part): (String, Option<String>),
        schema: Option<SchemaChoice>,
    ) -> Result<ReplayPlan, Problem> {
        let (tenant, connection) = (&place.connection.tenant, &place.connection.id);
        let mapping = if let Some(choice) = schema {
            Some(self.compiled(tenant, choice, "/schema").await?)
        } else {
            let adapters = &self.adapters;
            adapters.default_mapping(&place.connection, &entity, part.as_deref()).await?
        };
        mapping.iter().try_for_each(|mapping| is_of(mapping, &entity))?;
        let mappings = Mappings::default().with_part(&entity, part.as_deref(), mapping);
        let plan = place.replay(std::slice::from_ref(&entity), mappings)?;
        let bindings = self.schemas.bindings(tenant, connection).await?;
        Ok(ReplayPlan { scope: Within::of_binding(&entity, part, &bindings), ..plan })
    }
}

/// Replays a connection
///
/// Its stored records are mapped again by the active schemas, in the line of its syncs; the
/// provider is not asked. One that was stopped is begun again to do the rest.
#[utoipa::path(post, path = "/api/replay", tag = "replays",
    security(("api_key" = ["editor"])), request_body = ReplayForm,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Makes it safe to send the same request again")),
    responses((status = 202, body = Operation)))]
async fn replay(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Extension(cause): Extension<Cause>,
    Json(form): Json<ReplayForm>,
) -> Result<Accepted<Operation>, Problem> {
    let ReplayForm { connection, entities, again } = form;
    let place = ports.place(&scope.tenant, &connection).await?;
    for (position, entity) in entities.iter().enumerate() {
        place.has(entity, &format!("/entities/{position}"))?;
    }
    let cause = Some(cause);
    let order = ReplayOrder { connection: connection.clone(), entities, again, mark: None, cause };
    let job = Order::Replay(order).job(&scope.tenant, Some(place.connection.package));
    let queued = ports.queue.enqueue(vec![job]).await?.pop();
    let Some(Enqueued::New(job) | Enqueued::Duplicate(job)) = queued else {
        return Err(Problem::conflict("the job was not queued; ask again"));
    };
    ports.wake.wake();
    let operation = Operation::queued(&connection, job, "replay", ports.clock.now());
    Ok(Accepted(location(&operation), operation))
}
