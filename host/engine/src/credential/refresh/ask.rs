//! One request for a token, sent again at once where its answer was lost on the way.

use std::time::Duration;

use model::outbound::HostRequest;
use model::{Error, Timestamp};
use oauth::{TokenAnswer, TokenError, TokenErrorKind, Values, parse};

use super::turn::Turn;
use crate::credential::{Inner, when};

/// How often a request whose answer was lost is sent once more at once. Providers forgive a
/// refresh token that comes again for some seconds; later they take it for a stolen one.
const RESENDS_MAX: u32 = 6;

/// The wait before the first of them, twice as long before each that follows: sixteen seconds
/// together, half of the leeway that is usual.
const RESEND_PAUSE: Duration = Duration::from_millis(250);

/// The longest that a request takes, and what comes after it.
pub(super) const REQUEST_MAX: Duration = Duration::from_secs(25);

/// What a token endpoint has said.
pub(in crate::credential) enum Told {
    /// A token.
    Token(TokenAnswer),
    /// A token, and something beside it that the manifest does not allow.
    Moved(TokenAnswer, TokenError),
    /// That it does not know the grant.
    NoGrant(TokenError),
    /// That it does not know the app.
    NoApp(TokenError),
    /// That it does not want, for another reason.
    Refused(TokenError),
    /// Nothing that can be used: the other side may have given a token all the same.
    Lost(Error),
    /// Nothing at all: it has received nothing, or will not hear of it now.
    Unheard(Error),
}

/// An answer, and what came before it.
pub(super) struct Asked {
    /// The answer.
    pub(super) told: Told,
    /// Whether an answer may have been lost before this one, or is this one.
    pub(super) lost: bool,
    /// When it was asked for: lives of tokens are counted from then on.
    pub(super) at: Timestamp,
}

impl Turn<'_> {
    /// Sends a request for a token; where the answer is lost it is sent again, as long as that can
    /// end in time. Every time the lease is held for longer, so that it need not be long: whoever
    /// follows one that has died must come before the provider stops forgiving. Nothing if somebody
    /// else has taken over.
    pub(super) async fn send(
        &self,
        values: &Values<'_>,
        request: &HostRequest,
    ) -> Result<Option<Asked>, Error> {
        let (mut resends, mut before) = (0, None);
        loop {
            match self.intend().await {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => return before.map(Some).ok_or(error),
            }
            let at = self.inner.ports.clock.now();
            let told = self.inner.ask_once(values, request).await;
            let now = self.inner.ports.clock.now();
            let pause = RESEND_PAUSE * (1 << resends);
            let late = when::after(now, pause + REQUEST_MAX) > self.ends;
            let lost = matches!(told, Told::Lost(_));
            let asked = Asked { told, lost: lost || resends > 0, at };
            if !lost || resends == RESENDS_MAX || late {
                return Ok(Some(asked));
            }
            (resends, before) = (resends + 1, Some(asked));
            tokio::time::sleep(pause).await;
        }
    }
}

impl Inner {
    /// Sends a request for a token once.
    pub(in crate::credential) async fn ask_once(
        &self,
        values: &Values<'_>,
        request: &HostRequest,
    ) -> Told {
        let answer = match self.ports.outbound.send(request.clone()).await {
            Ok(answer) => answer,
            Err(error) if error.request_sent => return Told::Lost(error),
            Err(error) => return Told::Unheard(error),
        };
        let error = match parse(values, &answer, self.ports.clock.now()) {
            Ok(answer) => return Told::Token(answer),
            Err(error) => error,
        };
        match error.kind {
            TokenErrorKind::InvalidGrant => Told::NoGrant(error),
            TokenErrorKind::InvalidClient => Told::NoApp(error),
            TokenErrorKind::Refused => Told::Refused(error),
            TokenErrorKind::Transient { retry_after } => {
                let failed = unavailable(&error);
                match retry_after {
                    Some(wait) => Told::Unheard(failed.retry_after(wait)),
                    None if error.status < 500 => Told::Unheard(failed),
                    // Something in between may have given up on an answer that was on its way.
                    None => Told::Lost(failed),
                }
            }
            TokenErrorKind::Malformed => moved(error),
        }
    }
}

fn moved(mut error: TokenError) -> Told {
    match error.kept.take() {
        Some(answer) => Told::Moved(*answer, error),
        None => Told::Lost(unavailable(&error)),
    }
}

fn unavailable(error: &TokenError) -> Error {
    Error::new(model::ErrorKind::Unavailable, "credential.later", error.message.clone()).sent()
}
