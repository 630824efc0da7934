//! Requests of the host's own: token endpoints, revocation, services that keep keys.
//!
//! They go through the one door out as well, but are not bound to a manifest's endpoints: whoever
//! makes one has taken its address from a signed manifest or from the operator.

use std::fmt;

use async_trait::async_trait;

use crate::error::Error;
use crate::secret::Secret;

/// A request of the host's own. Nothing of it is logged but purpose, method and host.
#[derive(Clone)]
pub struct HostRequest {
    /// What it is for, for the log: `token`, `revoke`, `unwrap`.
    pub purpose: &'static str,
    /// Upper-case method.
    pub method: &'static str,
    /// An absolute `https` address, sent byte for byte; its query may be secret.
    pub url: String,
    /// Another origin to send it to, set by the operator: the only way to a private, loopback or
    /// unencrypted one. The path stays.
    pub origin: Option<String>,
    /// Headers; their values may be secret.
    pub headers: Vec<(String, Secret)>,
    /// The body, if there is one.
    pub body: Option<Secret>,
}

impl fmt::Debug for HostRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.url.split(['?', '#']).next().unwrap_or_default();
        f.debug_struct("HostRequest")
            .field("purpose", &self.purpose)
            .field("method", &self.method)
            .field("address", &address)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// What came back: any status is an answer.
#[derive(Clone, Debug)]
pub struct HostAnswer {
    /// The status.
    pub status: u16,
    /// Lower-case names, in the order of arrival; without cookies and challenges.
    pub headers: Vec<(String, String)>,
    /// The whole body, which may hold tokens.
    pub body: Secret,
}

/// Sends the host's own requests.
#[async_trait]
pub trait Outbound: Send + Sync {
    /// Sends one request and reads the whole answer, within 20 s, following no redirect: one is an
    /// error. Either body has at most 64 KiB, after decompression. Nothing is sent twice, and no
    /// cookie is kept. [`Error::request_sent`] tells whether the other side may have received it.
    async fn send(&self, request: HostRequest) -> Result<HostAnswer, Error>;
}
