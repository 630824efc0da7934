//! Browsers that are signed in.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use model::api_key::{ApiKey, ApiKeyStore, Session};
use model::{Clock, Secret, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api_keys::KeyRole;
use crate::auth::{Gate, Place, Principal, SessionSecret, SignedIn, address, is_secure, sheltered};
use crate::extract::Json;
use crate::problem::Problem;

/// How long a session lasts, used or not: a working day. Whoever comes back the next morning signs
/// in again, and a browser that was left open opens nothing by then.
const SESSION_LASTS: Duration = Duration::from_hours(12);

/// The largest content that signs in, in bytes: a key and what is around it. It is read before
/// anybody knows who sends it, so it is not to take memory.
const SIGN_IN_BYTES_MAX: usize = 1 << 10;

/// Where the session of a browser is looked at.
const SESSION: &str = "/api/session";

/// What sessions need.
#[derive(Clone)]
pub(crate) struct Ports {
    keys: Arc<dyn ApiKeyStore>,
    clock: Clock,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self { keys: ports.store.clone(), clock: ports.clock.clone() }
    }
}

/// What needs no key, for it comes with the request.
pub(crate) fn sign_in() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(begin))
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(show, end))
}

/// How a browser signs in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    /// The API key whose holder signs in.
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String)]
    api_key: Secret,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

/// A browser that is signed in.
#[derive(Debug, Serialize, ToSchema)]
struct SessionView {
    /// What every request that changes something must show as `X-CSRF-Token`.
    csrf_token: String,
    /// When the session ends, unless its key ends before.
    expires_at: Timestamp,
    /// The key that it was begun with.
    api_key: String,
    /// What it allows.
    role: KeyRole,
    /// Whose things it opens; nothing for an operator's, which opens all.
    tenant: Option<String>,
}

/// Signs a browser in
///
/// The answer sets a cookie that holds the session: `__Host-plughouse-session`, or on a loopback
/// address without TLS one that is named after the port. Requests with it need no key; those that
/// change something show the token of the answer as `X-CSRF-Token`. A session that the browser had
/// before ends. A session lasts twelve hours, and never longer than its key.
#[utoipa::path(post, path = "/api/session", tag = "session", request_body = SignIn,
    responses((status = 201, body = SessionView), (status = 401, body = Problem),
        (status = 403, body = Problem)))]
async fn begin(
    State(ports): State<Ports>,
    Extension(gate): Extension<Gate>,
    request: Parts,
    Json(form): Json<SignIn, SIGN_IN_BYTES_MAX>,
) -> Result<Response, Problem> {
    let place = Place::of(&request.headers, is_secure(&request));
    // A page elsewhere would sign its visitor in as somebody else, and look on.
    place.same_origin(&request.headers)?;
    place.hides()?;
    sheltered(&request)?;
    let key = gate.opened(form.api_key.expose(), address(&request)).await?;
    let _place = gate.enter(&key)?;
    if let Some(before) = place.secret(&request.headers) {
        ports.keys.remove_session(&before.hash()).await?;
    }
    let secret = SessionSecret::draw().map_err(Problem::of_host)?;
    let now = ports.clock.now();
    let ends = now.saturating_add(SESSION_LASTS).unwrap_or(Timestamp::MAX);
    let session = Session {
        hash: secret.hash(),
        csrf: Sha256::digest(secret.csrf()).into(),
        key: key.id.clone(),
        created: now,
        expires: key.expires.map_or(ends, |expires| expires.min(ends)),
    };
    let seconds = session.expires.duration_since(now).as_secs();
    let view = SessionView::of(&session, &key, &secret);
    ports.keys.put_session(session).await?;
    let headers = [
        (header::SET_COOKIE, place.set(&secret, seconds)),
        (header::LOCATION, HeaderValue::from_static(SESSION)),
    ];
    Ok((StatusCode::CREATED, headers, axum::Json(view)).into_response())
}

/// Shows the session of a browser
///
/// It does not make it longer. Requests with a key have none.
#[utoipa::path(get, path = "/api/session", tag = "session",
    security(("api_key" = ["viewer"])), responses((status = 200, body = SessionView)))]
async fn show(
    _: Principal,
    signed_in: Option<Extension<SignedIn>>,
) -> Result<axum::Json<SessionView>, Problem> {
    let Extension(SignedIn { secret, session }) = signed_in.ok_or_else(Problem::not_found)?;
    Ok(axum::Json(SessionView::of(&session.0, &session.1, &secret)))
}

/// Signs a browser out
///
/// The answer takes its cookie away.
#[utoipa::path(delete, path = "/api/session", tag = "session",
    security(("api_key" = ["viewer"])), responses((status = 204)))]
async fn end(
    State(ports): State<Ports>,
    _: Principal,
    request: Parts,
) -> Result<Response, Problem> {
    let signed_in = request.extensions.get::<SignedIn>().ok_or_else(Problem::not_found)?;
    ports.keys.remove_session(&signed_in.secret.hash()).await?;
    let cookie = Place::of(&request.headers, is_secure(&request)).clear();
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

impl SessionView {
    fn of(session: &Session, key: &ApiKey, secret: &SessionSecret) -> Self {
        Self {
            csrf_token: secret.csrf(),
            expires_at: session.expires,
            api_key: key.id.to_string(),
            role: key.role.into(),
            tenant: key.tenant.as_ref().map(ToString::to_string),
        }
    }
}
