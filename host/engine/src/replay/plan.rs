//! What a replay goes through.

use model::canonical::{ReplayQuery, ReplayRecord};
use model::queue::LeaseRef;
use model::{Connection, ConnectionId, TenantId};
use package::Manifest;

use crate::mapping::Mappings;
use crate::sync::PackageRef;

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
    /// The entities, those that others refer to first where the manifest tells.
    pub entities: Vec<String>,
    /// Records that the active schema has mapped are mapped once more.
    pub again: bool,
    /// The schemas.
    pub mappings: Mappings,
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
            entities: manifest.entities.keys().filter(chosen).cloned().collect(),
            again: false,
            mappings: Mappings::default(),
        })
    }

    /// The stored records of an entity that are to be looked at.
    pub(super) fn query(&self, entity: &str, limit: usize) -> ReplayQuery {
        ReplayQuery {
            tenant: self.tenant.clone(),
            connection: self.connection.clone(),
            entity: entity.to_owned(),
            active: self.mappings.digest(entity).filter(|_| !self.again),
            after: None,
            limit,
        }
    }

    /// Without a schema there is something to do for records alone that one has mapped before.
    pub(super) fn wanted(&self, entity: &str, records: Vec<ReplayRecord>) -> Vec<ReplayRecord> {
        if self.mappings.get(entity).is_some() {
            return records;
        }
        records.into_iter().filter(|record| record.record.link.schema.is_some()).collect()
    }
}
