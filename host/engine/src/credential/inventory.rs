//! What was granted to this host, by connection.

use std::collections::BTreeMap;
use std::time::Duration;

use model::credential::{Credential, CredentialQuery, Failure, Grant, REFRESH_TOKEN};
use model::{
    Connection, ConnectionId, ConnectionState, ConnectionStatus, Error, TenantId, Timestamp,
};
use package::manifest::{Auth, Template};
use serde::Serialize;

use super::{Credentials, Inner, Provider, error, when};
use crate::connect::variables;

/// Credentials that are read at one time.
const PAGE: usize = 500;

/// Scopes that providers act on and leave out when they tell what they have granted.
const UNTOLD: [&str; 5] = ["email", "offline_access", "openid", "profile", "refresh_token"];

/// A grant without its secrets.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct GrantView {
    /// Whose.
    pub tenant: TenantId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// The package.
    pub package: String,
    /// The method.
    pub method: String,
    /// The account, as `check` told it.
    pub account: Option<String>,
    /// The person whose account it is.
    pub user: Option<String>,
    /// In which state the connection is.
    pub state: ConnectionState,
    /// Why.
    pub reason: String,
    /// The grant.
    pub grant: Grant,
    /// What was asked for against what was granted; empty where the provider does not tell.
    pub scopes: Scopes,
    /// Whether it can be renewed without a person.
    pub renews: bool,
    /// When it was authorised.
    pub authorised: Timestamp,
    /// When it was last used.
    pub used: Option<Timestamp>,
    /// How often it was refreshed.
    pub refreshes: u64,
    /// How often refreshing has failed since it last succeeded.
    pub failures: u32,
    /// Why it last failed.
    pub failure: Option<Failure>,
}

/// What was asked for against what was granted.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Scopes {
    /// Asked for and not granted.
    pub missing: Vec<String>,
    /// Granted and not asked for.
    pub more: Vec<String>,
}

impl Credentials {
    /// All grants of a tenant, by connection.
    pub async fn inventory(&self, tenant: &TenantId) -> Result<Vec<GrantView>, Error> {
        let Self(inner) = self;
        let mut scan = Scan::of(Some(tenant.clone()));
        let mut views = Vec::new();
        while let Some(seen) = scan.next(inner).await? {
            views.push(view(seen));
        }
        Ok(views)
    }

    /// The grant of a connection; nothing if nothing was granted.
    pub async fn grant(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<Option<GrantView>, Error> {
        let Self(inner) = self;
        let found = inner.ports.credentials.credential(tenant, connection).await;
        let Some((credential, _)) = found.map_err(|e| error::store(&e))? else { return Ok(None) };
        let mut scan = Scan::of(Some(tenant.clone()));
        Ok(scan.around(inner, credential).await?.map(view))
    }

    /// Those of a tenant, or of all, that end within this time and need a person for it, the first
    /// first.
    pub async fn expiring(
        &self,
        tenant: Option<&TenantId>,
        within: Duration,
    ) -> Result<Vec<GrantView>, Error> {
        let Self(inner) = self;
        let until = when::after(inner.ports.clock.now(), within);
        let mut scan = Scan::of(tenant.cloned());
        let mut views = Vec::new();
        while let Some(seen) = scan.next(inner).await? {
            let ends = seen.credential.grant.expires.is_some_and(|expires| expires <= until);
            let state = seen.status.as_ref().map(|status| status.state).unwrap_or_default();
            let lives = state.works() && ends && !seen.renews();
            if lives || state == ConnectionState::Expiring {
                views.push(view(seen));
            }
        }
        views.sort_by_key(|view| view.grant.expires);
        Ok(views)
    }
}

/// A credential with all that is known around it.
pub(super) struct Seen {
    pub(super) credential: Credential,
    pub(super) connection: Connection,
    pub(super) status: Option<ConnectionStatus>,
    /// Nothing where the package is not there any more.
    pub(super) provider: Option<Provider>,
}

impl Seen {
    fn auth(&self) -> Option<&Auth> {
        self.provider.as_ref()?.manifest.auth.get(&self.connection.auth)
    }

    /// Whether it goes on without a person.
    pub(super) fn renews(&self) -> bool {
        match self.auth() {
            Some(Auth::OAuth2(_)) | None => {
                self.credential.fields.iter().any(|field| field == REFRESH_TOKEN)
            }
            Some(Auth::Client(_) | Auth::Jwt(_) | Auth::Key(_) | Auth::None) => true,
        }
    }
}

/// Goes through credentials, page by page.
pub(super) struct Scan {
    query: CredentialQuery,
    page: std::vec::IntoIter<Credential>,
    providers: BTreeMap<String, Option<Provider>>,
    ended: bool,
}

impl Scan {
    /// Through those of a tenant, or all.
    pub(super) fn of(tenant: Option<TenantId>) -> Self {
        let query = CredentialQuery { tenant, limit: PAGE, ..CredentialQuery::default() };
        Self { query, page: Vec::new().into_iter(), providers: BTreeMap::new(), ended: false }
    }

    /// The next one.
    pub(super) async fn next(&mut self, inner: &Inner) -> Result<Option<Seen>, Error> {
        loop {
            let Some(credential) = self.page.next() else {
                if self.ended {
                    return Ok(None);
                }
                let page = inner.ports.credentials.credentials(self.query.clone()).await;
                let page = page.map_err(|e| error::store(&e))?;
                self.ended = page.len() < PAGE;
                let last = page.last();
                self.query.after = last.map(|it| (it.tenant.clone(), it.connection.clone()));
                self.page = page.into_iter();
                continue;
            };
            if let Some(seen) = self.around(inner, credential).await? {
                return Ok(Some(seen));
            }
        }
    }

    /// What is around a credential; nothing if its connection has just gone.
    async fn around(
        &mut self,
        inner: &Inner,
        credential: Credential,
    ) -> Result<Option<Seen>, Error> {
        let (catalogue, Credential { tenant, connection: id, .. }) =
            (&inner.ports.catalogue, &credential);
        let found = catalogue.connection(tenant, id).await.map_err(|e| error::store(&e))?;
        let Some(connection) = found else { return Ok(None) };
        let status = catalogue.connection_status(tenant, id).await.map_err(|e| error::store(&e))?;
        let package = &connection.package;
        if !self.providers.contains_key(package) {
            let provider = inner.ports.packages.provider(package).await.ok();
            self.providers.insert(package.clone(), provider);
        }
        let provider = self.providers.get(package).cloned().flatten();
        Ok(Some(Seen { credential, connection, status, provider }))
    }
}

fn view(seen: Seen) -> GrantView {
    let (renews, scopes) = (seen.renews(), scopes(&seen));
    let Seen { credential, connection, status, .. } = seen;
    let (state, reason) = status.map(|status| (status.state, status.reason)).unwrap_or_default();
    GrantView {
        tenant: credential.tenant,
        connection: credential.connection,
        package: connection.package,
        method: connection.auth,
        account: connection.account,
        user: connection.user,
        state,
        reason,
        grant: credential.grant,
        scopes,
        renews,
        authorised: credential.authorised,
        used: credential.used,
        refreshes: credential.refreshes,
        failures: credential.failures,
        failure: credential.failure,
    }
}

fn scopes(seen: &Seen) -> Scopes {
    let granted = &seen.credential.grant.scopes;
    let (Some(provider), Some(auth)) = (&seen.provider, seen.auth()) else {
        return Scopes::default();
    };
    if granted.is_empty() {
        return Scopes::default();
    }
    let asked = asked(provider, auth, &seen.connection);
    let told = |scope: &&String| !UNTOLD.contains(&scope.as_str());
    let lacks = |among: &[String], scope: &str| !among.iter().any(|other| same(other, scope));
    Scopes {
        missing: asked.iter().filter(told).filter(|it| lacks(granted, it)).cloned().collect(),
        more: granted.iter().filter(told).filter(|it| lacks(&asked, it)).cloned().collect(),
    }
}

/// The scopes that the manifest asks for.
fn asked(provider: &Provider, auth: &Auth, connection: &Connection) -> Vec<String> {
    let none: &[Template] = &[];
    let (always, write) = match auth {
        Auth::OAuth2(rule) => (rule.scopes.as_slice(), rule.write_scopes.as_slice()),
        Auth::Jwt(rule) => (rule.scopes.as_slice(), rule.write_scopes.as_slice()),
        Auth::Client(rule) => (rule.scopes.as_slice(), none),
        Auth::Key(_) | Auth::None => (none, none),
    };
    let write = if provider.writes { write } else { none };
    let known = variables(&provider.manifest, connection);
    let rendered = |template: &Template| template.render(&|hole| known.get(hole).cloned()).ok();
    always.iter().chain(write).filter_map(rendered).collect()
}

/// Whether two names are of one scope: some providers put the name of the resource before it.
fn same(one: &str, other: &str) -> bool {
    let ends = |long: &str, short: &str| {
        long.len() > short.len() + 1
            && long.as_bytes().get(long.len() - short.len() - 1) == Some(&b'/')
            && long.get(long.len() - short.len()..).is_some_and(|e| e.eq_ignore_ascii_case(short))
    };
    one.eq_ignore_ascii_case(other) || ends(one, other) || ends(other, one)
}

#[cfg(test)]
mod tests {
    use super::same;

    #[track_caller]
    fn check(one: &str, other: &str, expected: bool) {
        assert_eq!((same(one, other), same(other, one)), (expected, expected), "{one} {other}");
    }

    #[test]
    fn scopes_are_the_same_with_and_without_their_resource() {
        check("User.Read", "https://graph.microsoft.com/user.read", true);
        check("crm.read", "crm.read", true);
        check("read", "crm.read", false);
        check("", "/", false);
        check("é", "/é", false);
    }
}
