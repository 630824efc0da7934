//! Compares what is asked with what was recorded.

use std::fmt;

use serde_json::Value;

use crate::cassette::Asked;

/// Characters of a value in a difference; bodies can be long.
const SHOWN_CHARS_MAX: usize = 120;

/// One difference.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Difference {
    part: Part,
    place: String,
    recorded: Option<String>,
    asked: Option<String>,
}

/// The parts of a request, the telling ones first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    Path,
    Method,
    Endpoint,
    Query,
    Body,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            Part::Path => "path",
            Part::Method => "method",
            Part::Endpoint => "endpoint",
            Part::Query => "query",
            Part::Body => "body",
        };
        let shown = |value: &Option<String>| match value {
            None => "nothing".to_owned(),
            Some(text) if text.chars().count() > SHOWN_CHARS_MAX => {
                format!("`{}…`", text.chars().take(SHOWN_CHARS_MAX).collect::<String>())
            }
            Some(text) => format!("`{text}`"),
        };
        let place = if self.place.is_empty() { String::new() } else { format!(" {}", self.place) };
        write!(f, "{part}{place}: recorded {}, asked {}", shown(&self.recorded), shown(&self.asked))
    }
}

/// How far apart two requests are: another path outweighs any number of query parameters.
pub(super) fn weight(differences: &[Difference]) -> usize {
    differences
        .iter()
        .map(|difference| match difference.part {
            Part::Path => 1000,
            Part::Method | Part::Endpoint => 100,
            Part::Query | Part::Body => 1,
        })
        .sum()
}

pub(super) fn equal(recorded: &Asked, asked: &Asked) -> bool {
    differences(recorded, asked).is_empty()
}

/// Everything in which the two are different.
pub(super) fn differences(recorded: &Asked, asked: &Asked) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |part, a: &str, b: &str| {
        if a != b {
            found.push(Difference {
                part,
                place: String::new(),
                recorded: Some(a.to_owned()),
                asked: Some(b.to_owned()),
            });
        }
    };
    compare(Part::Path, &recorded.path, &asked.path);
    compare(Part::Method, &recorded.method, &asked.method);
    if let (Some(recorded), Some(asked)) = (&recorded.endpoint, &asked.endpoint) {
        compare(Part::Endpoint, recorded, asked);
    }
    query(&mut found, recorded, asked);
    bodies(&mut found, recorded, asked);
    found
}

/// Compares the queries as bags of pairs.
fn query(found: &mut Vec<Difference>, recorded: &Asked, asked: &Asked) {
    let mut missing: Vec<&(String, String)> = recorded.query.iter().collect();
    let mut added: Vec<&(String, String)> = Vec::new();
    for pair in &asked.query {
        match missing.iter().position(|other| *other == pair) {
            Some(place) => drop(missing.remove(place)),
            None => added.push(pair),
        }
    }
    for (name, value) in missing {
        let other = added.iter().position(|(added, _)| added == name);
        let other = other.map(|place| added.remove(place).1.clone());
        found.push(Difference {
            part: Part::Query,
            place: name.clone(),
            recorded: Some(value.clone()),
            asked: other,
        });
    }
    for (name, value) in added {
        found.push(Difference {
            part: Part::Query,
            place: name.clone(),
            recorded: None,
            asked: Some(value.clone()),
        });
    }
}

fn bodies(found: &mut Vec<Difference>, recorded: &Asked, asked: &Asked) {
    if recorded.body == asked.body {
        return;
    }
    let (old, new) = (recorded.body.bytes(), asked.body.bytes());
    match (serde_json::from_slice(&old), serde_json::from_slice(&new)) {
        (Ok(old), Ok(new)) => values(found, "", Some(&old), Some(&new)),
        _ => found.push(Difference {
            part: Part::Body,
            place: String::new(),
            recorded: Some(String::from_utf8_lossy(&old).into_owned()),
            asked: Some(String::from_utf8_lossy(&new).into_owned()),
        }),
    }
}

/// Compares JSON values; `place` is the pointer to them.
fn values(found: &mut Vec<Difference>, place: &str, old: Option<&Value>, new: Option<&Value>) {
    match (old, new) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            for (name, value) in old {
                values(found, &format!("{place}/{name}"), Some(value), new.get(name));
            }
            for (name, value) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
                values(found, &format!("{place}/{name}"), None, Some(value));
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for place_in in 0..old.len().max(new.len()) {
                let place = format!("{place}/{place_in}");
                values(found, &place, old.get(place_in), new.get(place_in));
            }
        }
        (old, new) if old == new => {}
        (old, new) => found.push(Difference {
            part: Part::Body,
            place: place.to_owned(),
            recorded: old.map(Value::to_string),
            asked: new.map(Value::to_string),
        }),
    }
}
