//! Answers on a socket within bounds of time, number and size.

mod peer;
mod stall;
mod tls;

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower_service::Service as _;

pub(crate) use peer::network;
pub use peer::{ClientAddr, Exposed, Proxies, Secure};
pub use tls::{Tls, TlsError};

use peer::Counted;
use stall::Stalling;

/// How long the head of a request may take, and how long a connection may lie idle: it is one
/// packet, and a new connection is cheap.
const HEAD_TIME_MAX: Duration = Duration::from_secs(15);

/// How long TLS may take to begin: three round trips around the world.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);

/// Bytes of a request's head: a code of 4 KiB, and the cookies of everything else that this host
/// name serves to the browser.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Headers of a request: browsers send twenty, and proxies some more.
const HEADERS_MAX: usize = 100;

/// How long to wait after a connection that could not be taken: descriptors may have run out.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// How much is served at once, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bounds {
    /// Connections at the same time; who comes then waits.
    pub connections: usize,
    /// Those of one address at the same time; who comes then is sent away. Behind a proxy that is
    /// trusted its address stands for many, and has no bound of its own.
    pub per_address: usize,
    /// How long a connection may last, whatever it is used for.
    pub lasts: Option<Duration>,
    /// How long what is being answered at the end may take.
    pub closing: Duration,
}

impl Bounds {
    /// For a browser that comes back once. A browser opens six connections to one host; the
    /// longest answer waits for two requests to a provider, of 20 s each.
    pub const CALLBACK: Self = Self {
        connections: 64,
        per_address: 64,
        lasts: Some(Duration::from_mins(1)),
        closing: Duration::from_secs(2),
    };

    /// For an API. Each connection holds a few KiB and a descriptor, of which processes have 1,024
    /// at least; streams last as long as somebody reads them.
    pub const API: Self =
        Self { connections: 768, per_address: 256, lasts: None, closing: Duration::from_secs(30) };
}

/// Answers on a socket.
pub struct Server {
    /// The socket.
    pub listener: TcpListener,
    /// What it proves itself with; without it answers are plain.
    pub tls: Option<Tls>,
    /// Whose word is taken on who asks.
    pub proxies: Proxies,
    /// How much is served at once.
    pub bounds: Bounds,
}

/// Answers a browser that comes back, until `stop` has come; what is being answered then is
/// answered.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let (tls, proxies, bounds) = (None, Proxies::default(), Bounds::CALLBACK);
    Server { listener, tls, proxies, bounds }.run(router, stop).await;
}

impl Server {
    /// Answers until `stop` has come; what is being answered then is answered, within bounds.
    pub async fn run(self, router: Router, stop: impl Future<Output = ()>) {
        let Self { listener, tls, proxies, bounds } = self;
        let (mut connections, graceful) = (JoinSet::new(), GracefulShutdown::new());
        let (counted, proxies) = (Counted::default(), Arc::new(proxies));
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                Some(_ended) = connections.join_next() => continue,
                accepted = accept(&listener), if connections.len() < bounds.connections => accepted,
            };
            let Ok((stream, peer)) = accepted else { continue };
            let max = if proxies.trusts(peer) { usize::MAX } else { bounds.per_address };
            let Some(place) = counted.enter(peer, max) else { continue };
            let origin = Origin { peer, tls: tls.is_some(), proxies: Arc::clone(&proxies) };
            let (router, watcher) = (router.clone(), graceful.watcher());
            let acceptor = tls.as_ref().map(Tls::acceptor);
            let lasts = bounds.lasts.unwrap_or(Duration::MAX);
            connections.spawn(timeout(lasts, async move {
                let _place = place;
                let Some(acceptor) = acceptor else {
                    return answer(stream, router, origin, watcher).await;
                };
                match timeout(HANDSHAKE_TIME_MAX, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => answer(stream, router, origin, watcher).await,
                    Ok(Err(error)) => tracing::debug!(%error, "TLS did not begin"),
                    Err(_late) => tracing::debug!("TLS did not begin in time"),
                }
            }));
        }
        drop(listener);
        if timeout(bounds.closing, graceful.shutdown()).await.is_err() {
            tracing::debug!("connections that do not end are cut");
        }
    }
}

/// By which way a connection came.
struct Origin {
    peer: IpAddr,
    tls: bool,
    proxies: Arc<Proxies>,
}

/// Answers what comes on one connection.
async fn answer<S>(stream: S, router: Router, origin: Origin, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(|request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        let Origin { peer, tls, proxies } = &origin;
        let (client, secure) = proxies.origin(*peer, *tls, request.headers());
        request.extensions_mut().insert(client);
        request.extensions_mut().insert(secure);
        if !tls && !proxies.shelters(*peer) {
            request.extensions_mut().insert(Exposed);
        }
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(Stalling::new(stream)), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection was cut");
    }
}

async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, IpAddr)> {
    match listener.accept().await {
        Ok((stream, peer)) => Ok((stream, peer.ip())),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be taken");
            tokio::time::sleep(ACCEPT_AGAIN).await;
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests;
