//! What is wrong with a schema or a record type, for the person who wrote it.

use std::fmt;

use serde::Serialize;

/// Something wrong with a text, and where.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Diagnostic {
    /// Whether it keeps the text from being used.
    pub severity: Severity,
    /// Stable, lower-case: `schema.unknown-key`, `mapping.type`, …
    pub code: &'static str,
    /// The field map, by its position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<usize>,
    /// Where in the text, as a JSON Pointer: `/fields/3/ops/1`.
    pub pointer: String,
    /// The operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// The type or the words that were expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What stands there instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// For people: what is wrong, and what to write instead.
    pub message: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The text is refused.
    Error,
    /// The text is used; it may do something else than was meant.
    Warning,
}

impl Diagnostic {
    pub(crate) fn error(code: &'static str, pointer: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            field: field_of(pointer),
            pointer: pointer.to_owned(),
            op: None,
            expected: None,
            found: None,
            message: message.into(),
        }
    }

    pub(crate) fn warning(code: &'static str, pointer: &str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, pointer, message) }
    }

    pub(crate) fn op(self, name: impl Into<String>) -> Self {
        Self { op: Some(name.into()), ..self }
    }

    pub(crate) fn types(self, expected: &dyn fmt::Display, found: &dyn fmt::Display) -> Self {
        Self { expected: Some(expected.to_string()), found: Some(found.to_string()), ..self }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = if self.pointer.is_empty() { "the text" } else { &self.pointer };
        write!(f, "{severity} at {place}: {} [{}]", self.message, self.code)
    }
}

/// The position in `/fields/3/ops/1`.
fn field_of(pointer: &str) -> Option<usize> {
    pointer.strip_prefix("/fields/")?.split('/').next()?.parse().ok()
}

/// Diagnostics as they are found.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Diagnostic>);

impl Report {
    /// More than anyone corrects before trying again.
    pub(crate) const DIAGNOSTICS_MAX: usize = 100;

    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        // An error is worth more than the warnings before it.
        if self.0.len() < Self::DIAGNOSTICS_MAX {
            self.0.push(diagnostic);
        } else if diagnostic.severity == Severity::Error && !self.refuses() {
            self.0.pop();
            self.0.push(diagnostic);
        }
    }

    pub(crate) fn error(&mut self, code: &'static str, at: &str, message: impl Into<String>) {
        self.push(Diagnostic::error(code, at, message));
    }

    /// Whether nothing more is told, so that it need not be worded.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= Self::DIAGNOSTICS_MAX
    }

    pub(crate) fn refuses(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    pub(crate) fn into_list(self) -> Vec<Diagnostic> {
        self.0
    }
}
