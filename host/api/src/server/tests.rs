use std::net::Ipv4Addr;
use std::path::PathBuf;

use axum::Extension;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
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

/// A certificate of `tls.sample.example`, and the key that it belongs to.
const TLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../egress/tests/tls");

fn files() -> [PathBuf; 3] {
    ["leaf.pem", "leaf.key", "root.pem"].map(|name| PathBuf::from(TLS).join(name))
}

/// Says who asks, and whether over TLS.
async fn who(
    Extension(client): Extension<ClientAddr>,
    Extension(secure): Extension<Secure>,
) -> String {
    format!("{} {}", client.0, secure.0)
}

/// A server on loopback, and what stops it.
async fn start(tls: Option<Tls>, bounds: Bounds) -> (u16, oneshot::Sender<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (stop, stopped) = oneshot::channel::<()>();
    let proxies = Proxies(vec!["127.0.0.1/32".parse().unwrap()]);
    let server = Server { listener, tls, proxies, bounds };
    let router = Router::new().route("/who", axum::routing::get(who));
    tokio::spawn(server.run(router, async { drop(stopped.await) }));
    (port, stop)
}

const WHO: &str = "GET /who HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";

#[tokio::test]
async fn who_asks_over_tls_is_known_to() {
    let [certificate, key, root] = files();
    let (port, _stop) = start(Some(Tls::open(certificate, key).unwrap()), Bounds::API).await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(root).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    let name = "tls.sample.example".try_into().unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(name, stream).await.unwrap();
    stream.write_all(format!("{WHO}\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("127.0.0.1 true"), "{answer}");
    // Who speaks plainly is not answered, and harms nobody.
    assert!(!ask(port, format!("{WHO}\r\n").as_bytes()).await.contains("200"));
}

#[tokio::test]
async fn trusted_proxy_tells_who_asks() {
    let (port, _stop) = start(None, Bounds::API).await;
    let head = format!("{WHO}x-forwarded-for: 203.0.113.9\r\nx-forwarded-proto: https\r\n\r\n");
    let answer = ask(port, head.as_bytes()).await;
    assert!(answer.ends_with("203.0.113.9 true"), "{answer}");
}

#[tokio::test]
async fn certificate_that_cannot_be_used_is_named() {
    let [certificate, key, root] = files();
    for (certificate, key, part) in [
        (certificate, PathBuf::from("/nowhere"), "the private key from /nowhere"),
        (PathBuf::from("/nowhere"), key.clone(), "the certificates from /nowhere"),
        (key.clone(), key.clone(), "the certificates"),
        (root, key, "the private key of the certificate"),
    ] {
        let error = Tls::open(certificate, key).err().unwrap().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn many_connections_of_one_address_leave_room_for_others() {
    let bounds = Bounds { per_address: 2, ..Bounds::API };
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = Server { listener, tls: None, proxies: Proxies::default(), bounds };
    let router = Router::new().route("/who", axum::routing::get(who));
    tokio::spawn(server.run(router, std::future::pending()));
    let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    let _held = [connect().await.unwrap(), connect().await.unwrap()];
    assert_eq!(ask(port, format!("{WHO}\r\n").as_bytes()).await, "");
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = socket.connect((Ipv4Addr::LOCALHOST, port).into()).await.unwrap();
    other.write_all(format!("{WHO}\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    other.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("200"), "{answer}");
}
