//! App registrations: which serves whom, and their secrets.

use model::credential::App;
use model::{Error, Secret, TenantId};

use super::Credentials;

/// An app registration as the operator enters it.
#[derive(Clone, Debug)]
pub struct NewApp {
    /// The package whose provider it is registered at, `publisher/id`.
    pub package: String,
    /// The tenant that has brought its own; without one it serves all that have not.
    pub tenant: Option<TenantId>,
    /// The client id.
    pub client_id: String,
    /// The client secret; apps of some providers have none.
    pub secret: Option<Secret>,
    /// Sends what goes to the provider's auth addresses to this origin instead.
    pub origin: Option<String>,
}

impl Credentials {
    /// Creates or replaces an app.
    pub async fn set_app(&self, _new: NewApp) -> Result<App, Error> {
        Err(super::state::unfinished())
    }

    /// All apps, by package, the deployment's first.
    pub async fn apps(&self) -> Result<Vec<App>, Error> {
        Err(super::state::unfinished())
    }

    /// Removes an app and its secret. False if there was none.
    pub async fn remove_app(
        &self,
        _package: &str,
        _tenant: Option<&TenantId>,
    ) -> Result<bool, Error> {
        Err(super::state::unfinished())
    }
}
