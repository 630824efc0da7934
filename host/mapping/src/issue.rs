//! What went wrong with one value of one record.

use std::fmt;

use serde::Serialize;

use crate::Fault;

/// A field of a record that could not be mapped.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Issue {
    /// The field of the record type.
    pub field: String,
    /// The operation, by its position in the field map, and its name; `None` when the value itself
    /// does not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<(usize, &'static str)>,
    /// Where the value stands in the provider's record, as a JSON Pointer.
    pub path: String,
    /// Stable, lower-case: `mapping.type`, `mapping.date`, …
    pub code: &'static str,
    /// For people; quotes at most a few characters of the value.
    pub message: String,
}

impl Issue {
    pub(crate) fn new(field: &str, path: &str, fault: Fault) -> Self {
        let Fault { code, message } = fault;
        let message = message.into_owned();
        Self { field: field.to_owned(), op: None, path: path.to_owned(), code, message }
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, op, path, code, message } = self;
        write!(f, "{field} from {path:?}")?;
        if let Some((position, name)) = op {
            write!(f, ", operation {position} `{name}`")?;
        }
        write!(f, ": {message} [{code}]")
    }
}
