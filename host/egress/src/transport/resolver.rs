//! Looks names up; a port so that tests can change an answer between two look-ups.

use std::io;
use std::net::IpAddr;

use async_trait::async_trait;

/// The DNS as egress sees it.
#[async_trait]
pub(crate) trait Resolver: Send + Sync {
    /// All addresses of a name.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the machine.
#[derive(Debug)]
pub(crate) struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}
