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
            .map_err(|error| Error::new(ErrorKind::Other, "egress.tls-setup", error.to_string()))?
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::{IpAddr, Ipv4Addr};

    use async_trait::async_trait;
    use rustls::ServerConfig;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use tower_service::Service as _;

    use super::*;
    use crate::origin::Origin;
    use crate::transport::dial::{DialError, Dialler};
    use crate::transport::resolver::Resolver;

    const ROOT: &[u8] = include_bytes!("../../tests/tls/root.pem");
    const LEAF: &[u8] = include_bytes!("../../tests/tls/leaf.pem");
    const KEY: &[u8] = include_bytes!("../../tests/tls/leaf.key");

    struct Loopback;

    #[async_trait]
    impl Resolver for Loopback {
        async fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
            Ok(vec![Ipv4Addr::LOCALHOST.into()])
        }
    }

    fn server() -> TlsAcceptor {
        let chain = vec![CertificateDer::from_pem_slice(LEAF).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    fn trusted() -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ROOT).unwrap()).unwrap();
        roots
    }

    async fn dial(name: &str, roots: RootCertStore) -> Result<(), DialError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let origin = format!("https://{name}:{}", listener.local_addr().unwrap().port());
        let accepting = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            // The client's alert is its own result.
            server().accept(stream).await.is_ok()
        });
        let mut dialler = Dialler {
            resolver: Arc::new(Loopback),
            ranges: Arc::default(),
            tls: Roots::new(roots).unwrap().client(),
            only: Some(Origin::operator(&origin).unwrap()),
        };
        let stream = dialler.call(format!("{origin}/").parse().unwrap()).await;
        assert_eq!(accepting.await.unwrap(), stream.is_ok());
        stream.map(drop)
    }

    #[tokio::test]
    async fn certificate_of_the_host_under_a_trusted_root_is_accepted() {
        dial("tls.sample.example", trusted()).await.unwrap();
    }

    #[tokio::test]
    async fn certificate_of_another_host_is_refused() {
        let refused = dial("api.sample.example", trusted()).await;
        assert!(matches!(refused, Err(DialError::Tls(_))), "{refused:?}");
    }

    #[tokio::test]
    async fn certificate_under_an_unknown_root_is_refused() {
        let refused = dial("tls.sample.example", RootCertStore::empty()).await;
        assert!(matches!(refused, Err(DialError::Tls(_))), "{refused:?}");
    }
}
