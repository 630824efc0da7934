//! The TLS client: the machine's root certificates, and a session store per connection.

use std::sync::Arc;

use model::{Error, ErrorKind};
use rustls::client::{ClientConfig, Resumption};
use rustls::{RootCertStore, crypto};

/// Sessions that a connection may resume; it talks to a handful of hosts.
const SESSIONS_MAX: usize = 32;

/// The certificates that the machine trusts.
#[derive(Clone, Debug)]
pub(crate) struct Roots(Arc<ClientConfig>);

impl Roots {
    /// Reads them once. A machine without any can still reach plain overrides: each TLS handshake
    /// fails, and the log says why.
    pub(crate) fn native() -> Result<Self, Error> {
        let loaded = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (added, _ignored) = roots.add_parsable_certificates(loaded.certs);
        if added == 0 {
            tracing::warn!("no root certificate found on this machine; https will fail");
        }
        Self::new(roots)
    }

    /// Trusts these.
    pub(crate) fn new(roots: RootCertStore) -> Result<Self, Error> {
        let provider = Arc::new(crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::new(ErrorKind::Other, "egress.tls", error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// A client whose sessions no other connection can resume.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        let mut config = ClientConfig::clone(&self.0);
        config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
        Arc::new(config)
    }
}
