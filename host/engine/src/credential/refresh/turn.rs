//! One turn at a refresh, under a lease.

use model::credential::{
    Access, Actor, Credential, PREVIOUS_REFRESH_TOKEN, REFRESH_TOKEN, RefreshLease,
};
use model::outbound::HostRequest;
use model::store::StoreErrorKind;
use model::vault::Sealed;
use model::{Connection, Error, Timestamp};
use package::manifest::Auth;

use super::ask::{Asked, Told};
use super::{LEASE, Step};
use crate::credential::party::Party;
use crate::credential::sealing::Fields;
use crate::credential::{Inner, Key, error, when};

/// Why only a person can bring a new access token.
const NO_REFRESH_TOKEN: &str = "the access token has ended and there is no refresh token";

/// One turn at a refresh.
pub(super) struct Turn<'a> {
    pub(super) inner: &'a Inner,
    pub(super) key: &'a Key,
    pub(super) party: Party,
    pub(super) connection: Connection,
    pub(super) lease: RefreshLease,
    pub(super) credential: Box<Credential>,
    /// When the last answer is to be there.
    pub(super) ends: Timestamp,
}

impl Turn<'_> {
    /// Takes the turn, if the credential is still of this generation. `doubted` says whether the
    /// provider's "no" has already been left to pass.
    pub(super) async fn take(
        self,
        generation: u64,
        sealed: Vec<Sealed>,
        doubted: bool,
    ) -> Result<Step, Error> {
        if self.credential.generation != generation {
            self.release().await;
            return Ok(Step::Again);
        }
        let prepared = async {
            let fields = self.inner.open(self.key, generation, sealed).await?;
            let request = self.request(&fields, REFRESH_TOKEN)?;
            if let Some(request) = &request {
                self.note(request).await?;
            }
            Ok((fields, request))
        };
        let (fields, request) = match prepared.await {
            Ok(prepared) => prepared,
            Err(error) => {
                self.release().await;
                return Err(error);
            }
        };
        let Some(request) = request else {
            let why = self.outgrown().unwrap_or_else(|| NO_REFRESH_TOKEN.to_owned());
            return self.end(&why, false).await;
        };
        match self.ask(&fields, request).await {
            Ok(Some(asked)) => self.settle(&fields, asked, doubted).await,
            Ok(None) => Ok(Step::Again),
            Err(error) => {
                self.release().await;
                Err(error)
            }
        }
    }

    /// Asks, and once more with the refresh token before, if the provider does not know this one
    /// and an answer may have been lost. Nothing if somebody else has taken over; an error where
    /// nothing was sent.
    async fn ask(&self, fields: &Fields, request: HostRequest) -> Result<Option<Asked>, Error> {
        let values = self.party.values(&self.connection, fields.all());
        let Some(asked) = self.send(&values, &request).await? else { return Ok(None) };
        let missed = asked.lost || self.credential.intent.is_some();
        let now = self.inner.ports.clock.now();
        let kept = self.credential.grant.previous_until.is_some_and(|until| until > now);
        if !(missed && kept && matches!(asked.told, Told::NoGrant(_))) {
            return Ok(Some(asked));
        }
        let Ok(Some(request)) = self.request(fields, PREVIOUS_REFRESH_TOKEN) else {
            return Ok(Some(asked));
        };
        let again = self.send(&values, &request).await.ok().flatten();
        let helps =
            |it: &Asked| matches!(it.told, Told::Token(_) | Told::Moved(..) | Told::Lost(_));
        Ok(Some(again.filter(helps).unwrap_or(asked)))
    }

    /// Writes down that something is about to be sent, and holds the lease for it; false if
    /// somebody else has taken over.
    pub(super) async fn intend(&self) -> Result<bool, Error> {
        let Inner { ports, .. } = self.inner;
        let (until, generation) =
            (when::after(ports.clock.now(), LEASE), self.credential.generation);
        match ports.credentials.intend_refresh(&self.lease, generation, until).await {
            Ok(()) => Ok(true),
            Err(e) if is_lost(e.kind()) => Ok(false),
            Err(e) => Err(error::store(&e)),
        }
    }

    fn outgrown(&self) -> Option<String> {
        self.party.moved(&self.connection, &self.credential.grant)
    }

    /// The request for a new token; nothing where only a person can bring one.
    fn request(&self, fields: &Fields, token: &str) -> Result<Option<HostRequest>, Error> {
        let values = self.party.values(&self.connection, fields.all());
        let request = match self.party.method(&self.connection)? {
            Auth::OAuth2(_) => {
                let token = fields.get(token).filter(|_| self.outgrown().is_none());
                let Some(token) = token else { return Ok(None) };
                oauth::refresh(&values, token)
            }
            _ => oauth::grant(&values, self.inner.ports.clock.now()),
        };
        request.map(Some).map_err(|e| error::request(&e))
    }

    /// Writes down that a secret is about to be used.
    async fn note(&self, request: &HostRequest) -> Result<(), Error> {
        let slot = match self.party.method(&self.connection)? {
            Auth::OAuth2(_) => REFRESH_TOKEN,
            Auth::Jwt(_) => "private_key",
            _ => model::credential::CLIENT_SECRET,
        };
        self.inner.note_use(self.key, slot, request).await
    }

    /// Gives the lease back, with nothing sent. What fails here ends with the lease.
    pub(super) async fn release(&self) {
        if let Err(error) = self.inner.ports.credentials.release_refresh(&self.lease).await {
            let Key { tenant, connection } = self.key;
            tracing::warn!(%tenant, %connection, %error, "the lease of a refresh was not given back");
        }
    }
}

impl Inner {
    /// Writes down that the host itself is about to use a secret of a connection.
    pub(in crate::credential) async fn note_use(
        &self,
        key: &Key,
        slot: &str,
        request: &HostRequest,
    ) -> Result<(), Error> {
        let now = self.ports.clock.now();
        let access = Access {
            id: 0,
            tenant: key.tenant.clone(),
            connection: key.connection.clone(),
            actor: Actor::Refresher,
            slot: slot.to_owned(),
            endpoint: host(request.origin.as_ref().unwrap_or(&request.url)).to_owned(),
            first: now,
            last: now,
            uses: 1,
        };
        self.ports.access.note_access(access).await.map(drop).map_err(|e| error::store(&e))
    }
}

/// Whether somebody else has taken over.
pub(super) fn is_lost(kind: StoreErrorKind) -> bool {
    kind == StoreErrorKind::Fenced
}

/// The host of an address, and nothing of its query.
fn host(url: &str) -> &str {
    let behind = url.split_once("://").map_or(url, |(_, behind)| behind);
    behind.split(['/', '?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn host_stands_alone() {
        assert_eq!(host("https://login.example:8443/token?code=x"), "login.example:8443");
        assert_eq!(host("https://login.example?refresh_token=x"), "login.example");
        assert_eq!(host(""), "");
    }
}
