//! A conversion schema as it is written: field maps between one entity and one record type.

mod emit;
mod parse;
mod published;
mod strict;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::Diagnostic;

pub use published::json_schema;

pub(crate) use strict::{members, strict};

/// A conversion schema: well-formed, but not yet checked against types.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    pub(crate) name: String,
    pub(crate) entity: String,
    pub(crate) record_type: String,
    pub(crate) fields: Vec<FieldMap>,
    pub(crate) url: Option<Link>,
}

/// Source path → operations → target field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldMap {
    /// JSON Pointers into the provider's record. Several make a tuple; none suits an operation
    /// that makes its value out of nothing.
    pub from: Vec<String>,
    /// Operations, as they are written.
    pub ops: Vec<Json>,
    /// Fields of the record type. Several take a tuple apart.
    pub to: Vec<String>,
    /// What happens when a value does not fit.
    pub on_error: OnError,
    /// Whether the field is written back.
    pub direction: Direction,
}

/// How the address of a record at the provider is made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Link {
    /// As in a [`FieldMap`].
    pub(crate) from: Vec<String>,
    /// As in a [`FieldMap`].
    pub(crate) ops: Vec<Json>,
}

/// What happens to a field whose value does not fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum OnError {
    /// It is null.
    Null,
    /// It is left out.
    #[default]
    SkipField,
    /// The record is not taken.
    RejectRecord,
    /// It has this value.
    Default(Json),
}

/// In which directions a field is mapped.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Direction {
    /// Read, and written back.
    #[default]
    Both,
    /// Read only.
    In,
}

impl Schema {
    /// The only format there is.
    pub const FORMAT: u64 = 1;

    /// The largest text: a hundred times a large schema.
    pub const TEXT_BYTES_MAX: usize = 1 << 20;

    /// Objects and lists within each other in a text: operations within operations take two
    /// levels each, and tests and tables stand within them.
    pub const DEPTH_MAX: usize = 32;

    /// Field maps: more than any provider has fields that people use.
    pub const FIELDS_MAX: usize = 1_000;

    /// Operations of one field map: more cannot be read.
    pub const OPS_MAX: usize = crate::OPS_MAX;

    /// Sources or targets of one field map: more cannot be read.
    pub const ENDS_MAX: usize = 16;

    /// Different sources of all field maps together: twice as many as targets.
    pub const SOURCES_MAX: usize = 2_000;

    /// Bytes of a name.
    pub const NAME_BYTES_MAX: usize = 100;

    /// Reads a schema; the answer names everything that is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, Vec<Diagnostic>> {
        parse::schema(text)
    }

    /// The canonical text: equal schemas have equal texts.
    pub fn to_json(&self) -> String {
        emit::schema(self)
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The provider's entity that it maps.
    pub fn entity(&self) -> &str {
        &self.entity
    }

    /// The record type that it maps to.
    pub fn record_type(&self) -> &str {
        &self.record_type
    }

    /// The field maps, in their order.
    pub fn fields(&self) -> &[FieldMap] {
        &self.fields
    }

    /// The entities whose records its operations look up.
    pub fn refers_to(&self) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let ops = self.fields.iter().flat_map(|map| &map.ops);
        ops.for_each(|op| lookups(op, &mut found));
        found
    }
}

/// Looks for lookups in an operation, and in those within it; a text is not deep.
fn lookups<'s>(json: &'s Json, found: &mut BTreeSet<&'s str>) {
    match json {
        Json::Object(op) => {
            let is_lookup = op.get("op").is_some_and(|name| name == "lookup_ref");
            found.extend(op.get("entity").and_then(Json::as_str).filter(|_| is_lookup));
            op.values().for_each(|inner| lookups(inner, found));
        }
        Json::Array(items) => items.iter().for_each(|inner| lookups(inner, found)),
        _ => {}
    }
}
