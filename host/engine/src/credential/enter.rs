//! What a person enters, and the first token that it brings.

use model::credential::Grant;
use model::{Connection, Error, ErrorKind, Secret};
use package::manifest::Auth;

use super::keep::New;
use super::{Check, Credentials, error};

impl Credentials {
    /// Keeps what was entered for a connection of a `key`, `client`, `jwt` or `none` method; for
    /// those that bring tokens the first one is fetched, so that a wrong entry is seen now. With
    /// `check` the provider is asked whose account it is before anything is kept; a connection
    /// whose account is known is not entered again without it.
    pub async fn enter(
        &self,
        mut connection: Connection,
        fields: Vec<(String, Secret)>,
        check: Option<&dyn Check>,
    ) -> Result<Connection, Error> {
        let Self(inner) = self;
        let known = inner.known(&connection).await?;
        known.checked_by(check)?;
        known.goes_on(&mut connection);
        let party = inner.party(&connection).await?;
        let new = New { connection, before: known, fields, grant: Grant::default(), access: None };
        let new = match party.method(&new.connection)? {
            Auth::Key(_) | Auth::None => new,
            Auth::OAuth2(_) => return Err(browser(&new.connection.auth)),
            Auth::Client(_) | Auth::Jwt(_) => {
                let masked = inner.masked(new.fields.clone());
                let at = inner.ports.clock.now();
                let values = party.values(&new.connection, masked.all());
                let request = oauth::grant(&values, at).map_err(|e| error::request(&e))?;
                let answer = inner.first_token(&values, &request).await?;
                inner.app_accepted(&party).await;
                new.with(answer, at)
            }
        };
        inner.keep(new, check).await
    }
}

fn browser(method: &str) -> Error {
    let message = format!("auth method `{method}` is authorised in a browser, not entered");
    Error::new(ErrorKind::Invalid, "credential.request", message)
}
