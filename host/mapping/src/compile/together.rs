//! What field maps must not do together.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Report};
use crate::{Direction, RecordType, Schema};

/// Checks that every target has one field map, every required one has any, and that no two field
/// maps write the same place at the provider.
pub(super) fn check(schema: &Schema, record_type: &RecordType, report: &mut Report) {
    targets(schema, record_type, report);
    sources(schema, report);
}

fn targets(schema: &Schema, record_type: &RecordType, report: &mut Report) {
    let mut mapped = BTreeMap::new();
    for (position, map) in schema.fields.iter().enumerate() {
        for name in &map.to {
            if let Some(first) = mapped.insert(name, position) {
                let at = format!("/fields/{position}/to");
                let message = format!("`{name}` has a value already, from /fields/{first}");
                report.error("schema.duplicate-target", &at, message);
            }
        }
    }
    for field in record_type.fields.iter().filter(|field| field.required) {
        if !mapped.contains_key(&field.name) {
            let message = format!(
                "`{}` is required in `{}` and is not mapped; add a field map to it",
                field.name, record_type.name
            );
            report.error("schema.required", "/fields", message);
        }
    }
}

fn sources(schema: &Schema, report: &mut Report) {
    let mut written: BTreeMap<&str, usize> = BTreeMap::new();
    let mut clashes = BTreeSet::new();
    for (position, map) in schema.fields.iter().enumerate() {
        if map.direction == Direction::In {
            continue;
        }
        for from in &map.from {
            if from.is_empty() {
                let message = "the whole record cannot be written back; name a path within it, or \
                               write \"direction\": \"in\"";
                report.error("schema.source", &format!("/fields/{position}/from"), message);
            } else if let Some(first) = written.insert(from, position) {
                clashes.insert((position, first, from.as_str(), from.as_str()));
            }
        }
    }
    for (from, &position) in &written {
        let above = from.char_indices().filter(|(at, c)| *c == '/' && *at > 0);
        for outer in above.filter_map(|(at, _)| from.get(..at)) {
            if let Some(&first) = written.get(outer) {
                clashes.insert((position, first, from, outer));
            }
        }
    }
    for (position, first, from, other) in clashes {
        let message = format!(
            "{from:?} would be written back twice, by this field and, as {other:?}, by \
             /fields/{first}; write \"direction\": \"in\" on one of them"
        );
        let at = format!("/fields/{position}/from");
        report.push(Diagnostic::error("schema.overlap", &at, message));
    }
}
