//! Answers on a socket within bounds of time, number and size.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Connections at the same time: a browser opens six to one host, and who opens many more waits.
const CONNECTIONS_MAX: usize = 64;

/// How long the head of a request may take: it is one packet.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);

/// How long a connection may last: the longest answer waits for two requests to a provider, of
/// 20 s each.
const CONNECTION_TIME_MAX: Duration = Duration::from_mins(1);

/// How long answers that are under way at the end may take.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(2);

/// Bytes of a request's head: a code of 4 KiB, and the cookies of everything else that this host
/// name serves to the browser.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Headers of a request: browsers send twenty.
const HEADERS_MAX: usize = 100;

/// How long to wait after a connection that could not be taken: descriptors may have run out.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Answers until `stop` has come; what is being answered then is answered.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let (mut connections, graceful) = (JoinSet::new(), GracefulShutdown::new());
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            Some(_ended) = connections.join_next() => continue,
            accepted = accept(&listener), if connections.len() < CONNECTIONS_MAX => accepted,
        };
        let Ok(stream) = accepted else { continue };
        let service = TowerToHyperService::new(router.clone());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME_MAX)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let connection = timeout(CONNECTION_TIME_MAX, graceful.watch(connection));
        connections.spawn(async move {
            if let Ok(Err(error)) = connection.await {
                tracing::debug!(%error, "a connection was cut");
            }
        });
    }
    if timeout(CLOSE_TIME_MAX, graceful.shutdown()).await.is_err() {
        tracing::debug!("connections that do not end are cut");
    }
}

async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    match listener.accept().await {
        Ok((stream, _)) => Ok(stream),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be taken");
            tokio::time::sleep(ACCEPT_AGAIN).await;
            Err(error)
        }
    }
}
