//! Authorisations in a browser: begun by whoever may connect accounts, ended by the browser that
//! was sent to the provider.

mod memory;
mod wanted;

use std::convert::Infallible;
use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::{FromRequestParts, RawQuery, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse as _, Response};
use engine::credential::{Check, Finished, Material};
use model::credential::Actor;
use model::{Connection, Error, Secret, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::memory::Way;
use self::wanted::{Authorising, wanted};
use crate::auth::{Admin, SignedIn};
use crate::callback::{self, Flows, START, Told, came_back, not_begun, sent_off, start_key};
use crate::extract::{Path, Query};
use crate::problem::Problem;
use crate::{Adapters, connections, providers};

pub use self::memory::Authorisations;

/// What authorisations need.
#[derive(Clone)]
pub(crate) struct Ports {
    connections: connections::Ports,
    authorisations: Authorisations,
    public_url: String,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self {
            connections: connections::Ports::of(ports),
            authorisations: ports.authorisations.clone(),
            public_url: ports.public_url.clone(),
        }
    }

    /// Where a provider sends browsers back to.
    fn redirect_uri(&self, provider: &str) -> String {
        format!("{}{}", self.public_url, callback::path(provider))
    }
}

/// What begins with a key.
pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(authorize))
}

/// What a browser goes through on its way; a cookie and the state say who it is.
pub(crate) fn way() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(start)).routes(routes!(callback))
}

/// An authorisation that a browser is to begin.
#[derive(Debug, Serialize, ToSchema)]
struct Begun {
    /// The address to open in the browser of the person who says yes: once, and before it expires.
    open: String,
    /// Until when the provider's answer is taken.
    expires: Timestamp,
    /// The connection that comes of it.
    connection: String,
}

/// Begins to authorise an account in a browser
///
/// With an API key, answers an address of this host to be opened in a browser, once. A browser with
/// a session that navigates here (`Accept: text/html`) is sent to the provider at once. The flow is
/// good for ten minutes. It ends at `GET /api/integrations/oauth/callback/{provider}`, the address
/// to be registered at the provider: the connection is made, its integration too if it is not
/// there, and the browser goes on to `return_to` or is shown a page.
#[utoipa::path(get, path = "/api/integrations/oauth/authorize/{provider}", tag = "authorisations",
    security(("api_key" = ["admin"])),
    params(("provider" = String, Path, description = "The provider"), Authorising),
    responses((status = 200, body = Begun), (status = 303, description = "To the provider."),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn authorize(
    State(ports): State<Ports>,
    Admin(scope): Admin,
    Path(provider): Path<String>,
    Query(asked): Query<Authorising>,
    Navigates(navigates): Navigates,
) -> Result<Response, Problem> {
    let package = providers::package(&*ports.connections.catalogue, &provider).await?;
    let manifest = ports.connections.adapters.package(&package).await?.manifest;
    let redirect_uri = ports.redirect_uri(&manifest.adapter.id);
    let return_to = asked.return_to()?;
    let connection = wanted(&ports.connections, &scope, &manifest, asked).await?;
    let id = connection.id.clone();
    let begun = ports.connections.credentials.begin(connection, &redirect_uri).await?;
    let (expires, author) = (begun.expires, scope.author());
    let now = ports.connections.clock.now();
    ports.authorisations.note(&begun.browser, Way { return_to, author, expires }, now);
    if navigates {
        return Ok(sent_off(&redirect_uri, &begun.url, &begun.browser));
    }
    let start =
        callback::Start { key: callback::key()?, address: begun.url, browser: begun.browser };
    let open = format!("{}{START}?key={}", ports.public_url, start.key);
    ports.authorisations.add(start, (redirect_uri, expires), now);
    Ok(axum::Json(Begun { open, expires, connection: id.to_string() }).into_response())
}

/// Whether a browser that is signed in wants a page, and not a program an answer.
struct Navigates(bool);

impl<S: Send + Sync> FromRequestParts<S> for Navigates {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let accepts = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let page = accepts.is_some_and(|accepts| accepts.contains("text/html"));
        Ok(Self(page && parts.extensions.get::<SignedIn>().is_some()))
    }
}

/// Sends a browser to the provider
///
/// At the address that beginning with an API key has answered; it works once.
#[utoipa::path(get, path = "/api/integrations/oauth/start", tag = "authorisations",
    params(("key" = String, Query, description = "As the address has it")),
    responses((status = 303, description = "To the provider."),
        (status = 404, body = String, content_type = "text/html")))]
async fn start(State(ports): State<Ports>, method: Method, RawQuery(query): RawQuery) -> Response {
    // Whoever looks what is here does not use it up.
    let key = start_key(query.as_deref()).filter(|_| method == Method::GET);
    let now = ports.connections.clock.now();
    match key.and_then(|key| ports.authorisations.take(key, now)) {
        Some((start, redirect_uri)) => sent_off(&redirect_uri, &start.address, &start.browser),
        None => not_begun(),
    }
}

/// Ends an authorisation
///
/// Where the provider sends the browser back to, with `code` and `state` or `error`. There is no
/// key: the browser is known by the cookie that it was given when it began, and the authorisation
/// by its state.
#[utoipa::path(get, path = "/api/integrations/oauth/callback/{provider}", tag = "authorisations",
    params(("provider" = String, Path, description = "The provider"),
        ("state" = Option<String>, Query, description = "As the provider was given it"),
        ("code" = Option<String>, Query, description = "The provider's yes"),
        ("error" = Option<String>, Query, description = "The provider's no")),
    responses((status = 200, body = String, content_type = "text/html"),
        (status = 303, description = "To `return_to`."),
        (status = 400, body = String, content_type = "text/html"),
        (status = 403, body = String, content_type = "text/html"),
        (status = 405, body = String, content_type = "text/html"),
        (status = 409, body = String, content_type = "text/html"),
        (status = 502, body = String, content_type = "text/html")))]
async fn callback(
    State(ports): State<Ports>,
    Path(provider): Path<String>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let redirect_uri = ports.redirect_uri(&provider);
    let query = query.unwrap_or_default();
    came_back(&redirect_uri, Arc::new(ports), &method, (&query, &headers)).await
}

#[async_trait]
impl Flows for Ports {
    async fn finish(&self, query: &str, browser: &Secret) -> Result<Told, Error> {
        let way = self.authorisations.ended(browser);
        let (to, author) = way.map(|way| (way.return_to, way.author)).unwrap_or_default();
        // A host that was started again since knows neither who began nor where to go on.
        let author = if author.is_empty() { "a browser".to_owned() } else { author };
        let check = Asking { adapters: &*self.connections.adapters, actor: Actor::Person(author) };
        let finished = self.connections.credentials.finish(query, Some(browser), Some(&check));
        let Finished { connection, .. } = finished.await?;
        self.connections.wake.wake();
        let text = format!(
            "{} is connected through {}. You can close this window.",
            connection.id, connection.package
        );
        Ok(Told { text, to })
    }
}

/// Asks the provider of whichever connection a flow is for.
struct Asking<'a> {
    adapters: &'a dyn Adapters,
    actor: Actor,
}

#[async_trait]
impl Check for Asking<'_> {
    async fn check(&self, connection: &mut Connection, material: Material) -> Result<(), Error> {
        let check = self.adapters.check(&connection.package, self.actor.clone()).await?;
        check.check(connection, material).await
    }
}
