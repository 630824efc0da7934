//! Record types: our side of a mapping, as data.
//!
//! The five built-in ones are a file of this crate; tenants define their own, and others are
//! derived from what a provider says of its fields. All are read and checked alike.

mod derive;
mod evolve;
mod field_kind;
mod parse;
#[cfg(test)]
mod tests;
mod types;

use serde::Serialize;

use crate::Diagnostic;

pub use derive::{Discovered, derive};
pub use evolve::{Change, Changed, Evolution, evolve};
pub use field_kind::FieldKind;
pub use types::Types;

/// A record type.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct RecordType {
    /// Its name, as `c_contact`; those of Plughouse begin with `c_`, no others may.
    pub name: String,
    /// Counts up whenever the fields change.
    pub version: u32,
    /// One sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// The fields, in the order in which a record shows them.
    pub fields: Vec<Field>,
    /// Sets of fields, the strongest first: records that agree in all fields of a set are the
    /// same thing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identity: Vec<Vec<String>>,
    /// What happens when the provider's side changes.
    pub contract: Contract,
}

/// A field of a record type.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Field {
    /// Its name: lower-case letters, digits and underscores.
    pub name: String,
    /// Its type.
    pub kind: FieldKind,
    /// A record without it is refused.
    #[serde(skip_serializing_if = "is_false")]
    pub required: bool,
    /// It says something about a person.
    #[serde(skip_serializing_if = "is_false")]
    pub pii: bool,
    /// One sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// What providers call it, for suggestions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// The provider's name of it, where the type was derived from a provider's fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The provider has it no more; what was stored keeps its meaning.
    #[serde(skip_serializing_if = "is_false")]
    pub gone: bool,
}

/// What happens when the provider's side changes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Contract {
    /// An entity that was not there before.
    pub object: Policy,
    /// A field that was not there before, or is there no more.
    pub field: Policy,
    /// A field of another type than before.
    #[serde(rename = "type")]
    pub kind: Policy,
}

/// What happens upon one kind of change.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The type follows.
    #[default]
    Evolve,
    /// The change is refused until a person has looked at it.
    Freeze,
    /// The type stays; values that do not fit it are left out.
    DiscardValue,
    /// The type stays; records that do not fit it are left out.
    DiscardRow,
}

impl Policy {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Evolve, Self::Freeze, Self::DiscardValue, Self::DiscardRow];

    /// The policy of this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == word)
    }

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Evolve => "evolve",
            Self::Freeze => "freeze",
            Self::DiscardValue => "discard_value",
            Self::DiscardRow => "discard_row",
        }
    }
}

impl RecordType {
    /// The largest text of a type.
    pub const TEXT_BYTES_MAX: usize = 1 << 20;

    /// Fields of a type: as many as a schema can map.
    pub const FIELDS_MAX: usize = 1_000;

    /// Bytes of the name of a type or a field: databases have columns of this length.
    pub const NAME_BYTES_MAX: usize = 63;

    /// Reads a type; the answer names everything that is wrong with the text. What it refers to
    /// is checked when it comes among other [`Types`].
    pub fn parse(text: &str) -> Result<Self, Vec<Diagnostic>> {
        parse::record_type(text)
    }

    /// The canonical text: equal types have equal texts.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_false(flag: &bool) -> bool {
    !flag
}
