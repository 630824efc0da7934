//! Which operations make a provider's values fit a field.

use serde_json::{Value as Json, json};

use crate::record_type::Field;
use crate::{Chain, Kind, NoReferences, Value};

/// How samples fit.
pub(super) struct Fit {
    pub(super) ops: Vec<Json>,
    /// How many of them fit; without samples, what a name alone is worth.
    pub(super) percent: u8,
    pub(super) why: String,
}

/// A name without values says less.
const UNSEEN_PERCENT: u8 = 90;

/// What may have to be done for a field of a type, the simplest first.
fn ways(field: &Field) -> Vec<Vec<Json>> {
    let mut ways = match field.name.as_str() {
        "email" => vec![vec![json!("email_norm")]],
        "phone" | "mobile" => vec![vec![json!("phone_e164")]],
        _ => Vec::new(),
    };
    ways.extend(ways_of(&field.kind.kind()));
    ways
}

/// What may have to be done for a value of a kind, the simplest first.
fn ways_of(kind: &Kind) -> Vec<Vec<Json>> {
    let one = |name: &str| vec![json!(name)];
    let mut ways = vec![Vec::new()];
    ways.extend(match kind {
        Kind::Bool => vec![one("to_bool")],
        Kind::Integer => vec![one("to_int")],
        Kind::Decimal => vec![one("to_decimal")],
        Kind::Text => vec![one("to_string")],
        // Milliseconds taken for seconds are out of range, but not the other way round.
        Kind::DateTime => vec![
            one("epoch_s"),
            one("epoch_ms"),
            vec![json!("to_int"), json!("epoch_s")],
            vec![json!("to_int"), json!("epoch_ms")],
        ],
        Kind::Date => vec![vec![json!({"op": "truncate", "length": 10}), json!("parse_date")]],
        Kind::List(_) => vec![
            vec![json!({"op": "list_split", "separator": ";"})],
            vec![json!({"op": "list_split", "separator": ","})],
        ],
        _ => Vec::new(),
    });
    ways
}

/// The way that most samples fit.
pub(super) fn fitting(field: &Field, samples: &[Json]) -> Fit {
    let kind = field.kind.kind();
    let there: Vec<_> = samples.iter().filter(|sample| !is_empty(sample)).collect();
    if there.is_empty() {
        let (percent, why) = (UNSEEN_PERCENT, "no values seen".to_owned());
        return Fit { ops: Vec::new(), percent, why };
    }
    let (mut ops, fits) = best(ways(field), &kind, &there);
    let blank = samples.iter().any(|sample| sample.as_str() == Some(""));
    if blank && kind != Kind::Text {
        ops.insert(0, blank_is_null());
    }
    let percent = u8::try_from(fits * 100 / there.len()).unwrap_or(100);
    Fit { ops, percent, why: format!("{fits} of {} values fit", there.len()) }
}

/// The way that most samples fit a kind; where none is seen they are taken for texts.
pub(super) fn operations(kind: &Kind, samples: &[Json]) -> Vec<Json> {
    let there: Vec<_> = samples.iter().filter(|sample| !is_empty(sample)).collect();
    let mut ops = match kind {
        Kind::Bool | Kind::Integer | Kind::Decimal if there.is_empty() => {
            ways_of(kind).pop().unwrap_or_default()
        }
        _ => best(ways_of(kind), kind, &there).0,
    };
    let scalar =
        matches!(kind, Kind::Bool | Kind::Integer | Kind::Decimal | Kind::Date | Kind::DateTime);
    if scalar && (there.is_empty() || there.iter().any(|sample| sample.is_string())) {
        ops.insert(0, blank_is_null());
    }
    ops
}

/// A text without characters is no value of another kind.
fn blank_is_null() -> Json {
    json!({"op": "nullify", "values": [""]})
}

/// Of these ways the one that most samples fit, and how many do.
fn best(ways: Vec<Vec<Json>>, kind: &Kind, there: &[&Json]) -> (Vec<Json>, usize) {
    let scored = ways.into_iter().filter_map(|ops| {
        let (chain, view) = Chain::build(&ops, &Kind::Any).ok()?;
        let fits = |sample: &&&Json| fits(&chain, kind, sample);
        view.fits(kind).then(|| (ops, there.iter().filter(fits).count()))
    });
    // The first of equals is the simplest.
    let best = scored.reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.unwrap_or_default()
}

fn fits(chain: &Chain, kind: &Kind, sample: &Json) -> bool {
    let value = Value::from_json(sample).and_then(|value| Ok(chain.get(value, &NoReferences)?));
    value.and_then(|value| value.typed(kind)).is_ok_and(|value| !value.is_empty())
}

/// Whether a sample says nothing.
fn is_empty(sample: &Json) -> bool {
    matches!(sample, Json::Null) || sample.as_str().is_some_and(str::is_empty)
}
