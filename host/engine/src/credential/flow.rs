//! The authorisation code flow: begun by a person, finished by the same browser.

use model::{Connection, Error, Secret, Timestamp};

use super::{Check, Credentials};

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
        _connection: Connection,
        _redirect_uri: &str,
    ) -> Result<Begun, Error> {
        Err(super::state::unfinished())
    }

    /// Finishes by the query of the callback, without its `?`, and what the browser has shown.
    /// Whatever comes of it, the flow is spent. `check` as in [`enter`](Self::enter).
    pub async fn finish(
        &self,
        _query: &str,
        _browser: Option<&Secret>,
        _check: Option<&dyn Check>,
    ) -> Result<Finished, Error> {
        Err(super::state::unfinished())
    }
}
