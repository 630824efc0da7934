//! Where in a record the fields stand.

use std::collections::{BTreeMap, BTreeSet};

use plughouse_scan::pointer::escape;
use serde_json::Value as Json;

use super::paths::DEPTH_MAX;

/// The object that has most of the fields in some records, the outermost of equal ones.
pub(super) fn most<'n>(names: impl Iterator<Item = &'n str>, payloads: &[Json]) -> Option<String> {
    let names: BTreeSet<_> = names.collect();
    let mut counts = BTreeMap::new();
    for payload in payloads {
        count(payload, (&mut String::new(), 0), &names, &mut counts);
    }
    let best = counts.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map(|(at, _)| at)
}

fn count(
    value: &Json,
    (at, depth): (&mut String, usize),
    names: &BTreeSet<&str>,
    counts: &mut BTreeMap<String, usize>,
) {
    let Json::Object(members) = value else { return };
    let known = members.keys().filter(|name| names.contains(name.as_str())).count();
    if known > 0 {
        *counts.entry(at.clone()).or_default() += known;
    }
    if depth == DEPTH_MAX {
        return;
    }
    for (name, member) in members {
        let length = at.len();
        at.push('/');
        at.push_str(&escape(name));
        count(member, (at, depth + 1), names, counts);
        at.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(payload: &Json, expected: Option<&str>) {
        assert_eq!(
            most(["a", "b/c"].into_iter(), std::slice::from_ref(payload)).as_deref(),
            expected
        );
    }

    #[test]
    fn fields_stand_where_most_of_them_are() {
        check(&json!({"a": 1, "x/y": {"a": 1, "b/c": null}}), Some("/x~1y"));
        check(&json!({"a": 1, "x": {"a": 1}}), Some(""));
        check(&json!({"x": [{"a": 1}]}), None);
        check(&json!(7), None);
    }
}
