//! What a person enters, and the first token that it brings.

use model::{Connection, Error, Secret};

use super::{Check, Credentials, Material};

impl Credentials {
    /// Keeps what was entered for a connection of a `key`, `client`, `jwt` or `none` method; for
    /// those that bring tokens the first one is fetched, so that a wrong entry is seen now. With
    /// `check` the provider is asked whose account it is before anything is kept; a connection
    /// whose account is known is not entered again without it.
    pub async fn enter(
        &self,
        _connection: Connection,
        _fields: Vec<(String, Secret)>,
        _check: Option<&dyn Check>,
    ) -> Result<Connection, Error> {
        Err(super::state::unfinished())
    }

    /// What a door of this connection sends along.
    pub async fn material(&self, _connection: &Connection) -> Result<Material, Error> {
        Err(super::state::unfinished())
    }
}
