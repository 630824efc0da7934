//! Why operations cannot be built.

use std::fmt;

use crate::Kind;

/// Why an operation, or a list of them, cannot be built.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BuildError {
    /// Stable: `op.unknown`, `op.shape`, `op.parameter`, `op.type`, `op.limit`.
    pub code: &'static str,
    /// Where, as a JSON Pointer from the list of operations: `/1`, or `/1/then/0` within another.
    pub pointer: String,
    /// The name of the operation that it is about, the innermost one.
    pub op: Option<String>,
    /// The type that the operation takes.
    pub expected: Option<Box<Kind>>,
    /// The type that it would get.
    pub found: Option<Box<Kind>>,
    /// For people: what is wrong, and what to write instead.
    pub message: String,
}

impl std::error::Error for BuildError {}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.op {
            Some(op) => write!(f, "`{op}`: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl BuildError {
    fn coded(code: &'static str, message: impl Into<String>) -> Self {
        let (pointer, op, expected, found) = (String::new(), None, None, None);
        Self { code, pointer, op, expected, found, message: message.into() }
    }

    /// A parameter is missing, unknown or of no use.
    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::coded("op.parameter", message)
    }

    /// Something is larger, longer or deeper than allowed.
    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self::coded("op.limit", message)
    }

    /// It is not written as an operation.
    pub(crate) fn shape() -> Self {
        let message = "write an operation as \"trim\" or {\"op\": \"truncate\", \"length\": 80}";
        Self::coded("op.shape", message)
    }

    /// There is no operation of this name.
    pub(crate) fn unknown(name: &str) -> Self {
        let name = crate::Fault::quote(name);
        let message = format!("there is no operation {name}; `plughouse mapping ops` lists them");
        Self::coded("op.unknown", message)
    }

    /// The operation takes another type than it would get.
    pub(crate) fn kind(expected: &Kind, found: &Kind) -> Self {
        let mut error = Self::coded("op.type", format!("takes {expected}, would get {found}"));
        error.expected = Some(Box::new(expected.clone()));
        error.found = Some(Box::new(found.clone()));
        error
    }

    /// The same, seen from what holds the operation: `step` is an index or the name of a parameter.
    pub(crate) fn within(mut self, step: impl fmt::Display) -> Self {
        self.pointer = format!("/{step}{}", self.pointer);
        self
    }

    /// The same, said of this operation unless it is about one within it.
    pub(crate) fn about(mut self, op: &str) -> Self {
        if self.pointer.is_empty() {
            self.op.get_or_insert_with(|| op.to_owned());
        }
        self
    }
}
