//! What a mapped record is known by across connections.

use mapping::RecordType;
use model::canonical::{IDENTITIES_MAX, IdentityKey};
use plughouse_scan::{Paths, Picks, Scratch};

/// The identity rules of a record type.
#[derive(Debug)]
pub(super) struct Identities {
    record_type: String,
    /// The fields of all rules, in the order of the paths.
    fields: Vec<String>,
    paths: Option<Paths>,
    /// Positions of fields.
    rules: Vec<Vec<usize>>,
}

impl Identities {
    /// Those of a type, the strongest first.
    pub(super) fn of(record_type: &RecordType) -> Self {
        let rules = record_type.identity.iter().take(IDENTITIES_MAX);
        let mut fields: Vec<_> = rules.clone().flatten().cloned().collect();
        fields.sort_unstable();
        fields.dedup();
        let place = |name: &String| fields.binary_search(name).ok();
        let places = |rule: &Vec<String>| {
            let mut places: Vec<_> = rule.iter().filter_map(place).collect();
            // A rule that was written in another order is the same rule.
            places.sort_unstable();
            places
        };
        let rules = rules.map(places).collect();
        // Names of fields are letters, digits and underscores, so these are always pointers.
        let paths = Paths::new(fields.iter().map(|name| format!("/{name}"))).ok();
        Self { record_type: record_type.name.clone(), fields, paths, rules }
    }

    /// The identities of a document. A rule of which a field has no value says nothing.
    pub(super) fn keys(&self, doc: &[u8], scratch: &mut Scratch) -> Vec<IdentityKey> {
        let Some(paths) = self.paths.as_ref().filter(|_| !self.rules.is_empty()) else {
            return Vec::new();
        };
        let Ok(picks) = paths.scan(doc, scratch) else { return Vec::new() };
        self.rules.iter().filter_map(|rule| self.key(rule, &picks)).collect()
    }

    fn key(&self, rule: &[usize], picks: &Picks<'_, '_>) -> Option<IdentityKey> {
        let value = |&place: &usize| {
            let value = picks.get(place)?.scalar().filter(|value| !value.is_empty())?;
            Some((self.fields.get(place)?.as_str(), value))
        };
        let values = rule.iter().map(value).collect::<Option<Vec<_>>>()?;
        let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_ref())).collect();
        (!values.is_empty()).then(|| IdentityKey::of(&self.record_type, &values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(identity: &str) -> Identities {
        let text = format!(
            r#"{{"name": "x_thing", "identity": {identity}, "fields": [
                {{"name": "a", "kind": "text"}}, {{"name": "b", "kind": "integer"}}, {{"name": "c", "kind": "any"}}]}}"#
        );
        Identities::of(&RecordType::parse(&text).unwrap())
    }

    #[track_caller]
    fn check(identity: &str, doc: &str, expected: &[&[(&str, &str)]]) {
        let keys = rules(identity).keys(doc.as_bytes(), &mut Scratch::default());
        let expected: Vec<_> =
            expected.iter().map(|values| IdentityKey::of("x_thing", values)).collect();
        assert_eq!(keys, expected, "{identity} {doc}");
    }

    #[test]
    fn a_rule_needs_a_value_of_each_of_its_fields() {
        let rules = r#"[["a"], ["b", "a"]]"#;
        let both: &[&[_]] = &[&[("a", "x")], &[("a", "x"), ("b", "7")]];
        check(rules, r#"{"a":"x","b":7}"#, both);
        check(rules, r#"{"a":"x","b":null}"#, &both[..1]);
        check(rules, r#"{"a":"","b":7}"#, &[]);
        check(rules, "{}", &[]);
        check("[]", r#"{"a":"x"}"#, &[]);
        check(r#"[["c"]]"#, r#"{"c":["x"]}"#, &[]);
        check(r#"[["a", "b"]]"#, r#"{"b":7,"a":"x"}"#, &both[1..]);
    }
}
