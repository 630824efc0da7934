//! A connection, its package, and the schemas of its entities.

use std::sync::Arc;

use ::mapping::Types;
use anyhow::{Context as _, Result, ensure};
use engine::mapping::{Mapping, Mappings, Origin, named, sample};
use engine::replay::ReplayPlan;
use model::store::StoredRecord;
use model::{Connection, ConnectionId};
use package::manifest::Entity;
use store::Store;

use super::bind::place;
use super::text::{Name, Which};
use crate::Global;
use crate::wire::{self, Host, Package};

/// A connection and what is known of its records.
pub(super) struct Site {
    pub(super) host: Arc<Host>,
    pub(super) connection: Connection,
    pub(super) package: Arc<Package>,
}

impl Site {
    /// The connection of this name, with its package verified again.
    pub(super) async fn open(global: &Global, id: &ConnectionId) -> Result<Self> {
        let host = Host::open(global).await?;
        let connection = wire::connection(&host.store, &global.tenant, id).await?;
        let package = host.load(&connection.package).await?;
        Ok(Self { host, connection, package })
    }

    /// An entity of the manifest.
    pub(super) fn entity(&self, name: &str) -> Result<&Entity> {
        let entities = &self.package.manifest().entities;
        entities.get(name).with_context(|| {
            let known: Vec<_> = entities.keys().map(String::as_str).collect();
            format!("package {} has no entity {name}: choose from {}", self.connection.package, {
                known.join(", ")
            })
        })
    }

    /// The active schemas of all entities, some of which may be refused.
    pub(super) async fn all_active(&self) -> Result<Mappings> {
        Ok(self.host.resolver(&self.package, &self.connection).active().await?)
    }

    /// The active schemas, where those of this entity compile.
    pub(super) async fn active(&self, entity: &str) -> Result<Mappings> {
        let active = self.all_active().await?;
        match active.refused(entity) {
            Some(error) => Err(error.clone().into()),
            None => Ok(active),
        }
    }

    /// The schema that maps an entity, or a part of it, where none is bound to it.
    pub(super) async fn default(
        &self,
        entity: &str,
        part: Option<&str>,
    ) -> Result<Option<Mapping>> {
        Ok(self.host.resolver(&self.package, &self.connection).default(entity, part).await?)
    }

    /// A replay of these entities with these schemas.
    pub(super) fn replay(&self, entities: &[String], mappings: Mappings) -> Result<ReplayPlan> {
        let (reference, manifest) = (self.package.reference(), self.package.manifest());
        Ok(ReplayPlan::of(reference, manifest, &self.connection, entities, mappings)?)
    }

    /// Some stored records of an entity, or those of these ids.
    pub(super) async fn records(
        &self,
        entity: &str,
        ids: &[String],
        limit: usize,
    ) -> Result<Vec<StoredRecord>> {
        if ids.is_empty() {
            return self.sample(entity, None, limit).await;
        }
        let (store, id) = (self.host.store.as_ref(), &self.connection.id);
        let mut records = Vec::with_capacity(ids.len());
        for wanted in ids {
            let found = named(store, &self.connection, entity, wanted).await?;
            records.push(found.with_context(|| {
                format!("connection {id} has no {entity} with id {wanted}: see `plughouse records`")
            })?);
        }
        Ok(records)
    }

    /// Some stored records of an entity, or of one part of it.
    pub(super) async fn sample(
        &self,
        entity: &str,
        part: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StoredRecord>> {
        let store = self.host.store.as_ref();
        let records = sample(store, &self.connection, (entity, part), limit).await?;
        let (id, place) = (&self.connection.id, place(entity, part));
        ensure!(!records.is_empty(), "connection {id} has no records of {place}: sync it first");
        Ok(records)
    }
}

/// The store, if there is one: a file can be looked at without.
pub(super) fn store(global: &Global) -> Result<Option<Arc<Store>>> {
    let there = global.host.is_some() || wire::has_store(&global.data);
    there.then(|| wire::open_store(global)).transpose()
}

/// The record types of the tenant; without a store those that all have.
pub(super) async fn types(global: &Global, store: Option<&Store>) -> Result<Types> {
    match store {
        Some(store) => Ok(engine::mapping::types(store, &global.tenant).await?),
        None => Ok(Types::built_in()),
    }
}

/// Compiles the schema of a file, or a saved one.
pub(super) async fn schema(
    global: &Global,
    store: Option<&Store>,
    which: &Which,
) -> Result<Mapping> {
    match (which, store) {
        (Which::File(path), store) => {
            let text = super::text::read(global, path)?;
            let types = types(global, store).await?;
            let mapping = Mapping::new(&text, Origin::Draft, &types);
            mapping.with_context(|| format!("read {}", path.display()))
        }
        (Which::Saved(name), Some(store)) => saved(global, store, name).await,
        // Opening says what to do about it.
        (Which::Saved(name), None) => saved(global, &*wire::open_store(global)?, name).await,
    }
}

/// Compiles a saved schema.
pub(super) async fn saved(global: &Global, store: &Store, name: &Name) -> Result<Mapping> {
    let which = (name.name.as_str(), name.version);
    let found = engine::mapping::saved(store, &global.tenant, which).await?;
    found.with_context(|| {
        format!("no conversion schema {name} is saved: see `plughouse mapping list`")
    })
}
