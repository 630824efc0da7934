//! Where a provider sends the browser back to, and where it is sent from.

mod cookie;
mod page;

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::get;
use model::{Error, ErrorKind, Secret, hex};

use cookie::Cookie;
use page::{guarded, page};

use crate::random::random;

/// Where a browser begins that another program has opened.
pub const START: &str = "/api/integrations/oauth/start";

/// Where a provider sends browsers back to, below the origin of the host. Each provider has an
/// address of its own: none can pass for another.
pub fn path(provider: &str) -> String {
    format!("/api/integrations/oauth/callback/{provider}")
}

/// What a browser is told that has come back.
#[derive(Clone, Debug)]
pub struct Told {
    /// What has been connected, in words for people.
    pub text: String,
    /// Where it goes on, on this host, instead of being told.
    pub to: Option<String>,
}

/// Ends authorisations.
#[async_trait]
pub trait Flows: Send + Sync {
    /// Ends an authorisation by the query that a provider has sent the browser back with, and what
    /// the browser was given when it began.
    async fn finish(&self, query: &str, browser: &Secret) -> Result<Told, Error>;
}

/// An authorisation that a browser is to begin.
#[derive(Clone, Debug)]
pub struct Start {
    /// What the address must hold; whoever knows it may begin.
    pub key: String,
    /// Where the browser goes from there.
    pub address: String,
    /// What it is given on the way, and must bring back.
    pub browser: Secret,
}

/// A name that nobody guesses, for [`Start::key`].
pub fn key() -> Result<String, Error> {
    Ok(hex::text(&random::<16>()?))
}

/// The state that a query names, or an address with one.
pub fn state(text: &str) -> &str {
    let mut pairs = text.split(['?', '&', '#']);
    pairs.find_map(|pair| pair.strip_prefix("state=")).unwrap_or_default()
}

/// Begins one authorisation at [`START`], and ends it at the path of its redirect address.
pub fn router(redirect_uri: &str, start: Start, flows: Arc<dyn Flows>) -> Router {
    let path = redirect_uri.parse::<Uri>().map_or_else(|_| String::new(), |uri| uri.path().into());
    let way = Way { path, redirect_uri: redirect_uri.to_owned(), flows };
    Router::new()
        .route(START, get(begun).with_state((redirect_uri.to_owned(), Arc::new(start))))
        // Not a route: what an operator has registered may look like a pattern.
        .fallback(returned)
        .with_state(way)
}

/// Where one authorisation ends, and how.
#[derive(Clone)]
struct Way {
    path: String,
    redirect_uri: String,
    flows: Arc<dyn Flows>,
}

async fn begun(
    State((redirect_uri, start)): State<(String, Arc<Start>)>,
    RawQuery(query): RawQuery,
) -> Response {
    if start_key(query.as_deref()) == Some(&start.key) {
        return sent_off(&redirect_uri, &start.address, &start.browser);
    }
    not_begun()
}

async fn returned(
    State(Way { path, redirect_uri, flows }): State<Way>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if uri.path() != path {
        return page(StatusCode::NOT_FOUND, "Not found", "There is nothing here.");
    }
    let query = uri.query().unwrap_or_default();
    came_back(&redirect_uri, flows, &method, (query, &headers)).await
}

/// The key that the address of a start holds.
pub(crate) fn start_key(query: Option<&str>) -> Option<&str> {
    query.and_then(|query| query.strip_prefix("key="))
}

/// Sends a browser to the provider, with what it must bring back.
pub(crate) fn sent_off(redirect_uri: &str, address: &str, browser: &Secret) -> Response {
    let cookie = Cookie::of(redirect_uri, state(address));
    let mut answer = guarded((StatusCode::SEE_OTHER, [(header::LOCATION, address.to_owned())]));
    answer.headers_mut().insert(header::SET_COOKIE, cookie.set(browser));
    answer
}

/// The page for an address at which nothing is to be begun.
pub(crate) fn not_begun() -> Response {
    let text = "This address is not complete, or it was used already, or not in time. Begin again \
                where you got it.";
    page(StatusCode::NOT_FOUND, "Not found", text)
}

/// Ends the authorisation of a browser that has come back to this address.
pub(crate) async fn came_back(
    redirect_uri: &str,
    flows: Arc<dyn Flows>,
    method: &Method,
    (query, headers): (&str, &HeaderMap),
) -> Response {
    let refused = |status, text| page(status, "Not connected", text);
    // Whoever looks what is here does not use up what is good once.
    if method != Method::GET {
        return refused(StatusCode::METHOD_NOT_ALLOWED, "Open this address in a browser.");
    }
    let cookie = Cookie::of(redirect_uri, state(query));
    // It is asked for before anything else: a link that somebody was sent spends nothing.
    let Some(browser) = cookie.find(headers) else {
        let text = "This browser has not begun this connection: begin where you got the address, \
                    in this browser, and allow its cookie. If you were sent a link to this page, \
                    somebody may have wanted to connect an account of theirs for you.";
        return refused(StatusCode::FORBIDDEN, text);
    };
    let query = query.to_owned();
    // A window that is closed meanwhile does not cut off what can be done only once.
    let finished = tokio::spawn(async move { flows.finish(&query, &browser).await });
    let mut answer = match finished.await {
        Ok(Ok(Told { to: Some(place), .. })) => {
            guarded((StatusCode::SEE_OTHER, [(header::LOCATION, place)]))
        }
        Ok(Ok(Told { text, to: None })) => page(StatusCode::OK, "Connected", &text),
        Ok(Err(error)) => refused(status(error.kind), &error.message),
        Err(_) => {
            refused(StatusCode::INTERNAL_SERVER_ERROR, "This host has failed; its log says why.")
        }
    };
    answer.headers_mut().insert(header::SET_COOKIE, cookie.clear());
    answer
}

/// The status of a failure: whether it was this side, the provider or the browser.
fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Denied | ErrorKind::AuthRequired | ErrorKind::Permission => {
            StatusCode::FORBIDDEN
        }
        ErrorKind::Invalid | ErrorKind::NotFound => StatusCode::BAD_REQUEST,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        _ => StatusCode::BAD_GATEWAY,
    }
}

#[cfg(test)]
mod tests;
