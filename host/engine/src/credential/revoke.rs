//! The end of grants.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use model::credential::{ACCESS_TOKEN, REFRESH_TOKEN};
use model::{Connection, ConnectionId, ConnectionState, Error, TenantId};
use oauth::{Held, check_revoked};
use package::manifest::{Auth, RevokeToken};
use serde::Serialize;

use super::inventory::Scan;
use super::party::Party;
use super::refresh::Doubt;
use super::sealing::Fields;
use super::slot::Key;
use super::{Credentials, Inner, error, when};

/// Grants that are ended at one time: what one provider takes without complaint.
const AT_ONCE_MAX: usize = 8;

/// What became of a grant at its provider.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome", content = "why")]
pub enum Revocation {
    /// The provider has ended it.
    Revoked,
    /// The provider has no way to end it from here; end it in the account's settings there.
    NotOffered,
    /// It may still be good, and why.
    Failed(String),
}

/// What became of one grant of many.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Ended {
    /// Whose.
    pub tenant: TenantId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// What became of it.
    #[serde(flatten)]
    pub revocation: Revocation,
}

/// Whose grants to end.
#[derive(Clone, Debug)]
pub enum Whose {
    /// All of a tenant.
    Tenant(TenantId),
    /// All through a package's app: the tenant's own, or the deployment's.
    App(String, Option<TenantId>),
}

impl Credentials {
    /// Ends the grant at the provider; the connection stays, revoked if that went well.
    pub async fn revoke(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<Revocation, Error> {
        let Self(inner) = self;
        let found = inner.ports.catalogue.connection(tenant, connection).await;
        let Some(found) = found.map_err(|e| error::store(&e))? else {
            return Err(error::absent(tenant, connection));
        };
        let revocation = inner.end_grant(&found).await;
        if revocation == Revocation::Revoked {
            let reason = "its grant was revoked at the provider";
            inner.turn((tenant, connection), ConnectionState::Revoked, reason).await?;
        }
        Ok(revocation)
    }

    /// Ends the grant at the provider and removes the connection, whatever came of that; nothing
    /// if there was none.
    pub async fn remove(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<Option<Revocation>, Error> {
        let Self(inner) = self;
        let found = inner.ports.catalogue.connection(tenant, connection).await;
        let Some(found) = found.map_err(|e| error::store(&e))? else { return Ok(None) };
        let revocation = inner.end_grant(&found).await;
        let removed = inner.ports.credentials.remove_connection(tenant, connection).await;
        inner.slots.forget(&Key::new(tenant, connection));
        Ok(removed.map_err(|e| error::store(&e))?.then_some(revocation))
    }

    /// Ends many grants at their providers; the connections stay.
    pub async fn revoke_all(&self, whose: &Whose) -> Result<Vec<Ended>, Error> {
        let chosen = self.chosen(whose).await?;
        let ended = stream::iter(chosen).map(|Connection { tenant, id, .. }| async move {
            let revocation = match self.revoke(&tenant, &id).await {
                Ok(revocation) => revocation,
                Err(error) => Revocation::Failed(error.to_string()),
            };
            Ended { tenant, connection: id, revocation }
        });
        Ok(ended.buffered(AT_ONCE_MAX).collect().await)
    }

    async fn chosen(&self, whose: &Whose) -> Result<Vec<Connection>, Error> {
        let Self(inner) = self;
        let mut scan = Scan::of(match whose {
            Whose::Tenant(tenant) => Some(tenant.clone()),
            Whose::App(_, tenant) => tenant.clone(),
        });
        let mut chosen = Vec::new();
        while let Some(seen) = scan.next(inner).await? {
            let ends = match whose {
                Whose::Tenant(_) => true,
                Whose::App(package, tenant) if *package == seen.connection.package => {
                    let serves = inner.ports.apps.app(package, Some(&seen.connection.tenant)).await;
                    let serves = serves.map_err(|e| error::store(&e))?;
                    serves.is_some_and(|(app, _)| app.tenant == *tenant)
                }
                Whose::App(..) => false,
            };
            if ends {
                chosen.push(seen.connection);
            }
        }
        Ok(chosen)
    }
}

impl Inner {
    /// Ends a grant at its provider, as far as that can be done.
    async fn end_grant(self: &Arc<Self>, connection: &Connection) -> Revocation {
        match self.try_to_end(connection).await {
            Ok(revocation) => revocation,
            Err(error) => {
                let Connection { tenant, id, .. } = connection;
                tracing::warn!(%tenant, connection = %id, %error, "a grant was not revoked");
                Revocation::Failed(error.message)
            }
        }
    }

    async fn try_to_end(self: &Arc<Self>, connection: &Connection) -> Result<Revocation, Error> {
        let party = self.party(connection).await?;
        let Auth::OAuth2(rule) = party.method(connection)? else {
            return Ok(Revocation::NotOffered);
        };
        let Some(revoke) = &rule.revoke else { return Ok(Revocation::NotOffered) };
        let key = Key::new(&connection.tenant, &connection.id);
        if revoke.token == RevokeToken::Access {
            self.make_alive(&key).await;
        }
        // A refresh that goes on meanwhile would bring a token that nobody revokes.
        let Some((lease, credential, sealed)) = self.hold(&key).await? else {
            return Ok(Revocation::NotOffered);
        };
        let opened = self.open(&key, credential.generation, sealed).await;
        let ended = match (opened, party.moved(connection, &credential.grant)) {
            (_, Some(moved)) => Ok(Revocation::Failed(format!("{moved}; end it there"))),
            (Ok(fields), None) => self.send(&key, &party, connection, &fields).await,
            (Err(error), None) => Err(error),
        };
        if let Err(error) = self.ports.credentials.release_refresh(&lease).await {
            tracing::warn!(%error, "the lease of a revocation was not given back");
        }
        ended
    }

    /// Refreshes an access token that has ended: a provider ends no grant by one that it does not
    /// know any more. What fails here shows when the grant is ended.
    async fn make_alive(self: &Arc<Self>, key: &Key) {
        let Ok(row) = self.look(key).await else { return };
        if when::is_alive(&row.credential.grant, self.ports.clock.now()) {
            return;
        }
        let slot = self.slots.get(key);
        drop(self.refreshed(key, &slot, row.credential.generation, Doubt::Leave).await);
    }

    async fn send(
        &self,
        key: &Key,
        party: &Party,
        connection: &Connection,
        fields: &Fields,
    ) -> Result<Revocation, Error> {
        let Some(access) = fields.get(ACCESS_TOKEN) else { return Ok(Revocation::NotOffered) };
        let held = Held { access, refresh: fields.get(REFRESH_TOKEN) };
        let values = party.values(connection, fields.all());
        let request = oauth::revoke(&values, held).map_err(|e| error::request(&e))?;
        let Some(request) = request else { return Ok(Revocation::NotOffered) };
        self.note_use(key, REFRESH_TOKEN, &request).await?;
        let answer = self.ports.outbound.send(request).await?;
        Ok(match check_revoked(&values, &answer, self.ports.clock.now()) {
            Ok(()) => Revocation::Revoked,
            Err(why) => Revocation::Failed(why.message),
        })
    }
}
