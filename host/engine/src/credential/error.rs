//! What can go wrong with credentials, in the one form that everything above branches on.

use std::time::Duration;

use model::store::{StoreError, StoreErrorKind};
use model::vault::VaultError;
use model::{ConnectionId, Error, ErrorKind, TenantId};
use oauth::RequestError;

/// The store could not.
pub(super) fn store(error: &StoreError) -> Error {
    match error.kind() {
        StoreErrorKind::Conflict | StoreErrorKind::Fenced => changed(),
        StoreErrorKind::Invalid => {
            Error::new(ErrorKind::Invalid, "credential.refused-input", error.to_string())
        }
        _ => Error::new(ErrorKind::Other, "engine.store", error.to_string()),
    }
}

/// The vault could not.
pub(super) fn vault(error: VaultError) -> Error {
    match error {
        VaultError::Store(error) => store(&error),
        VaultError::Unavailable(_) => {
            Error::new(ErrorKind::Unavailable, "credential.vault", error.to_string())
        }
        VaultError::WrongKey(_) | VaultError::Destroyed(_) | VaultError::Damaged(_) => {
            Error::new(ErrorKind::Other, "credential.sealed", error.to_string())
        }
    }
}

/// A request could not be written.
pub(super) fn request(error: &RequestError) -> Error {
    match error {
        RequestError::NoApp(package) => no_app(package),
        _ => Error::new(ErrorKind::Invalid, "credential.request", error.to_string()),
    }
}

/// The code of an app that is not there.
pub(super) const NO_APP: &str = "credential.app";

/// The code of a "no" to one connection that may pass.
pub(super) const TOKEN: &str = "credential.token";

/// No app serves the tenant.
pub(super) fn no_app(package: &str) -> Error {
    let message = format!(
        "this host is not registered at the provider of {package}; register it there and run: \
         plughouse app set {package} --client-id …"
    );
    Error::new(ErrorKind::Denied, NO_APP, message)
}

/// The connection, or its credential, is not there.
pub(super) fn absent(tenant: &TenantId, connection: &ConnectionId) -> Error {
    let message = format!("connection {tenant}/{connection} has no credential; connect it");
    Error::new(ErrorKind::AuthRequired, "credential.absent", message)
}

/// Somebody else has changed it meanwhile.
pub(super) fn changed() -> Error {
    let message = "the connection was changed meanwhile; look at it and begin again";
    Error::new(ErrorKind::Conflict, "credential.changed", message)
}

/// The connection is switched off or revoked.
pub(super) fn resting(reason: &str) -> Error {
    Error::new(ErrorKind::Denied, "credential.resting", format!("the connection rests: {reason}"))
}

/// The provider does not accept the grant any more.
pub(super) fn ended(why: &str) -> Error {
    let message = format!("authorise the account again: {why}");
    Error::new(ErrorKind::AuthRequired, "credential.ended", message)
}

/// It cannot be tried now.
pub(super) fn later(why: &str, wait: Duration) -> Error {
    let message = format!("there is no access token now: {why}");
    Error::new(ErrorKind::Unavailable, "credential.later", message).retry_after(wait)
}
