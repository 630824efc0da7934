//! What a program does to one record, step by step.

use plughouse_scan::Picks;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::program::plan::Map;
use crate::program::scan_record;
use crate::work::Work;
use crate::{Direction, Issue, Program, Reading, References, Scratch, Value};

/// What a program does to one record.
#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    /// The record that comes out; `None` when it is rejected.
    pub output: Option<Box<RawValue>>,
    /// Where the record can be opened at the provider.
    pub url: Option<String>,
    /// The field maps, in the order of the schema.
    pub fields: Vec<FieldPreview>,
    /// What is wrong.
    pub issues: Vec<Issue>,
}

/// What a field map does to one record.
#[derive(Clone, Debug, Serialize)]
pub struct FieldPreview {
    /// JSON Pointers into the provider's record.
    pub from: Vec<String>,
    /// Fields of the record type.
    pub to: Vec<String>,
    /// The value as it was found, a list of them for several sources; absent when nothing stands
    /// there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Box<RawValue>>,
    /// The value after each operation, up to the first that fails.
    pub steps: Vec<StepPreview>,
    /// What comes back when the value is read and, as if it was new to the provider, written, as
    /// far as something does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back: Option<Box<RawValue>>,
    /// How that is like the provider's value.
    pub round_trip: RoundTrip,
}

/// The value after an operation.
#[derive(Clone, Debug, Serialize)]
pub struct StepPreview {
    /// The operation.
    pub op: &'static str,
    /// The type of the value, if there is any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The value; absent when it is missing, or when the operation has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Box<RawValue>>,
    /// Why the operation has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What comes back when a value is read and, as if it was new to the provider, written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RoundTrip {
    /// The provider's value.
    Equal,
    /// A tidier one that reads the same.
    Tidied,
    /// One that cannot be made without the provider's own, or that reads differently.
    Differs,
    /// Nothing: it is not written back, there is nothing to write, it could not be read, or the
    /// work of the record was spent.
    None,
}

/// Bytes of a value that are shown, a longer one as a text with its beginning: a preview holds a
/// value for every step of every field.
const SHOWN_BYTES_MAX: usize = 4 << 10;

/// Shows what a program does to one record of the provider.
pub fn preview(program: &Program, payload: &[u8], refs: &dyn References) -> Preview {
    let mut scratch = Scratch::default();
    let (output, url, issues) = match program.read(payload, &mut scratch, refs) {
        Reading::Mapped { doc, url, issues } => {
            (raw(String::from_utf8_lossy(doc).into_owned()), url, issues)
        }
        Reading::Rejected { issues } => (None, None, issues),
    };
    // Of a record that can be read all steps are shown, whatever is spent on the way back.
    let (steps, trips) = (Work::new(refs), Work::new(refs));
    let mut scan = plughouse_scan::Scratch::default();
    let fields = match scan_record(&program.plan.sources, payload, &mut scan) {
        Ok(picks) => {
            program.plan.maps.iter().map(|map| field(map, &picks, &steps, &trips)).collect()
        }
        Err(_) => Vec::new(),
    };
    Preview { output, url, fields, issues }
}

fn field(map: &Map, picks: &Picks<'_, '_>, work: &Work<'_>, trips: &Work<'_>) -> FieldPreview {
    let source = map.get.source(picks, work).unwrap_or(Value::Missing);
    let steps = map.get.chain.steps(source.clone(), work).into_iter().map(|(op, outcome)| {
        let (value, error) = match outcome {
            Ok(value) => (Some(value), None),
            Err(fault) => (None, Some(fault.to_string())),
        };
        let kind = value.as_ref().filter(|value| !value.is_empty());
        let kind = kind.map(|value| value.kind().to_string());
        StepPreview { op, kind, value: value.as_ref().and_then(shown), error }
    });
    let (back, trip) = round_trip(map, &source, trips);
    let spent = trips.is_spent();
    FieldPreview {
        from: map.get.paths.iter().map(|path| path.pointer.clone()).collect(),
        to: map.targets.iter().map(|target| target.name.clone()).collect(),
        source: shown(&source),
        steps: steps.collect(),
        back: back.filter(|_| !spent),
        round_trip: if spent { RoundTrip::None } else { trip },
    }
}

/// What goes back, and how it is like the source.
fn round_trip(
    map: &Map,
    source: &Value<'_>,
    work: &Work<'_>,
) -> (Option<Box<RawValue>>, RoundTrip) {
    let chain = &map.get.chain;
    let Ok(view) = chain.read(source.clone(), work) else { return (None, RoundTrip::None) };
    if map.direction == Direction::In || source.is_empty() {
        return (None, RoundTrip::None);
    }
    let Ok(back) = chain.write(view.clone(), &Value::Missing, work) else {
        return (None, RoundTrip::Differs);
    };
    let shown = shown(&back);
    if back == *source {
        return (shown, RoundTrip::Equal);
    }
    match chain.read(back, work) {
        Ok(again) if again == view => (shown, RoundTrip::Tidied),
        _ => (shown, RoundTrip::Differs),
    }
}

fn shown(value: &Value<'_>) -> Option<Box<RawValue>> {
    if value.is_missing() {
        return None;
    }
    let json = value.to_json();
    if json.len() <= SHOWN_BYTES_MAX {
        return raw(json);
    }
    let begin = json.get(..json.floor_char_boundary(SHOWN_BYTES_MAX)).unwrap_or_default();
    let cut = Value::text(format!("{begin}… ({} bytes)", json.len()));
    raw(cut.to_json())
}

fn raw(json: String) -> Option<Box<RawValue>> {
    RawValue::from_string(json).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::NoReferences;
    use crate::program::tests::program;

    #[test]
    fn every_step_shows_what_it_gives() {
        let program = program(&json!([
            {"from": "/a", "to": "text", "ops": ["trim", "lower"]},
            {"from": "/b", "to": "more", "ops": ["trim"], "direction": "in"},
            {"from": "/c", "to": "amount"},
        ]));
        let payload = br#"{"a": " X ", "b": 7, "c": 1.50}"#;
        let found = serde_json::to_value(preview(&program, payload, &NoReferences)).unwrap();
        assert_eq!(found["output"], json!({"text": "x", "amount": 1.5}));
        assert_eq!(
            found["fields"][0],
            json!({
                "from": ["/a"], "to": ["text"], "source": " X ",
                "steps": [
                    {"op": "trim", "kind": "text", "value": "X"},
                    {"op": "lower", "kind": "text", "value": "x"},
                ],
                "back": "x",
                "round_trip": "tidied",
            })
        );
        let failed = "expected text, found integer";
        assert_eq!(found["fields"][1]["steps"], json!([{"op": "trim", "error": failed}]));
        assert_eq!(found["fields"][1]["round_trip"], "none");
        assert_eq!(found["fields"][2]["round_trip"], "equal");
        assert_eq!(found["issues"][0]["code"], "mapping.type");
        assert_eq!(found["issues"][0]["op"], json!([0, "trim"]));
    }

    #[test]
    fn of_long_values_the_beginning_is_shown() {
        let program = program(&json!([{"from": "/a", "to": "text", "ops": ["trim"]}]));
        let payload = json!({"a": "é".repeat(100_000)}).to_string();
        let shown = preview(&program, payload.as_bytes(), &NoReferences);
        let step = shown.fields[0].steps[0].value.as_ref().unwrap().get();
        assert!(step.len() < 5_000 && step.ends_with("é… (200002 bytes)\""), "{step}");
        assert_eq!(shown.output.map(|output| output.get().len()), Some(200_011));
    }

    #[test]
    fn a_record_that_is_rejected_has_no_output() {
        let program = program(&json!([{"from": "/a", "to": "text"}]));
        let found = preview(&program, b"[]", &NoReferences);
        assert!(found.output.is_none() && found.fields.is_empty());
        let issue: Json = serde_json::to_value(&found.issues).unwrap();
        assert_eq!(issue[0]["code"], "mapping.type");
    }
}
