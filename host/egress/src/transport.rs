//! The seam between the policy and the network.
//!
//! A trait because there are two sides to it: [`network::Network`] dials, and tests and benchmarks
//! answer from memory, so that all of the policy runs without a socket.

mod dial;
mod network;
mod resolver;
mod stream;
mod tls;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use model::Error;
use tokio::time::Instant;

pub(crate) use network::{Network, Part};
#[cfg(test)]
pub(crate) use resolver::Resolver;
pub(crate) use resolver::SystemResolver;
pub(crate) use tls::Roots;

/// The body of an answer while it arrives.
pub type Body = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// Carries a request that the policy has finished.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends the request and waits for the head of the answer.
    ///
    /// `endpoint` tells which of the connection's pools it goes through; the URI of the request is
    /// absolute, its path and query are to be sent byte for byte. The request may hold the
    /// credential: nothing of it may be printed.
    async fn send(
        &self,
        endpoint: &str,
        request: http::Request<Bytes>,
        deadline: Instant,
    ) -> Result<http::Response<Body>, Error>;
}
