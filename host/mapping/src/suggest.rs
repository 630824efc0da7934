//! Field maps that are probably meant.

mod name;
mod value;

use std::cmp::Reverse;
use std::collections::HashSet;

use serde::Serialize;
use serde_json::Value as Json;

use crate::record_type::{Field, FieldKind, RecordType};

use name::{Ours, Theirs};
use value::fitting;

/// A field of the provider with some of its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Where it stands, as a JSON Pointer.
    pub pointer: String,
    /// The provider's name.
    pub name: String,
    /// What a person reads; empty where nobody knows.
    pub label: String,
    /// Some values, as they stand in records.
    pub samples: Vec<Json>,
}

impl Candidate {
    /// Whether the name is one of ids: "company" holds a name as a rule, "company id" never does.
    fn names_ids(&self) -> bool {
        self.name.trim_end_matches('s').to_lowercase().ends_with("id")
    }
}

/// A field map that is probably meant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suggestion {
    /// The source.
    pub from: String,
    /// Operations that make the samples fit.
    pub ops: Vec<Json>,
    /// The field of the record type.
    pub to: String,
    /// From 0 to 100; 100 is the same name and samples that all fit.
    pub confidence: u8,
    /// The reasons, for people.
    pub why: String,
}

/// Below this, nothing is suggested.
const CONFIDENCE_MIN: u8 = 60;

/// Fields of a provider that are looked at: as many as a type may have.
const CANDIDATES_MAX: usize = 1_000;

/// Bytes of a name or label that is looked at: longer ones are like no name of ours.
const NAME_BYTES_MAX: usize = 200;

/// Candidates of a field whose values are looked at: names that are less alike are coincidences.
const LIKE_MAX: usize = 10;

/// Values of a field that are looked at; more do not change the picture.
const SAMPLES_MAX: usize = 20;

/// Suggests a source for each field of the type that one can be found for, the likeliest first;
/// no source is suggested twice.
pub fn suggest(candidates: &[Candidate], record_type: &RecordType) -> Vec<Suggestion> {
    let candidates = candidates.get(..CANDIDATES_MAX).unwrap_or(candidates).iter();
    let readable = |found: &&Candidate| found.name.len().max(found.label.len()) <= NAME_BYTES_MAX;
    let candidates: Vec<_> = candidates.filter(readable).map(Theirs::of).collect();
    let fields = record_type.fields.iter();
    let mut likely: Vec<_> = fields.flat_map(|field| likeliest(field, &candidates)).collect();
    // The sort is stable: among equals, the order of the type and then that of the provider.
    likely.sort_by_key(|suggestion| Reverse(suggestion.confidence));
    let (mut sources, mut targets) = (HashSet::new(), HashSet::new());
    likely.retain(|Suggestion { from, to, .. }| {
        let free = !sources.contains(from) && !targets.contains(to);
        free && sources.insert(from.clone()) && targets.insert(to.clone())
    });
    likely
}

/// The operations that make the most of these values fit a field of this type, whatever its name
/// is. Without values they are expected to be texts, as in forms and tables.
pub fn operations(kind: &FieldKind, samples: &[Json]) -> Vec<Json> {
    value::operations(&kind.kind(), samples.get(..SAMPLES_MAX).unwrap_or(samples))
}

/// What is suggested for a field, of the candidates with the names most like its own.
fn likeliest(field: &Field, candidates: &[Theirs<'_>]) -> Vec<Suggestion> {
    let ours = Ours::of(field);
    let named = candidates.iter().filter_map(|theirs| Some((ours.likeness(theirs)?, theirs)));
    let mut named: Vec<_> = named.collect();
    named.sort_by_key(|((percent, _), _)| Reverse(*percent));
    named.truncate(LIKE_MAX);
    named.into_iter().filter_map(|(name, theirs)| pair(field, theirs.found, name)).collect()
}

fn pair(field: &Field, found: &Candidate, (name, named): (u8, String)) -> Option<Suggestion> {
    if field.kind.refers() && !found.names_ids() {
        return None;
    }
    let samples = found.samples.get(..SAMPLES_MAX).unwrap_or(&found.samples);
    let fit = fitting(field, samples);
    let confidence = u32::from(name) * u32::from(fit.percent) / 100;
    let confidence = u8::try_from(confidence).unwrap_or(100);
    (confidence >= CONFIDENCE_MIN).then(|| Suggestion {
        from: found.pointer.clone(),
        ops: fit.ops,
        to: field.name.clone(),
        confidence,
        why: format!("{named}; {}", fit.why),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Types;

    fn candidate(name: &str, samples: &[Json]) -> Candidate {
        Candidate {
            pointer: format!("/properties/{name}"),
            name: name.to_owned(),
            label: String::new(),
            samples: samples.to_vec(),
        }
    }

    #[track_caller]
    fn check(record_type: &str, found: &Candidate, expected: Option<(&str, &str, u8)>) {
        let types = Types::built_in();
        let suggested = suggest(std::slice::from_ref(found), types.get(record_type).unwrap());
        let first = suggested.first().map(|s| (s, json!(s.ops).to_string()));
        let found = first.as_ref().map(|(s, ops)| (s.to.as_str(), ops.as_str(), s.confidence));
        assert_eq!(found, expected);
    }

    #[test]
    fn field_that_names_records_is_not_made_of_their_names() {
        let types = Types::built_in();
        let contact = types.get("c_contact").unwrap();
        let names = [json!("Hooli"), json!("Initech")];
        let found = |name: &str| {
            let found = suggest(&[candidate(name, &names)], contact);
            found.into_iter().map(|suggestion| suggestion.to).collect::<Vec<_>>()
        };
        assert_eq!(found("company"), ["company_name"]);
        assert_eq!(found("associatedcompanyid"), ["company"]);
    }

    #[test]
    fn names_and_values_of_providers_are_recognised() {
        let email = candidate("email", &[json!("A@example.com"), json!(null)]);
        check("c_contact", &email, Some(("email", r#"["email_norm"]"#, 100)));
        let first = candidate("firstname", &[json!("Ada")]);
        check("c_contact", &first, Some(("given_name", "[]", 95)));
        let amount = candidate("amount", &[json!("1250.50"), json!("")]);
        check(
            "c_opportunity",
            &amount,
            Some(("amount", r#"[{"op":"nullify","values":[""]},"to_decimal"]"#, 100)),
        );
        let revenue = candidate("AnnualRevenue", &[json!(1e6)]);
        check("c_company", &revenue, Some(("annual_revenue", "[]", 100)));
        let staff = candidate("numberofemployees", &[json!("12")]);
        check("c_company", &staff, Some(("employees", r#"["to_int"]"#, 95)));
        let created = candidate("createdate", &[json!("2026-02-25T16:23:49.023Z")]);
        check("c_contact", &created, Some(("created_at", "[]", 95)));
        let epoch = candidate("updated", &[json!(1_772_036_629_023_u64)]);
        check("c_contact", &epoch, Some(("updated_at", r#"["epoch_ms"]"#, 95)));
        let closed = candidate("hs_is_closed_won", &[json!("true"), json!("false")]);
        check("c_opportunity", &closed, Some(("won", r#"["to_bool"]"#, 95)));
    }

    #[test]
    fn values_of_another_kind_speak_against_a_name() {
        check("c_contact", &candidate("email", &[json!(7), json!({})]), None);
        check("c_opportunity", &candidate("amount", &[json!("much")]), None);
        check("c_contact", &candidate("shoe_size", &[json!("42")]), None);
    }

    #[test]
    fn names_that_nobody_reads_are_passed_over() {
        check("c_contact", &candidate(&"email ".repeat(10_000), &[json!("a@b.c")]), None);
    }

    #[test]
    fn wide_types_of_similar_names_take_no_long_time() {
        let fields: Vec<_> = (0..1_000)
            .map(|i| json!({"name": format!("my_own_field_{i}"), "kind": "text"}))
            .collect();
        let text = json!({"name": "x", "fields": fields}).to_string();
        let samples = [json!("x")];
        let found: Vec<_> =
            (0..1_000).map(|i| candidate(&format!("my_own_field_{}", i + 500), &samples)).collect();
        let begun = std::time::Instant::now();
        let suggested = suggest(&found, &RecordType::parse(&text).unwrap());
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
        assert_eq!(suggested.iter().filter(|s| s.confidence == 100).count(), 500);
    }

    #[test]
    fn every_source_and_every_field_is_suggested_once() {
        let found =
            [candidate("name", &[]), candidate("Name", &[]), candidate("company_name", &[])];
        let types = Types::built_in();
        let suggested = suggest(&found, types.get("c_company").unwrap());
        assert_eq!(suggested.len(), 1);
        assert_eq!(suggested[0].from, "/properties/name");
    }

    #[test]
    fn what_is_suggested_compiles() {
        let found = [
            candidate("email", &[json!("A@example.com")]),
            candidate("createdate", &[json!("2026-02-25T16:23:49Z")]),
            candidate("phone", &[json!("+41 44 668 18 00")]),
            candidate("hasoptedoutofemail", &[json!("true"), json!("")]),
            candidate("updated", &[json!("1772036629023")]),
        ];
        let types = Types::built_in();
        let suggested = suggest(&found, types.get("c_contact").unwrap());
        assert_eq!(suggested.len(), found.len(), "{suggested:?}");
        let fields: Vec<_> =
            suggested.iter().map(|s| json!({"from": s.from, "ops": s.ops, "to": s.to})).collect();
        let schema =
            json!({"format": 1, "name": "s", "entity": "e", "type": "c_contact", "fields": fields});
        let schema = crate::Schema::parse(&schema.to_string()).unwrap();
        let program = crate::compile(&schema, &types, &crate::Source::default()).unwrap().program;
        let properties: serde_json::Map<_, _> =
            found.iter().map(|found| (found.name.clone(), found.samples[0].clone())).collect();
        let payload = json!({ "properties": properties }).to_string();
        let shown = crate::preview(&program, payload.as_bytes(), &crate::NoReferences);
        assert_eq!(shown.issues, [], "{shown:?}");
    }
}
