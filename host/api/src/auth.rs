//! Who asks, whose things it is about, and what they may do.

mod key;
mod scope;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use model::api_key::{ApiKey, ApiKeyId, ApiKeyStore, Role};
use model::tenant::TenantStore;
use model::{Clock, TenantId};

pub use key::{NewKey, Token, new_key};
pub use scope::{Admin, Editor, Operator, Scope, Viewer};

use crate::problem::Problem;

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

/// What answers who somebody is.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) keys: Arc<dyn ApiKeyStore>,
    pub(crate) tenants: Arc<dyn TenantStore>,
    pub(crate) clock: Clock,
}

/// Lets through who shows a key that works; what follows finds the [`Principal`] in the request.
pub(crate) async fn authenticate(
    State(gate): State<Gate>,
    mut request: Request,
    next: Next,
) -> Response {
    match gate.principal(request.headers()).await {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

impl Gate {
    async fn principal(&self, headers: &HeaderMap) -> Result<Principal, Problem> {
        let key = self.key(headers).await?;
        let tenant = self.tenant(&key, headers).await?;
        Ok(Principal { key: key.id, role: key.role, tenant })
    }

    async fn key(&self, headers: &HeaderMap) -> Result<ApiKey, Problem> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given.and_then(|text| text.strip_prefix("Bearer ")).and_then(Token::parse);
        let Some(token) = token else { return Err(unauthenticated()) };
        let known = self.keys.api_key(token.id()).await?;
        // A key that is not there is compared with nothing, for as long.
        let hash = known.as_ref().map_or([0; 32], |key| key.hash);
        let opens = token.opens(&hash);
        let now = self.clock.now();
        let works =
            |key: &ApiKey| key.revoked.is_none() && key.expires.is_none_or(|expires| now < expires);
        known.filter(|key| opens && works(key)).ok_or_else(unauthenticated)
    }

    /// Another tenant than the key's is as good as none, whether it is there or not.
    async fn tenant(&self, key: &ApiKey, headers: &HeaderMap) -> Result<Option<TenantId>, Problem> {
        let Some(named) = headers.get(TENANT) else { return Ok(key.tenant.clone()) };
        let named = named.to_str().ok().and_then(|text| text.parse::<TenantId>().ok());
        let Some(named) = named else { return Err(Problem::not_found()) };
        let there = match &key.tenant {
            Some(own) => *own == named,
            None => self.tenants.tenant(&named).await?.is_some(),
        };
        if there { Ok(Some(named)) } else { Err(Problem::not_found()) }
    }
}

fn unauthenticated() -> Problem {
    let detail = "send `Authorization: Bearer ph_…` with an API key that is neither revoked nor \
                  expired";
    Problem::new(StatusCode::UNAUTHORIZED, "api.unauthenticated", detail)
}
