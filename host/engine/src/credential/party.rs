//! Who takes part in a request for a token: the package's method, and the app that serves the
//! tenant.

use std::time::Duration;

use model::credential::{App, Grant, Incident};
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

    /// The app that alone may use a refresh token which is given to this connection.
    pub(super) fn client_id(&self, connection: &Connection) -> Option<&str> {
        let app = &self.registered.as_ref()?.app;
        matches!(self.method(connection), Ok(Auth::OAuth2(_))).then_some(app.client_id.as_str())
    }

    /// Why the refresh token of a grant must not be sent by whoever serves this connection now.
    pub(super) fn moved(&self, connection: &Connection, grant: &Grant) -> Option<String> {
        let (given, now) = (grant.app.as_deref()?, self.client_id(connection)?);
        (given != now).then(|| {
            format!("it was authorised through app {given}, which no longer serves this tenant")
        })
    }

    /// When the app was entered as it is.
    pub(super) fn entered(&self) -> Option<Timestamp> {
        self.registered.as_ref().map(|it| it.app.created)
    }

    /// The method of this connection.
    pub(super) fn method<'a>(&'a self, connection: &'a Connection) -> Result<&'a Auth, Error> {
        self.values(connection, &[]).auth().map_err(|e| error::request(&e))
    }
}

impl Inner {
    /// Refuses to have a connection ask if its app was refused to others as well a short while ago.
    /// Where it is time to see whether that is over, the caller is the one who does.
    pub(super) async fn admit(&self, party: &mut Party, by: &Connection) -> Result<(), Error> {
        if party.registered.as_ref().is_none_or(|it| closed(&it.app, by).is_none()) {
            return Ok(());
        }
        let _turn = self.probing.lock().await;
        party.registered = self.registered(&by.package, &by.tenant).await?;
        if let Some(Registered { app, .. }) = &party.registered
            && let Some(incident) = closed(app, by)
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
        Ok(())
    }

    /// Who takes part, whatever became of the app before.
    pub(super) async fn party(&self, connection: &Connection) -> Result<Party, Error> {
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

    /// Writes down that the provider refuses the app to a connection, and says so.
    pub(super) async fn app_refused(
        &self,
        app: &App,
        to: &Connection,
        why: &TokenError,
    ) -> Result<Error, Error> {
        let _turn = self.probing.lock().await;
        let found = self.ports.apps.app(&to.package, Some(&to.tenant)).await;
        let before = found.map_err(|e| error::store(&e))?.and_then(|(app, _)| app.incident);
        let now = self.ports.clock.now();
        let incident = accused(before.as_ref(), to, why, now);
        let owner = app.tenant.as_ref().map_or("this host", TenantId::as_str);
        let connection = &to.id;
        tracing::error!(package = app.package, owner, %connection, %why, "a provider refuses an app");
        let said = refused(app, &incident, now);
        self.note(app, Some(incident)).await?;
        Ok(said)
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

/// What keeps a connection from asking: that the app was refused, and not to it alone. Whom it was
/// last refused to rests by itself, and keeps the others waiting no longer.
fn closed<'a>(app: &'a App, to: &Connection) -> Option<&'a Incident> {
    let incident = app.incident.as_ref().filter(|incident| !incident.suspected)?;
    (!is_last(incident, to)).then_some(incident)
}

fn is_last(incident: &Incident, connection: &Connection) -> bool {
    let last = incident.last.as_ref();
    last.is_some_and(|(tenant, id)| (tenant, id) == (&connection.tenant, &connection.id))
}

/// What is held against an app that was refused to a connection: a suspicion, until it was refused
/// to another one.
fn accused(
    before: Option<&Incident>,
    to: &Connection,
    why: &TokenError,
    now: Timestamp,
) -> Incident {
    let (code, message) = (why.code.clone(), why.message.clone());
    let (since, probe_at, suspected) = match before {
        None => (now, now, true),
        Some(it) if is_last(it, to) => (it.since, it.probe_at, it.suspected),
        Some(it) => (it.since, next_probe(it.since, now), false),
    };
    let last = Some((to.tenant.clone(), to.id.clone()));
    Incident { since, code, message, probe_at, last, suspected }
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

#[cfg(test)]
mod tests {

    use oauth::TokenErrorKind;

    use super::*;

    fn connection(id: &str) -> Connection {
        Connection::new("main".parse().unwrap(), id.parse().unwrap(), "acme/crm", "user")
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    /// Refusals to these connections at these minutes; when the app is tried again by others.
    #[track_caller]
    fn check(refusals: &[(&str, i64)], suspected: bool, probe_at: i64) {
        let why = TokenError {
            kind: TokenErrorKind::InvalidClient,
            code: "invalid_client".to_owned(),
            message: "unknown client".to_owned(),
            status: 401,
            kept: None,
        };
        let incident = refusals.iter().fold(None, |before: Option<Incident>, (id, minute)| {
            Some(accused(before.as_ref(), &connection(id), &why, at(*minute)))
        });
        let incident = incident.unwrap();
        assert_eq!((incident.suspected, incident.probe_at), (suspected, at(probe_at)));
    }

    #[test]
    fn one_connection_brings_no_incident_and_keeps_none_alive() {
        check(&[("a", 0)], true, 0);
        check(&[("a", 0), ("a", 5), ("a", 90)], true, 0);
        check(&[("a", 0), ("b", 0)], false, 1);
        check(&[("a", 0), ("b", 4)], false, 8);
        check(&[("a", 0), ("b", 0), ("a", 2)], false, 4);
        check(&[("a", 0), ("b", 0), ("a", 2), ("a", 3), ("a", 60)], false, 4);
        check(&[("a", 0), ("b", 60)], false, 75);
    }
}
