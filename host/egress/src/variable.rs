//! The connection variables that origins and credentials are written over.

use model::{Connection, Error};
use package::Manifest;

use crate::denial::invalid;

/// The value of a variable: the connection's, else the manifest's default.
pub(crate) fn value(connection: &Connection, manifest: &Manifest, name: &str) -> Option<String> {
    let given = connection.variables.get(name).filter(|value| !value.is_empty());
    given.cloned().or_else(|| manifest.variables.get(name)?.default.clone())
}

/// Checks every value against the manifest's rules; a host outside of them would be another door.
pub(crate) fn check(connection: &Connection, manifest: &Manifest) -> Result<(), Error> {
    for (name, value) in &connection.variables {
        let Some(variable) = manifest.variables.get(name) else { continue };
        variable.check(name, value).map_err(|why| invalid("egress.variable", why))?;
    }
    Ok(())
}
