//! What becomes of an answer: it is committed before anything else happens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::credential::{Credential, Failure, Grant, NewSecrets, RefreshFailed, Refreshed};
use model::{ConnectionState, Error, ErrorKind, Timestamp};
use oauth::{TokenAnswer, TokenError};

use super::ask::{Asked, Told};
use super::turn::{Turn, is_lost};
use super::{DOUBT_PAUSE, Step};
use crate::credential::sealing::Fields;
use crate::credential::secrets::replaced;
use crate::credential::slot::Fresh;
use crate::credential::{Key, error, when};

/// The code of a first "no".
const DOUBTED: &str = "credential.doubted";

/// Failures in a row from which on people are told, as long as the token lives: one or two pass
/// by themselves.
const FAILURES_TOLD: u32 = 3;

/// The wait between attempts to keep what a provider has given, which it gives once.
const KEEP_PAUSE: Duration = Duration::from_secs(1);

/// Those attempts: a disk that is full for longer does not become free of a token's accord.
const KEEPS_MAX: u32 = 30;

impl Turn<'_> {
    /// Keeps what was given, or writes down what was said.
    pub(super) async fn settle(
        &self,
        fields: &Fields,
        asked: Asked,
        doubted: bool,
    ) -> Result<Step, Error> {
        let Asked { told, lost, at } = asked;
        match told {
            Told::Token(answer) => self.keep(fields, answer, at).await,
            Told::Moved(answer, error) => match self.keep(fields, answer, at).await? {
                Step::Fresh(_) => Err(self.moved(&error).await),
                step => Ok(step),
            },
            Told::NoGrant(error) => self.refused(&error, lost, doubted).await,
            Told::NoApp(error) => self.app_refused(error, lost).await,
            Told::Refused(error) => self.fail(refused(error), lost).await,
            Told::Lost(error) | Told::Unheard(error) => self.fail(error, lost).await,
        }
    }

    /// Writes down that only a person can bring new secrets, which are needed.
    pub(super) async fn end(&self, why: &str, lost: bool) -> Result<Step, Error> {
        let Key { tenant, connection } = self.key;
        let ended = error::ended(why);
        let failed = RefreshFailed {
            failure: self.failure(&ended.code, why),
            retry_at: None,
            reauthorise: true,
            unsent: !lost,
        };
        if !self.write_down(failed).await? {
            return Ok(Step::Again);
        }
        tracing::warn!(%tenant, %connection, why, "the account must be authorised again");
        Err(ended)
    }

    /// Commits new secrets, and does everything else after that.
    async fn keep(
        &self,
        fields: &Fields,
        answer: TokenAnswer,
        at: Timestamp,
    ) -> Result<Step, Error> {
        let (variables, access) = (answer.variables.clone(), answer.access.clone());
        let random = when::random(&self.credential, at);
        let before = (fields.all(), &self.credential.grant);
        let (fields, grant) = replaced(before, answer, at, random);
        let app = self.party.client_id(&self.connection).map(str::to_owned);
        let grant = Grant { app, ..grant };
        let fields = self.inner.masked(fields);
        let mut failed = 0;
        let credential = loop {
            match self.commit(&fields, &grant, &variables).await {
                Ok(Some(credential)) => break credential,
                Ok(None) => return Ok(Step::Again),
                Err(error) => self.hold_on(&mut failed, error).await?,
            }
        };
        self.inner.app_accepted(&self.party).await;
        let Key { tenant, connection } = self.key;
        let generation = credential.generation;
        tracing::info!(%tenant, %connection, generation, "an access token was refreshed");
        let mut all = self.connection.variables.clone();
        all.extend(variables);
        Ok(Step::Fresh(Arc::new(Fresh {
            generation,
            authorised: credential.authorised,
            grant: credential.grant,
            _masked: self.inner.ports.masking.mask(std::slice::from_ref(&access)),
            secret: access,
            variables: all,
        })))
    }

    /// Commits new secrets; nothing if somebody else has taken over. A conflict under a lease that
    /// is held is one with a rotation of the key that they were sealed under.
    async fn commit(
        &self,
        fields: &Fields,
        grant: &Grant,
        variables: &BTreeMap<String, String>,
    ) -> Result<Option<Credential>, Error> {
        let replaces = self.credential.generation;
        let sealed = self.inner.seal(self.key, replaces + 1, fields).await?;
        let secrets = NewSecrets { replaces, sealed, grant: grant.clone() };
        let refreshed = Refreshed { secrets, variables: variables.clone() };
        match self.inner.ports.credentials.finish_refresh(&self.lease, refreshed).await {
            Ok(credential) => Ok(Some(credential)),
            Err(e) if is_lost(e.kind()) => Ok(None),
            Err(e) => Err(error::store(&e)),
        }
    }

    /// Waits before another attempt to keep what a provider will not give again.
    async fn hold_on(&self, failed: &mut u32, error: Error) -> Result<(), Error> {
        let Key { tenant, connection } = self.key;
        if *failed == 0 {
            tracing::error!(%tenant, %connection, %error, "a refreshed token cannot be stored yet");
        }
        *failed += 1;
        if *failed == KEEPS_MAX {
            return Err(error);
        }
        tokio::time::sleep(KEEP_PAUSE).await;
        // Only to hold the lease; whether it is held shows when they are committed.
        drop(self.intend().await);
        Ok(())
    }

    /// Believes a "no" only the second time, and after a pause. Who has authorised or refreshed
    /// the account meanwhile has fenced this turn off, so that nothing is believed at all.
    async fn refused(&self, why: &TokenError, lost: bool, doubted: bool) -> Result<Step, Error> {
        self.inner.app_accepted(&self.party).await;
        let now = self.inner.ports.clock.now();
        let passed = |failure: &Failure| {
            failure.code == DOUBTED && when::after(failure.at, DOUBT_PAUSE) <= now
        };
        if doubted || self.credential.failure.as_ref().is_some_and(passed) {
            let before = self.credential.intent.as_ref().map(|intent| intent.at);
            let lost_at = before.map(|at| format!("; an answer was lost on the way at {at}"));
            let why = format!("{}{}", why.message, lost_at.unwrap_or_default());
            return self.end(&why, lost).await;
        }
        let failed = RefreshFailed {
            failure: self.failure(DOUBTED, &why.message),
            retry_at: Some(when::after(now, DOUBT_PAUSE)),
            reauthorise: false,
            unsent: !lost,
        };
        if !self.write_down(failed).await? {
            return Ok(Step::Again);
        }
        Ok(Step::Doubted(error::later(&why.message, DOUBT_PAUSE)))
    }

    /// Says that the app is refused, and has this connection alone rest for that: the cause may be
    /// its own.
    async fn app_refused(&self, why: TokenError, lost: bool) -> Result<Step, Error> {
        let Some(registered) = &self.party.registered else {
            return self.fail(refused(why), lost).await;
        };
        let said = self.inner.app_refused(&registered.app, &self.connection, &why).await;
        match self.fail(refused(why), lost).await {
            Err(Error { code, retry_after, .. }) if code == error::TOKEN => {
                Err(Error { retry_after, ..said? })
            }
            step => step,
        }
    }

    /// Stops a connection whose token answer leads to where it must not go.
    async fn moved(&self, why: &TokenError) -> Error {
        let Key { tenant, connection } = self.key;
        let moved = Error::new(ErrorKind::Malformed, "credential.variable", why.message.clone());
        let turned =
            self.inner.turn((tenant, connection), ConnectionState::Disabled, &why.message).await;
        turned.err().unwrap_or(moved.sent())
    }

    /// Writes down a failure that may pass.
    async fn fail(&self, error: Error, lost: bool) -> Result<Step, Error> {
        let now = self.inner.ports.clock.now();
        let failures = self.credential.failures.saturating_add(1);
        let random = when::random(&self.credential, now);
        let wait = when::backoff(failures, error.retry_after, random);
        let failed = RefreshFailed {
            failure: self.failure(&error.code, &error.message),
            retry_at: Some(when::after(now, wait)),
            reauthorise: false,
            unsent: !lost,
        };
        if !self.write_down(failed).await? {
            return Ok(Step::Again);
        }
        let Key { tenant, connection } = self.key;
        tracing::warn!(%tenant, %connection, failures, %error, "an access token was not refreshed");
        if failures >= FAILURES_TOLD && when::is_alive(&self.credential.grant, now) {
            let reason = format!("refreshing it has failed {failures} times: {}", error.message);
            let expiring = ConnectionState::Expiring;
            if let Err(error) = self.inner.turn((tenant, connection), expiring, &reason).await {
                tracing::warn!(%tenant, %connection, %error, "the state was not written");
            }
        }
        Err(if error.code == error::TOKEN {
            error.retry_after(wait)
        } else {
            error::later(&error.message, wait)
        })
    }

    fn failure(&self, code: &str, message: &str) -> Failure {
        let at = self.inner.ports.clock.now();
        Failure { at, code: code.to_owned(), message: message.to_owned() }
    }

    /// Writes a failure down and gives the lease back; false if somebody else has taken over.
    async fn write_down(&self, failed: RefreshFailed) -> Result<bool, Error> {
        let (ports, code) = (&self.inner.ports, failed.failure.code.clone());
        match ports.credentials.fail_refresh(&self.lease, failed).await {
            Ok(()) => {
                ports.metrics.refresh_failed(&self.connection.package, &code);
                Ok(true)
            }
            Err(e) if is_lost(e.kind()) => Ok(false),
            Err(e) => Err(error::store(&e)),
        }
    }
}

fn refused(why: TokenError) -> Error {
    Error::new(ErrorKind::Other, error::TOKEN, why.message).sent()
}
