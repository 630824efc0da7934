//! What a handler must ask for before it touches anything: a role, and whose things.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use model::TenantId;
use model::api_key::Role;

use super::{Principal, TENANT, unauthenticated};
use crate::problem::Problem;

/// A tenant, and who asks. A handler has one only by one of the extractors below.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Whose things.
    pub tenant: TenantId,
    /// Who asks.
    pub who: Principal,
}

impl Scope {
    /// Who asks, as what is kept and an audit call them.
    pub fn author(&self) -> String {
        self.who.author()
    }
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug)]
            pub struct $name(pub Scope);

            impl<S: Send + Sync> FromRequestParts<S> for $name {
                type Rejection = Problem;

                async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
                    let who = principal(parts, Role::$name)?;
                    let tenant = who.tenant.clone().ok_or_else(|| {
                        let detail = format!(
                            "an operator's key opens all tenants: name the one that is meant in \
                             the header `{TENANT}`"
                        );
                        Problem::new(StatusCode::BAD_REQUEST, "api.tenant", detail)
                    })?;
                    Ok(Self(Scope { tenant, who }))
                }
            }
        )*
    };
}

scopes! {
    /// Leave to look at what a tenant has.
    Viewer
    /// Leave to sync, map and schedule for a tenant.
    Editor
    /// Leave to connect accounts of a tenant, and to give out its keys.
    Admin
}

/// Leave to run the host.
#[derive(Clone, Debug)]
pub struct Operator(pub Principal);

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        principal(parts, Role::Operator).map(Self)
    }
}

/// Leave to give out keys: of a tenant for its admins, of any or of the host for operators.
#[derive(Clone, Debug)]
pub struct Keeper(pub Principal);

impl<S: Send + Sync> FromRequestParts<S> for Keeper {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        principal(parts, Role::Admin).map(Self)
    }
}

/// Anybody with a key that works.
impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        principal(parts, Role::Viewer)
    }
}

fn principal(parts: &Parts, needed: Role) -> Result<Principal, Problem> {
    let who = parts.extensions.get::<Principal>().ok_or_else(unauthenticated)?;
    if who.role < needed {
        let detail = format!("this needs the role {needed}; the key's is {}", who.role);
        return Err(Problem::new(StatusCode::FORBIDDEN, "api.forbidden", detail));
    }
    Ok(who.clone())
}
