//! Who asks, whose things it is about, and what they may do.

mod browser;
mod cache;
mod guesses;
mod key;
mod lasting;
mod regulars;
mod scope;
mod used;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use model::api_key::{ApiKey, ApiKeyId, ApiKeyStore, Role, Session};
use model::tenant::TenantStore;
use model::{Clock, TenantId};

pub use browser::CSRF;
pub(crate) use browser::{COOKIE, Place, SessionSecret, cookie};
pub use key::{NewKey, Token, new_key};
pub use scope::{Admin, Editor, Keeper, Operator, Scope, Viewer};

use crate::problem::Problem;
use crate::rate::{self, Rates};
use crate::server::{ClientAddr, Exposed, Secure};
use cache::Cache;
use guesses::Guesses;
use regulars::Regulars;
use used::Used;

/// The header by which an operator names the tenant.
pub const TENANT: &str = "plughouse-tenant";

/// Who asks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Principal {
    /// The key that they hold, or began their session with.
    pub key: ApiKeyId,
    /// What it allows.
    pub role: Role,
    /// The tenant whose things the request is about; nothing where an operator names none.
    pub tenant: Option<TenantId>,
}

impl Principal {
    /// As what is kept and an audit call them.
    pub fn author(&self) -> String {
        format!("key {}", self.key)
    }
}

/// The session on whose account a request came, and its key.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    pub(crate) secret: SessionSecret,
    pub(crate) session: Arc<(Session, ApiKey)>,
}

/// What answers who somebody is; clones are the same one.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Inner>);

struct Inner {
    keys: Arc<dyn ApiKeyStore>,
    tenants: Arc<dyn TenantStore>,
    clock: Clock,
    guesses: Guesses,
    regulars: Regulars,
    rates: Rates,
    used: Used,
    known_keys: Cache<ApiKeyId, Arc<ApiKey>>,
    known_sessions: Cache<[u8; 32], Arc<(Session, ApiKey)>>,
    known_tenants: Cache<TenantId, ()>,
}

/// What shows who somebody is.
#[derive(Clone)]
enum Shown {
    Key(Arc<ApiKey>),
    Session(SignedIn),
}

impl Shown {
    fn key(&self) -> &ApiKey {
        match self {
            Self::Key(key) => key,
            Self::Session(signed_in) => &signed_in.session.1,
        }
    }
}

/// Lets through who shows a key or a session that works; what follows finds the [`Principal`] in
/// the request.
pub(crate) async fn authenticate(
    State(Gate(gate)): State<Gate>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let (who, shown) = match gate.principal(&parts).await {
        Ok(known) => known,
        Err(problem) => return problem.into_response(),
    };
    let place = match gate.rates.enter(&who.key, who.role) {
        Ok(place) => place,
        Err(problem) => return problem.into_response(),
    };
    gate.used.note(shown.key(), gate.clock.now());
    parts.extensions.insert(who);
    if let Shown::Session(signed_in) = &shown {
        parts.extensions.insert(signed_in.clone());
    }
    let answer = place.held_by(next.run(Request::from_parts(parts, body)).await);
    lasting::while_open(gate, shown, answer)
}

impl Gate {
    pub(crate) fn new(
        keys: Arc<dyn ApiKeyStore>,
        tenants: Arc<dyn TenantStore>,
        clock: Clock,
    ) -> Self {
        Self(Arc::new(Inner {
            rates: Rates::new(clock.clone()),
            used: Used::new(Arc::clone(&keys)),
            guesses: Guesses::default(),
            regulars: Regulars::default(),
            known_keys: Cache::default(),
            known_sessions: Cache::default(),
            known_tenants: Cache::default(),
            keys,
            tenants,
            clock,
        }))
    }

    /// The key that a text opens, if it works. Wrong ones are held against where they come from.
    pub(crate) async fn opened(&self, text: &str, from: IpAddr) -> Result<Arc<ApiKey>, Problem> {
        self.0.opened(text, from).await
    }

    /// A place for one more request with this key.
    pub(crate) fn enter(&self, key: &ApiKey) -> Result<rate::Place, Problem> {
        self.0.rates.enter(&key.id, key.role)
    }
}

impl Inner {
    async fn principal(&self, request: &Parts) -> Result<(Principal, Shown), Problem> {
        sheltered(request)?;
        let headers = &request.headers;
        let shown = if let Some(given) = only(headers, &header::AUTHORIZATION)? {
            let text = given.to_str().unwrap_or_default();
            let token = text.split_once(' ').filter(|it| it.0.eq_ignore_ascii_case("bearer"));
            let token = token.map_or("", |(_, token)| token);
            Shown::Key(self.opened(token, address(request)).await?)
        } else {
            self.session(request).await?
        };
        let ApiKey { id, role, .. } = shown.key();
        let tenant = self.tenant(shown.key(), headers).await?;
        Ok((Principal { key: id.clone(), role: *role, tenant }, shown))
    }

    async fn opened(&self, text: &str, from: IpAddr) -> Result<Arc<ApiKey>, Problem> {
        let now = self.clock.now();
        let token = Token::parse(text);
        let allowed = self.guesses.allow(from, now);
        if !token.as_ref().is_some_and(|token| self.regulars.knows(from, token.id(), now)) {
            allowed.clone()?;
        }
        let known = match &token {
            Some(token) => self.known(token.id()).await?,
            None => None,
        };
        // A key that is not there is compared with nothing, for as long.
        let hash = known.as_ref().map_or([0; 32], |key| key.hash);
        let opens = token.is_some_and(|token| token.opens(&hash));
        let Some(key) = known.filter(|_| opens) else {
            allowed?;
            self.guesses.wrong(from, now);
            return Err(unauthenticated());
        };
        // One that has ended was not guessed.
        if !key.works(now) {
            return Err(unauthenticated());
        }
        self.regulars.note(from, &key.id, now);
        Ok(key)
    }

    async fn known(&self, id: &ApiKeyId) -> Result<Option<Arc<ApiKey>>, Problem> {
        let changes = self.keys.changes();
        if let Some(known) = self.known_keys.get(changes, id) {
            return Ok(Some(known));
        }
        let found = self.keys.api_key(id).await?.map(Arc::new);
        if let Some(key) = &found {
            self.known_keys.put(changes, id.clone(), Arc::clone(key));
        }
        Ok(found)
    }

    /// The session of a browser. A cookie that opens none is one that has ended: browsers send it
    /// all the same, and nobody guesses one.
    async fn session(&self, request: &Parts) -> Result<Shown, Problem> {
        let headers = &request.headers;
        let place = Place::of(headers, is_secure(request));
        let secret = place.secret(headers).ok_or_else(unauthenticated)?;
        let both = self.begun(&secret).await?.ok_or_else(unauthenticated)?;
        browser::guard(&both.0, place, &request.method, headers)?;
        Ok(Shown::Session(SignedIn { secret, session: both }))
    }

    /// The session of a secret with its key, unless one of both has ended.
    async fn begun(
        &self,
        secret: &SessionSecret,
    ) -> Result<Option<Arc<(Session, ApiKey)>>, Problem> {
        let (hash, changes) = (secret.hash(), self.keys.changes());
        let mut both = self.known_sessions.get(changes, &hash);
        if both.is_none() {
            both = self.keys.session(&hash).await?.map(Arc::new);
            if let Some(both) = &both {
                self.known_sessions.put(changes, hash, Arc::clone(both));
            }
        }
        let now = self.clock.now();
        Ok(both.filter(|both| both.0.expires > now && both.1.works(now)))
    }

    /// Whether what was shown before still opens anything.
    async fn opens(&self, shown: &Shown) -> Result<bool, Problem> {
        match shown {
            Shown::Key(key) => {
                let (known, now) = (self.known(&key.id).await?, self.clock.now());
                Ok(known.is_some_and(|key| key.works(now)))
            }
            Shown::Session(it) => Ok(self.begun(&it.secret).await?.is_some()),
        }
    }

    /// Another tenant than the key's is as good as none, whether it is there or not. Operators see
    /// all, and are told what is missing.
    async fn tenant(&self, key: &ApiKey, headers: &HeaderMap) -> Result<Option<TenantId>, Problem> {
        let named = only(headers, &HeaderName::from_static(TENANT))?;
        let Some(named) = named else { return Ok(key.tenant.clone()) };
        let named = named.to_str().ok().and_then(|text| text.parse::<TenantId>().ok());
        if let Some(own) = &key.tenant {
            let named = named.filter(|named| named == own);
            return named.map(Some).ok_or_else(Problem::not_found);
        }
        match named {
            Some(named) if self.is_tenant(&named).await? => Ok(Some(named)),
            named => Err(no_tenant(named.as_ref())),
        }
    }

    async fn is_tenant(&self, id: &TenantId) -> Result<bool, Problem> {
        let changes = self.keys.changes();
        if self.known_tenants.get(changes, id).is_some() {
            return Ok(true);
        }
        let there = self.tenants.tenant(id).await?.is_some();
        if there {
            self.known_tenants.put(changes, id.clone(), ());
        }
        Ok(there)
    }
}

/// Where a request comes from. Who asks without a connection is one party.
pub(crate) fn address(request: &Parts) -> IpAddr {
    let known = request.extensions.get::<ClientAddr>();
    known.map_or(Ipv4Addr::UNSPECIFIED.into(), |client| client.0)
}

/// Refuses a key or a cookie that others may have read on its way: whoever sends it so is to hear
/// of it, and not to go on.
pub(crate) fn sheltered(request: &Parts) -> Result<(), Problem> {
    if request.extensions.get::<Exposed>().is_none() {
        return Ok(());
    }
    let detail = "keys must not travel in the clear: use https, or the proxy that stands before \
                  this host; make a new key in place of this one";
    Err(Problem::new(StatusCode::FORBIDDEN, "api.insecure", detail))
}

/// Whether a request came over TLS.
pub(crate) fn is_secure(request: &Parts) -> bool {
    request.extensions.get::<Secure>().is_some_and(|secure| secure.0)
}

fn no_tenant(named: Option<&TenantId>) -> Problem {
    let what = named.map_or_else(
        || format!("what `{TENANT}` names cannot be a tenant"),
        |named| format!("there is no tenant {named}, which `{TENANT}` names"),
    );
    let detail = format!("{what}; `GET /api/tenants` lists those that are there");
    Problem::new(StatusCode::NOT_FOUND, "api.not-found", detail)
}

fn unauthenticated() -> Problem {
    let detail = "send `Authorization: Bearer ph_…` with an API key that is neither revoked nor \
                  expired, or sign in";
    Problem::new(StatusCode::UNAUTHORIZED, "api.unauthenticated", detail)
}

/// A header that says who asks, and so is there once: of two, a proxy may have gone by the other.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h HeaderValue>, Problem> {
    let mut all = headers.get_all(name).iter();
    let first = all.next();
    if all.next().is_some() {
        let detail = format!("`{name}` is there twice; send it once");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "api.malformed", detail));
    }
    Ok(first)
}
