//! Where a door has its access tokens from: before they end, and once more when one is refused.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use model::credential::{Token, Tokens};
use model::{Error, ErrorKind, Secret};
use tokio::time::{Instant, timeout_at};

use crate::door::Door;
use crate::live::{Blueprint, Live};

/// Tokens of before that answers are searched for: those of an hour, if each lived five minutes. The
/// access tokens of common providers live longer, and one that has ended is worth nothing.
const WATCHED_MAX: usize = 12;

/// Gives a door its tokens.
pub(crate) struct Source {
    tokens: Arc<dyn Tokens>,
    blueprint: Blueprint,
    /// The tokens that the door has had, the last one at the end.
    had: Mutex<Vec<Secret>>,
}

impl Source {
    pub(crate) fn new(tokens: Arc<dyn Tokens>, blueprint: Blueprint) -> Self {
        Self { tokens, blueprint, had: Mutex::default() }
    }

    /// A live part with the token, and with the tokens of before among its secrets.
    fn live(&self, token: Token) -> Result<Live, Error> {
        let mut had = self.had.lock().unwrap_or_else(PoisonError::into_inner);
        let secret = token.secret.clone();
        let live = self.blueprint.build_for(token, &had)?;
        had.push(secret);
        let surplus = had.len().saturating_sub(WATCHED_MAX);
        had.drain(..surplus);
        Ok(live)
    }
}

impl Door {
    /// The live part for a request to an endpoint: with a token that will not end on its way, where
    /// the request carries one.
    pub(crate) async fn live_for(
        &self,
        endpoint: &str,
        deadline: Instant,
    ) -> Result<Arc<Live>, Error> {
        let live = self.live();
        let Some(source) = &self.source else { return Ok(live) };
        let carries = live.endpoints.get(endpoint).is_some_and(|endpoint| live.carries(endpoint));
        if !carries || live.lasts(self.clock.now()) {
            return Ok(live);
        }
        self.take(source, source.tokens.current(), deadline).await
    }

    /// Replaces the token of this generation, which the provider has refused.
    pub(crate) async fn renew(&self, refused: u64, deadline: Instant) -> Result<(), Error> {
        let Some(source) = &self.source else { return Ok(()) };
        self.take(source, source.tokens.renewed(refused), deadline).await.map(drop)
    }

    /// Writes a use of the credential down before it happens.
    pub(crate) async fn note(&self, endpoint: &str, deadline: Instant) -> Result<(), Error> {
        let Some(accesses) = &self.accesses else { return Ok(()) };
        accesses.note(endpoint, self.clock.now(), deadline).await
    }

    /// Waits for a token, holding nothing, and makes the door live with it unless another request
    /// has brought a newer one meanwhile.
    async fn take(
        &self,
        source: &Source,
        token: impl Future<Output = Result<Token, Error>>,
        deadline: Instant,
    ) -> Result<Arc<Live>, Error> {
        let token = match timeout_at(deadline, token).await {
            Ok(token) => token.map_err(|error| self.untold(error))?,
            Err(_elapsed) => {
                return Err(unavailable("no access token came before the call's deadline"));
            }
        };
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if token.generation > live.generation() {
            *live = Arc::new(source.live(token)?);
        }
        Ok(Arc::clone(&live))
    }

    /// What a guest is told of a token that is not to be had. Only that the account must be
    /// authorised again is passed on as it is: any other kind would be taken for the provider's
    /// word on the request.
    fn untold(&self, error: Error) -> Error {
        let message = self.redactor.scrub(&self.live().needles.scrub(&error.message)).into_owned();
        if error.kind == ErrorKind::AuthRequired {
            return Error { message, request_sent: false, details: Vec::new(), ..error };
        }
        let told = unavailable(message).detail("cause", error.code);
        Error { retry_after: error.retry_after, ..told }
    }
}

fn unavailable(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, "egress.token-unavailable", message)
}
