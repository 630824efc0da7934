//! The operations that a conversion schema may use.

use mapping::ops::{Param, ParamKind, Spec, all};
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{Tag, Tagged};
use crate::auth::Principal;
use crate::problem::Problem;
use crate::schemas::Ports;

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(list))
}

/// All operations.
#[derive(Debug, Serialize, ToSchema)]
struct Transformations {
    /// The operations, in the order of the reference.
    items: Vec<Transformation>,
}

/// An operation.
#[derive(Debug, Serialize, ToSchema)]
struct Transformation {
    /// Its name in a schema.
    name: &'static str,
    /// What comes out.
    summary: &'static str,
    /// What goes in and what comes out, as `text → text`.
    types: &'static str,
    /// How far it can be reversed, and on what that depends.
    class: &'static str,
    /// What goes back.
    reverse: &'static str,
    /// The standard that it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    standard: Option<&'static str>,
    /// Its parameters.
    parameters: Vec<Parameter>,
    /// An example, computed.
    example: TransformationExample,
}

/// A parameter of an operation.
#[derive(Debug, Serialize, ToSchema)]
struct Parameter {
    /// Its name.
    name: &'static str,
    /// What may stand there.
    kind: ParameterKind,
    /// The words that may stand there, where it is a choice.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    choices: &'static [&'static str],
    /// Whether the operation needs it.
    required: bool,
    /// What it says, its limits, and what stands for it when it is left out.
    summary: &'static str,
}

/// What may stand for a parameter.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum ParameterKind {
    /// Text.
    Text,
    /// A whole number from 0.
    Count,
    /// A decimal number, written as a number or as text.
    Decimal,
    /// `true` or `false`.
    Bool,
    /// Any JSON.
    Json,
    /// A list of texts.
    Texts,
    /// An object of texts.
    Table,
    /// A list of operations.
    Ops,
    /// One of some words.
    Choice,
}

/// A computed example.
#[derive(Debug, Serialize, ToSchema)]
struct TransformationExample {
    /// The operation, as it stands in a schema.
    op: Json,
    /// What goes in.
    input: Json,
    /// What comes out.
    output: Json,
}

/// Lists the operations of conversion schemas
///
/// All of them; they are those of the running program, and the same for all tenants.
#[utoipa::path(get, path = "/api/transformations", tag = "transformations",
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = Transformations)))]
async fn list(_: Principal) -> Result<Tagged<Transformations>, Problem> {
    let all = Transformations { items: all().map(Transformation::of).collect() };
    Ok(Tagged(Tag::content(&all), all))
}

impl Transformation {
    fn of(spec: &Spec) -> Self {
        let json = |text| serde_json::from_str(text).unwrap_or_default();
        Self {
            name: spec.name,
            summary: spec.summary,
            types: spec.types,
            class: spec.class,
            reverse: spec.reverse,
            standard: spec.standard,
            parameters: spec.params.iter().map(Parameter::of).collect(),
            example: TransformationExample {
                op: json(spec.example.op),
                input: json(spec.example.input),
                output: json(spec.example.output),
            },
        }
    }
}

impl Parameter {
    fn of(param: &Param) -> Self {
        let (kind, choices): (_, &'static [&'static str]) = match param.kind {
            ParamKind::Text => (ParameterKind::Text, &[]),
            ParamKind::Count => (ParameterKind::Count, &[]),
            ParamKind::Decimal => (ParameterKind::Decimal, &[]),
            ParamKind::Bool => (ParameterKind::Bool, &[]),
            ParamKind::Json => (ParameterKind::Json, &[]),
            ParamKind::Texts => (ParameterKind::Texts, &[]),
            ParamKind::Table => (ParameterKind::Table, &[]),
            ParamKind::Ops => (ParameterKind::Ops, &[]),
            ParamKind::Choice(words) => (ParameterKind::Choice, words),
        };
        let Param { name, required, summary, .. } = *param;
        Self { name, kind, choices, required, summary }
    }
}
