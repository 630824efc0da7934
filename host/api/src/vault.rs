//! The vault, as far as there is anything to tell of it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use model::vault::VaultError;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Operator;
use crate::ports::Keys;
use crate::problem::Problem;

/// What is told of.
pub(crate) type Ports = Arc<dyn Keys>;

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Where the keys of the secrets stand.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VaultStatus {
    /// The key that wraps data keys from now on, and where it is kept.
    pub wrapper: String,
    /// Those before, which are still known.
    pub before: Vec<String>,
    /// Owners with data keys: tenants, and the host itself.
    pub owners: u64,
    /// Their data keys.
    pub keys: u64,
    /// Those of them that have been replaced, and not retired yet.
    pub retiring: u64,
    /// Those that a key before wraps.
    pub wrapped_before: u64,
}

/// Shows where the keys of the secrets stand
///
/// No secret and no key. Keys are changed by `plughouse vault` alone.
#[utoipa::path(get, path = "/api/vault", tag = "vault",
    security(("api_key" = ["operator"])), responses((status = 200, body = VaultStatus)))]
async fn show(
    State(keys): State<Ports>,
    Operator(_): Operator,
) -> Result<axum::Json<VaultStatus>, Problem> {
    keys.status().await.map(axum::Json).map_err(|error| match error {
        VaultError::Store(error) => error.into(),
        error => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Problem::new(status, "credential.vault", error.to_string())
        }
    })
}
