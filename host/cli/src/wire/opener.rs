//! Connections as the workers see them.

use std::sync::Arc;

use async_trait::async_trait;
use engine::policy;
use engine::replay::ReplayPlan;
use engine::sync::{Choice, SyncPlan};
use engine::work::job::{ReplayOrder, SyncOrder};
use engine::work::{About, Opened, Opener, Opening};
use model::credential::Actor;
use model::egress::Priority;
use model::queue::JobId;
use model::store::{Catalogue as _, RecordStore as _, StoreError};
use model::{Connection, ConnectionId, Error, ErrorKind, TenantId, Timestamp};

use super::{Host, Package};

/// Opens the connections of a host.
pub(crate) struct Connections {
    host: Arc<Host>,
}

impl Connections {
    /// Those of this host.
    pub(crate) fn new(host: Arc<Host>) -> Self {
        Self { host }
    }

    async fn connection(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
    ) -> Result<Option<Connection>, Error> {
        self.host.store.connection(tenant, id).await.map_err(|e| unavailable(&e))
    }

    /// The entities that a task may read now, and when it may read the first of the others.
    async fn due(
        &self,
        connection: &Connection,
        package: &Package,
        entities: Vec<String>,
    ) -> Result<(Vec<String>, Option<Timestamp>), Error> {
        let manifest = package.manifest();
        let entities = match entities.as_slice() {
            [] => manifest
                .entities
                .iter()
                .filter(|(_, e)| e.with.is_none())
                .map(|(n, _)| n)
                .cloned()
                .collect(),
            _ => entities,
        };
        let newest = self.host.store.runs(&connection.tenant, Some(&connection.id), 1).await;
        let newest = newest.map_err(|e| unavailable(&e))?.pop();
        let due = policy::due(
            manifest,
            entities.iter().map(String::as_str),
            |entity| newest.as_ref()?.last_read.get(entity).copied(),
            self.host.clock.now(),
        );
        Ok((due.now.into_iter().map(str::to_owned).collect(), due.next))
    }
}

#[async_trait]
impl Opener for Connections {
    async fn about(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<Option<About>, Error> {
        let Some(connection) = self.connection(tenant, connection).await? else { return Ok(None) };
        let package = self.host.packages.recent(&connection.package).await?;
        let host = egress::main_host(&connection, package.manifest());
        Ok(Some(About { host, digest: package.reference().digest }))
    }

    async fn open(
        &self,
        tenant: &TenantId,
        order: &SyncOrder,
        job: JobId,
    ) -> Result<Opening, Error> {
        let Some(connection) = self.connection(tenant, &order.connection).await? else {
            return Ok(Opening::Gone);
        };
        let package = self.host.packages.recent(&connection.package).await?;
        let mut choice = Choice { entities: order.entities.clone(), ..Choice::default() };
        let scheduled = order.is_scheduled();
        let priority = if scheduled { Priority::Background } else { Priority::Interactive };
        if scheduled {
            let (now, next) = self.due(&connection, &package, choice.entities).await?;
            if now.is_empty() {
                return Ok(Opening::Early { next });
            }
            choice.entities = now;
        }
        let mut plan = SyncPlan::of(package.reference(), package.manifest(), &connection, &choice)
            .map_err(|e| Error::new(ErrorKind::Unsupported, "engine.plan", e.to_string()))?;
        plan.mappings = self.host.mappings(&package, &connection).await?;
        let actor = Actor::Job(job.to_string());
        let adapter = self.host.session(&package, &connection, actor, priority).await?;
        Ok(Opening::Ready(Box::new(Opened { adapter: Box::new(adapter), plan })))
    }

    async fn replay(
        &self,
        tenant: &TenantId,
        order: &ReplayOrder,
    ) -> Result<Option<ReplayPlan>, Error> {
        let Some(connection) = self.connection(tenant, &order.connection).await? else {
            return Ok(None);
        };
        let package = self.host.packages.recent(&connection.package).await?;
        let (reference, manifest) = (package.reference(), package.manifest());
        let mappings = self.host.mappings(&package, &connection).await?;
        let plan = ReplayPlan::of(reference, manifest, &connection, &order.entities, mappings)
            .map_err(|e| Error::new(ErrorKind::Unsupported, "engine.plan", e.to_string()))?;
        Ok(Some(ReplayPlan { again: order.again, mark: order.mark.clone(), ..plan }))
    }
}

pub(super) fn unavailable(error: &StoreError) -> Error {
    Error::new(ErrorKind::Unavailable, "engine.store", error.to_string())
}
