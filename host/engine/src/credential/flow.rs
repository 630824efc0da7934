//! The authorisation code flow: begun by a person, finished by the same browser.

use model::credential::{FLOW_MAX, Flow, Grant};
use model::vault::Sealed;
use model::{Connection, Error, ErrorKind, Secret, Timestamp};
use oauth::{CallbackError, Outcome, check_issuer, digest, read_callback};

use super::keep::New;
use super::party::Party;
use super::{Check, Credentials, Inner, error, when};

/// An authorisation that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes.
    pub url: String,
    /// What the browser that comes back must show: a cookie for it alone.
    pub browser: Secret,
    /// Until when.
    pub expires: Timestamp,
}

/// An authorisation that has ended well.
#[derive(Debug)]
pub struct Finished {
    /// The connection.
    pub connection: Connection,
    /// Whether it was there before.
    pub replaced: bool,
}

impl Credentials {
    /// Begins to authorise a connection of an `oauth2` method; one that is there is authorised
    /// again. `redirect_uri` is the callback's address, byte for byte as it is registered.
    pub async fn begin(
        &self,
        mut connection: Connection,
        redirect_uri: &str,
    ) -> Result<Begun, Error> {
        let Self(inner) = self;
        let known = inner.known(&connection).await?;
        known.goes_on(&mut connection);
        let party = inner.party(&connection).await?;
        let values = party.values(&connection, &[]);
        let begun = oauth::begin(&values, redirect_uri).map_err(|e| error::request(&e))?;
        let flow = Flow {
            id: digest(begun.state.expose()),
            browser: digest(begun.browser.expose()),
            connection,
            redirect_uri: redirect_uri.to_owned(),
            replaces: known.replaces,
            expires: when::after(inner.ports.clock.now(), FLOW_MAX),
        };
        let expires = flow.expires;
        let _masked = inner.ports.masking.mask(begun.verifier.as_slice());
        let verifier = match begun.verifier {
            Some(verifier) => Some(inner.seal_one(flow.place(), verifier).await?),
            None => None,
        };
        inner.ports.flows.put_flow(flow, verifier).await.map_err(|e| error::store(&e))?;
        Ok(Begun { url: begun.url, browser: begun.browser, expires })
    }

    /// Finishes by the query of the callback, without its `?`, and what the browser has shown.
    /// Whatever comes of it, the flow is spent. `check` as in [`enter`](Self::enter).
    pub async fn finish(
        &self,
        query: &str,
        browser: Option<&Secret>,
        check: Option<&dyn Check>,
    ) -> Result<Finished, Error> {
        let Self(inner) = self;
        let callback = read_callback(query).map_err(|e| flow(e.to_string()))?;
        let taken = inner.ports.flows.take_flow(&digest(callback.state.expose())).await;
        let Some((begun, verifier)) = taken.map_err(|e| error::store(&e))? else {
            let minutes = FLOW_MAX.as_secs() / 60;
            return Err(flow(format!(
                "this authorisation has ended, or was begun more than {minutes} minutes ago; begin \
                 again"
            )));
        };
        // Whoever sends somebody a link of their own would have the account connected to theirs.
        if browser.map(|shown| digest(shown.expose())) != Some(begun.browser) {
            return Err(flow(
                "this authorisation was begun in another browser; begin again in this one"
                    .to_owned(),
            ));
        }
        let party = inner.party(&begun.connection).await?;
        let values = party.values(&begun.connection, &[]);
        check_issuer(&values, &callback).map_err(|e| issuer(&e))?;
        match callback.outcome {
            Outcome::Code(code) => inner.redeem(begun, verifier, &party, (code, check)).await,
            Outcome::Denied { error, description } => Err(denied(&error, &description)),
        }
    }
}

impl Inner {
    async fn redeem(
        &self,
        begun: Flow,
        verifier: Option<Sealed>,
        party: &Party,
        (code, check): (Secret, Option<&dyn Check>),
    ) -> Result<Finished, Error> {
        // Before the code is spent: it could not be kept.
        let known = self.known(&begun.connection).await?;
        known.checked_by(check)?;
        if known.replaces != begun.replaces {
            return Err(error::changed());
        }
        let verifier = match verifier {
            Some(sealed) => Some(self.open_one(&begun.place(), sealed).await?),
            None => None,
        };
        let secrets: Vec<_> = std::iter::once(&code).chain(&verifier).cloned().collect();
        let masked = self.ports.masking.mask(&secrets);
        let at = self.ports.clock.now();
        let values = party.values(&begun.connection, &[]);
        let request = oauth::redeem(&values, &code, &begun.redirect_uri, verifier.as_ref());
        let request = request.map_err(|e| error::request(&e))?;
        let answer = self.first_token(&values, &request).await?;
        self.app_accepted(party).await;
        drop(masked);
        let app = party.client_id(&begun.connection).map(str::to_owned);
        let new = New {
            connection: Connection { account: known.account.clone(), ..begun.connection },
            before: known,
            fields: Vec::new(),
            grant: Grant { app, ..Grant::default() },
            access: None,
        };
        let connection = self.keep(new.with(answer, at), check).await?;
        Ok(Finished { connection, replaced: begun.replaces > 0 })
    }
}

fn flow(message: String) -> Error {
    Error::new(ErrorKind::Denied, "credential.flow", message)
}

fn issuer(error: &CallbackError) -> Error {
    match error {
        CallbackError::Request(error) => error::request(error),
        other => flow(other.to_string()),
    }
}

fn denied(code: &str, description: &str) -> Error {
    let said = if description.is_empty() { String::new() } else { format!(": {description}") };
    let message = if code == "access_denied" {
        format!("somebody has said no at the provider{said}; begin again as who may say yes")
    } else {
        format!("the provider does not authorise it, {code}{said}")
    };
    Error::new(ErrorKind::Permission, "credential.denied", message)
}
