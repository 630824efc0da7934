//! What a replay goes through.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::canonical::{Pick, ReplayQuery, ReplayRecord};
use model::queue::{JobId, LeaseRef};
use model::schema::Binding;
use model::{Connection, ConnectionId, TenantId};
use package::Manifest;
use serde::{Deserialize, Serialize};

use crate::mapping::{Mapping, Mappings};
use crate::sync::{PackageRef, SyncPlan};

/// Everything that a replay needs to know before it begins.
#[derive(Clone, Debug)]
pub struct ReplayPlan {
    /// Whose.
    pub tenant: TenantId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// The package through which the records came.
    pub package: PackageRef,
    /// The claim under which it runs, where a queue has handed it out.
    pub lease: Option<LeaseRef>,
    /// The job that asked for it, by the id under which people know it.
    pub job: Option<JobId>,
    /// The entities, those that others refer to first: see [`Mappings::in_order`].
    pub entities: Vec<String>,
    /// How far one of them was gone through before.
    pub mark: Option<Mark>,
    /// What of them.
    pub scope: Scope,
    /// Records that the active schema has mapped are mapped once more.
    pub again: bool,
    /// The schemas.
    pub mappings: Mappings,
}

/// How far the records of an entity were gone through.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The entity.
    pub entity: String,
    /// Opaque, of the store.
    pub after: String,
}

/// Which parts of the entities a replay goes through.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Scope {
    /// All, and what is in no part.
    #[default]
    All,
    /// This one alone.
    Part(String),
    /// All but these.
    Outside(Vec<String>),
}

impl Scope {
    /// What is mapped otherwise once another schema is bound to an entity: its part, or all but
    /// the parts that have one of their own.
    pub fn of_binding(entity: &str, part: Option<String>, bindings: &[Binding]) -> Self {
        if let Some(part) = part {
            return Self::Part(part);
        }
        let bound = bindings.iter().filter(|it| it.entity == entity && it.schema.is_some());
        Self::Outside(bound.filter_map(|binding| binding.part.clone()).collect())
    }
}

/// Why there is nothing to replay.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the package has no entity `{name}`; choose from: {known}")]
pub struct ReplayError {
    /// What was asked for.
    pub name: String,
    /// What there is.
    pub known: String,
}

impl ReplayPlan {
    /// Goes through these entities; none means all.
    pub fn of(
        package: PackageRef,
        manifest: &Manifest,
        connection: &Connection,
        entities: &[String],
        mappings: Mappings,
    ) -> Result<Self, ReplayError> {
        if let Some(name) = entities.iter().find(|name| !manifest.entities.contains_key(*name)) {
            let known: Vec<_> = manifest.entities.keys().map(String::as_str).collect();
            return Err(ReplayError { name: name.clone(), known: known.join(", ") });
        }
        let chosen = |name: &&String| entities.is_empty() || entities.contains(name);
        Ok(Self {
            tenant: connection.tenant.clone(),
            connection: connection.id.clone(),
            package,
            lease: None,
            job: None,
            entities: mappings.in_order(manifest.entities.keys().filter(chosen).cloned()),
            mark: None,
            scope: Scope::All,
            again: false,
            mappings,
        })
    }

    /// Maps again what a sync has mapped before what it refers to, if that has come since.
    pub(crate) fn following(plan: &SyncPlan, waiting: &BTreeMap<String, bool>) -> Option<Self> {
        Self::beside(plan).again_for(waiting)
    }

    /// A replay of no entities yet, with the schemas of a sync.
    pub(super) fn beside(plan: &SyncPlan) -> Self {
        Self {
            tenant: plan.tenant.clone(),
            connection: plan.connection.clone(),
            package: plan.package.clone(),
            lease: plan.lease.clone(),
            job: plan.job,
            entities: Vec::new(),
            mark: None,
            scope: Scope::All,
            again: false,
            mappings: plan.mappings.clone(),
        }
    }

    /// The same for what a replay has mapped so.
    pub(super) fn again_for(&self, waiting: &BTreeMap<String, bool>) -> Option<Self> {
        let late = waiting.iter().filter(|(_, has_come)| **has_come);
        let entities = self.mappings.in_order(late.map(|(entity, _)| entity.clone()));
        let some = !entities.is_empty();
        some.then(|| Self { entities, mark: None, again: false, ..self.clone() })
    }

    /// The stored records of an entity that are to be looked at.
    pub(super) fn query(&self, entity: &str, limit: usize) -> ReplayQuery {
        let rest = self.pick(self.mappings.get(entity, None));
        let parts = self.mappings.parts(entity);
        let parts = parts.map(|(part, mapping)| (part.to_owned(), self.pick(Some(mapping))));
        let (pick, parts) = match &self.scope {
            Scope::All => (rest, parts.collect()),
            Scope::Part(part) => {
                let pick = self.pick(self.mappings.get(entity, Some(part)));
                (Pick::Nothing, BTreeMap::from([(part.clone(), pick)]))
            }
            Scope::Outside(others) => {
                let others = others.iter().map(|part| (part.clone(), Pick::Nothing));
                (rest, parts.chain(others).collect())
            }
        };
        ReplayQuery {
            tenant: self.tenant.clone(),
            connection: self.connection.clone(),
            entity: entity.to_owned(),
            pick,
            parts,
            after: self.mark.as_ref().filter(|m| m.entity == entity).map(|m| m.after.clone()),
            limit,
        }
    }

    /// Without a schema there is something to do for records alone that one has mapped before.
    pub(super) fn wanted(&self, entity: &str, records: Vec<ReplayRecord>) -> Vec<ReplayRecord> {
        let mapped = |record: &ReplayRecord| {
            let part = record.record.part.as_deref();
            self.mappings.get(entity, part).is_some() || record.record.link.schema.is_some()
        };
        records.into_iter().filter(mapped).collect()
    }

    fn pick(&self, mapping: Option<&Arc<Mapping>>) -> Pick {
        match mapping {
            Some(mapping) if !self.again => Pick::Unless(mapping.schema().digest),
            _ => Pick::All,
        }
    }
}
