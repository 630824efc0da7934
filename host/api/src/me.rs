//! Who asks, as the host knows them.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use model::api_key::{ApiKeyStore, Role};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Build;
use crate::api_keys::KeyRole;
use crate::auth::{Principal, SignedIn};
use crate::problem::Problem;

/// What each role allows beside what those before it do.
const ALLOWED: [(Role, &[&str]); 4] = [
    (Role::Viewer, &["read"]),
    (Role::Editor, &["sync", "map", "schedule", "retry", "draft"]),
    (Role::Admin, &["connect", "give-out-keys", "own-apps"]),
    (Role::Operator, &["packages", "apps", "tenants", "breakers", "vault"]),
];

/// What is told of who asks.
#[derive(Clone)]
pub(crate) struct Ports {
    keys: Arc<dyn ApiKeyStore>,
    build: Build,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self { keys: ports.store.clone(), build: ports.build.clone() }
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
struct Me {
    /// The public part of the key.
    api_key: String,
    /// What people call the key.
    name: String,
    /// What it allows, in one word.
    role: KeyRole,
    /// What it allows: `read`, `sync`, `connect`, …
    allowed: Vec<&'static str>,
    /// The tenant that the request was about; nothing where an operator has named none.
    tenant: Option<String>,
    /// Whether the key opens all tenants: `GET /api/tenants` lists them.
    all_tenants: bool,
    /// Whether this is a session of a browser, whose changes show `X-CSRF-Token`.
    session: bool,
    /// The version of the host.
    version: String,
    /// Which build of it: a page of another one is to be loaded again.
    build: String,
}

/// Shows who asks
#[utoipa::path(get, path = "/api/me", tag = "me", security(("api_key" = ["viewer"])),
    responses((status = 200, body = Me)))]
async fn show(
    State(ports): State<Ports>,
    who: Principal,
    signed_in: Option<Extension<SignedIn>>,
) -> Result<axum::Json<Me>, Problem> {
    let key = ports.keys.api_key(&who.key).await?.ok_or_else(Problem::not_found)?;
    let roles = ALLOWED.iter().filter(|(role, _)| *role <= who.role);
    Ok(axum::Json(Me {
        api_key: who.key.to_string(),
        name: key.name,
        role: who.role.into(),
        allowed: roles.flat_map(|(_, words)| *words).copied().collect(),
        tenant: who.tenant.map(|tenant| tenant.to_string()),
        all_tenants: who.role == Role::Operator,
        session: signed_in.is_some(),
        version: ports.build.version,
        build: ports.build.id,
    }))
}
