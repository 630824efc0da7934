//! An entity of a connection, and what is known of its records.

use engine::mapping::{Mappings, sample};
use engine::replay::ReplayPlan;
use model::store::StoredRecord;
use model::{Connection, ConnectionId, TenantId};

use super::Ports;
use crate::ports::Package;
use crate::problem::Problem;

/// A connection and its package.
pub(crate) struct Place {
    pub(crate) connection: Connection,
    pub(crate) package: Package,
}

impl Ports {
    /// A connection of the tenant; one that is not there is as good as somebody else's.
    pub(crate) async fn place(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<Place, Problem> {
        let found = self.catalogue.connection(tenant, connection).await?;
        let connection = found.ok_or_else(Problem::not_found)?;
        let package = self.adapters.package(&connection.package).await?;
        Ok(Place { connection, package })
    }

    /// Some stored records of an entity, or of one part of it.
    pub(crate) async fn sample(
        &self,
        place: &Place,
        of: (&str, Option<&str>),
        limit: usize,
    ) -> Result<Vec<StoredRecord>, Problem> {
        Ok(sample(&*self.records, &place.connection, of, limit).await?)
    }
}

impl Place {
    /// Refuses an entity that stands at a place of the request and that the package has not.
    pub(crate) fn has(&self, entity: &str, at: &str) -> Result<(), Problem> {
        let known = &self.package.manifest.entities;
        if known.contains_key(entity) {
            return Ok(());
        }
        let known: Vec<_> = known.keys().map(String::as_str).collect();
        let detail = format!("choose from {}", known.join(", "));
        Err(Problem::invalid("the package has no such entity").at(at, detail))
    }

    /// A replay of these entities with these schemas.
    pub(crate) fn replay(
        &self,
        entities: &[String],
        mappings: Mappings,
    ) -> Result<ReplayPlan, Problem> {
        let Package { reference, manifest, .. } = &self.package;
        let plan =
            ReplayPlan::of(reference.clone(), manifest, &self.connection, entities, mappings);
        plan.map_err(|error| Problem::invalid(error.to_string()))
    }
}

/// What to do where nothing was read yet.
pub(crate) fn nothing_stored(entity: &str) -> Problem {
    Problem::conflict(format!("there are no records of {entity} yet; sync the connection first"))
}
