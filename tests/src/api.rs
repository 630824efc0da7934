//! The API of a server, asked over TCP as any program would.

use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::http::{self, Answered, Streamed};

/// Somebody with a key, or without.
#[derive(Clone, Debug)]
pub struct Api {
    address: SocketAddr,
    key: Option<String>,
    tenant: Option<String>,
}

#[expect(clippy::expect_used, reason = "a test that cannot run must fail")]
impl Api {
    /// Who holds this key.
    pub fn new(address: SocketAddr, key: impl Into<String>) -> Self {
        Self { address, key: Some(key.into()), tenant: None }
    }

    /// The same, who means this tenant.
    #[must_use]
    pub fn of(&self, tenant: &str) -> Self {
        Self { tenant: Some(tenant.to_owned()), ..self.clone() }
    }

    /// The same server, asked with another key.
    #[must_use]
    pub fn with(&self, key: &str) -> Self {
        Self::new(self.address, key)
    }

    /// The same server, asked without a key.
    #[must_use]
    pub fn keyless(&self) -> Self {
        Self { address: self.address, key: None, tenant: None }
    }

    /// The same key at another server.
    #[must_use]
    pub fn at(&self, other: &Self) -> Self {
        Self { address: other.address, ..self.clone() }
    }

    /// Where it is asked.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The key; empty where there is none.
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or_default()
    }

    /// Begins a request; what is answered is to be read from the stream.
    ///
    /// # Panics
    ///
    /// When nobody is there.
    pub fn open(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> TcpStream {
        let bearer = self.bearer();
        let all = self.headers(bearer.as_deref(), headers);
        http::open(&self.address.to_string(), (method, path), &all, body)
    }

    /// Sends the head of a request alone; how long its content is stands among the headers.
    pub fn begin(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> TcpStream {
        let bearer = self.bearer();
        let all = self.headers(bearer.as_deref(), headers);
        http::begin(&self.address.to_string(), (method, path), &all)
    }

    fn bearer(&self) -> Option<String> {
        self.key.as_ref().map(|key| format!("Bearer {key}"))
    }

    fn headers<'a>(
        &'a self,
        bearer: Option<&'a str>,
        more: &[(&'a str, &'a str)],
    ) -> Vec<(&'a str, &'a str)> {
        let bearer = bearer.map(|bearer| ("authorization", bearer));
        let tenant = self.tenant.as_deref().map(|tenant| ("plughouse-tenant", tenant));
        bearer.into_iter().chain(tenant).chain(more.iter().copied()).collect()
    }

    /// Asks.
    ///
    /// # Panics
    ///
    /// When nobody is there, or what they say is no HTTP.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answered {
        let answer = Streamed::read(self.open(method, path, headers, body));
        answer.and_then(Streamed::whole).expect("an answer")
    }

    /// Asks with JSON, or without content where it is null.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> Answered {
        if body.is_null() {
            return self.send(method, path, &[], &[]);
        }
        let headers = [("content-type", "application/json")];
        self.send(method, path, &headers, body.to_string().as_bytes())
    }

    /// Looks at what comes little by little.
    ///
    /// # Panics
    ///
    /// When it is not there.
    pub fn follow(&self, path: &str, headers: &[(&str, &str)]) -> Streamed {
        let answer = Streamed::read(self.open("GET", path, headers, &[])).expect("an answer");
        assert_eq!(answer.head.status, 200, "GET {path}");
        answer
    }

    /// Looks at what must be there.
    ///
    /// # Panics
    ///
    /// When it is not.
    pub fn get(&self, path: &str) -> Value {
        let answered = self.send("GET", path, &[], &[]);
        assert_eq!(answered.status, 200, "GET {path}: {}", answered.text);
        answered.json()
    }

    /// Posts what must be answered with this status.
    ///
    /// # Panics
    ///
    /// When it is not.
    pub fn post(&self, path: &str, body: &Value, status: u16) -> Value {
        let answered = self.ask("POST", path, body);
        assert_eq!(answered.status, status, "POST {path} {body}: {}", answered.text);
        answered.json()
    }
}
