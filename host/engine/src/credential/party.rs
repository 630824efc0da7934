//! Who takes part in a request for a token: the package's method, and the app that serves the
//! tenant.

use std::time::Duration;

use model::credential::{App, Incident};
use model::masking::Masked;
use model::{Connection, Error, ErrorKind, Secret, TenantId, Timestamp};
use oauth::{Extent, TokenError, Values};
use package::manifest::Auth;

use super::{Inner, Provider, error, when};

/// The first wait until an app that was refused is tried again: somebody may have put it right.
const PROBE_MIN: Duration = Duration::from_mins(1);

/// The longest one: tokens are replaced that long before they end, so that nobody notices an app
/// that was put right in time.
const PROBE_MAX: Duration = Duration::from_mins(15);

/// The code of an app that is refused.
pub(super) const REFUSED: &str = "credential.app-refused";

/// Who takes part in a request for a token.
pub(super) struct Party {
    pub(super) provider: Provider,
    pub(super) registered: Option<Registered>,
}

/// An app and its secret, masked.
pub(super) struct Registered {
    pub(super) app: App,
    secret: Option<Secret>,
    _masked: Masked,
}

impl Party {
    /// What requests for this connection are written from.
    pub(super) fn values<'a>(
        &'a self,
        connection: &'a Connection,
        fields: &'a [(String, Secret)],
    ) -> Values<'a> {
        let registered = self.registered.as_ref();
        Values {
            connection,
            manifest: &self.provider.manifest,
            app: registered.map(|it| &it.app),
            client_secret: registered.and_then(|it| it.secret.as_ref()),
            fields,
            extent: if self.provider.writes { Extent::Write } else { Extent::Read },
        }
    }

    fn is_refused(&self) -> bool {
        self.registered.as_ref().is_some_and(|it| it.app.incident.is_some())
    }

    /// The method of this connection.
    pub(super) fn method<'a>(&'a self, connection: &'a Connection) -> Result<&'a Auth, Error> {
        self.values(connection, &[]).auth().map_err(|e| error::request(&e))
    }
}

impl Inner {
    /// Who takes part, unless the app was refused a short while ago. Where it is time to see
    /// whether that is over, the caller is the one who does.
    pub(super) async fn party(&self, connection: &Connection) -> Result<Party, Error> {
        let mut party = self.party_anyway(connection).await?;
        if !party.is_refused() {
            return Ok(party);
        }
        let _turn = self.probing.lock().await;
        party.registered = self.registered(&connection.package, &connection.tenant).await?;
        if let Some(Registered { app, .. }) = &party.registered
            && let Some(incident) = &app.incident
        {
            let now = self.ports.clock.now();
            // What is further away was written by a clock that ran ahead.
            if incident.probe_at > now && incident.probe_at <= when::after(now, PROBE_MAX) {
                return Err(refused(app, incident, now));
            }
            // Whoever comes meanwhile is sent away, so that one asks and not all of them.
            let next = Incident { probe_at: next_probe(incident.since, now), ..incident.clone() };
            self.note(app, Some(next)).await?;
        }
        Ok(party)
    }

    /// The same, whatever became of the app before: a person wants to know.
    pub(super) async fn party_anyway(&self, connection: &Connection) -> Result<Party, Error> {
        let provider = self.ports.packages.provider(&connection.package).await?;
        let registered = self.registered(&connection.package, &connection.tenant).await?;
        Ok(Party { provider, registered })
    }

    async fn registered(
        &self,
        package: &str,
        tenant: &TenantId,
    ) -> Result<Option<Registered>, Error> {
        let found =
            self.ports.apps.app(package, Some(tenant)).await.map_err(|e| error::store(&e))?;
        let Some((app, sealed)) = found else { return Ok(None) };
        let secret = match sealed {
            Some(sealed) => Some(self.open_one(&app.place(), sealed).await?),
            None => None,
        };
        let masked = self.ports.masking.mask(secret.as_slice());
        Ok(Some(Registered { app, secret, _masked: masked }))
    }

    /// Writes down that the provider refuses the app, and says so.
    pub(super) async fn app_refused(&self, app: &App, why: &TokenError) -> Error {
        let now = self.ports.clock.now();
        let since = app.incident.as_ref().map_or(now, |incident| incident.since);
        let incident = Incident {
            since,
            code: why.code.clone(),
            message: why.message.clone(),
            probe_at: next_probe(since, now),
        };
        let owner = app.tenant.as_ref().map_or("this host", TenantId::as_str);
        tracing::error!(package = app.package, owner, %why, "a provider refuses an app");
        let said = refused(app, &incident, now);
        match self.note(app, Some(incident)).await {
            Ok(()) => said,
            Err(error) => error,
        }
    }

    /// Writes down that the provider accepts the app, if it had refused it.
    pub(super) async fn app_accepted(&self, party: &Party) {
        let Some(Registered { app, .. }) = &party.registered else { return };
        if app.incident.is_none() {
            return;
        }
        if let Err(error) = self.note(app, None).await {
            tracing::warn!(package = app.package, %error, "an app's incident could not be closed");
        }
    }

    async fn note(&self, app: &App, incident: Option<Incident>) -> Result<(), Error> {
        self.ports.apps.app_incident(app, incident).await.map_err(|e| error::store(&e))
    }
}

fn next_probe(since: Timestamp, now: Timestamp) -> Timestamp {
    when::after(now, when::between(since, now).clamp(PROBE_MIN, PROBE_MAX))
}

fn refused(app: &App, incident: &Incident, now: Timestamp) -> Error {
    let (package, why) = (&app.package, &incident.message);
    let message = format!("the provider of {package} refuses this host's app itself: {why}");
    Error::new(ErrorKind::Denied, REFUSED, message)
        .retry_after(when::between(now, incident.probe_at))
}
