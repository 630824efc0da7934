//! A schema guessed from names and stored values.

use std::collections::{BTreeMap, BTreeSet};

use mapping::suggest::{Candidate, Suggestion};
use mapping::{RecordType, Schema, Severity, Source, Types, compile};
use model::adapter::Field;
use plughouse_scan::pointer::{escape, unescape};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::paths::values;
use super::place::most;

/// What a schema is guessed for, and from what.
pub struct Suggesting<'a> {
    /// How it is to be called.
    pub name: &'a str,
    /// The entity.
    pub entity: &'a str,
    /// The record type.
    pub record_type: &'a RecordType,
    /// The record types of the tenant.
    pub types: &'a Types,
    /// Some stored records.
    pub payloads: &'a [Json],
    /// What the account says of the entity's fields; none where it was not asked.
    pub offered: &'a [Field],
}

/// A schema and why it is as it is.
#[derive(Clone, Debug, Serialize)]
pub struct Suggested {
    /// The schema.
    pub schema: Json,
    /// The reasons for its field maps, in their order.
    pub suggestions: Vec<Suggestion>,
}

/// Guesses a schema; nothing where no field looks like one of the type.
pub fn suggest(suggesting: &Suggesting<'_>) -> Option<Suggested> {
    let suggestions = mapping::suggest::suggest(&suggesting.candidates(), suggesting.record_type);
    if suggestions.is_empty() {
        return None;
    }
    let every = suggesting.schema(&suggestions, &BTreeSet::new());
    let schema = suggesting.schema(&suggestions, &refused(&every, suggesting.types));
    Some(Suggested { schema, suggestions })
}

impl Suggesting<'_> {
    /// The paths of values in the records, and the fields that stand empty in all of them.
    fn candidates(&self) -> Vec<Candidate> {
        let labels: BTreeMap<_, _> =
            self.offered.iter().map(|field| (field.name.as_str(), field.label.as_str())).collect();
        let (mut found, _) = values(self.payloads);
        if let Some(at) = most(labels.keys().copied(), self.payloads) {
            for name in labels.keys() {
                found.entry(format!("{at}/{}", escape(name))).or_default();
            }
        }
        let candidates = found.into_iter().map(|(pointer, samples)| {
            let name = pointer.rsplit('/').next().and_then(unescape).unwrap_or_default();
            let label = labels.get(name.as_str()).copied().unwrap_or_default().to_owned();
            Candidate { pointer, label, name, samples: samples.into_iter().cloned().collect() }
        });
        candidates.collect()
    }

    /// The schema; fields at these positions are read only.
    fn schema(&self, suggestions: &[Suggestion], one_way: &BTreeSet<usize>) -> Json {
        let field = |(position, found): (usize, &Suggestion)| {
            let Suggestion { from, ops, to, .. } = found;
            let direction = if one_way.contains(&position) { "in" } else { "both" };
            json!({"from": from, "ops": ops, "to": to, "direction": direction})
        };
        let fields: Vec<_> = suggestions.iter().enumerate().map(field).collect();
        json!({
            "format": Schema::FORMAT,
            "name": self.name,
            "entity": self.entity,
            "type": self.record_type.name,
            "fields": fields,
        })
    }
}

/// The fields that cannot be written back as they stand.
fn refused(schema: &Json, types: &Types) -> BTreeSet<usize> {
    let found = Schema::parse(&schema.to_string())
        .and_then(|parsed| compile(&parsed, types, &Source::default()).map(drop));
    let found = found.err().unwrap_or_default();
    let errors = found.into_iter().filter(|found| found.severity == Severity::Error);
    errors.filter_map(|found| found.field).collect()
}

#[cfg(test)]
mod tests {
    use model::adapter::FieldKind;

    use super::*;

    fn offered(name: &str, label: &str) -> Field {
        Field {
            name: name.to_owned(),
            label: label.to_owned(),
            kind: FieldKind::Text,
            required: false,
            writable: true,
            unique: false,
            choices: Vec::new(),
            target: None,
            details: Vec::new(),
        }
    }

    #[track_caller]
    fn check(payloads: &[Json], fields: &[Field], expected: &[(&str, &str)]) {
        let types = Types::built_in();
        let suggesting = Suggesting {
            name: "crm.contact",
            entity: "contact",
            record_type: types.get("c_contact").unwrap(),
            types: &types,
            payloads,
            offered: fields,
        };
        let found = suggest(&suggesting).map(|found| found.suggestions).unwrap_or_default();
        let found: Vec<_> = found.iter().map(|it| (it.from.as_str(), it.to.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn fields_are_known_by_their_labels_even_where_records_leave_them_empty() {
        let payloads = [json!({"p": {"x1": "a@b.c", "x2": "Ada"}})];
        check(&payloads, &[], &[]);
        let labelled = [offered("x1", "Email"), offered("x2", "First name"), offered("x3", "City")];
        let found = [("/p/x2", "given_name"), ("/p/x1", "email"), ("/p/x3", "city")];
        check(&payloads, &labelled, &found);
    }
}
