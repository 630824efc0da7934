//! JSON pointers (RFC 6901).

use std::fmt;

use crate::document::{Decode, FileError, Item};

/// A JSON pointer; the empty one is the whole document.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Pointer(String);

impl Pointer {
    /// Reads a pointer as RFC 6901 writes it.
    pub fn parse(text: &str) -> Result<Self, PointerError> {
        if !text.is_empty() && !text.starts_with('/') {
            return Err(PointerError::Start);
        }
        let mut rest = text;
        while let Some((_, behind)) = rest.split_once('~') {
            if !behind.starts_with(['0', '1']) {
                return Err(PointerError::Escape);
            }
            rest = behind;
        }
        Ok(Self(text.to_owned()))
    }

    /// The pointer as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no JSON pointer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PointerError {
    /// It does not begin with a slash.
    #[error("a JSON pointer begins with `/`")]
    Start,
    /// A tilde stands alone.
    #[error("`~` in a JSON pointer is written `~0`, `/` is written `~1`")]
    Escape,
}

impl Decode for Pointer {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        item.parsed(Self::parse, "write a JSON pointer, as in \"/payload/id\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, error: Option<PointerError>) {
        assert_eq!(Pointer::parse(text).err(), error, "{text}");
    }

    #[test]
    fn pointers_follow_the_rfc() {
        check("", None);
        check("/a/b~0c~1d", None);
        check("a", Some(PointerError::Start));
        check("/a~2", Some(PointerError::Escape));
        check("/a~", Some(PointerError::Escape));
    }
}
