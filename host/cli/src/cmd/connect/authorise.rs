//! An authorisation at the provider: begun here, given by a person in a browser.

mod browser;
mod paste;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use api::callback;
use engine::credential::{Begun, Check, Finished};
use engine::sync::Cancel;
use model::Connection;
use serde::Serialize;

use crate::Global;
use crate::exit::Left;
use crate::wire::{Asking, Host, Package, person};

/// How a person is to come to the provider and back.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Way {
    /// The port on 127.0.0.1 on which the browser comes back; 0 for any.
    #[arg(long, default_value_t = 0, conflicts_with = "no_listen")]
    port: u16,
    /// The redirect address as it is registered at the provider, where it is not the one of the
    /// port: that of a tunnel which leads there, or any with --no-listen.
    #[arg(long, value_name = "ADDRESS", value_parser = redirect_uri)]
    redirect_uri: Option<String>,
    /// Does not wait for the browser, but reads the address to which the provider has sent it from
    /// standard input: for machines without a browser.
    #[arg(long, requires = "redirect_uri")]
    no_listen: bool,
    /// Tries to open the browser.
    #[arg(long)]
    browser: bool,
}

/// An authorisation that somebody is about to give.
pub(super) struct Attempt<'a> {
    pub(super) global: &'a Global,
    pub(super) host: &'a Arc<Host>,
    pub(super) package: Arc<Package>,
    /// Whether the provider is asked for the account.
    pub(super) check: bool,
}

/// Where a browser may be sent with a code, for nobody reads along on the way.
fn redirect_uri(text: &str) -> Result<String, String> {
    let after = |start: &&str| text.strip_prefix(*start);
    let is_loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        .iter()
        .find_map(after)
        .is_some_and(|rest| rest.starts_with([':', '/']));
    let is_https =
        after(&"https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if (is_loopback || is_https)
        && text.chars().all(|c| c.is_ascii_graphic() && c != '#' && c != '@')
    {
        return Ok(text.to_owned());
    }
    Err("write a whole https:// address without a fragment, or an http:// one on this machine"
        .to_owned())
}

/// The address that a person is to open, for a program.
#[derive(Serialize)]
struct Open<'a> {
    open: &'a str,
}

impl Attempt<'_> {
    /// Lets a person authorise the connection. Ctrl-C leaves nothing behind.
    pub(super) async fn authorise(&self, connection: Connection, way: &Way) -> Result<Finished> {
        let cancel = Cancel::default();
        let _stoppable = self.global.interrupt.gives_up(cancel.clone());
        match &way.redirect_uri {
            Some(address) if way.no_listen => self.paste(connection, address, &cancel).await,
            _ => self.listen(connection, way, &cancel).await,
        }
    }

    /// What asks for the account.
    fn asking(&self) -> Option<Asking> {
        self.check.then(|| Asking::new(Arc::clone(self.host), Arc::clone(&self.package), person()))
    }

    fn show(&self, open: &str, text: &str) -> Result<()> {
        let output = self.global.output();
        if output.is_json() {
            return output.json(&Open { open });
        }
        output.note(text);
        Ok(())
    }

    /// Spends what has begun, as a provider does when a person says no there.
    async fn give_up(&self, begun: &Begun) {
        let query = format!("error=access_denied&state={}", callback::state(&begun.url));
        // The error is the one that was asked for.
        drop(self.host.credentials.finish(&query, Some(&begun.browser), None).await);
    }

    /// Waits for what a person does as long as the provider's answer would be taken, or somebody
    /// gives up; `is_late` tells that it is too late for that.
    async fn wait<T>(
        &self,
        begun: &Begun,
        cancel: &Cancel,
        (is_late, done): (impl Fn() -> bool, impl Future<Output = Result<T>>),
    ) -> Result<T> {
        let left = begun.expires.duration_since(self.host.clock.now());
        let mut done = pin!(done);
        tokio::select! {
            biased;
            done = &mut done => return done,
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(Duration::try_from(left).unwrap_or_default()) => {}
        }
        if is_late() {
            return done.await;
        }
        ensure!(
            cancel.is_cancelled(),
            "nobody has come back from the provider in time; begin again"
        );
        Err(Left("given up; nothing is kept of it".to_owned()).into())
    }
}

/// As the engine takes it.
fn check(asking: Option<&Asking>) -> Option<&dyn Check> {
    asking.map(|asking| -> &dyn Check { asking })
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check(address: &str, valid: bool) {
        assert_eq!(super::redirect_uri(address).is_ok(), valid, "{address}");
    }

    #[test]
    fn codes_do_not_travel_in_the_clear() {
        check("https://host.example/cb?x=1", true);
        check("http://127.0.0.1:8765/cb", true);
        check("http://localhost/cb", true);
        check("http://[::1]:1/cb", true);
        check("http://host.example/cb", false);
        check("http://localhost.example/cb", false);
        check("http://localhost:1@host.example/cb", false);
        check("https:///cb", false);
        check("https://host.example/cb#x", false);
        check("/cb", false);
        check("", false);
    }
}
