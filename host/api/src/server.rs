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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::oneshot;
    use tokio::time::Instant;

    use super::*;

    /// What is answered to these bytes until the connection ends.
    async fn ask(port: u16, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // One that is cut has answered all the same.
        stream.read_to_end(&mut answer).await.unwrap_or_default();
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_slow_or_says_too_much_is_sent_away_and_the_end_waits_for_nobody() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async { drop(stopped.await) };
        let served = tokio::spawn(serve(listener, Router::new(), stopped));
        let get = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
        assert!(ask(port, format!("{get}\r\n").as_bytes()).await.starts_with("HTTP/1.1 404"));
        let begun = Instant::now();
        ask(port, get.as_bytes()).await;
        assert!(begun.elapsed() >= HEAD_TIME_MAX && begun.elapsed() < 2 * HEAD_TIME_MAX);
        let long = format!("{get}x: {}\r\n\r\n", "x".repeat(2 * HEAD_BYTES_MAX));
        assert!(!ask(port, long.as_bytes()).await.contains(" 404 "));
        let many = format!("{get}{}\r\n", "x: y\r\n".repeat(HEADERS_MAX));
        assert!(!ask(port, many.as_bytes()).await.contains(" 404 "));
        let _idle = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        drop(stop);
        served.await.unwrap();
    }
}
