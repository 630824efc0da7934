//! Everything outside the host: the authorisation server of the package's provider.

use std::sync::Mutex;

use async_trait::async_trait;
use model::outbound::{HostAnswer, HostRequest, Outbound};
use model::{Error, ErrorKind, Secret};
use plughouse_testkit::provider::{Provider as _, Shared};
use plughouse_testkit::{AuthServer, Request};

/// The app that the server knows.
pub(crate) const CLIENT: &str = "client-1";
/// Its secret.
pub(crate) const CLIENT_SECRET: &str = "k3y-canary-client-secret";

/// Where the server is.
const LOGIN: &str = "https://login.crm.example";

/// The server, and what it was asked.
pub(crate) struct Outside {
    pub(crate) server: Shared<AuthServer>,
    sent: Mutex<Vec<String>>,
}

impl Default for Outside {
    fn default() -> Self {
        let server = Shared::new(AuthServer::new(CLIENT, CLIENT_SECRET));
        Self { server, sent: Mutex::default() }
    }
}

impl Outside {
    /// The addresses of all requests so far.
    pub(crate) fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap().clone()
    }

    /// Goes to the server as a browser does: the address that it is sent back to.
    pub(crate) fn visit(&self, url: &str) -> String {
        let target = url.strip_prefix(LOGIN).unwrap();
        let request = Request::new("GET", target);
        let answer = self.server.with(|server| server.answer(&request));
        let location = answer.headers.iter().find(|(name, _)| name == "location");
        location.unwrap().1.to_string()
    }
}

#[async_trait]
impl Outbound for Outside {
    async fn send(&self, request: HostRequest) -> Result<HostAnswer, Error> {
        self.sent.lock().unwrap().push(request.url.clone());
        let Some(target) = request.url.strip_prefix(LOGIN) else {
            return Err(Error::new(ErrorKind::Unavailable, "egress.connect", "nobody is there"));
        };
        let arrived = Request {
            method: request.method.to_owned(),
            target: target.to_owned(),
            headers: request.headers.iter().map(|(n, v)| (n.clone(), v.expose().into())).collect(),
            body: request.body.as_ref().map_or_else(Vec::new, |body| body.expose().into()),
            ..Request::default()
        };
        let answer = self.server.with(|server| server.answer(&arrived));
        let headers = answer.headers.iter();
        Ok(HostAnswer {
            status: answer.status,
            headers: headers.map(|(n, v)| (n.to_ascii_lowercase(), v.to_string())).collect(),
            body: Secret::new(String::from_utf8_lossy(&answer.body).into_owned()),
        })
    }
}
