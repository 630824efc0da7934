//! A compiled schema, and what is kept of where it came from.

use std::collections::BTreeSet;
use std::fmt;

use mapping::{Program, RecordType, Schema, Source, Types};
use model::canonical::SchemaDigest;
use model::task::Direction;

use super::contract::Known;
use super::error::MappingError;
use super::identity::Identities;

/// Which schema maps, as a run keeps it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SchemaRef {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Tells it from every other one, together with its record type.
    pub digest: SchemaDigest,
}

impl SchemaRef {
    /// What a binding keeps of it; nothing of one that is not saved.
    pub fn saved(&self) -> Option<(String, u32)> {
        match self.origin {
            Origin::Saved(version) => Some((self.name.clone(), version)),
            Origin::Package(_) | Origin::Draft => None,
        }
    }
}

/// Where a schema comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// The tenant has saved it, in this version.
    Saved(u32),
    /// This package and version brings it.
    Package(String),
    /// It was given for a look, and is kept nowhere.
    Draft,
}

impl fmt::Display for SchemaRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Saved(version) => write!(f, "{}@{version}", self.name),
            Origin::Package(package) => write!(f, "{} of {package}", self.name),
            Origin::Draft => write!(f, "{} (not saved)", self.name),
        }
    }
}

/// A schema that is ready to map.
#[derive(Debug)]
pub struct Mapping {
    schema: SchemaRef,
    text: String,
    entity: String,
    program: Program,
    record_type: String,
    identities: Identities,
    direction: Direction,
    refers_to: BTreeSet<String>,
    known: Option<Known>,
}

impl Mapping {
    /// Compiles the text of a schema against the types that it may map to.
    pub fn new(text: &str, origin: Origin, types: &Types) -> Result<Self, MappingError> {
        let schema = Schema::parse(text)
            .map_err(|found| MappingError::refused("the conversion schema", found))?;
        let what = || format!("conversion schema {}", schema.name());
        let program = mapping::compile(&schema, types, &Source::default())
            .map_err(|found| MappingError::refused(what(), found))?
            .program;
        // A schema that compiles names a type that is there.
        let record_type = types
            .get(schema.record_type())
            .ok_or_else(|| MappingError::refused(what(), Vec::new()))?;
        let known = Known::of(&schema, record_type);
        Ok(Self {
            schema: SchemaRef {
                name: schema.name().to_owned(),
                origin,
                digest: digest(&program, known.as_ref(), true),
            },
            identities: Identities::of(record_type),
            direction: direction(&schema, &program, record_type),
            refers_to: schema.refers_to().into_iter().map(str::to_owned).collect(),
            known,
            record_type: record_type.name.clone(),
            entity: schema.entity().to_owned(),
            text: text.to_owned(),
            program,
        })
    }

    /// Which schema it is.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Its text, as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The entity that it maps.
    pub fn entity(&self) -> &str {
        &self.entity
    }

    /// The record type that comes out.
    pub fn record_type(&self) -> &str {
        &self.record_type
    }

    /// The compiled schema.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The entities whose records it looks up.
    pub(super) fn refers_to(&self) -> &BTreeSet<String> {
        &self.refers_to
    }

    pub(super) fn direction(&self) -> Direction {
        self.direction
    }

    pub(super) fn identities(&self) -> &Identities {
        &self.identities
    }

    /// The only fields that a record may have, where the contract of its type says so.
    pub(super) fn known(&self) -> Option<&Known> {
        self.known.as_ref()
    }

    /// The digest for a record that refers to one that is not there yet. It is another than that
    /// of the schema, so that a replay comes back to the record, and the same each time, so that
    /// it is written once.
    pub(super) fn incomplete(&self) -> SchemaDigest {
        digest(&self.program, self.known(), false)
    }
}

fn digest(program: &Program, known: Option<&Known>, complete: bool) -> SchemaDigest {
    let mut bytes = [0; 16];
    if let Some(front) = bytes.first_chunk_mut() {
        *front = program.digest().to_be_bytes();
    }
    // What the contract leaves out comes back when it is changed.
    bytes[15] = u8::from(!complete) | (u8::from(known.is_some()) << 1);
    SchemaDigest::from_bytes(bytes)
}

/// Both ways if anything can be written back.
fn direction(schema: &Schema, program: &Program, record_type: &RecordType) -> Direction {
    let both = |field: &mapping::FieldMap| field.direction == mapping::Direction::Both;
    let reversible =
        |name: &str| program.class_of(name).is_some_and(|c| c != mapping::Class::OneWay);
    let written = record_type.fields.iter().any(|field| reversible(&field.name));
    if written && schema.fields().iter().any(both) { Direction::Both } else { Direction::Inbound }
}
