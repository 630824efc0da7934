//! Documents of several links in one: by members of the object, each as it stands in the text.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::value::RawValue;

type Members<'a> = BTreeMap<String, &'a RawValue>;

/// Why documents do not merge: one of them is no object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct NoObject;

/// The record with exactly what changed between two documents of one link: a member that is new or
/// another is put, one that is no more is taken out.
pub(super) fn three_way(record: &Bytes, before: &[u8], after: &[u8]) -> Result<Bytes, NoObject> {
    if before == after {
        return Ok(record.clone());
    }
    let (before, after) = (members(before)?, members(after)?);
    let mut merged = members(record)?;
    let mut changed = false;
    for (name, value) in &after {
        if before.get(name).is_none_or(|before| before.get() != value.get()) {
            changed |= put(&mut merged, name, value);
        }
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        changed |= merged.remove(name).is_some();
    }
    if changed { text(&merged) } else { Ok(record.clone()) }
}

/// The record with those members of a further link's document that it lacks, or that are null in
/// it: who describes a thing first is believed until the other one's word changes.
pub(super) fn fill(record: &Bytes, further: &[u8]) -> Result<Bytes, NoObject> {
    let further = members(further)?;
    let mut merged = members(record)?;
    let mut changed = false;
    for (name, value) in &further {
        if merged.get(name).is_none_or(|value| value.get() == "null") {
            changed |= put(&mut merged, name, value);
        }
    }
    if changed { text(&merged) } else { Ok(record.clone()) }
}

/// Tells whether that made a difference.
fn put<'a>(merged: &mut Members<'a>, name: &str, value: &'a RawValue) -> bool {
    let old = merged.insert(name.to_owned(), value);
    old.is_none_or(|old| old.get() != value.get())
}

fn members(doc: &[u8]) -> Result<Members<'_>, NoObject> {
    serde_json::from_slice(doc).map_err(|_ignored| NoObject)
}

fn text(members: &Members<'_>) -> Result<Bytes, NoObject> {
    serde_json::to_vec(members).map(Bytes::from).map_err(|_ignored| NoObject)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Doc = BTreeMap<String, Option<u8>>;

    fn bytes(doc: &Doc) -> Bytes {
        serde_json::to_vec(doc).unwrap().into()
    }

    fn doc(bytes: &[u8]) -> Doc {
        serde_json::from_slice(bytes).unwrap()
    }

    fn docs() -> impl Strategy<Value = Doc> {
        prop::collection::btree_map("[a-d]", prop::option::of(0_u8..3), 0..4)
    }

    #[track_caller]
    fn check(record: &str, before: &str, after: &str, expected: &str) {
        let record = Bytes::copy_from_slice(record.as_bytes());
        let merged = three_way(&record, before.as_bytes(), after.as_bytes()).unwrap();
        assert_eq!(std::str::from_utf8(&merged).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn link_writes_what_it_changed_and_nothing_else(
            record in docs(), before in docs(), after in docs(),
        ) {
            let merged = doc(&three_way(&bytes(&record), &bytes(&before), &bytes(&after)).unwrap());
            for name in ["a", "b", "c", "d"] {
                let changed = before.get(name) != after.get(name);
                let expected = if changed { after.get(name) } else { record.get(name) };
                prop_assert_eq!(merged.get(name), expected, "{}", name);
            }
        }

        #[test]
        fn sole_link_is_the_record(before in docs(), after in docs()) {
            let (before, after) = (bytes(&before), bytes(&after));
            let merged = three_way(&before, &before, &after).unwrap();
            prop_assert_eq!(doc(&merged), doc(&after));
        }

        #[test]
        fn same_word_twice_changes_nothing(record in docs(), before in docs(), after in docs()) {
            let (before, after) = (bytes(&before), bytes(&after));
            let once = three_way(&bytes(&record), &before, &after).unwrap();
            prop_assert_eq!(&three_way(&once, &after, &after).unwrap(), &once);
            prop_assert_eq!(three_way(&once, &before, &after).unwrap(), once);
        }

        #[test]
        fn links_that_change_different_fields_may_come_in_any_order(
            record in docs(), base in docs(), first in docs(), second in docs(),
        ) {
            let touched = |after: &Doc| -> Vec<String> {
                let names = ["a", "b", "c", "d"].map(str::to_owned);
                names.into_iter().filter(|name| base.get(name) != after.get(name)).collect()
            };
            let (a, b) = (touched(&first), touched(&second));
            prop_assume!(a.iter().all(|name| !b.contains(name)));
            let apply = |record: &Bytes, after: &Doc| {
                three_way(record, &bytes(&base), &bytes(after)).unwrap()
            };
            let record = bytes(&record);
            let one = apply(&apply(&record, &first), &second);
            let other = apply(&apply(&record, &second), &first);
            prop_assert_eq!(doc(&one), doc(&other));
        }

        #[test]
        fn further_link_fills_gaps_alone(record in docs(), further in docs()) {
            let merged = doc(&fill(&bytes(&record), &bytes(&further)).unwrap());
            for name in ["a", "b", "c", "d"] {
                let known = record.get(name).is_some_and(Option::is_some);
                let expected = if known { record.get(name) } else {
                    further.get(name).or_else(|| record.get(name))
                };
                prop_assert_eq!(merged.get(name), expected, "{}", name);
            }
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(record: Vec<u8>, before: Vec<u8>, after: Vec<u8>) {
            let record = Bytes::from(record);
            drop((three_way(&record, &before, &after), fill(&record, &after)));
        }
    }

    #[test]
    fn values_are_copied_as_they_stand() {
        let number = r#"{"n":1.50,"t":"\u00e9","o":{"b":1,"a":[]}}"#;
        check(
            r#"{"x":null}"#,
            "{}",
            number,
            r#"{"n":1.50,"o":{"b":1,"a":[]},"t":"\u00e9","x":null}"#,
        );
    }

    #[test]
    fn missing_and_null_are_different() {
        check(r#"{"a":1,"b":2}"#, r#"{"a":1}"#, r#"{"a":null}"#, r#"{"a":null,"b":2}"#);
        check(r#"{"a":1,"b":2}"#, r#"{"a":1}"#, "{}", r#"{"b":2}"#);
        check(r#"{"b":2}"#, "{}", r#"{"a":null}"#, r#"{"a":null,"b":2}"#);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for bad in ["", "1", "[]", "{", "{\"a\":}"] {
            let record = Bytes::from_static(b"{}");
            assert_eq!(three_way(&record, b"{}", bad.as_bytes()), Err(NoObject), "{bad}");
        }
    }
}
