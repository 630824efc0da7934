//! What the host says of itself to anybody: that it lives, whether it can serve, what it is.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use engine::sync::Cancel;
use model::store::{Catalogue, StoreError};
use model::task::TaskStore;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::ports::Build;
use crate::problem::Problem;

/// How long the store may take to answer a probe: those who ask give up after some seconds.
const STORE_TIME_MAX: Duration = Duration::from_secs(2);

/// When to ask again whether the host can serve.
const READY_AGAIN: Duration = Duration::from_secs(5);

/// What is told of.
#[derive(Clone)]
pub(crate) struct Ports {
    catalogue: Arc<dyn Catalogue>,
    tasks: Arc<dyn TaskStore>,
    closing: Cancel,
    build: Arc<Build>,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self {
            catalogue: ports.store.clone(),
            tasks: ports.store.clone(),
            closing: ports.closing.clone(),
            build: Arc::new(ports.build.clone()),
        }
    }

    /// Whether the store answers, and whether somebody looks after the schedules.
    async fn is_led(&self) -> Result<bool, StoreError> {
        self.catalogue.trust_state().await?;
        Ok(self.tasks.led_until().await?.is_some())
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(readiness))
        .routes(routes!(version))
        .routes(routes!(openapi))
}

/// That the process lives, or that it can serve.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceStatus {
    /// `alive` or `ready`.
    status: &'static str,
}

/// What runs.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceVersion {
    /// The version of the program.
    version: String,
    /// Which build of it; another one behaves differently, or not.
    build: String,
    /// The versions of the adapter contract that it speaks.
    contracts: Vec<String>,
}

/// Says that the process lives
///
/// It looks at nothing else. To be asked by whoever restarts what does not answer.
#[utoipa::path(get, path = "/api/health", tag = "service",
    responses((status = 200, body = ServiceStatus)))]
async fn health() -> axum::Json<ServiceStatus> {
    axum::Json(ServiceStatus { status: "alive" })
}

/// Says whether the host can serve
///
/// The store answers, some scheduler has the lead, and the process is not about to end; otherwise
/// 503, and `errors` says which of them does not hold. To be asked by whoever sends it requests.
#[utoipa::path(get, path = "/api/readiness", tag = "service",
    responses((status = 200, body = ServiceStatus)))]
async fn readiness(State(ports): State<Ports>) -> Result<axum::Json<ServiceStatus>, Problem> {
    let answered = tokio::time::timeout(STORE_TIME_MAX, ports.is_led()).await;
    let fault = match answered {
        _ if ports.closing.is_cancelled() => ("closing", "the process is about to end"),
        Ok(Ok(true)) => return Ok(axum::Json(ServiceStatus { status: "ready" })),
        Ok(Ok(false)) => ("scheduler", "nobody looks after the schedules"),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the store cannot be read");
            ("store", "it cannot be read")
        }
        Err(_elapsed) => ("store", "it does not answer in time"),
    };
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let problem = Problem::new(status, "api.unavailable", "the host is not ready to serve");
    Err(problem.at(fault.0, fault.1).retry_after(READY_AGAIN))
}

/// Says what runs
#[utoipa::path(get, path = "/api/version", tag = "service",
    responses((status = 200, body = ServiceVersion)))]
async fn version(State(ports): State<Ports>) -> axum::Json<ServiceVersion> {
    let Build { version, id, contracts } = ports.build.as_ref().clone();
    axum::Json(ServiceVersion { version, build: id, contracts })
}

/// Describes the API
///
/// In the words of `OpenAPI` 3.1.
#[utoipa::path(get, path = "/api/openapi.json", tag = "service",
    responses((status = 200, body = serde_json::Value, content_type = "application/json")))]
async fn openapi() -> Response {
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    let document =
        DOCUMENT.get_or_init(|| serde_json::to_vec(&crate::document()).unwrap_or_default().into());
    ([(header::CONTENT_TYPE, "application/json")], document.clone()).into_response()
}
