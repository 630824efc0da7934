//! What an operation says when a value does not fit.

use std::borrow::Cow;

use crate::ops::TEXT_MAX;
use crate::{Kind, Value};

/// Why an operation has no result. The field map adds field and path, the chain the operation.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// Stable, lower-case: `mapping.type`, `mapping.date`, `mapping.number-range`, …
    pub code: &'static str,
    /// For people; quotes at most [`Fault::QUOTED_MAX`] characters of a value.
    pub message: Cow<'static, str>,
}

impl Fault {
    /// The longest piece of a value that a message quotes, in characters.
    pub const QUOTED_MAX: usize = 40;

    /// A fault with its own words.
    pub fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }

    /// The value is of another type than the operation takes.
    pub fn kind(expected: &Kind, found: &Value<'_>) -> Self {
        Self::new("mapping.type", format!("expected {expected}, found {}", found.kind()))
    }

    /// The source that would have the view does not read back as it: writing it would lose the edit.
    pub fn conflict(why: impl Into<Cow<'static, str>>) -> Self {
        Self::new("mapping.conflict", why)
    }

    /// The text is JSON by its grammar and no Unicode.
    #[cold]
    pub(crate) fn surrogate() -> Self {
        Self::new("mapping.unicode", "the text contains half of a surrogate pair")
    }

    /// Refuses to make a text of this many bytes if they are too many.
    pub(crate) fn unless_text_fits(bytes: usize) -> Result<(), Self> {
        if bytes <= TEXT_MAX {
            return Ok(());
        }
        let message = format!("the text would be {bytes} bytes long; at most {TEXT_MAX}");
        Err(Self::new("mapping.text-length", message))
    }

    /// The beginning of a text, in quotation marks.
    pub fn quote(text: &str) -> String {
        let mut shown: String = text.chars().take(Self::QUOTED_MAX).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        format!("{shown:?}")
    }
}
