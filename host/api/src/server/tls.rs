//! TLS from the files of an operator, read again when they have changed.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at, at most: who renews a certificate does it days before.
const LOOK: Duration = Duration::from_mins(1);

/// What a server shows and proves itself with.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: Mutex<Current>,
}

struct Current {
    config: Arc<ServerConfig>,
    changed: [Option<SystemTime>; 2],
    looked: Instant,
}

/// Why there is no TLS.
#[derive(Debug)]
pub struct TlsError(String);

impl std::fmt::Display for TlsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsError {}

impl Tls {
    /// Reads a chain of certificates, the server's first, and its private key; both PEM.
    pub fn open(certificate: PathBuf, key: PathBuf) -> Result<Self, TlsError> {
        let config = read(&certificate, &key)?;
        let changed = [changed(&certificate), changed(&key)];
        let current = Current { config, changed, looked: Instant::now() };
        Ok(Self { certificate, key, current: Mutex::new(current) })
    }

    /// What the next connection is accepted with. Files that have changed and cannot be read leave
    /// what was there before.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.looked.elapsed() >= LOOK {
            current.looked = Instant::now();
            let changed = [changed(&self.certificate), changed(&self.key)];
            if changed != current.changed {
                current.changed = changed;
                match read(&self.certificate, &self.key) {
                    Ok(config) => current.config = config,
                    Err(error) => tracing::error!(%error, "the certificate of before is kept"),
                }
            }
        }
        TlsAcceptor::from(Arc::clone(&current.config))
    }
}

fn changed(file: &PathBuf) -> Option<SystemTime> {
    fs::metadata(file).and_then(|facts| facts.modified()).ok()
}

fn read(certificate: &PathBuf, key: &PathBuf) -> Result<Arc<ServerConfig>, TlsError> {
    let said = |file: &PathBuf, what: &str, why: &dyn std::fmt::Display| {
        TlsError(format!("read {what} from {}: {why}", file.display()))
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| said(certificate, "the certificates", &error))?;
    if chain.is_empty() {
        let why = io::Error::from(io::ErrorKind::UnexpectedEof);
        return Err(said(certificate, "the certificates", &why));
    }
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|error| said(key, "the private key", &error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| said(certificate, "TLS", &error))?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| said(key, "the private key of the certificate", &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
