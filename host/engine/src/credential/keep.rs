//! The last steps of every way to authorise: ask whose account it is, seal, commit.

use std::sync::Arc;

use model::credential::{Grant, NewSecrets, REFRESH_TOKEN, Token, place};
use model::outbound::HostRequest;
use model::store::StoreErrorKind;
use model::vault::Sealed;
use model::{Connection, Error, ErrorKind, IntegrationId, Secret, Timestamp};
use oauth::{TokenAnswer, Values};

use super::handle::Untried;
use super::refresh::Told;
use super::secrets::replaced;
use super::slot::Key;
use super::{Check, Inner, Material, error, when};

/// What was there before.
pub(super) struct Known {
    /// The generation of its credential; 0 where there was none.
    pub(super) replaces: u64,
    /// The account that it has read.
    pub(super) account: Option<String>,
    /// The integration that it is an account of.
    integration: Option<IntegrationId>,
    /// The refresh token of the same method, as far as anybody knows a good one.
    refresh: Option<Sealed>,
    /// The app that it was given to.
    app: Option<String>,
}

/// What is to be kept.
pub(super) struct New {
    pub(super) connection: Connection,
    pub(super) before: Known,
    pub(super) fields: Vec<(String, Secret)>,
    pub(super) grant: Grant,
    /// The access token, for methods that have them.
    pub(super) access: Option<Secret>,
}

impl Known {
    /// Adds what stays as it is to what is to be connected.
    pub(super) fn goes_on(&self, connection: &mut Connection) {
        connection.account.clone_from(&self.account);
        if connection.integration.is_none() {
            connection.integration.clone_from(&self.integration);
        }
    }

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
        let before = (self.fields.as_slice(), &self.grant);
        (self.fields, self.grant) = replaced(before, answer, at, when::scattered(at));
        self
    }

    fn has_refresh_token(&self) -> bool {
        self.fields.iter().any(|(name, _)| name == REFRESH_TOKEN)
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
        let status = self.ports.catalogue.connection_status(tenant, id).await;
        let status = status.map_err(|e| error::store(&e))?;
        let found = self.ports.credentials.credential(tenant, id).await;
        let found = found.map_err(|e| error::store(&e))?;
        let replaces = found.as_ref().map_or(0, |(credential, _)| credential.generation);
        let good = before.as_ref().is_some_and(|before| before.auth == connection.auth)
            && status.is_none_or(|status| status.state.works());
        // One that may have been spent meanwhile is not a good one.
        let found = found.filter(|(credential, _)| good && credential.intent.is_none());
        let (app, sealed) = found.map(|(it, sealed)| (it.grant.app, sealed)).unwrap_or_default();
        let refresh = sealed.into_iter().find(|sealed| sealed.place.field == REFRESH_TOKEN);
        let (account, integration) =
            before.map(|before| (before.account, before.integration)).unwrap_or_default();
        Ok(Known { replaces, account, integration, refresh, app })
    }

    /// The first token, once: a person waits and can begin again.
    pub(super) async fn first_token(
        &self,
        values: &Values<'_>,
        request: &HostRequest,
    ) -> Result<TokenAnswer, Error> {
        let key = Key::new(&values.connection.tenant, &values.connection.id);
        self.note_use(&key, model::credential::CLIENT_SECRET, request).await?;
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
        let (material, masked) = (material(&new), self.masked(new.fields.clone()));
        if let Some(check) = check {
            check.check(&mut new.connection, material).await?;
        }
        self.inherit(&key, &mut new).await;
        drop(masked);
        let (fields, replaces) = (self.masked(new.fields), new.before.replaces);
        let mut again = true;
        loop {
            let sealed = self.seal(&key, replaces + 1, &fields).await?;
            let secrets = NewSecrets { replaces, sealed, grant: new.grant.clone() };
            match self.ports.credentials.authorise(new.connection.clone(), secrets).await {
                Ok(_) => break,
                // A rotation may have ended the key that they were sealed under, and what a person
                // has authorised is not to be had again.
                Err(e) if e.kind() == StoreErrorKind::Conflict && again => again = false,
                Err(e) => return Err(error::store(&e)),
            }
        }
        self.slots.forget(&key);
        let Key { tenant, connection } = &key;
        tracing::info!(%tenant, %connection, method = new.connection.auth, "connected");
        Ok(new.connection)
    }

    /// Keeps the refresh token that is there, where the answer has none and the account has been
    /// asked for and is the same, and so is the app: some providers give one with the first consent alone. One that
    /// does not open is left, for it is what a new authorisation replaces.
    async fn inherit(&self, Key { tenant, connection }: &Key, new: &mut New) {
        let Known { replaces, account, refresh, app, .. } = &mut new.before;
        let (place, sealed) = (place(tenant, connection, REFRESH_TOKEN, *replaces), refresh.take());
        let same = account.is_some() && *account == new.connection.account;
        let same = same && (app.is_none() || *app == new.grant.app);
        let Some(sealed) = sealed.filter(|_| same && new.access.is_some()) else { return };
        if new.has_refresh_token() {
            return;
        }
        let Ok(secret) = self.open_one(&place, sealed).await else { return };
        new.fields.push((REFRESH_TOKEN.to_owned(), secret));
        let names: Vec<_> = new.fields.iter().map(|(name, _)| name.clone()).collect();
        let random = when::scattered(new.grant.obtained.unwrap_or_default());
        new.grant.refresh_at = when::refresh_at(&new.grant, &names, random);
    }
}

fn material(new: &New) -> Material {
    let Some(access) = &new.access else { return Material::Fields(new.fields.clone()) };
    Material::Tokens(Arc::new(Untried(Token {
        secret: access.clone(),
        generation: new.before.replaces + 1,
        obtained: new.grant.obtained.unwrap_or_default(),
        expires: new.grant.expires,
        variables: new.connection.variables.clone(),
    })))
}
