//! The conversion schemas of a connection, and what they make of its records.
//!
//! A record is mapped by the schema that the tenant has bound to its part of the entity, else by
//! the one bound to the entity, else by the one that the package brings, else not at all. A schema is compiled where it comes in — with a package, or
//! when a tenant saves or binds it — and again for every run; what does not compile maps nothing.

mod apply;
mod compiled;
mod contract;
mod derive;
mod error;
mod identity;
mod package;
mod references;
mod resolve;
mod sample;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use apply::{Mapper, Raw};
pub use compiled::{Mapping, Origin, SchemaRef};
pub use derive::{ContractEdit, DerivePorts, Derived, Deriving, Saved, derive};
pub use error::MappingError;
pub use package::check_package;
pub use resolve::{Resolver, types};
pub use sample::sample;

/// Schemas of one entity in the report of a run; a hundred parts may have one each.
const SHOWN_MAX: usize = 5;

/// The schemas of a connection's entities.
#[derive(Clone, Default)]
pub struct Mappings(BTreeMap<String, OfEntity>);

/// The schemas of one entity.
#[derive(Clone, Default)]
struct OfEntity {
    /// Of all records but those in the parts below.
    rest: Option<Arc<Mapping>>,
    parts: BTreeMap<String, Arc<Mapping>>,
}

impl Mappings {
    /// The schema of an entity's records in this part, or in none; nothing where they are not
    /// mapped.
    pub fn get(&self, entity: &str, part: Option<&str>) -> Option<&Arc<Mapping>> {
        let OfEntity { rest, parts } = self.0.get(entity)?;
        part.and_then(|part| parts.get(part)).or(rest.as_ref())
    }

    /// The parts of an entity that have schemas of their own.
    pub fn parts(&self, entity: &str) -> impl Iterator<Item = (&str, &Arc<Mapping>)> {
        let parts = self.0.get(entity).into_iter().flat_map(|of| &of.parts);
        parts.map(|(part, mapping)| (part.as_str(), mapping))
    }

    /// Whether no entity is mapped.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the schemas that map an entity, its own first, as a run keeps them.
    pub fn shown(&self, entity: &str) -> Option<String> {
        let OfEntity { rest, parts } = self.0.get(entity)?;
        let all: Vec<_> = rest.iter().chain(parts.values()).collect();
        let names: Vec<_> = all.iter().take(SHOWN_MAX).map(|m| m.schema().to_string()).collect();
        let names = names.join(", ");
        Some(match all.len().saturating_sub(SHOWN_MAX) {
            0 => names,
            more => format!("{names} and {more} more"),
        })
    }

    /// The schema of an entity, taken out.
    fn take(mut self, entity: &str) -> Option<Mapping> {
        self.0.remove(entity)?.rest.and_then(Arc::into_inner)
    }

    /// The same, but with this schema for the entity, or none.
    #[must_use]
    pub fn with(self, entity: &str, mapping: Option<Mapping>) -> Self {
        self.with_part(entity, None, mapping)
    }

    /// The same, but with this schema for a part of the entity, or for the entity.
    #[must_use]
    pub fn with_part(mut self, entity: &str, part: Option<&str>, mapping: Option<Mapping>) -> Self {
        let mapping = mapping.map(Arc::new);
        let of = self.0.entry(entity.to_owned()).or_default();
        match (part, mapping) {
            (None, mapping) => of.rest = mapping,
            (Some(part), Some(mapping)) => drop(of.parts.insert(part.to_owned(), mapping)),
            (Some(part), None) => drop(of.parts.remove(part)),
        }
        if of.rest.is_none() && of.parts.is_empty() {
            self.0.remove(entity);
        }
        self
    }
}

impl fmt::Debug for Mappings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schemas = self.0.keys().map(|entity| (entity, self.shown(entity)));
        f.debug_map().entries(schemas).finish()
    }
}
