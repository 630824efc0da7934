//! What is wrong with a schema, before it is saved.

use axum::extract::State;
use engine::mapping::{LOOKED_THROUGH, check, not_seen, payloads, types};
use mapping::{Direction, FieldMap, Program, RecordType, Row, Schema, Types};
use model::ConnectionId;
use model::schema::SchemaKind;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Ports;
use super::form::{self, ClassView, DiagnosticView, refused};
use crate::auth::{Scope, Viewer};
use crate::extract::Json;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(validate))
}

/// A schema to be checked: as JSON, or as a text that may be no JSON yet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ValidationForm {
    /// The schema.
    #[schema(value_type = Option<serde_json::Value>)]
    schema: Option<Box<RawValue>>,
    /// The text, instead.
    text: Option<String>,
    /// Record types that it is checked against besides those that are saved, or in place of them.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    record_types: Vec<Box<RawValue>>,
    /// Its sources are looked for in stored records of this connection.
    #[schema(value_type = Option<String>)]
    connection: Option<ConnectionId>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
struct Validation {
    /// Whether it can be saved.
    ok: bool,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The entity that it maps.
    #[serde(skip_serializing_if = "Option::is_none")]
    entity: Option<String>,
    /// The record type that it maps to.
    #[serde(skip_serializing_if = "Option::is_none")]
    record_type: Option<String>,
    /// Everything that is wrong with it, and what may not be as it was meant.
    diagnostics: Vec<DiagnosticView>,
    /// Its field maps, in their order; none where it is refused.
    rows: Vec<RowView>,
    /// Sources that none of the stored records that were looked at has.
    not_seen: Vec<String>,
}

/// A field map.
#[derive(Debug, Serialize, ToSchema)]
struct RowView {
    /// JSON Pointers into the provider's record.
    from: Vec<String>,
    /// Fields of the record type.
    to: Vec<String>,
    /// Whether it is meant to be written back.
    direction: DirectionView,
    /// How far it can be reversed: as its weakest operation.
    class: ClassView,
    /// How far each of its operations can be.
    ops: Vec<ClassView>,
}

/// In which directions a field is mapped.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum DirectionView {
    /// Read, and written back.
    Both,
    /// Read only.
    In,
}

/// Checks a conversion schema
///
/// What is wrong is the answer and no error. Nothing is saved.
#[utoipa::path(post, path = "/api/schemas/validate", tag = "schemas",
    security(("api_key" = ["viewer"])), request_body = ValidationForm,
    responses((status = 200, body = Validation)))]
async fn validate(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Json(form): Json<ValidationForm>,
) -> Result<axum::Json<Validation>, Problem> {
    let tenant = scope.tenant.clone();
    ports.costly(&tenant, |ports| found(ports, scope, form)).await.map(axum::Json)
}

async fn found(ports: Ports, scope: Scope, form: ValidationForm) -> Result<Validation, Problem> {
    let ValidationForm { schema, text, record_types, connection } = form;
    let text = match (schema, text) {
        (Some(schema), None) => form::text(schema, "/schema")?,
        (None, Some(text)) => form::fits(&text, "/text").map(|()| text)?,
        _ => return Err(Problem::invalid("send either `schema` or `text`")),
    };
    let types = types(&*ports.schemas, &scope.tenant).await;
    let types = types.map_err(|error| refused(error, ""))?;
    let checked = check(SchemaKind::Conversion, &text, &with(types, record_types)?);
    let ok = !checked.is_refused();
    let diagnostics = checked.diagnostics.iter().map(DiagnosticView::of).collect();
    let rows = checked.program.as_ref().map(Program::rows).unwrap_or_default();
    let schema = checked.schema.as_ref();
    let fields = schema.map(Schema::fields).unwrap_or_default();
    let mut validation = Validation {
        ok,
        name: checked.name,
        entity: schema.map(|schema| schema.entity().to_owned()),
        record_type: schema.map(|schema| schema.record_type().to_owned()),
        diagnostics,
        rows: fields.iter().zip(rows).map(|(map, row)| RowView::of(map, row)).collect(),
        not_seen: Vec::new(),
    };
    if let (Some(connection), Some(schema)) = (connection, schema) {
        let place = ports.place(&scope.tenant, &connection).await?;
        let records = ports.sample(&place, (schema.entity(), None), LOOKED_THROUGH).await?;
        if !records.is_empty() {
            validation.not_seen = not_seen(schema, &payloads(&records));
        }
    }
    Ok(validation)
}

/// The types with those of the request.
fn with(mut types: Types, more: Vec<Box<RawValue>>) -> Result<Types, Problem> {
    for (position, found) in more.into_iter().enumerate() {
        let at = format!("/record_types/{position}");
        let text = form::text(found, &at)?;
        let refuse = |found| {
            let error = engine::mapping::MappingError::refused("the record type", found);
            refused(error, &at)
        };
        types = types.with_version(RecordType::parse(&text).map_err(refuse)?).map_err(refuse)?;
    }
    Ok(types)
}

impl RowView {
    fn of(map: &FieldMap, row: Row) -> Self {
        Self {
            from: map.from.clone(),
            to: map.to.clone(),
            direction: match map.direction {
                Direction::Both => DirectionView::Both,
                Direction::In => DirectionView::In,
            },
            class: ClassView::of(row.class),
            ops: row.ops.into_iter().map(ClassView::of).collect(),
        }
    }
}
