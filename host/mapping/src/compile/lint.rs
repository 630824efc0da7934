//! What is allowed and probably not meant.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::field::op_name;
use crate::diagnostic::{Diagnostic, Report};
use crate::{FieldMap, OnError, RecordType, Schema};

/// Operations that do nothing the second time.
const ONCE: &[&str] = &[
    "trim",
    "collapse_ws",
    "lower",
    "upper",
    "title",
    "default",
    "nullify",
    "truncate",
    "round",
    "date_trunc",
    "list_unique",
    "list_sort",
    "email_norm",
    "phone_e164",
    "url_norm",
    "lang",
];

/// Operations of which the last one decides.
const CASES: &[&str] = &["lower", "upper", "title"];

/// Operations that undo each other when they have the same parameters.
const OPPOSITES: &[(&str, &str)] = &[
    ("prefix_add", "prefix_strip"),
    ("suffix_add", "suffix_strip"),
    ("list_split", "list_join"),
    ("json_parse", "json_stringify"),
    ("parse_date", "format_date"),
    ("to_int", "to_string"),
    ("to_decimal", "to_string"),
    ("base64", "base64_decode"),
    ("url_encode", "url_decode"),
    ("html_escape", "html_unescape"),
];

/// Operations that give a value where there is none.
const FILLS: &[&str] = &["const", "default", "coalesce"];

pub(super) fn check(schema: &Schema, record_type: &RecordType, report: &mut Report) {
    for (position, map) in schema.fields.iter().enumerate() {
        let at = format!("/fields/{position}");
        for (index, pair) in map.ops.windows(2).enumerate() {
            if let [first, second] = pair {
                neighbours(&format!("{at}/ops/{}", index + 1), first, second, report);
            }
        }
        for (index, op) in map.ops.iter().enumerate() {
            table(&format!("{at}/ops/{index}"), op, report);
        }
        required(&at, map, record_type, report);
    }
}

fn neighbours(at: &str, first: &Json, second: &Json, report: &mut Report) {
    let (Some(one), Some(two)) = (op_name(first), op_name(second)) else { return };
    let message = if ONCE.contains(&one) && first == second {
        format!("`{two}` has nothing left to do after `{one}`; leave it out")
    } else if CASES.contains(&one) && CASES.contains(&two) && one != two {
        format!("`{two}` undoes what `{one}` does before it; leave `{one}` out")
    } else if opposite(one, two) && params(first) == params(second) {
        format!("`{two}` undoes what `{one}` does before it; leave both out")
    } else {
        return;
    };
    report.push(Diagnostic::warning("lint.no-effect", at, message).op(two));
}

fn opposite(one: &str, two: &str) -> bool {
    OPPOSITES.iter().any(|&(a, b)| (a, b) == (one, two) || (b, a) == (one, two))
}

/// The parameters, without the name.
fn params(op: &Json) -> Vec<(&String, &Json)> {
    op.as_object().into_iter().flatten().filter(|(key, _)| *key != "op").collect()
}

/// Warns of tables that write two values back as one.
fn table(at: &str, op: &Json, report: &mut Report) {
    let Some(name @ ("enum_map" | "bool_map")) = op_name(op) else { return };
    let tables = op.as_object().into_iter().flatten().filter_map(|(_, json)| json.as_object());
    for table in tables {
        let mut seen: HashMap<&Json, &String> = HashMap::new();
        for (key, value) in table {
            if let Some(first) = seen.insert(value, key) {
                let message = format!(
                    "{first:?} and {key:?} both become {value}; a new {value} is written back as \
                     one of them"
                );
                report.push(Diagnostic::warning("lint.not-injective", at, message).op(name));
                break;
            }
        }
    }
}

fn required(at: &str, map: &FieldMap, record_type: &RecordType, report: &mut Report) {
    let filled = map.ops.iter().filter_map(op_name).any(|op| FILLS.contains(&op));
    if filled || matches!(map.on_error, OnError::RejectRecord) {
        return;
    }
    for name in &map.to {
        if record_type.field(name).is_some_and(|field| field.required) {
            let message = format!(
                "records without `{name}` will be rejected, because it is required; add a \
                 default, or write \"on_error\": \"reject_record\" to say that this is meant"
            );
            report.push(Diagnostic::warning("lint.required", &format!("{at}/to"), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chain, NoReferences, ops};

    #[test]
    fn every_name_is_that_of_an_operation() {
        let pairs = OPPOSITES.iter().flat_map(|&(one, other)| [one, other]);
        for name in ONCE.iter().chain(CASES).chain(FILLS).copied().chain(pairs) {
            assert!(ops::find(name).is_some(), "{name}");
        }
    }

    #[test]
    fn what_is_said_to_do_nothing_twice_does_nothing_twice() {
        for name in ONCE {
            let spec = ops::find(name).unwrap();
            let op: Json = serde_json::from_str(spec.example.op).unwrap();
            let (input, kind) = spec.example_source();
            let get = |count| {
                let (chain, _) = Chain::build(&vec![op.clone(); count], &kind).ok()?;
                chain.get(input.clone(), &NoReferences).ok()
            };
            let once = get(1);
            assert!(once.is_some(), "{name}");
            assert_eq!(once, get(2), "{name}");
        }
    }
}
