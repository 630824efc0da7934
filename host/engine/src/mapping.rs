//! The conversion schemas of a connection, and what they make of its records.
//!
//! An entity is mapped by the schema that the tenant has bound to it, else by the one that its
//! package brings, else not at all. A schema is compiled where it comes in — with a package, or
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

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use model::canonical::SchemaDigest;

pub use apply::{Mapper, Raw};
pub use compiled::{Mapping, Origin, SchemaRef};
pub use derive::{ContractEdit, DerivePorts, Derived, Deriving, Saved, derive};
pub use error::MappingError;
pub use package::check_package;
pub use resolve::{Resolver, types};

/// The schemas of a connection's entities.
#[derive(Clone, Default)]
pub struct Mappings(BTreeMap<String, Arc<Mapping>>);

impl Mappings {
    /// The schema of an entity; nothing where its records are not mapped.
    pub fn get(&self, entity: &str) -> Option<&Arc<Mapping>> {
        self.0.get(entity)
    }

    /// The digest of the schema of an entity.
    pub fn digest(&self, entity: &str) -> Option<SchemaDigest> {
        self.get(entity).map(|mapping| mapping.schema().digest)
    }

    /// Whether no entity is mapped.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entities that are mapped and their schemas.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<Mapping>)> {
        self.0.iter().map(|(entity, mapping)| (entity.as_str(), mapping))
    }

    /// The schema of an entity, taken out.
    fn take(mut self, entity: &str) -> Option<Mapping> {
        self.0.remove(entity).and_then(Arc::into_inner)
    }

    /// The same, but with this schema for the entity, or none.
    #[must_use]
    pub fn with(mut self, entity: &str, mapping: Option<Mapping>) -> Self {
        match mapping {
            Some(mapping) => self.0.insert(entity.to_owned(), Arc::new(mapping)),
            None => self.0.remove(entity),
        };
        self
    }
}

impl fmt::Debug for Mappings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schemas = self.0.iter().map(|(entity, mapping)| (entity, mapping.schema().to_string()));
        f.debug_map().entries(schemas).finish()
    }
}
