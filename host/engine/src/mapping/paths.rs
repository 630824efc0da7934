//! The paths of values in records, with what stands there.

use std::collections::BTreeMap;

use plughouse_scan::pointer::escape;
use serde_json::Value as Json;

/// Levels of objects that are looked into; what stands deeper is seldom a field.
pub(super) const DEPTH_MAX: usize = 4;

/// Paths that are looked at; custom fields come in hundreds.
const PATHS_MAX: usize = 2_000;

/// Different values that are shown of a path: enough to see what it is.
const EXAMPLES_MAX: usize = 3;

/// Bytes of a value that is shown whole; of a longer text the beginning is, of anything else
/// nothing.
const EXAMPLE_BYTES_MAX: usize = 200;

/// What was seen in some records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PathsSeen {
    /// The paths, in alphabetical order.
    pub paths: Vec<PathSeen>,
    /// Whether there are more than are told of.
    pub more: bool,
}

/// A path at which values were seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PathSeen {
    /// A JSON Pointer into the record.
    pub pointer: String,
    /// How many records have a value there that is neither null nor empty.
    pub filled: usize,
    /// How many values of each type stand there, by its word in JSON.
    pub kinds: BTreeMap<&'static str, usize>,
    /// Some of the values, each another.
    pub examples: Vec<Json>,
}

/// The paths of values in records, with what stands there.
pub fn paths(payloads: &[Json]) -> PathsSeen {
    let (found, more) = values(payloads);
    let paths = found.into_iter().map(|(pointer, values)| PathSeen::of(pointer, &values));
    PathsSeen { paths: paths.collect(), more }
}

/// The values at each path of some records, and whether there are more paths.
pub(super) fn values(payloads: &[Json]) -> (BTreeMap<String, Vec<&Json>>, bool) {
    let mut gathered = Gathered::default();
    for payload in payloads {
        gathered.gather(payload, &mut String::new(), 0);
    }
    (gathered.found, gathered.more)
}

#[derive(Default)]
struct Gathered<'p> {
    found: BTreeMap<String, Vec<&'p Json>>,
    more: bool,
}

impl<'p> Gathered<'p> {
    fn gather(&mut self, value: &'p Json, at: &mut String, depth: usize) {
        match value {
            Json::Object(members) if depth < DEPTH_MAX => {
                for (name, member) in members {
                    let length = at.len();
                    at.push('/');
                    at.push_str(&escape(name));
                    self.gather(member, at, depth + 1);
                    at.truncate(length);
                }
            }
            value if self.found.len() < PATHS_MAX || self.found.contains_key(at) => {
                self.found.entry(at.clone()).or_default().push(value);
            }
            _ => self.more = true,
        }
    }
}

impl PathSeen {
    fn of(pointer: String, values: &[&Json]) -> Self {
        let mut seen = Self { pointer, ..Self::default() };
        for value in values {
            *seen.kinds.entry(kind(value)).or_default() += 1;
            if is_empty(value) {
                continue;
            }
            seen.filled += 1;
            if seen.examples.len() < EXAMPLES_MAX {
                seen.examples.extend(example(value).filter(|it| !seen.examples.contains(it)));
            }
        }
        seen
    }
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "bool",
        Json::Number(number) if number.is_f64() => "decimal",
        Json::Number(_) => "integer",
        Json::String(_) => "text",
        Json::Array(_) => "list",
        Json::Object(_) => "object",
    }
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
        Json::Bool(_) | Json::Number(_) => false,
    }
}

fn example(value: &Json) -> Option<Json> {
    match value {
        Json::String(text) if text.len() > EXAMPLE_BYTES_MAX => {
            let begin = text.get(..text.floor_char_boundary(EXAMPLE_BYTES_MAX))?;
            Some(Json::String(format!("{begin}…")))
        }
        Json::Array(_) | Json::Object(_) if value.to_string().len() > EXAMPLE_BYTES_MAX => None,
        value => Some(value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_told_with_types_values_and_how_often_they_are_filled() {
        let payloads =
            [json!({"a": {"b/c": 1}, "d": "x"}), json!({"a": {"b/c": null}, "d": "x"}), json!({})];
        let PathsSeen { paths, more } = paths(&payloads);
        assert!(!more);
        let [number, text] = paths.try_into().unwrap();
        assert_eq!((number.pointer.as_str(), number.filled), ("/a/b~1c", 1));
        assert_eq!(number.kinds, BTreeMap::from([("integer", 1), ("null", 1)]));
        assert_eq!(number.examples, [json!(1)]);
        assert_eq!((text.pointer.as_str(), text.filled), ("/d", 2));
        assert_eq!(text.examples, [json!("x")]);
    }

    #[test]
    fn long_values_and_many_paths_are_cut() {
        let found = paths(&[json!({"a": "é".repeat(1_000), "b": vec![1; 1_000]})]);
        let [text, list] = found.paths.try_into().unwrap();
        assert_eq!(text.examples, [json!(format!("{}…", "é".repeat(100)))]);
        assert!(list.examples.is_empty() && list.filled == 1);
        let wide: serde_json::Map<_, _> =
            (0..=PATHS_MAX).map(|i| (format!("f{i}"), json!(i))).collect();
        let found = paths(&[Json::Object(wide)]);
        assert!(found.more && found.paths.len() == PATHS_MAX);
    }
}
