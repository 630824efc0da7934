//! Places: where a value stands in a request.

use std::fmt;

use crate::document::{Decode, FileError, Item};
use crate::pointer::{Pointer, PointerError};

/// Where a value stands in a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// A header, by name.
    Header(String),
    /// A query parameter, by name.
    Query(String),
    /// A member of the JSON body.
    Json(Pointer),
}

impl Place {
    /// Reads `header:Name`, `query:name` or `json:/pointer`.
    pub fn parse(text: &str) -> Result<Self, PlaceError> {
        let (kind, name) = text.split_once(':').ok_or(PlaceError::Kind)?;
        match kind {
            "header" if is_token(name) => Ok(Self::Header(name.to_owned())),
            "header" => Err(PlaceError::Header),
            "query" if is_query_name(name) => Ok(Self::Query(name.to_owned())),
            "query" => Err(PlaceError::Query),
            "json" => Ok(Self::Json(Pointer::parse(name)?)),
            _ => Err(PlaceError::Kind),
        }
    }
}

/// Whether a text is a token of RFC 9110, as header names are.
pub(crate) fn is_token(text: &str) -> bool {
    let proper = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(proper)
}

fn is_query_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_control() || c.is_whitespace())
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Json(pointer) => write!(f, "json:{pointer}"),
        }
    }
}

impl Decode for Place {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        item.parsed(Self::parse, "write header:Name, query:name or json:/pointer")
    }
}

/// Why a text is no place.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PlaceError {
    /// No kind that is known.
    #[error("a place begins with `header:`, `query:` or `json:`")]
    Kind,
    /// The header's name is none.
    #[error("not the name of a header")]
    Header,
    /// The parameter's name is none.
    #[error("not the name of a query parameter")]
    Query,
    /// The pointer is none.
    #[error(transparent)]
    Pointer(#[from] PointerError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, error: Option<PlaceError>) {
        let place = Place::parse(text);
        assert_eq!(place.as_ref().err().copied(), error, "{text}");
        if let Ok(place) = place {
            assert_eq!(place.to_string(), text);
        }
    }

    #[test]
    fn places_are_headers_parameters_or_members() {
        check("header:X-Signature", None);
        check("query:validationToken", None);
        check("json:/payload/0/id", None);
        check("json:", None);
        check("body", Some(PlaceError::Kind));
        check("cookie:a", Some(PlaceError::Kind));
        check("header:", Some(PlaceError::Header));
        check("header:a b", Some(PlaceError::Header));
        check("query:", Some(PlaceError::Query));
        check("json:a", Some(PlaceError::Pointer(PointerError::Start)));
    }
}
