//! App registrations: which serves whom, and their secrets.

use model::credential::App;
use model::{Error, ErrorKind, Secret, TenantId};

use super::{Credentials, error};
use crate::connect;

/// The longest client id and secret, in bytes: far more than any provider's.
const TEXT_BYTES_MAX: usize = 4 * 1024;

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
    pub async fn set_app(&self, new: NewApp) -> Result<App, Error> {
        let same = |app: &App| app.package == new.package && app.tenant == new.tenant;
        let before = self.apps().await?.into_iter().find(same);
        self.replace_app(new, before.map_or(0, |app| app.generation)).await
    }

    /// Creates or replaces an app if it has this generation now, else it was changed meanwhile; 0
    /// means that there must be none.
    pub async fn replace_app(&self, new: NewApp, expected: u64) -> Result<App, Error> {
        let Self(inner) = self;
        check(&new)?;
        let NewApp { package, tenant, client_id, secret, origin } = new;
        let app = App {
            generation: expected.saturating_add(1),
            created: inner.ports.clock.now(),
            package,
            tenant,
            client_id,
            origin,
            incident: None,
        };
        let _masked = inner.ports.masking.mask(secret.as_slice());
        let sealed = match secret {
            Some(secret) => Some(inner.seal_one(app.place(), secret).await?),
            None => None,
        };
        inner.ports.apps.put_app(app.clone(), sealed).await.map_err(|e| error::store(&e))?;
        Ok(app)
    }

    /// Enters an app, unless it is known like that already; says whether it was another.
    pub async fn keep_app(&self, new: NewApp) -> Result<bool, Error> {
        let known = self.0.ports.apps.app(&new.package, new.tenant.as_ref()).await;
        let known = known.map_err(|e| error::store(&e))?;
        if let Some((app, sealed)) = known.filter(|(app, _)| app.tenant == new.tenant) {
            let secret = match sealed {
                Some(sealed) => Some(self.0.open_one(&app.place(), sealed).await?),
                None => None,
            };
            let is_secret =
                secret.as_ref().map(Secret::expose) == new.secret.as_ref().map(Secret::expose);
            if is_secret && app.client_id == new.client_id && app.origin == new.origin {
                return Ok(false);
            }
        }
        self.set_app(new).await.map(|_entered| true)
    }

    /// All apps, by package, the deployment's first.
    pub async fn apps(&self) -> Result<Vec<App>, Error> {
        self.0.ports.apps.apps().await.map_err(|e| error::store(&e))
    }

    /// Removes an app and its secret. False if there was none.
    pub async fn remove_app(
        &self,
        package: &str,
        tenant: Option<&TenantId>,
    ) -> Result<bool, Error> {
        self.0.ports.apps.remove_app(package, tenant).await.map_err(|e| error::store(&e))
    }
}

fn check(new: &NewApp) -> Result<(), Error> {
    let proper = |text: &str| {
        !text.is_empty() && text.len() <= TEXT_BYTES_MAX && !text.contains(char::is_control)
    };
    let refuse =
        |message: String| Err(Error::new(ErrorKind::Invalid, "credential.refused-input", message));
    if !proper(&new.client_id) {
        return refuse(format!("the client id is not one line of 1 to {TEXT_BYTES_MAX} bytes"));
    }
    if new.secret.as_ref().is_some_and(|secret| !proper(secret.expose())) {
        return refuse(format!("the client secret is not one line of 1 to {TEXT_BYTES_MAX} bytes"));
    }
    match new.origin.as_deref().map(connect::check_origin) {
        Some(Err(wanted)) => refuse(format!("the origin of the app {wanted}")),
        _ => Ok(()),
    }
}
