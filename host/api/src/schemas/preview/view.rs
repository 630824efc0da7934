//! A preview on the wire.

use mapping::{FieldPreview, Issue, Preview, RoundTrip, StepPreview};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// What a schema makes of a record.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PreviewedRecord {
    /// The provider's id, or the place in the list that was given, from 1.
    id: String,
    /// The record that comes out; null when it is rejected.
    #[schema(value_type = Option<Object>)]
    output: Option<Box<RawValue>>,
    /// Where the record can be opened at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// The field maps, in the order of the schema.
    fields: Vec<PreviewedField>,
    /// What is wrong.
    issues: Vec<PreviewedIssue>,
}

/// What a field map makes of a record.
#[derive(Debug, Serialize, ToSchema)]
struct PreviewedField {
    /// JSON Pointers into the provider's record.
    from: Vec<String>,
    /// Fields of the record type.
    to: Vec<String>,
    /// The value as it was found, a list of them for several sources; absent when nothing stands
    /// there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = serde_json::Value)]
    source: Option<Box<RawValue>>,
    /// The value after each operation, up to the first that fails.
    steps: Vec<PreviewedStep>,
    /// What comes back when the value is read and, as if it was new to the provider, written;
    /// absent when nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = serde_json::Value)]
    back: Option<Box<RawValue>>,
    /// How that is like the provider's value.
    round_trip: RoundTripView,
}

/// The value after an operation.
#[derive(Debug, Serialize, ToSchema)]
struct PreviewedStep {
    /// The operation.
    op: &'static str,
    /// The type of the value, if there is any.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// The value; absent when it is missing, or when the operation has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = serde_json::Value)]
    value: Option<Box<RawValue>>,
    /// Why the operation has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// How what goes back is like the provider's value.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum RoundTripView {
    /// It is the same.
    Equal,
    /// It is tidier, and reads the same.
    Tidied,
    /// It cannot be made without the provider's own, or reads differently.
    Differs,
    /// Nothing goes back: it is not written back, there is nothing to write, it could not be read,
    /// or the work of the record was spent.
    None,
}

/// A field that could not be mapped.
#[derive(Debug, Serialize, ToSchema)]
struct PreviewedIssue {
    /// The field of the record type.
    field: String,
    /// The operation that has failed, by its position in the field map; absent when the value
    /// itself does not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<usize>,
    /// Where the value stands in the provider's record, as a JSON Pointer.
    path: String,
    /// Stable, lower-case: `mapping.type`, `mapping.date`, …
    code: &'static str,
    /// What is wrong; it quotes at most a few characters of the value.
    message: String,
}

impl PreviewedRecord {
    pub(super) fn of(id: String, preview: Preview) -> Self {
        let Preview { output, url, fields, issues } = preview;
        let fields = fields.into_iter().map(PreviewedField::of).collect();
        let issues = issues.into_iter().map(PreviewedIssue::of).collect();
        Self { id, output, url, fields, issues }
    }
}

impl PreviewedField {
    fn of(preview: FieldPreview) -> Self {
        let FieldPreview { from, to, source, steps, back, round_trip } = preview;
        let round_trip = match round_trip {
            RoundTrip::Equal => RoundTripView::Equal,
            RoundTrip::Tidied => RoundTripView::Tidied,
            RoundTrip::Differs => RoundTripView::Differs,
            RoundTrip::None => RoundTripView::None,
        };
        let steps = steps.into_iter().map(PreviewedStep::of).collect();
        Self { from, to, source, steps, back, round_trip }
    }
}

impl PreviewedStep {
    fn of(StepPreview { op, kind, value, error }: StepPreview) -> Self {
        Self { op, kind, value, error }
    }
}

impl PreviewedIssue {
    fn of(Issue { field, op, path, code, message }: Issue) -> Self {
        Self { field, step: op.map(|(position, _)| position), path, code, message }
    }
}
