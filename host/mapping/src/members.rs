//! The members of a JSON object that a person wrote, each of which is taken once.

use plughouse_scan::pointer;
use serde_json::{Map, Value as Json};

use crate::diagnostic::{Diagnostic, Report};

/// Bytes of a key or of a text: no name or path is longer, and messages repeat both.
pub(crate) const TEXT_BYTES_MAX: usize = 2_000;

/// An object within a text, and where it stands.
pub(crate) struct Members<'r> {
    left: Map<String, Json>,
    at: String,
    taken: Vec<&'static str>,
    pub(crate) report: &'r mut Report,
}

impl<'r> Members<'r> {
    /// The members of an object; anything else is reported.
    pub(crate) fn of(json: Json, at: &str, report: &'r mut Report) -> Option<Self> {
        match json {
            Json::Object(left) => Some(Self { left, at: at.to_owned(), taken: Vec::new(), report }),
            other => {
                report.push(wrong(at, "object", &other));
                None
            }
        }
    }

    /// The pointer of a member.
    pub(crate) fn place(&self, key: &str) -> String {
        format!("{}/{key}", self.at)
    }

    pub(crate) fn take(&mut self, key: &'static str) -> Option<Json> {
        self.taken.push(key);
        self.left.remove(key)
    }

    /// A member that must be there.
    pub(crate) fn need(&mut self, key: &'static str, write: &str) -> Option<Json> {
        let found = self.take(key);
        if found.is_none() {
            let message = format!("`{key}` is missing; write {write}");
            self.report.error("schema.missing-key", &self.at, message);
        }
        found
    }

    /// A text that must be there.
    pub(crate) fn text(&mut self, key: &'static str, write: &str) -> Option<String> {
        let found = self.need(key, write)?;
        self.as_text(&self.place(key), found)
    }

    /// A text that may be there.
    pub(crate) fn text_if(&mut self, key: &'static str) -> Option<String> {
        let found = self.take(key)?;
        self.as_text(&self.place(key), found)
    }

    /// A truth value that may be there; false otherwise.
    pub(crate) fn flag(&mut self, key: &'static str) -> bool {
        match self.take(key) {
            None => false,
            Some(Json::Bool(flag)) => flag,
            Some(other) => {
                self.report.push(wrong(&self.place(key), "bool", &other));
                false
            }
        }
    }

    /// A list that may be there.
    pub(crate) fn list(&mut self, key: &'static str) -> Vec<Json> {
        match self.take(key) {
            None => Vec::new(),
            Some(Json::Array(items)) => items,
            Some(other) => {
                self.report.push(wrong(&self.place(key), "list", &other));
                Vec::new()
            }
        }
    }

    /// A list of texts, empty when it is not there; a single text is a list of one. `None` when
    /// it is anything else.
    pub(crate) fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        let place = self.place(key);
        let items = match self.take(key) {
            Some(Json::Array(items)) => items,
            Some(text @ Json::String(_)) => {
                return self.as_text(&place, text).map(|text| vec![text]);
            }
            None => return Some(Vec::new()),
            Some(other) => {
                self.report.push(wrong(&place, "text or list of text", &other));
                return None;
            }
        };
        let text = |(position, item)| self.as_text(&format!("{place}/{position}"), item);
        items.into_iter().enumerate().map(text).collect()
    }

    fn as_text(&mut self, place: &str, json: Json) -> Option<String> {
        match json {
            Json::String(text) if text.len() <= TEXT_BYTES_MAX => Some(text),
            Json::String(text) => {
                let found = text.len();
                let message = format!("the text has {found} bytes; at most {TEXT_BYTES_MAX}");
                self.report.error("schema.size", place, message);
                None
            }
            other => {
                self.report.push(wrong(place, "text", &other));
                None
            }
        }
    }

    /// Refuses what nobody took.
    pub(crate) fn finish(self) {
        let known = self.taken.join("`, `");
        for key in self.left.keys() {
            let at = format!("{}/{}", self.at, pointer::escape(key));
            let message = format!("there is no key `{key}` here; the keys are `{known}`");
            self.report.error("schema.unknown-key", &at, message);
        }
    }
}

/// Something of another type than was expected.
pub(crate) fn wrong(at: &str, expected: &str, found: &Json) -> Diagnostic {
    let found = json_kind(found);
    let message = format!("expected {expected}, found {found}");
    Diagnostic::error("schema.type", at, message).types(&expected, &found)
}

/// What a JSON value is, in the words of [`Kind`](crate::Kind).
pub(crate) fn json_kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "bool",
        Json::Number(_) => "number",
        Json::String(_) => "text",
        Json::Array(_) => "list",
        Json::Object(_) => "object",
    }
}
