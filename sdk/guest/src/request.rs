//! Building requests.

use crate::{Error, Pair, Request, Response, Target, http};

impl Request {
    /// A request of any method; `path` starts with `/` and is sent byte for byte (see
    /// [`percent`](crate::percent) for ids in it).
    ///
    /// ```
    /// use plughouse_sdk::Request;
    ///
    /// let request = Request::get("api", "/crm/v3/objects/contacts")
    ///     .query("limit", "100")
    ///     .header("Accept", "application/json");
    /// assert_eq!((request.method.as_str(), request.query.len()), ("GET", 1));
    /// ```
    pub fn new(method: &str, endpoint: &str, path: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// A `GET`.
    pub fn get(endpoint: &str, path: &str) -> Self {
        Self::new("GET", endpoint, path)
    }

    /// A `POST`.
    pub fn post(endpoint: &str, path: &str) -> Self {
        Self::new("POST", endpoint, path)
    }

    /// A `GET` of a link that [`http::locate`] has accepted, query and all.
    pub fn follow(target: &Target) -> Self {
        Self::get(&target.endpoint, &target.path)
    }

    /// Adds a parameter; the host encodes it.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push(Pair::new(name, value));
        self
    }

    /// Adds a header. Credentials are no business of the adapter: the host refuses them.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(Pair::new(name, value));
        self
    }

    /// Sets a body of JSON and its `Content-Type`.
    ///
    /// ```
    /// let request = plughouse_sdk::Request::post("api", "/search")
    ///     .json(&serde_json::json!({"limit": 200}));
    /// assert_eq!(request.body.as_deref(), Some(br#"{"limit":200}"#.as_slice()));
    /// ```
    #[must_use]
    pub fn json(self, body: &serde_json::Value) -> Self {
        self.content("application/json", body.to_string())
    }

    /// Sets a body and its `Content-Type`.
    #[must_use]
    pub fn content(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self.header("Content-Type", media_type)
    }

    /// Sends it; any status is a success here, see [`Response::ok`].
    pub fn send(&self) -> Result<Response, Error> {
        http::send(self)
    }
}

impl Pair {
    /// A name and its value.
    pub fn new(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), value: value.to_owned() }
    }
}

impl From<(&str, &str)> for Pair {
    fn from((name, value): (&str, &str)) -> Self {
        Self::new(name, value)
    }
}
