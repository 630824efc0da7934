//! The installed packages as the API sees them.

use std::sync::Arc;

use api::{Adapters, Package};
use async_trait::async_trait;
use engine::credential::Check;
use engine::mapping::{Mapping, Mappings};
use engine::metrics::Metered;
use model::adapter::Adapter;
use model::credential::Actor;
use model::egress::Priority;
use model::{Connection, Error};

use super::{Asking, Host, unusable};

/// Those of a host.
pub(crate) struct Installed(pub(crate) Arc<Host>);

#[async_trait]
impl Adapters for Installed {
    async fn package(&self, name: &str) -> Result<Package, Error> {
        let package = self.0.packages.recent(name).await?;
        Ok(Package {
            manifest: Arc::clone(package.manifest()),
            reference: package.reference(),
            grant: package.loaded.grant.clone(),
        })
    }

    async fn open(&self, connection: &Connection, actor: Actor) -> Result<Box<dyn Adapter>, Error> {
        let package = self.0.packages.recent(&connection.package).await?;
        let session = self.0.session(&package, connection, actor, Priority::Interactive).await?;
        Ok(Box::new(Metered::new(Box::new(session), &connection.package, &self.0.metrics)))
    }

    async fn check(&self, package: &str, actor: Actor) -> Result<Box<dyn Check>, Error> {
        let package = self.0.packages.recent(package).await?;
        Ok(Box::new(Asking::new(Arc::clone(&self.0), package, actor)))
    }

    async fn mappings(&self, connection: &Connection) -> Result<Mappings, Error> {
        let package = self.0.packages.recent(&connection.package).await?;
        self.0.mappings(&package, connection).await
    }

    async fn default_mapping(
        &self,
        connection: &Connection,
        entity: &str,
        part: Option<&str>,
    ) -> Result<Option<Mapping>, Error> {
        let package = self.0.packages.recent(&connection.package).await?;
        let found = self.0.resolver(&package, connection).default(entity, part).await;
        found.map_err(unusable)
    }
}
