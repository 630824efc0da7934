//! Why an input or a pointer is refused.

use std::fmt;

/// What an input was refused for, and where; the text quotes nothing of the input.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Error {
    kind: ErrorKind,
    offset: usize,
}

impl Error {
    pub(crate) const fn new(kind: ErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// What is wrong.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The byte where it was noticed.
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not acceptable as JSON at byte {}: {}", self.offset, self.kind.as_str())
    }
}

impl std::error::Error for Error {}

/// The ways in which an input can be wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ErrorKind {
    /// Larger than [`SIZE_MAX`](crate::SIZE_MAX).
    TooLarge,
    /// Nested deeper than [`DEPTH_MAX`](crate::DEPTH_MAX).
    TooDeep,
    /// A list with more than [`ELEMENTS_MAX`](crate::ELEMENTS_MAX) elements.
    TooMany,
    /// The input ends too early.
    End,
    /// Something else than a value.
    Value,
    /// Something else than a member's key.
    Key,
    /// No colon after a key.
    Colon,
    /// Neither a comma nor the end of the object or array.
    Comma,
    /// A number that breaks the grammar.
    Number,
    /// An escape that does not exist.
    Escape,
    /// A raw control character in a string.
    Control,
    /// Bytes that are not UTF-8.
    Utf8,
    /// A key with half of a surrogate pair.
    Surrogate,
    /// Something behind the value.
    Trailing,
}

impl ErrorKind {
    /// The words for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "the text is too large",
            Self::TooDeep => "nested too deeply",
            Self::TooMany => "too many elements in the list",
            Self::End => "the text ends too early",
            Self::Value => "expected a value",
            Self::Key => "expected a key in quotes",
            Self::Colon => "expected a colon",
            Self::Comma => "expected a comma or a closing bracket",
            Self::Number => "malformed number",
            Self::Escape => "unknown escape in a string",
            Self::Control => "raw control character in a string",
            Self::Utf8 => "not UTF-8",
            Self::Surrogate => "half of a surrogate pair in a key",
            Self::Trailing => "something follows the value",
        }
    }
}

/// Why a pointer cannot be compiled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PointerError {
    pointer: String,
    reason: &'static str,
}

impl PointerError {
    pub(crate) fn new(pointer: &str, reason: &'static str) -> Self {
        Self { pointer: pointer.to_owned(), reason }
    }
}

impl fmt::Display for PointerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the pointer `{}` {}", self.pointer, self.reason)
    }
}

impl std::error::Error for PointerError {}
