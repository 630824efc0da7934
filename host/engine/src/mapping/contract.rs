//! Records with fields that a derived type does not know, where its contract leaves them out.

use std::collections::{BTreeMap, BTreeSet};

use mapping::record_type::Policy;
use mapping::{RecordType, Schema};
use plughouse_scan::pointer::unescape;
use plughouse_scan::{Paths, Scratch};
use serde_json::value::RawValue;

/// The fields that records may have.
#[derive(Debug)]
pub(super) struct Known {
    /// The object that has the fields.
    place: Paths,
    names: BTreeSet<String>,
}

impl Known {
    /// Those of a derived type; nothing where records with other fields are taken.
    pub(super) fn of(schema: &Schema, record_type: &RecordType) -> Option<Self> {
        let derived = record_type.fields.iter().any(|field| field.origin.is_some());
        if !derived || record_type.contract.field != Policy::DiscardRow {
            return None;
        }
        let sources = || schema.fields().iter().flat_map(|map| &map.from);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (place, _) in sources().filter_map(|source| source.rsplit_once('/')) {
            *counts.entry(place).or_default() += 1;
        }
        let most = counts.into_iter().reduce(|a, b| if b.1 > a.1 { b } else { a });
        let (place, _) = most?;
        let within = sources().filter_map(|source| source.strip_prefix(place)?.strip_prefix('/'));
        let names = within.filter_map(|rest| unescape(rest.split('/').next()?)).collect();
        Some(Self { place: Paths::new([place]).ok()?, names })
    }

    /// A field of a record with a value that is none of them.
    pub(super) fn stranger(&self, payload: &[u8], scratch: &mut Scratch) -> Option<String> {
        let picks = self.place.scan(payload, scratch).ok()?;
        let members: BTreeMap<String, &RawValue> =
            serde_json::from_slice(picks.get(0)?.raw()).ok()?;
        let strange = |(name, value): &(String, &RawValue)| {
            value.get() != "null" && !self.names.contains(name)
        };
        members.into_iter().find(strange).map(|(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn known(at: &str, policy: &str) -> Option<Known> {
        let schema = json!({"format": 1, "name": "s", "entity": "e", "type": "t", "fields": [
            {"from": format!("{at}/a~1b"), "to": "a"}, {"from": format!("{at}/c"), "to": "c"},
            {"from": "/elsewhere/d", "to": "d"}]});
        let field = |name| json!({"name": name, "kind": "any", "origin": name});
        let record_type = json!({"name": "t", "contract": {"field": policy},
            "fields": [field("a"), field("c"), field("d")]});
        let schema = Schema::parse(&schema.to_string()).unwrap();
        Known::of(&schema, &RecordType::parse(&record_type.to_string()).unwrap())
    }

    #[track_caller]
    fn check(at: &str, payload: &Value, expected: Option<&str>) {
        let payload = payload.to_string();
        let found = known(at, "discard_row").unwrap();
        let found = found.stranger(payload.as_bytes(), &mut Scratch::default());
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn fields_that_no_map_reads_are_strange_if_they_have_a_value() {
        check("/p", &json!({"id": 1, "p": {"a/b": 1, "c": 2}}), None);
        check("/p", &json!({"p": {"c": 2, "x": null}}), None);
        check("/p", &json!({"p": {"c": 2, "x": {}}}), Some("x"));
        check("/p", &json!({"p": 7}), None);
        check("/p", &json!({}), None);
        check("", &json!({"c": 1, "elsewhere": {"d": 1}}), None);
        check("", &json!({"c": 1, "x": 1}), Some("x"));
        assert!(known("/p", "discard_value").is_none());
    }
}
