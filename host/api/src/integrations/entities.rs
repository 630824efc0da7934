//! What an account offers, as the provider tells it now.

use axum::extract::State;
use engine::health::{Looked, of_entity};
use model::adapter::{Entity, Field, FieldKind};
use model::{ConnectionId, IntegrationId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Ports;
use crate::auth::Viewer;
use crate::connections::actor;
use crate::extract::{Path, Query};
use crate::health::{ActivityView, HealthView};
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;

/// Which entities.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EntityListing {
    /// Of this connection; without it of the first that works.
    #[param(value_type = Option<String>)]
    connection: Option<ConnectionId>,
    /// This one alone, with its fields.
    entity: Option<String>,
    /// This instance of it; with `entity`.
    part: Option<String>,
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// What an account offers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EntityView {
    /// The entity of the package.
    name: String,
    /// The instance, where the account decides what instances there are.
    part: Option<String>,
    /// What a person reads.
    label: String,
    /// The record type that the package proposes.
    record_type: Option<String>,
    /// The connection that was asked.
    connection: String,
    /// Whether it is well there.
    health: HealthView,
    /// What happens now.
    activity: ActivityView,
    /// Everything that changed before this instant has been read.
    complete_until: Option<Timestamp>,
    /// Its fields; only where one entity was asked for.
    fields: Vec<FieldView>,
}

/// A field of an entity.
#[derive(Debug, Serialize, ToSchema)]
struct FieldView {
    /// The provider's name.
    name: String,
    /// What a person reads.
    label: String,
    /// What it holds.
    kind: FieldKindView,
    /// Whether a record without it is refused.
    required: bool,
    /// Whether it can be written.
    writable: bool,
    /// Whether its values are unique.
    unique: bool,
    /// The values of a choice.
    choices: Vec<ChoiceView>,
    /// The entity that it refers to.
    target: Option<String>,
}

/// A value of a choice.
#[derive(Debug, Serialize, ToSchema)]
struct ChoiceView {
    /// The value.
    value: String,
    /// What a person reads.
    label: String,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum FieldKindView {
    Text,
    Integer,
    Decimal,
    Boolean,
    Date,
    DateTime,
    Choice,
    Choices,
    Reference,
    List,
    Object,
    Other,
}

/// Asks an account what it offers
///
/// Live, through the adapter; with `entity`, that one with its fields.
#[utoipa::path(get, path = "/api/integrations/{integration}/entities", tag = "integrations",
    security(("api_key" = ["viewer"])),
    params(("integration" = String, Path, description = "The integration"), EntityListing),
    responses((status = 200, body = Page<EntityView>), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 502, body = Problem)))]
pub(super) async fn entities(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(id): Path<IntegrationId>,
    Query(listing): Query<EntityListing>,
) -> Result<axum::Json<Page<EntityView>>, Problem> {
    let integration = ports.integration(&scope.tenant, &id).await?;
    let looked = ports.chosen(&integration, listing.connection.as_ref()).await?;
    let looked = looked.into_iter().next().ok_or_else(Problem::not_found)?;
    if listing.part.is_some() && listing.entity.is_none() {
        let problem = Problem::invalid("an instance is one of an entity");
        return Err(problem.at("entity", "name it"));
    }
    let manifest = ports.connections.adapters.package(&integration.package).await?.manifest;
    if let Some(name) =
        listing.entity.as_ref().filter(|name| !manifest.entities.contains_key(*name))
    {
        let problem = Problem::invalid(format!("the package has no entity {name:?}"));
        return Err(problem.at("entity", "see the list without it"));
    }
    let actor = actor(&scope);
    let mut adapter = ports.connections.adapters.open(&looked.connection, actor).await?;
    let offered =
        adapter.discover(listing.entity.as_deref(), listing.part.as_deref()).await.outcome;
    ports.connections.breakers.flush().await?;
    let now = ports.connections.clock.now();
    let view = |entity: Entity| {
        let declared = manifest.entities.get(&entity.name);
        let record_type = declared.and_then(|declared| declared.record_type.clone());
        EntityView::of(entity, record_type, &looked, now)
    };
    let views = offered?.into_iter().map(view).collect();
    Page::of(views, listing.cursor.as_ref(), listing.limit).map(axum::Json)
}

impl EntityView {
    fn of(entity: Entity, record_type: Option<String>, looked: &Looked, now: Timestamp) -> Self {
        let (verdict, activity) = of_entity(&looked.facts, &entity.name, now);
        Self {
            complete_until: looked.facts.report(&entity.name).and_then(|(it, _)| it.complete_until),
            name: entity.name,
            part: entity.part,
            label: entity.label,
            record_type,
            connection: looked.connection.id.to_string(),
            health: HealthView::of(verdict),
            activity: ActivityView::of(activity),
            fields: entity.fields.into_iter().map(FieldView::of).collect(),
        }
    }
}

impl FieldView {
    fn of(field: Field) -> Self {
        let choices = field.choices.into_iter();
        Self {
            name: field.name,
            label: field.label,
            kind: field.kind.into(),
            required: field.required,
            writable: field.writable,
            unique: field.unique,
            choices: choices.map(|(value, label)| ChoiceView { value, label }).collect(),
            target: field.target,
        }
    }
}

impl From<FieldKind> for FieldKindView {
    fn from(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Text => Self::Text,
            FieldKind::Integer => Self::Integer,
            FieldKind::Decimal => Self::Decimal,
            FieldKind::Boolean => Self::Boolean,
            FieldKind::Date => Self::Date,
            FieldKind::DateTime => Self::DateTime,
            FieldKind::Choice => Self::Choice,
            FieldKind::Choices => Self::Choices,
            FieldKind::Reference => Self::Reference,
            FieldKind::List => Self::List,
            FieldKind::Object => Self::Object,
            FieldKind::Other => Self::Other,
        }
    }
}
