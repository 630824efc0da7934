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
use model::{Error, ErrorKind, Secret};

pub use cookie::Cookie;
use page::{guarded, page};

/// Where a browser begins that another program has opened.
pub const START: &str = "/api/integrations/oauth/start";

/// Where a provider sends browsers back to, below the origin of the host. Each provider has an
/// address of its own: none can pass for another.
pub fn path(provider: &str) -> String {
    format!("/api/integrations/oauth/callback/{provider}")
}

/// Ends authorisations.
#[async_trait]
pub trait Flows: Send + Sync {
    /// Ends an authorisation by the query that a provider has sent the browser back with, and what
    /// the browser was given when it began; says in words for people what has been connected.
    async fn finish(&self, query: &str, browser: &Secret) -> Result<String, Error>;
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

/// Begins one authorisation at [`START`], and ends it at the path of its redirect address.
pub fn router(redirect_uri: &str, start: Start, flows: Arc<dyn Flows>) -> Router {
    let cookie = Cookie::of(redirect_uri);
    let path = redirect_uri.parse::<Uri>().map_or_else(|_| String::new(), |uri| uri.path().into());
    let end = End { path, cookie: cookie.clone(), flows };
    Router::new()
        .route(START, get(begun).with_state((cookie, Arc::new(start))))
        // Not a route: what an operator has registered may look like a pattern.
        .fallback(returned)
        .with_state(end)
}

/// Where authorisations end, and how.
#[derive(Clone)]
struct End {
    path: String,
    cookie: Cookie,
    flows: Arc<dyn Flows>,
}

async fn begun(
    State((cookie, start)): State<(Cookie, Arc<Start>)>,
    RawQuery(query): RawQuery,
) -> Response {
    let key = query.as_deref().and_then(|query| query.strip_prefix("key="));
    if key != Some(&start.key) {
        let text = "This address is not complete, or not of this attempt. Open the one that the \
                    command has printed.";
        return page(StatusCode::NOT_FOUND, "Not found", text);
    }
    let headers = [(header::LOCATION, start.address.clone())];
    let mut answer = guarded((StatusCode::SEE_OTHER, headers));
    answer.headers_mut().insert(header::SET_COOKIE, cookie.set(&start.browser));
    answer
}

async fn returned(
    State(End { path, cookie, flows }): State<End>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if uri.path() != path {
        return page(StatusCode::NOT_FOUND, "Not found", "There is nothing here.");
    }
    let refused = |status, text| page(status, "Not connected", text);
    // Whoever looks what is here does not use up what is good once.
    if method != Method::GET {
        return refused(StatusCode::METHOD_NOT_ALLOWED, "Open this address in a browser.");
    }
    // It is asked for before anything else: a link that somebody was sent spends nothing.
    let Some(browser) = cookie.find(&headers) else {
        let text = "This browser has not begun this connection: open the address that was printed, \
                    in this browser, and allow its cookie. If you were sent a link to this page, \
                    somebody may have wanted to connect an account of theirs for you.";
        return refused(StatusCode::FORBIDDEN, text);
    };
    let query = uri.query().unwrap_or_default().to_owned();
    // A window that is closed meanwhile does not cut off what can be done only once.
    let finished = tokio::spawn(async move { flows.finish(&query, &browser).await });
    match finished.await {
        Ok(Ok(text)) => {
            let mut answer = page(StatusCode::OK, "Connected", &text);
            answer.headers_mut().insert(header::SET_COOKIE, cookie.clear());
            answer
        }
        Ok(Err(error)) => refused(status(error.kind), &error.message),
        Err(_) => {
            refused(StatusCode::INTERNAL_SERVER_ERROR, "This host has failed; its log says why.")
        }
    }
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
