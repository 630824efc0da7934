//! The refresh protocol: look, lease, look again, write down the intent, ask, commit.

mod ask;
mod settle;
mod turn;

pub(super) use ask::Told;

use std::sync::Arc;
use std::time::Duration;

use model::credential::{ACCESS_TOKEN, Credential, Grant, Leased, RefreshLease};
use model::vault::Sealed;
use model::{Connection, ConnectionState, Error};

use super::slot::{Fresh, Key};
use super::{Inner, Ports, error, when};
use ask::REQUEST_MAX;
use turn::Turn;

/// How long a refresh is leased from each request on: as long as that takes. Whoever follows one
/// that has died comes within the 30 s for which providers forgive a refresh token that comes again.
const LEASE: Duration = REQUEST_MAX;

/// How long all requests of a turn may take: two that are not answered within their 20 s, and what
/// is between.
const TURN_MAX: Duration = Duration::from_mins(1);

/// The first wait for somebody else's refresh, which mostly takes one request.
const HELD_WAIT_MIN: Duration = Duration::from_millis(100);

/// The longest one: whoever waits is not much later than the answer.
const HELD_WAIT_MAX: Duration = Duration::from_secs(1);

/// All waits for others together: a turn, the lease of one who has died in it, and some more.
const HELD_MAX: Duration = Duration::from_secs(90);

/// How long a first "no" of a provider is left to pass: its nodes may not have heard of the last
/// refresh yet.
const DOUBT_PAUSE: Duration = Duration::from_secs(30);

/// What is done when a provider says for the first time that it does not know a grant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Doubt {
    /// Wait and ask once more.
    Stay,
    /// Leave that to the next who comes: nobody needs a token now.
    Leave,
}

/// A credential as it lies in the store, with its connection.
pub(super) struct Row {
    pub(super) credential: Credential,
    pub(super) sealed: Vec<Sealed>,
    pub(super) connection: Connection,
}

/// How far one turn at a refresh has come.
enum Step {
    /// There is a token of another generation.
    Fresh(Arc<Fresh>),
    /// Somebody else is at it, or has been.
    Again,
    /// The provider has said no for the first time.
    Doubted(Error),
}

impl Inner {
    /// Refreshes a credential, unless it is another than the generation `seen` by now.
    pub(super) async fn refresh(
        &self,
        key: &Key,
        seen: u64,
        doubt: Doubt,
    ) -> Result<Arc<Fresh>, Error> {
        let (mut doubted, mut waits) = (false, Waits::default());
        loop {
            match self.step(key, seen, (doubt, doubted)).await? {
                Step::Fresh(fresh) => return Ok(fresh),
                Step::Again => waits.wait().await?,
                Step::Doubted(error) if doubted || doubt == Doubt::Leave => return Err(error),
                Step::Doubted(_) => {
                    tokio::time::sleep(DOUBT_PAUSE).await;
                    doubted = true;
                }
            }
        }
    }

    /// The credential and its connection, unless that rests or needs a person.
    pub(super) async fn look(&self, key: &Key) -> Result<Row, Error> {
        let (row, state, reason) = self.read(key).await?;
        match state {
            ConnectionState::NeedsReauthorisation => Err(error::ended(&reason)),
            _ => Ok(row),
        }
    }

    /// The credential and its connection, unless that rests; and in which state it is.
    pub(super) async fn read(&self, key: &Key) -> Result<(Row, ConnectionState, String), Error> {
        let Key { tenant, connection } = key;
        let catalogue = &self.ports.catalogue;
        // Before the connection: variables may be newer than the token, never older.
        let found = self.ports.credentials.credential(tenant, connection).await;
        let found = found.map_err(|e| error::store(&e))?;
        let known = catalogue.connection(tenant, connection).await.map_err(|e| error::store(&e))?;
        let (Some((credential, sealed)), Some(known)) = (found, known) else {
            return Err(error::absent(tenant, connection));
        };
        let status = catalogue.connection_status(tenant, connection).await;
        let status = status.map_err(|e| error::store(&e))?;
        let (state, reason) = status.map(|it| (it.state, it.reason)).unwrap_or_default();
        match state {
            ConnectionState::Revoked | ConnectionState::Disabled => Err(error::resting(&reason)),
            _ => Ok((Row { credential, sealed, connection: known }, state, reason)),
        }
    }

    /// Opens the access token of a row; nothing if there is none.
    pub(super) async fn fresh(&self, key: &Key, row: Row) -> Result<Option<Arc<Fresh>>, Error> {
        let Row { credential, mut sealed, connection } = row;
        sealed.retain(|sealed| sealed.place.field == ACCESS_TOKEN);
        let opened = self.open(key, credential.generation, sealed).await?;
        let Some(secret) = opened.get(ACCESS_TOKEN).cloned() else { return Ok(None) };
        Ok(Some(Arc::new(Fresh {
            generation: credential.generation,
            authorised: credential.authorised,
            grant: credential.grant,
            _masked: self.ports.masking.mask(std::slice::from_ref(&secret)),
            secret,
            variables: connection.variables,
        })))
    }

    /// Takes the lease of a refresh as soon as nobody has it; nothing where there is no credential.
    pub(super) async fn hold(
        &self,
        key: &Key,
    ) -> Result<Option<(RefreshLease, Box<Credential>, Vec<Sealed>)>, Error> {
        let mut waits = Waits::default();
        loop {
            match self.lease(key).await? {
                Leased::Taken(lease, credential, sealed) => {
                    return Ok(Some((lease, credential, sealed)));
                }
                Leased::Held(_) => waits.wait().await?,
                Leased::Absent => return Ok(None),
            }
        }
    }

    /// Leaves a token that still lives in use until it ends, and has people told that it does.
    async fn outlive(&self, Key { tenant, connection }: &Key, grant: &Grant, why: &str) -> Error {
        let expiring = ConnectionState::Expiring;
        if let Err(error) = self.turn((tenant, connection), expiring, why).await {
            tracing::warn!(%tenant, %connection, %error, "the state was not written");
        }
        let now = self.ports.clock.now();
        let wait = grant.expires.map_or(when::KEEP_ALIVE, |expires| when::between(now, expires));
        error::later(why, wait)
    }

    /// Asks for the lease of a refresh.
    pub(super) async fn lease(&self, Key { tenant, connection }: &Key) -> Result<Leased, Error> {
        let Ports { credentials, holder, clock, .. } = &self.ports;
        let until = when::after(clock.now(), LEASE);
        let leased = credentials.lease_refresh(tenant, connection, holder, until).await;
        leased.map_err(|e| error::store(&e))
    }

    async fn step(
        &self,
        key: &Key,
        seen: u64,
        (doubt, doubted): (Doubt, bool),
    ) -> Result<Step, Error> {
        let row = self.look(key).await?;
        let now = self.ports.clock.now();
        let generation = row.credential.generation;
        if generation != seen && when::is_alive(&row.credential.grant, now) {
            let fresh = self.fresh(key, row).await?;
            return fresh
                .map(Step::Fresh)
                .ok_or_else(|| error::absent(&key.tenant, &key.connection));
        }
        let mut party = self.party(&row.connection).await?;
        match party.moved(&row.connection, &row.credential.grant) {
            Some(why) if doubt == Doubt::Leave && when::is_alive(&row.credential.grant, now) => {
                return Err(self.outlive(key, &row.credential.grant, &why).await);
            }
            Some(_) => {}
            None => {
                let rest = when::rest(&row.credential, now, party.entered()).filter(|_| !doubted);
                if let (Some(wait), Some(failure)) = (rest, &row.credential.failure) {
                    return Err(error::later(&failure.message, wait));
                }
                self.admit(&mut party, &row.connection).await?;
            }
        }
        let ends = when::after(now, TURN_MAX);
        match self.lease(key).await? {
            Leased::Absent => Err(error::absent(&key.tenant, &key.connection)),
            Leased::Held(_) => Ok(Step::Again),
            Leased::Taken(lease, credential, sealed) => {
                let connection = row.connection;
                let turn = Turn { inner: self, key, party, connection, lease, credential, ends };
                turn.take(generation, sealed, doubted).await
            }
        }
    }
}

/// Waits for somebody else's refresh, longer each time.
#[derive(Default)]
struct Waits(Duration, Duration);

impl Waits {
    /// Waits once, or says that it has taken too long.
    async fn wait(&mut self) -> Result<(), Error> {
        let Self(last, total) = self;
        if *total >= HELD_MAX {
            return Err(error::later("another process refreshes it without end", when::COOL_DOWN));
        }
        *last = (*last * 2).clamp(HELD_WAIT_MIN, HELD_WAIT_MAX);
        *total += *last;
        tokio::time::sleep(*last).await;
        Ok(())
    }
}
