//! The last steps of every way to authorise: ask whose account it is, seal, commit.

use std::sync::Arc;

use model::credential::{Grant, NewSecrets, Token};
use model::outbound::HostRequest;
use model::{Connection, Error, ErrorKind, Secret, Timestamp};
use oauth::{TokenAnswer, Values};

use super::handle::Untried;
use super::refresh::Told;
use super::secrets::replaced;
use super::slot::Key;
use super::{Check, Inner, Material, error};

/// What was there before.
pub(super) struct Known {
    /// The generation of its credential; 0 where there was none.
    pub(super) replaces: u64,
    /// The account that it has read.
    pub(super) account: Option<String>,
}

/// What is to be kept.
pub(super) struct New {
    pub(super) connection: Connection,
    pub(super) replaces: u64,
    pub(super) fields: Vec<(String, Secret)>,
    pub(super) grant: Grant,
    /// The access token, for methods that have them.
    pub(super) access: Option<Secret>,
}

impl Known {
    /// Refuses to replace what opens a known account by what may open another one.
    pub(super) fn checked_by(&self, check: Option<&dyn Check>) -> Result<(), Error> {
        let (Some(account), None) = (&self.account, check) else { return Ok(()) };
        let message = format!(
            "the connection has read account {account}, and without asking nobody knows whether \
             the new credential opens the same one: have it checked, or choose another name"
        );
        Err(Error::new(ErrorKind::Conflict, "credential.unchecked", message))
    }
}

impl New {
    /// Adds what a first token answer tells.
    pub(super) fn with(mut self, answer: TokenAnswer, at: Timestamp) -> Self {
        self.connection.variables.extend(answer.variables.clone());
        self.access = Some(answer.access.clone());
        let random = u64::try_from(at.as_nanosecond() & i128::from(u64::MAX)).unwrap_or_default();
        (self.fields, self.grant) = replaced((&self.fields, &Grant::default()), answer, at, random);
        self
    }
}

impl Inner {
    /// What was there before, if it is of the same package.
    pub(super) async fn known(&self, connection: &Connection) -> Result<Known, Error> {
        let Connection { tenant, id, package, .. } = connection;
        let before = self.ports.catalogue.connection(tenant, id).await;
        let before = before.map_err(|e| error::store(&e))?;
        if let Some(before) = before.as_ref().filter(|before| before.package != *package) {
            let message = format!("connection {id} belongs to package {}", before.package);
            return Err(Error::new(ErrorKind::Conflict, "credential.package", message));
        }
        let credential = self.ports.credentials.credential(tenant, id).await;
        let credential = credential.map_err(|e| error::store(&e))?;
        Ok(Known {
            replaces: credential.map_or(0, |(credential, _)| credential.generation),
            account: before.and_then(|before| before.account),
        })
    }

    /// The first token, once: a person waits and can begin again.
    pub(super) async fn first_token(
        &self,
        values: &Values<'_>,
        request: &HostRequest,
    ) -> Result<TokenAnswer, Error> {
        let key = Key::new(&values.connection.tenant, &values.connection.id);
        self.note_use(&key, model::credential::CLIENT_SECRET, &request.url).await?;
        let refused = |message: String| {
            Error::new(ErrorKind::Denied, "credential.refused-input", message).sent()
        };
        match self.ask_once(values, request).await {
            Told::Token(answer) => Ok(answer),
            Told::Moved(_, why) => {
                Err(Error::new(ErrorKind::Malformed, "credential.variable", why.message).sent())
            }
            Told::NoApp(why) => {
                let package = &values.connection.package;
                let why = why.message;
                Err(refused(format!(
                    "the provider of {package} refuses this host's app itself: {why}; look at it \
                     with: plughouse app list"
                )))
            }
            Told::NoGrant(why) | Told::Refused(why) => Err(refused(why.message)),
            Told::Lost(error) | Told::Unheard(error) => Err(error),
        }
    }

    /// Asks whose account it is, and keeps it.
    pub(super) async fn keep(
        &self,
        mut new: New,
        check: Option<&dyn Check>,
    ) -> Result<Connection, Error> {
        let key = Key::new(&new.connection.tenant, &new.connection.id);
        let material = material(&new);
        let fields = self.masked(new.fields);
        if let Some(check) = check {
            check.check(&mut new.connection, material).await?;
        }
        let sealed = self.seal(&key, new.replaces + 1, &fields).await?;
        let secrets = NewSecrets { replaces: new.replaces, sealed, grant: new.grant };
        let kept = self.ports.credentials.authorise(new.connection.clone(), secrets).await;
        kept.map_err(|e| error::store(&e))?;
        self.slots.forget(&key);
        let Key { tenant, connection } = &key;
        tracing::info!(%tenant, %connection, method = new.connection.auth, "connected");
        Ok(new.connection)
    }
}

fn material(new: &New) -> Material {
    let Some(access) = &new.access else { return Material::Fields(new.fields.clone()) };
    Material::Tokens(Arc::new(Untried(Token {
        secret: access.clone(),
        generation: new.replaces + 1,
        obtained: new.grant.obtained.unwrap_or_default(),
        expires: new.grant.expires,
        variables: new.connection.variables.clone(),
    })))
}
