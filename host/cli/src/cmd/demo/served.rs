//! The API over what the demonstration has read, asked as any program would ask it.

use std::fmt;
use std::io::{self, IsTerminal as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use api::server::{Bounds, Proxies, Server};
use engine::sync::Cancel;
use model::Secret;
use model::api_key::Role;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::Global;
use crate::cmd::api_key;
use crate::wire::{self, Host};

/// What is asked for.
const PATHS: [&str; 3] =
    ["/api/records?type=c_contact&limit=1", "/api/integrations", "/api/runs?limit=1"];

/// Characters of an answer that are shown: three lines of a terminal tell what it is.
const ANSWER_SHOWN: usize = 240;

/// What the API has answered, and how anybody asks for it.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    /// Where it was, and is again when it is served there.
    address: SocketAddr,
    api_key: String,
    /// What serves it, once the demonstration has ended.
    serve: String,
    asked: Vec<Asked>,
    /// Whether the demonstration goes on until somebody stops it.
    #[serde(skip)]
    stays: bool,
}

#[derive(Debug, Serialize)]
struct Asked {
    curl: String,
    answer: Box<RawValue>,
}

/// Serves the API, asks it, and tells; somebody at a terminal may go on asking.
pub(super) async fn serve(
    global: &Global,
    host: &Arc<Host>,
    tell: impl FnOnce(Shown) -> Result<()>,
) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.context("listen on a port of 127.0.0.1")?;
    let address = listener.local_addr()?;
    let viewer = ("demo".to_owned(), Role::Viewer);
    let (_, key) = api_key::made(global, host, viewer, None).await?;
    let stop = Cancel::default();
    let origin = (format!("http://{address}"), stop.clone());
    let router = api::router(&wire::server::api(host, &global.file.server, origin));
    let (tls, proxies, bounds) = (None, Proxies::default(), Bounds::API);
    let serving = Server { listener, tls, proxies, bounds }.run(router, stop.cancelled());
    let stays = io::stdin().is_terminal() && io::stdout().is_terminal() && !global.json;
    let asking = async {
        let told = ask(global, address, &key, stays).await.and_then(tell);
        if stays && told.is_ok() {
            let stoppable = global.interrupt.gives_up(stop.clone());
            stop.cancelled().await;
            drop(stoppable);
        }
        stop.cancel();
        told
    };
    let ((), told) = tokio::join!(serving, asking);
    told
}

async fn ask(global: &Global, address: SocketAddr, key: &Secret, stays: bool) -> Result<Shown> {
    let mut asked = Vec::with_capacity(PATHS.len());
    for path in PATHS {
        let answer = get(address, path, key).await.with_context(|| format!("GET {path}"))?;
        let curl =
            format!("curl -H 'Authorization: Bearer {}' 'http://{address}{path}'", key.expose());
        asked.push(Asked { curl, answer });
    }
    let serve = format!("plughouse --data {} serve --listen {address}", global.data.display());
    Ok(Shown { address, api_key: key.expose().to_owned(), serve, asked, stays })
}

/// Asks over HTTP: the host's own requests leave it by `egress`, and this one does not leave it.
async fn get(address: SocketAddr, path: &str, key: &Secret) -> Result<Box<RawValue>> {
    let mut stream = TcpStream::connect(address).await?;
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
         connection: close\r\n\r\n",
        key.expose()
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, content) = answer.split_once("\r\n\r\n").context("no answer")?;
    ensure!(head.starts_with("HTTP/1.1 200 "), "the API answers {answer}");
    serde_json::from_str(content).context("the answer is no JSON")
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, serve, stays, .. } = self;
        if *stays {
            writeln!(f, "\nthe API, until you press Ctrl-C; in another terminal:")?;
        } else {
            writeln!(f, "\nthe API has answered; `{serve}` lets you ask it:")?;
        }
        for Asked { curl, answer } in asked {
            writeln!(f, "\n  {curl}")?;
            let shown: String = answer.get().chars().take(ANSWER_SHOWN).collect();
            let more = if shown.len() < answer.get().len() { "…" } else { "" };
            writeln!(f, "{shown}{more}")?;
        }
        Ok(())
    }
}
