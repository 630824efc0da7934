//! Types of fields, as they are written.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::Kind;

/// The type of a field.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FieldKind {
    /// A value.
    Plain(Kind),
    /// Values of one type, written `list:` before it.
    List(Box<Self>),
    /// The id of a record of this type, written `ref:c_company`.
    Ref(String),
    /// A whole record of this type as an object, written `embed:x_address`.
    Embed(String),
}

/// The words for plain types.
const WORDS: &[(&str, Kind)] = &[
    ("any", Kind::Any),
    ("bool", Kind::Bool),
    ("integer", Kind::Integer),
    ("decimal", Kind::Decimal),
    ("text", Kind::Text),
    ("date", Kind::Date),
    ("datetime", Kind::DateTime),
    ("money", Kind::Money),
    ("object", Kind::Object),
];

impl FieldKind {
    /// Lists within lists; no provider has more.
    pub(super) const LISTS_MAX: usize = 3;

    /// Whether it names other records.
    pub(crate) fn refers(&self) -> bool {
        match self {
            Self::Ref(_) => true,
            Self::List(item) => item.refers(),
            Self::Plain(_) | Self::Embed(_) => false,
        }
    }

    /// Reads a type; the error says what to write.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Self::parse_within(text, 0)
    }

    fn parse_within(text: &str, lists: usize) -> Result<Self, String> {
        if let Some((_, kind)) = WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(Self::Plain(kind.clone()));
        }
        match text.split_once(':') {
            Some(("list", _)) if lists == Self::LISTS_MAX => {
                Err(format!("lists stand deeper than {} in each other", Self::LISTS_MAX))
            }
            Some(("list", item)) => Ok(Self::List(Box::new(Self::parse_within(item, lists + 1)?))),
            Some(("ref", name)) if !name.is_empty() => Ok(Self::Ref(name.to_owned())),
            Some(("embed", name)) if !name.is_empty() => Ok(Self::Embed(name.to_owned())),
            _ => {
                let words: Vec<_> = WORDS.iter().map(|(word, _)| *word).collect();
                let words = words.join(", ");
                Err(format!("a type is {words}, list:TYPE, ref:RECORD_TYPE or embed:RECORD_TYPE"))
            }
        }
    }

    /// The type of its values.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Plain(kind) => kind.clone(),
            Self::List(item) => Kind::List(Box::new(item.kind())),
            Self::Ref(_) => Kind::Text,
            Self::Embed(_) => Kind::Object,
        }
    }

    /// The record type that it names.
    pub(super) fn named(&self) -> Option<&str> {
        match self {
            Self::Plain(_) => None,
            Self::List(item) => item.named(),
            Self::Ref(name) | Self::Embed(name) => Some(name),
        }
    }

    /// The record type that stands within it.
    pub(crate) fn embedded(&self) -> Option<&str> {
        match self {
            Self::Plain(_) | Self::Ref(_) => None,
            Self::List(item) => item.embedded(),
            Self::Embed(name) => Some(name),
        }
    }
}

impl fmt::Display for FieldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(kind) => write!(f, "{kind}"),
            Self::List(item) => write!(f, "list:{item}"),
            Self::Ref(name) => write!(f, "ref:{name}"),
            Self::Embed(name) => write!(f, "embed:{name}"),
        }
    }
}

impl Serialize for FieldKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
