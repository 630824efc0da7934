//! Asking the provider whose account a connection opens.

use model::adapter::{Account, Adapter};
use model::{Connection, Error, ErrorKind};
use package::manifest::Manifest;

/// Asks for the account and fills in what it tells: the account's key and the variables that the
/// manifest marks `check`. The connection is unchanged after an error.
///
/// A connection that has an account keeps it: records of two accounts must not mix in one.
pub async fn check(
    manifest: &Manifest,
    connection: &mut Connection,
    adapter: &mut dyn Adapter,
) -> Result<Account, Error> {
    let account = adapter.check().await.outcome?;
    if account.id.is_empty() {
        return Err(malformed("engine.account", "the adapter returned an account without an id"));
    }
    if connection.account.as_ref().is_some_and(|known| *known != account.id) {
        let message = "the credential opens another account than the one that this connection has \
                       read so far; connect it under a name of its own";
        return Err(Error::new(ErrorKind::Conflict, "engine.other-account", message));
    }
    for (name, value) in &account.variables {
        let Some(variable) = manifest.variables.get(name).filter(|v| v.check) else {
            let name: String = name.chars().take(64).collect();
            let message = format!(
                "the adapter set variable {name:?}, which the manifest does not mark `check`"
            );
            return Err(malformed("engine.foreign-variable", message));
        };
        variable.check(name, value).map_err(|message| malformed("engine.variable", message))?;
    }
    connection.account = Some(account.id.clone());
    connection.variables.extend(account.variables.iter().cloned());
    Ok(account)
}

fn malformed(code: &str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Malformed, code, message).sent()
}
