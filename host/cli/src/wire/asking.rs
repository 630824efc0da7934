//! Asking a provider whose account a credential opens.

use std::sync::Arc;

use async_trait::async_trait;
use engine::credential::{Check, Material};
use engine::metrics::Metered;
use model::credential::Actor;
use model::egress::Priority;
use model::{Connection, Error};

use super::{Host, Package};

/// Asks through the adapter, as a sync does.
pub(crate) struct Asking {
    host: Arc<Host>,
    package: Arc<Package>,
    actor: Actor,
}

impl Asking {
    /// Through this package, on this account.
    pub(crate) fn new(host: Arc<Host>, package: Arc<Package>, actor: Actor) -> Self {
        Self { host, package, actor }
    }
}

#[async_trait]
impl Check for Asking {
    async fn check(&self, connection: &mut Connection, material: Material) -> Result<(), Error> {
        let manifest = self.package.manifest();
        let door = (material, self.actor.clone());
        let mut session = self.host.door(&self.package, connection, door, Priority::Interactive)?;
        let mut session = Metered::new(&mut session, &connection.package, &self.host.metrics);
        engine::connect::check(manifest, connection, &mut session).await.map(drop)
    }
}
