//! Record types that follow what a provider says of its fields.

use axum::extract::State;
use engine::mapping::{ContractEdit, DerivePorts, Derived, Deriving, derive};
use mapping::record_type::{Change, Changed, Policy};
use model::ConnectionId;
use model::credential::Actor;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Ports;
use super::form::refused;
use crate::auth::{Editor, Scope};
use crate::extract::Json;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(derive_type))
}

/// For which entity, and how.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DerivationForm {
    /// The connection whose account is asked.
    #[schema(value_type = String)]
    connection: ConnectionId,
    /// The entity.
    entity: String,
    /// One instance of a dynamic entity.
    part: Option<String>,
    /// What is different from the contract of the saved type, or from one that always evolves.
    #[serde(default)]
    contract: ContractForm,
    /// The object in a record that has the fields, as a JSON Pointer; otherwise the one of stored
    /// records that has most of them.
    at: Option<String>,
}

/// What happens upon changes at the provider.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ContractForm {
    /// Upon an entity that was not there before.
    object: Option<PolicyForm>,
    /// Upon a field that was not there before, or is there no more.
    field: Option<PolicyForm>,
    /// Upon a field of another type than before.
    #[serde(rename = "type")]
    kind: Option<PolicyForm>,
}

/// What happens upon one kind of change.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PolicyForm {
    /// The type follows.
    Evolve,
    /// The change is refused until a person has looked at it.
    Freeze,
    /// The type stays; values that do not fit it are left out.
    DiscardValue,
    /// The type stays; records that do not fit it are left out.
    DiscardRow,
}

/// What has become of a type.
#[derive(Debug, Serialize, ToSchema)]
struct Derivation {
    /// The type in its newest version; absent where the contract keeps a new entity out.
    #[serde(skip_serializing_if = "Option::is_none")]
    record_type: Option<DerivedText>,
    /// Its conversion schema in its newest version; it maps nothing until it is bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<DerivedText>,
    /// Whether a change waits for a person; then nothing was saved.
    frozen: bool,
    /// What is different at the provider from the type before, and what was done about it.
    changes: Vec<DerivedChange>,
}

/// A text that is saved.
#[derive(Debug, Serialize, ToSchema)]
struct DerivedText {
    /// Its name.
    name: String,
    /// Its newest version.
    version: u32,
    /// Whether this version is new.
    changed: bool,
}

/// A difference at the provider.
#[derive(Debug, Serialize, ToSchema)]
struct DerivedChange {
    /// The provider's name of the field; absent when it is the entity itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// What is different.
    changed: DerivedChangeKind,
    /// The type of the field before.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// The type of the field now.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// What was done about it.
    policy: PolicyForm,
}

/// What can be different at a provider.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum DerivedChangeKind {
    /// The entity was not there before.
    Entity,
    /// The field was not there before.
    Added,
    /// The field was not there before, and the type has as many as it may have.
    NoRoom,
    /// The field has another type.
    Retyped,
    /// The field is there no more.
    Removed,
}

/// Derives a record type and its schema
///
/// The account is asked for the fields of the entity; the type that they make and the schema that
/// fills it are saved, each as a next version if it has changed. Asking again is safe: what has
/// not changed is not saved again.
#[utoipa::path(post, path = "/api/schemas/derive", tag = "schemas",
    security(("api_key" = ["editor"])), request_body = DerivationForm,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Makes it safe to send the same request again")),
    responses((status = 200, body = Derivation), (status = 409, body = Problem)))]
async fn derive_type(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Json(form): Json<DerivationForm>,
) -> Result<axum::Json<Derivation>, Problem> {
    let outer = form.at.as_deref().unwrap_or_default();
    if !outer.is_empty() && (!outer.starts_with('/') || outer.ends_with('/')) {
        let detail = "it is a JSON Pointer, as /properties, or empty for the record itself";
        return Err(Problem::invalid("the fields stand nowhere").at("/at", detail));
    }
    derived(&ports, &scope, &form).await.map(axum::Json)
}

/// Asks and saves. It waits for the provider, and a derived type is not costly: it keeps nobody
/// from their share.
async fn derived(
    ports: &Ports,
    scope: &Scope,
    form: &DerivationForm,
) -> Result<Derivation, Problem> {
    let place = ports.place(&scope.tenant, &form.connection).await?;
    place.has(&form.entity, "/entity")?;
    let actor = Actor::Person(scope.author());
    let mut adapter = ports.adapters.open(&place.connection, actor).await?;
    let deriving = Deriving {
        connection: &place.connection,
        entity: &form.entity,
        part: form.part.as_deref(),
        contract: form.contract.edit(),
        at: form.at.as_deref(),
        author: Some(scope.author()),
        now: ports.clock.now(),
    };
    let derive_ports = DerivePorts {
        adapter: adapter.as_mut(),
        schemas: &*ports.schemas,
        records: &*ports.records,
    };
    let derived = derive(&deriving, derive_ports).await;
    derived.map(Derivation::of).map_err(|error| refused(error, ""))
}

impl ContractForm {
    fn edit(&self) -> ContractEdit {
        let Self { object, field, kind } = self;
        let [object, field, kind] = [object, field, kind].map(|it| it.map(PolicyForm::policy));
        ContractEdit { object, field, kind }
    }
}

impl PolicyForm {
    fn policy(self) -> Policy {
        match self {
            Self::Evolve => Policy::Evolve,
            Self::Freeze => Policy::Freeze,
            Self::DiscardValue => Policy::DiscardValue,
            Self::DiscardRow => Policy::DiscardRow,
        }
    }

    fn of(policy: Policy) -> Self {
        match policy {
            Policy::Evolve => Self::Evolve,
            Policy::Freeze => Self::Freeze,
            Policy::DiscardValue => Self::DiscardValue,
            Policy::DiscardRow => Self::DiscardRow,
        }
    }
}

impl Derivation {
    fn of(Derived { record_type, schema, frozen, changes, .. }: Derived) -> Self {
        let text = |saved: engine::mapping::Saved| DerivedText {
            name: saved.name,
            version: saved.version,
            changed: saved.changed,
        };
        let changes = changes.into_iter().map(DerivedChange::of).collect();
        Self { record_type: record_type.map(text), schema: schema.map(text), frozen, changes }
    }
}

impl DerivedChange {
    fn of(Change { origin, changed, policy }: Change) -> Self {
        let (changed, from, to) = match changed {
            Changed::Entity => (DerivedChangeKind::Entity, None, None),
            Changed::Added(to) => (DerivedChangeKind::Added, None, Some(to)),
            Changed::NoRoom(to) => (DerivedChangeKind::NoRoom, None, Some(to)),
            Changed::Retyped { from, to } => (DerivedChangeKind::Retyped, Some(from), Some(to)),
            Changed::Removed => (DerivedChangeKind::Removed, None, None),
        };
        Self {
            field: Some(origin).filter(|origin| !origin.is_empty()),
            changed,
            from: from.map(|kind| kind.to_string()),
            to: to.map(|kind| kind.to_string()),
            policy: PolicyForm::of(policy),
        }
    }
}
