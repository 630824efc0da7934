//! A browser on this machine, or at the other end of a tunnel, that comes back by itself.

use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use api::callback::{self, Flows, START, Start, Told};
use async_trait::async_trait;
use engine::credential::{Credentials, Finished};
use engine::sync::Cancel;
use model::{Connection, Error, ErrorKind, Secret};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{Attempt, Way, check};
use crate::terminal::Terminal;
use crate::wire::Asking;

impl Attempt<'_> {
    /// Waits for the browser on a port of this machine.
    pub(super) async fn listen(
        &self,
        connection: Connection,
        way: &Way,
        cancel: &Cancel,
    ) -> Result<Finished> {
        let (listener, port) = open(way.port).await?;
        let path = callback::path(&self.package.manifest().adapter.id);
        let own = || format!("http://{}:{port}{path}", Ipv4Addr::LOCALHOST);
        let redirect_uri = way.redirect_uri.clone().unwrap_or_else(own);
        let begun = self.host.credentials.begin(connection, &redirect_uri).await?;

        let key = callback::key()?;
        let address = format!("{}{START}?key={key}", origin(&redirect_uri));
        let start = Start { key, address: begun.url.clone(), browser: begun.browser.clone() };
        let (done, ended) = oneshot::channel();
        let ending = Arc::new(Ending {
            credentials: self.host.credentials.clone(),
            state: callback::state(&begun.url).to_owned(),
            asking: self.asking(),
            at_it: AtomicBool::new(false),
            done: Mutex::new(Some(done)),
        });
        let router = callback::router(&redirect_uri, start, ending.clone());
        self.invite(&address, &redirect_uri, way.browser)?;

        let stop = Cancel::default();
        let outcome = async {
            let ended = async { ended.await.context("wait for the browser")?.map_err(Into::into) };
            let is_late = || ending.at_it.load(Ordering::Acquire);
            let outcome = self.wait(&begun, cancel, (is_late, ended)).await;
            stop.cancel();
            outcome
        };
        let served = api::server::serve(listener, router, stop.cancelled());
        let ((), outcome) = tokio::join!(served, outcome);
        if outcome.is_err() {
            self.give_up(&begun).await;
        }
        outcome
    }

    fn invite(&self, address: &str, redirect_uri: &str, browser: bool) -> Result<()> {
        let name = &self.package.manifest().adapter.name;
        let text = format!(
            "open this address in a browser on this machine, within 10 minutes:\n\n  {address}\n\n\
             waiting for {name} to send it back to {redirect_uri}; Ctrl-C gives up"
        );
        self.show(address, &text)?;
        if browser && let Err(error) = show_in_browser(address, &self.global.terminal) {
            let output = self.global.output();
            output.line(&format_args!("no browser opens ({error}): open the address yourself"));
        }
        Ok(())
    }
}

/// Ends the authorisation when the browser has come back, and tells who waits.
struct Ending {
    credentials: Credentials,
    /// What names the authorisation.
    state: String,
    asking: Option<Asking>,
    /// Whether it is being ended.
    at_it: AtomicBool,
    done: Mutex<Option<oneshot::Sender<Result<Finished, Error>>>>,
}

#[async_trait]
impl Flows for Ending {
    async fn finish(&self, query: &str, browser: &Secret) -> Result<Told, Error> {
        if callback::state(query) != self.state {
            let message = "this is the end of another attempt than the one that waits here; open \
                           the address that the command has printed";
            return Err(Error::new(ErrorKind::Denied, "credential.flow", message));
        }
        self.at_it.store(true, Ordering::Release);
        let finished =
            self.credentials.finish(query, Some(browser), check(self.asking.as_ref())).await;
        let told = match &finished {
            Ok(Finished { connection, .. }) => {
                let text = format!(
                    "{} is connected through {}. You can close this window; the command says the \
                     rest.",
                    connection.id, connection.package
                );
                Ok(Told { text, to: None })
            }
            Err(error) => Err(error.clone()),
        };
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(done) = done {
            // Whoever waited may have gone.
            drop(done.send(finished));
        }
        told
    }
}

async fn open(port: u16) -> Result<(TcpListener, u16)> {
    let open = async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = listener.local_addr()?.port();
        Ok::<_, std::io::Error>((listener, port))
    };
    open.await.with_context(|| {
        format!("listen on port {port} for the browser that comes back; choose another --port")
    })
}

/// Scheme, host and port of an address.
fn origin(address: &str) -> &str {
    let host = address.find("://").map_or(0, |at| at + 3);
    let end = address.get(host..).and_then(|rest| rest.find(['/', '?', '#']));
    end.and_then(|end| address.get(..host + end)).unwrap_or(address)
}

/// Opens the address with what the desktop of whoever gave the command uses for that.
fn show_in_browser(address: &str, terminal: &Terminal) -> Result<()> {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(opener);
    command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Terminal::Remote(remote) = terminal {
        command.envs(&remote.variables);
    }
    command.spawn().with_context(|| format!("start {opener}"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_to_open_has_the_origin_of_the_redirect_address() {
        assert_eq!(origin("http://127.0.0.1:80/api/x"), "http://127.0.0.1:80");
        assert_eq!(origin("https://tunnel.example?x=/"), "https://tunnel.example");
        assert_eq!(origin("https://tunnel.example"), "https://tunnel.example");
    }

    #[tokio::test]
    async fn port_that_is_taken_is_said_to_be() {
        let (_listener, port) = open(0).await.unwrap();
        let error = format!("{:#}", open(port).await.unwrap_err());
        assert!(error.contains(&format!("listen on port {port}")) && error.contains("--port"));
    }
}
