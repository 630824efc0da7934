//! The conversion schemas of a connection, and what they make of its records.
//!
//! A record is mapped by the schema that the tenant has bound to its part of the entity, else by
//! the one bound to the entity, else by the one that the package brings, else not at all. A schema
//! is compiled where it comes in — with a package, or when a tenant saves or binds it — and again
//! for every run, against the record types as they are by then. An entity with one that does not
//! compile any more is refused: it is neither read nor mapped until it does, and the others are.

mod apply;
mod check;
mod compiled;
mod contract;
mod derive;
mod error;
mod identity;
mod package;
mod paths;
mod place;
mod references;
mod resolve;
mod sample;
mod shelf;
mod suggest;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use model::Error;

pub use apply::{Mapper, Raw};
pub use check::{Checked, check, not_seen};
pub use compiled::{Mapping, Origin, SchemaRef};
pub use derive::{ContractEdit, DerivePorts, Derived, Deriving, Saved, derive, offered};
pub use error::MappingError;
pub use package::check_package;
pub use paths::{PathSeen, PathsSeen, paths};
pub use resolve::{Resolver, own_types, saved, types};
pub use sample::{GUESSED_FROM, LOOKED_THROUGH, named, payloads, sample};
pub use shelf::{Kept, Ready, Shelf, Signed, Use};
pub use suggest::{Suggested, Suggesting, suggest};

/// Schemas of one entity in the report of a run; a hundred parts may have one each.
const SHOWN_MAX: usize = 5;

/// What maps the records of an entity, or why it does not compile.
type Slot = Result<Arc<Mapping>, Error>;

/// The schemas of a connection's entities.
#[derive(Clone, Default)]
pub struct Mappings(BTreeMap<String, OfEntity>);

/// The schemas of one entity.
#[derive(Clone, Default)]
struct OfEntity {
    /// Of all records but those in the parts below.
    rest: Option<Slot>,
    parts: BTreeMap<String, Slot>,
}

impl OfEntity {
    fn all(&self) -> impl Iterator<Item = &Slot> {
        self.rest.iter().chain(self.parts.values())
    }
}

impl Mappings {
    /// The schema of an entity's records in this part, or in none; nothing where they are not
    /// mapped.
    pub fn get(&self, entity: &str, part: Option<&str>) -> Option<&Arc<Mapping>> {
        let OfEntity { rest, parts } = self.0.get(entity)?;
        let slot = part.and_then(|part| parts.get(part)).or(rest.as_ref())?;
        slot.as_ref().ok()
    }

    /// Why records of an entity can be neither read nor mapped, if one of its schemas does not
    /// compile.
    pub fn refused(&self, entity: &str) -> Option<&Error> {
        self.0.get(entity)?.all().find_map(|slot| slot.as_ref().err())
    }

    /// The parts of an entity that have schemas of their own.
    pub fn parts(&self, entity: &str) -> impl Iterator<Item = (&str, &Arc<Mapping>)> {
        let parts = self.0.get(entity).into_iter().flat_map(|of| &of.parts);
        parts.filter_map(|(part, slot)| Some((part.as_str(), slot.as_ref().ok()?)))
    }

    /// Whether no entity is mapped.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the schemas that map an entity, its own first, as a run keeps them.
    pub fn shown(&self, entity: &str) -> Option<String> {
        let all: Vec<_> = self.0.get(entity)?.all().flatten().collect();
        if all.is_empty() {
            return None;
        }
        let names: Vec<_> = all.iter().take(SHOWN_MAX).map(|m| m.schema().to_string()).collect();
        let names = names.join(", ");
        Some(match all.len().saturating_sub(SHOWN_MAX) {
            0 => names,
            more => format!("{names} and {more} more"),
        })
    }

    /// These entities such that those which records of others refer to come before them. Of a
    /// circle the first by name comes first.
    pub fn in_order(&self, entities: impl IntoIterator<Item = String>) -> Vec<String> {
        let mut left: BTreeSet<_> = entities.into_iter().collect();
        let mut order = Vec::with_capacity(left.len());
        let waits = |name: &String, left: &BTreeSet<String>| {
            self.refers_to(name).any(|other| other != name && left.contains(other))
        };
        while let Some(first) = left.first() {
            let next = left.iter().find(|name| !waits(name, &left)).unwrap_or(first).clone();
            left.remove(&next);
            order.push(next);
        }
        order
    }

    /// The entities whose records refer to others.
    pub(crate) fn referring(&self) -> impl Iterator<Item = &String> {
        self.0.keys().filter(|entity| self.refers_to(entity).next().is_some())
    }

    fn refers_to(&self, entity: &str) -> impl Iterator<Item = &String> {
        let schemas = self.0.get(entity).into_iter().flat_map(OfEntity::all).flatten();
        schemas.flat_map(|mapping| mapping.refers_to())
    }

    /// The same, but with this schema for the entity, or none.
    #[must_use]
    pub fn with(self, entity: &str, mapping: Option<Mapping>) -> Self {
        self.with_part(entity, None, mapping)
    }

    /// The same, but with this schema for a part of the entity, or for the entity.
    #[must_use]
    pub fn with_part(mut self, entity: &str, part: Option<&str>, mapping: Option<Mapping>) -> Self {
        self.put(entity, part, mapping.map(|mapping| Ok(Arc::new(mapping))));
        self
    }

    fn put(&mut self, entity: &str, part: Option<&str>, slot: Option<Slot>) {
        let of = self.0.entry(entity.to_owned()).or_default();
        match (part, slot) {
            (None, slot) => of.rest = slot,
            (Some(part), Some(slot)) => drop(of.parts.insert(part.to_owned(), slot)),
            (Some(part), None) => drop(of.parts.remove(part)),
        }
        if of.all().next().is_none() {
            self.0.remove(entity);
        }
    }
}

impl fmt::Debug for Mappings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schemas = self.0.keys().map(|entity| (entity, self.shown(entity)));
        f.debug_map().entries(schemas).finish()
    }
}
