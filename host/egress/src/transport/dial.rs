//! Opens a connection: look up, judge every address, dial only those, look at the peer again.
//!
//! A pooled connection was dialled by this code for the same origin of the same tenant connection,
//! so re-using it skips nothing.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::resolver::Resolver;
use super::stream::Stream;
use crate::guard::{Host, Ranges};
use crate::origin::{Origin, Scheme};

/// Look-up, dialling and handshake together; healthy providers take well under a second.
pub(crate) const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);

/// Why no connection came about. Nothing was sent in any of these cases.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    /// The policy's no, after the look-up.
    #[error("it leads to {address} ({what})")]
    Forbidden { address: IpAddr, what: &'static str },
    /// A client was asked for an origin that is not its own.
    #[error("it is not the origin of the override")]
    Elsewhere,
    /// The name has no address.
    #[error("its name cannot be looked up: {0}")]
    Lookup(io::Error),
    /// Nobody answers.
    #[error("nobody answers: {0}")]
    Dial(io::Error),
    /// The peer's certificate.
    #[error("the TLS handshake failed: {0}")]
    Tls(io::Error),
    /// Too slow.
    #[error("no connection within {} s", CONNECT_TIME_MAX.as_secs())]
    Slow,
}

/// The dialler of one pool.
#[derive(Clone)]
pub(super) struct Dialler {
    pub(super) resolver: Arc<dyn Resolver>,
    pub(super) ranges: Arc<Ranges>,
    pub(super) tls: Arc<ClientConfig>,
    /// The one origin of an operator's override, which may be private; with it no other is dialled.
    pub(super) only: Option<Origin>,
}

impl Service<Uri> for Dialler {
    type Response = Stream;
    type Error = DialError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, DialError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let dialler = self.clone();
        Box::pin(async move {
            let deadline = Instant::now() + CONNECT_TIME_MAX;
            match timeout_at(deadline, dialler.open(&uri, deadline)).await {
                Ok(opened) => opened,
                Err(_elapsed) => Err(DialError::Slow),
            }
        })
    }
}

impl Dialler {
    async fn open(&self, uri: &Uri, deadline: Instant) -> Result<Stream, DialError> {
        let origin = self.origin(uri)?;
        let addresses = self.vetted(&origin).await?;
        let plain = self.dial(&addresses, origin.port(), deadline).await?;
        plain.set_nodelay(true).map_err(DialError::Dial)?;
        match origin.scheme() {
            Scheme::Http => Ok(Stream::new(plain)),
            Scheme::Https => {
                let name = server_name(origin.host())?;
                let tls = TlsConnector::from(Arc::clone(&self.tls));
                tls.connect(name, plain).await.map(Stream::new).map_err(DialError::Tls)
            }
        }
    }

    /// The origin is read again from what will be sent: what was checked is what is dialled.
    fn origin(&self, uri: &Uri) -> Result<Origin, DialError> {
        let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
        let text = format!("{}://{authority}", uri.scheme_str().unwrap_or_default());
        match &self.only {
            Some(only) => {
                Origin::operator(&text).ok().filter(|it| it == only).ok_or(DialError::Elsewhere)
            }
            None => Origin::public(&text).map_err(|_other| DialError::Elsewhere),
        }
    }

    /// All addresses of the host, or none: a name that leads to one forbidden address is refused.
    async fn vetted(&self, origin: &Origin) -> Result<Vec<IpAddr>, DialError> {
        let addresses = match origin.host() {
            Host::Literal(address) => vec![*address],
            Host::Name(name) => self.resolver.resolve(name).await.map_err(DialError::Lookup)?,
        };
        for address in &addresses {
            if let Some(what) = self.forbids(*address) {
                return Err(DialError::Forbidden { address: *address, what });
            }
        }
        Ok(addresses)
    }

    fn forbids(&self, address: IpAddr) -> Option<&'static str> {
        if self.only.is_some() {
            return self.ranges.is_metadata(address).then_some("a metadata service");
        }
        self.ranges.forbids(address)
    }

    /// Dials one address after the other. Each has an even share of the time that is left, one
    /// share being the handshake's, so that one which nobody routes leaves some to the next.
    async fn dial(
        &self,
        addresses: &[IpAddr],
        port: u16,
        deadline: Instant,
    ) -> Result<TcpStream, DialError> {
        let none = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        let mut last = DialError::Lookup(none);
        for (tried, address) in addresses.iter().enumerate() {
            let shares = u32::try_from(addresses.len() - tried + 1).unwrap_or(u32::MAX);
            let share = deadline.saturating_duration_since(Instant::now()) / shares;
            match timeout(share, TcpStream::connect(SocketAddr::new(*address, port))).await {
                Ok(Ok(stream)) => return self.verified(stream, addresses),
                Ok(Err(error)) => last = DialError::Dial(error),
                Err(_elapsed) => last = DialError::Slow,
            }
        }
        Err(last)
    }

    /// Looks at both ends once more: a kernel or a container network may have its own ideas, and
    /// a connection that ends where it began leads to this host, by whatever public address.
    fn verified(&self, stream: TcpStream, addresses: &[IpAddr]) -> Result<TcpStream, DialError> {
        let peer = stream.peer_addr().map_err(DialError::Dial)?.ip();
        let local = stream.local_addr().map_err(DialError::Dial)?.ip();
        let forbidden = |what| Err(DialError::Forbidden { address: peer, what });
        if !addresses.iter().any(|address| address.to_canonical() == peer.to_canonical()) {
            return forbidden("not an address that was judged");
        }
        if self.only.is_none() && peer.to_canonical() == local.to_canonical() {
            return forbidden("an address of this host");
        }
        Ok(stream)
    }
}

fn server_name(host: &Host) -> Result<ServerName<'static>, DialError> {
    match host {
        Host::Literal(address) => Ok(ServerName::IpAddress((*address).into())),
        Host::Name(name) => ServerName::try_from(name.clone())
            .map_err(|error| DialError::Tls(io::Error::other(error))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;
    use crate::transport::Roots;

    /// Answers with the next list at each look-up, the last one again and again.
    struct Rebinding(Mutex<Vec<Vec<IpAddr>>>);

    #[async_trait]
    impl Resolver for Rebinding {
        async fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
            let mut answers = self.0.lock().unwrap();
            Ok(if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() })
        }
    }

    fn dialler(answers: &[&str], only: Option<&str>) -> Dialler {
        let answers = answers
            .iter()
            .map(|list| list.split_whitespace().map(|it| it.parse().unwrap()).collect())
            .collect();
        Dialler {
            resolver: Arc::new(Rebinding(Mutex::new(answers))),
            ranges: Arc::default(),
            tls: Roots::new(rustls::RootCertStore::empty()).unwrap().client(),
            only: only.map(|origin| Origin::operator(origin).unwrap()),
        }
    }

    async fn vetted(dialler: &Dialler, uri: &str) -> Result<Vec<IpAddr>, DialError> {
        let origin = dialler.origin(&uri.parse().unwrap())?;
        dialler.vetted(&origin).await
    }

    #[tokio::test]
    async fn rebinding_name_is_judged_at_every_dial() {
        let dialler = dialler(&["93.184.216.34", "169.254.169.254"], None);
        assert!(vetted(&dialler, "https://rebind.example/").await.is_ok());
        let second = vetted(&dialler, "https://rebind.example/").await;
        assert!(matches!(second, Err(DialError::Forbidden { .. })), "{second:?}");
    }

    #[tokio::test]
    async fn one_forbidden_address_spoils_the_name() {
        for list in
            ["93.184.216.34 10.0.0.1", "::1 93.184.216.34", "64:ff9b::7f00:1", "2002:7f00:1::"]
        {
            let found = vetted(&dialler(&[list], None), "https://mixed.example/").await;
            assert!(matches!(found, Err(DialError::Forbidden { .. })), "{list}: {found:?}");
        }
    }

    #[tokio::test]
    async fn literal_address_is_judged_without_a_resolver() {
        let dialler = dialler(&["93.184.216.34"], None);
        for uri in ["https://169.254.169.254/", "https://[::1]/", "https://[::ffff:10.0.0.1]/"] {
            let found = vetted(&dialler, uri).await;
            assert!(matches!(found, Err(DialError::Forbidden { .. })), "{uri}: {found:?}");
        }
    }

    #[tokio::test]
    async fn override_lets_exactly_its_host_and_port_pass() {
        let dialler = dialler(&["127.0.0.1"], Some("http://127.0.0.1:8080"));
        assert!(vetted(&dialler, "http://127.0.0.1:8080/").await.is_ok());
        for uri in ["http://127.0.0.1:8081/", "https://127.0.0.1:8080/", "http://localhost:8080/"] {
            let found = vetted(&dialler, uri).await;
            assert!(matches!(found, Err(DialError::Elsewhere)), "{uri}: {found:?}");
        }
    }

    #[tokio::test]
    async fn override_does_not_reach_a_metadata_service() {
        let literal = dialler(&["127.0.0.1"], Some("http://169.254.169.254"));
        assert!(vetted(&literal, "http://169.254.169.254/").await.is_err());
        let name = dialler(&["168.63.129.16"], Some("http://wire.internal"));
        assert!(vetted(&name, "http://wire.internal/").await.is_err());
    }

    #[tokio::test]
    async fn plain_http_is_for_overrides_alone() {
        let found = vetted(&dialler(&["93.184.216.34"], None), "http://a.example/").await;
        assert!(matches!(found, Err(DialError::Elsewhere)), "{found:?}");
    }

    fn soon() -> Instant {
        Instant::now() + CONNECT_TIME_MAX
    }

    #[tokio::test]
    async fn name_without_address_is_not_there() {
        let found = dialler(&[], None).dial(&[], 443, soon()).await;
        assert!(matches!(found, Err(DialError::Lookup(_))), "{found:?}");
    }

    fn listener(address: &str, backlog: u32) -> tokio::net::TcpListener {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(address.parse().unwrap()).unwrap();
        socket.listen(backlog).unwrap()
    }

    #[tokio::test]
    async fn connection_to_this_host_is_refused_without_an_override() {
        let listening = listener("127.0.0.1:0", 8);
        let address = listening.local_addr().unwrap();
        let judged = [address.ip()];
        let public = dialler(&[], None);
        let connected = || TcpStream::connect(address);
        let found = public.verified(connected().await.unwrap(), &judged);
        let Err(DialError::Forbidden { what, .. }) = found else { panic!("{found:?}") };
        assert_eq!(what, "an address of this host");
        let other = ["93.184.216.34".parse().unwrap()];
        let found = public.verified(connected().await.unwrap(), &other);
        assert!(matches!(found, Err(DialError::Forbidden { .. })), "{found:?}");
        let over = dialler(&[], Some("http://127.0.0.1:8080"));
        assert!(over.verified(connected().await.unwrap(), &judged).is_ok());
    }

    async fn opened(addresses: &str, port: u16) -> Result<(), DialError> {
        let origin = format!("http://several.example:{port}");
        let dialler = dialler(&[addresses], Some(&origin));
        dialler.open(&format!("{origin}/").parse().unwrap(), soon()).await.map(drop)
    }

    #[tokio::test]
    async fn next_address_is_dialled_when_one_refuses() {
        let listening = listener("127.0.0.2:0", 8);
        let port = listening.local_addr().unwrap().port();
        opened("127.0.0.3 127.0.0.2", port).await.unwrap();
        let found = opened("127.0.0.3 127.0.0.4", port).await;
        assert!(matches!(found, Err(DialError::Dial(_))), "{found:?}");
        let found = opened("127.0.0.2 169.254.169.254", port).await;
        assert!(matches!(found, Err(DialError::Forbidden { .. })), "{found:?}");
    }

    /// A listener whose queue is full drops what comes, as a route into nowhere does.
    #[tokio::test(start_paused = true)]
    async fn address_that_never_answers_leaves_time_to_the_next() {
        let hole = listener("127.0.0.5:0", 1);
        let address = hole.local_addr().unwrap();
        let mut queued = Vec::new();
        while let Ok(Ok(stream)) = timeout(CONNECT_TIME_MAX, TcpStream::connect(address)).await {
            queued.push(stream);
        }
        let listening = listener(&format!("127.0.0.6:{}", address.port()), 8);
        let began = Instant::now();
        opened("127.0.0.5 127.0.0.6", address.port()).await.unwrap();
        assert!(began.elapsed() < CONNECT_TIME_MAX / 2, "{:?}", began.elapsed());
        drop((queued, listening));
    }
}
