//! One request for a token, sent again at once where its answer was lost on the way.

use std::time::Duration;

use model::outbound::HostRequest;
use model::{Error, Timestamp};
use oauth::{TokenAnswer, TokenError, TokenErrorKind, Values, parse};

use crate::credential::{Inner, when};

/// How often a request whose answer was lost is sent once more at once. Providers forgive a
/// refresh token that comes again for some seconds; later they take it for a stolen one.
const RESENDS_MAX: u32 = 6;

/// The wait before the first of them, twice as long before each that follows: sixteen seconds
/// together, half of the leeway that is usual.
const RESEND_PAUSE: Duration = Duration::from_millis(250);

/// The longest that a request takes, and what comes after it.
const REQUEST_MAX: Duration = Duration::from_secs(25);

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
pub(in crate::credential) struct Asked {
    /// The answer.
    pub(in crate::credential) told: Told,
    /// Whether an answer may have been lost before this one, or is this one.
    pub(in crate::credential) lost: bool,
    /// When it was asked for: lives of tokens are counted from then on.
    pub(in crate::credential) at: Timestamp,
}

impl Inner {
    /// Sends a request for a token; where the answer is lost it is sent again, as long as that can
    /// end before `until`.
    pub(in crate::credential) async fn ask(
        &self,
        values: &Values<'_>,
        request: &HostRequest,
        until: Timestamp,
    ) -> Asked {
        let mut resends = 0;
        loop {
            let at = self.ports.clock.now();
            let told = self.ask_once(values, request).await;
            let now = self.ports.clock.now();
            let pause = RESEND_PAUSE * (1 << resends);
            let late = when::after(now, pause + REQUEST_MAX) > until;
            let lost = matches!(told, Told::Lost(_));
            if !lost || resends == RESENDS_MAX || late {
                return Asked { told, lost: lost || resends > 0, at };
            }
            resends += 1;
            tokio::time::sleep(pause).await;
        }
    }

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
