//! JSON as a person means it: no key twice, no number that changes when it is read.

use std::fmt;

use plughouse_scan::pointer;
use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use crate::diagnostic::Report;
use crate::exact::BINARY_DIGITS;
use crate::members::TEXT_BYTES_MAX;

/// Reads a text of at most `bytes_max` whose containers stand at most `depth_max` in each other.
///
/// `None` when it cannot be read at all; otherwise what is wrong is in the report, and the rest
/// can be looked at.
pub(crate) fn strict(
    text: &str,
    bytes_max: usize,
    depth_max: usize,
    report: &mut Report,
) -> Option<Json> {
    if text.len() > bytes_max {
        let found = text.len();
        let message = format!("the text has {found} bytes; at most {bytes_max} are read");
        report.error("schema.size", "", message);
        return None;
    }
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) => Some(Reader { depth_max, report }.value(raw, &mut String::new(), 0)),
        Err(error) => {
            report.error("schema.syntax", "", format!("not JSON: {error}"));
            None
        }
    }
}

struct Reader<'r> {
    depth_max: usize,
    report: &'r mut Report,
}

impl Reader<'_> {
    /// Reads the value at a pointer; each level parses its text again, `depth_max` times at most.
    fn value(&mut self, raw: &RawValue, at: &mut String, depth: usize) -> Json {
        let container = raw.get().starts_with(['{', '[']);
        if container && depth == self.depth_max {
            let message = format!("nested deeper than {depth} levels; write it flatter");
            self.report.error("schema.depth", at, message);
            return Json::Null;
        }
        match raw.get().as_bytes().first() {
            Some(b'{') => self.object(raw, at, depth + 1),
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
                let mut item = |(i, raw): (usize, &&RawValue)| {
                    self.within(&i.to_string(), at, |reader, at| reader.value(raw, at, depth + 1))
                };
                Json::Array(items.iter().enumerate().map(&mut item).collect())
            }
            Some(b'-' | b'0'..=b'9') => self.number(raw, at),
            _ => serde_json::from_str(raw.get()).unwrap_or_else(|error| {
                self.report.error("schema.text", at, format!("not a text: {error}"));
                Json::Null
            }),
        }
    }

    fn object(&mut self, raw: &RawValue, at: &mut String, depth: usize) -> Json {
        let mut read = Map::new();
        let found = match members(raw.get()) {
            Ok(found) => found,
            Err(error) => {
                self.report.error("schema.text", at, format!("not an object: {error}"));
                return Json::Null;
            }
        };
        for (name, raw) in found {
            if name.len() > TEXT_BYTES_MAX {
                let message = format!("a key has {} bytes; at most {TEXT_BYTES_MAX}", name.len());
                self.report.error("schema.size", at, message);
                continue;
            }
            self.within(&name, at, |reader, at| {
                if read.contains_key(&name) {
                    let message = format!("the key `{name}` stands here twice; leave one out");
                    reader.report.error("schema.duplicate-key", at, message);
                } else {
                    let value = reader.value(raw, at, depth);
                    read.insert(name.clone(), value);
                }
            });
        }
        Json::Object(read)
    }

    fn within<T>(
        &mut self,
        name: &str,
        at: &mut String,
        read: impl FnOnce(&mut Self, &mut String) -> T,
    ) -> T {
        let length = at.len();
        at.push('/');
        at.push_str(&pointer::escape(name));
        let value = read(self, at);
        at.truncate(length);
        value
    }

    /// A number that is the same after it has been a binary fraction.
    fn number(&mut self, raw: &RawValue, at: &str) -> Json {
        let digits = raw.get().bytes().filter(u8::is_ascii_digit).count();
        let whole = raw.get().bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
        match serde_json::from_str::<Json>(raw.get()) {
            Ok(number) if digits <= BINARY_DIGITS || (whole && !number.is_f64()) => number,
            _ => {
                let message = "the number has more digits than are kept; write it as text";
                self.report.error("schema.number", at, message);
                Json::Null
            }
        }
    }
}

/// The members of an object as they stand there, each key as often as it is there.
pub(crate) fn members(json: &str) -> serde_json::Result<Vec<(String, &RawValue)>> {
    serde_json::Deserializer::from_str(json).deserialize_map(Entries)
}

/// Reads them.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}
