//! What a replay would change, on the wire.

use std::collections::BTreeMap;

use engine::replay::{EntityImpact, Example, FieldChange, Impact};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::{OpenApi, OpenApiBuilder};
use utoipa::{PartialSchema as _, ToSchema};

use crate::problem::Problem;

/// What a replay would change: the result of the operation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImpactResult {
    /// The entities.
    entities: BTreeMap<String, ImpactOnEntity>,
    /// Somebody asked to stop before all was looked at.
    stopped: bool,
}

/// What a replay would do to the records of one entity.
#[derive(Debug, Serialize, ToSchema)]
struct ImpactOnEntity {
    /// The schemas that would map them; null where none does.
    schema: Option<String>,
    /// Why they were not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
    /// Records that their schema has mapped already.
    current: u64,
    /// Records that were not mapped before.
    new: u64,
    /// Records whose document would change.
    changed: u64,
    /// Records that would be mapped to what they are.
    unchanged: u64,
    /// Records that their schema does not take.
    rejected: u64,
    /// Records that would not be mapped any more.
    unmapped: u64,
    /// A few of them.
    examples: Vec<ImpactExample>,
}

/// A record that a replay would change.
#[derive(Debug, Serialize, ToSchema)]
struct ImpactExample {
    /// The provider's id.
    id: String,
    /// Fields that would change; none of a record that would be rejected.
    fields: Vec<ImpactOnField>,
    /// Why it would be rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

/// A field before and after.
#[derive(Debug, Serialize, ToSchema)]
struct ImpactOnField {
    /// The field.
    name: String,
    /// Its value by now; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = serde_json::Value)]
    before: Option<Box<RawValue>>,
    /// The value that it would have; absent where it would have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = serde_json::Value)]
    after: Option<Box<RawValue>>,
}

/// A document that knows the result: an operation may have any, so that no route leads to it.
pub(super) fn document() -> OpenApi {
    let mut schemas = vec![(ImpactResult::name().into_owned(), ImpactResult::schema())];
    ImpactResult::schemas(&mut schemas);
    let components = ComponentsBuilder::new().schemas_from_iter(schemas).build();
    OpenApiBuilder::new().components(Some(components)).build()
}

impl ImpactResult {
    pub(super) fn of(Impact { entities, stopped }: Impact) -> Self {
        let entities = entities.into_iter().map(|(name, it)| (name, ImpactOnEntity::of(it)));
        Self { entities: entities.collect(), stopped }
    }
}

impl ImpactOnEntity {
    fn of(found: EntityImpact) -> Self {
        Self {
            schema: found.schema,
            problem: found.error.map(Problem::from),
            current: found.current,
            new: found.new,
            changed: found.changed,
            unchanged: found.unchanged,
            rejected: found.rejected,
            unmapped: found.unmapped,
            examples: found.examples.into_iter().map(ImpactExample::of).collect(),
        }
    }
}

impl ImpactExample {
    fn of(Example { id, fields, error }: Example) -> Self {
        let fields = fields.into_iter().map(ImpactOnField::of).collect();
        Self { id, fields, problem: error.map(Problem::from) }
    }
}

impl ImpactOnField {
    fn of(FieldChange { name, before, after }: FieldChange) -> Self {
        Self { name, before, after }
    }
}
