//! Requests, and what comes back.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower_service::Service as _;

use super::World;

/// A request.
pub(crate) struct Ask(Request<Body>);

impl Ask {
    pub(crate) fn new(method: Method, path: &str) -> Self {
        Self(Request::builder().method(method).uri(path).body(Body::empty()).unwrap())
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: &str) -> Self {
        Self::new(Method::POST, path)
    }

    /// Shows a key.
    pub(crate) fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    /// Names the tenant.
    pub(crate) fn tenant(self, tenant: &str) -> Self {
        self.header(api::auth::TENANT, tenant)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::try_from(name).unwrap();
        self.0.headers_mut().append(name, HeaderValue::try_from(value).unwrap());
        self
    }

    /// Says which version it changes.
    pub(crate) fn if_match(self, tag: &str) -> Self {
        self.header("if-match", tag)
    }

    pub(crate) fn json(self, content: &Value) -> Self {
        self.header("content-type", "application/json").content(content.to_string())
    }

    pub(crate) fn content(mut self, content: impl Into<Body>) -> Self {
        *self.0.body_mut() = content.into();
        self
    }

    /// Comes with something that the server says of it.
    pub(crate) fn extension<T: Clone + Send + Sync + 'static>(mut self, it: T) -> Self {
        self.0.extensions_mut().insert(it);
        self
    }

    /// The answer, whose content may still be on its way.
    pub(crate) async fn of(self, router: &Router) -> Response<Body> {
        router.clone().call(self.0).await.unwrap()
    }
}

/// An answer, to its end.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
    /// The content, where it is JSON.
    pub(crate) json: Value,
}

impl Answer {
    /// Demands a status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self
    }

    /// Demands a problem under this code.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) {
        let text = String::from_utf8_lossy(&self.bytes);
        assert_eq!((self.status, self.json["code"].as_str()), (status, Some(code)), "{text}");
        assert_eq!(self.header("content-type"), api::problem::MEDIA_TYPE);
        assert_eq!(self.json["request_id"], self.header(api::request::REQUEST_ID));
    }

    /// A header, or the empty text.
    pub(crate) fn header(&self, name: impl AsRef<str>) -> &str {
        self.headers.get(name.as_ref()).map_or("", |value| value.to_str().unwrap())
    }

    /// The version of what was answered.
    pub(crate) fn tag(&self) -> &str {
        self.header(header::ETAG)
    }
}

impl World {
    pub(crate) async fn send(&self, ask: Ask) -> Answer {
        let (parts, body) = ask.of(&self.router).await.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Answer { status: parts.status.as_u16(), headers: parts.headers, bytes, json }
    }

    pub(crate) async fn get(&self, key: &str, path: &str) -> Answer {
        self.send(Ask::get(path).key(key)).await
    }

    pub(crate) async fn post(&self, key: &str, path: &str, content: &Value) -> Answer {
        self.send(Ask::post(path).key(key).json(content)).await
    }

    /// Changes the version of this tag.
    pub(crate) async fn put(&self, key: &str, path: &str, tag: &str, content: &Value) -> Answer {
        let ask = Ask::new(Method::PUT, path).key(key).if_match(tag).json(content);
        self.send(ask).await
    }

    /// Changes the version of this tag.
    pub(crate) async fn patch(&self, key: &str, path: &str, tag: &str, content: &Value) -> Answer {
        let ask = Ask::new(Method::PATCH, path).key(key).if_match(tag).json(content);
        self.send(ask).await
    }

    pub(crate) async fn delete(&self, key: &str, path: &str) -> Answer {
        self.send(Ask::new(Method::DELETE, path).key(key)).await
    }

    /// An operation of acme, once it has ended.
    pub(crate) async fn ended(&self, begun: &Answer) -> Value {
        loop {
            let now = self.get(&self.acme.viewer, begun.header("location")).await.is(200).json;
            if now["status"] != "running" {
                return now;
            }
            tokio::task::yield_now().await;
        }
    }
}
