//! For machines without a browser: a person carries the address back.

use std::io;

use anyhow::{Context as _, Result, ensure};
use engine::credential::Finished;
use engine::sync::Cancel;
use model::Connection;
use tokio::sync::oneshot;

use super::{Attempt, check};
use crate::terminal::Terminal;

impl Attempt<'_> {
    /// Reads the address to which the provider has sent a browser somewhere else.
    pub(super) async fn paste(
        &self,
        connection: Connection,
        redirect_uri: &str,
        cancel: &Cancel,
    ) -> Result<Finished> {
        let begun = self.host.credentials.begin(connection, redirect_uri).await?;
        let text = format!(
            "open this address in a browser, within 10 minutes:\n\n  {}\n\nThe provider then sends \
             it to an address that begins with {redirect_uri}; whatever it shows there,\npaste \
             that address here:",
            begun.url
        );
        self.show(&begun.url, &text)?;
        let query = match self.wait(&begun, cancel, (|| false, self.query(redirect_uri))).await {
            Ok(query) => query,
            Err(error) => {
                self.give_up(&begun).await;
                return Err(error);
            }
        };
        let asking = self.asking();
        let finish =
            self.host.credentials.finish(&query, Some(&begun.browser), check(asking.as_ref()));
        Ok(finish.await?)
    }

    async fn query(&self, redirect_uri: &str) -> Result<String> {
        loop {
            let line = line(&self.global.terminal).await.context("read standard input")?;
            ensure!(!line.is_empty(), "standard input ended before the address came");
            if let Some(query) = query(line.trim(), redirect_uri) {
                return Ok(query.to_owned());
            }
            let output = self.global.output();
            output
                .line(&format_args!("that is not {redirect_uri}?… with what follows; once more:"));
        }
    }
}

/// What stands behind the redirect address.
fn query<'a>(address: &'a str, redirect_uri: &str) -> Option<&'a str> {
    let query = address.strip_prefix(redirect_uri)?.strip_prefix(['?', '&'])?;
    query.split('#').next().filter(|query| !query.is_empty())
}

/// Reads on a thread that may be left waiting when the command ends.
async fn line(terminal: &Terminal) -> io::Result<String> {
    let (read, line) = oneshot::channel();
    let terminal = terminal.clone();
    // Whoever waited for it may have given up.
    std::thread::spawn(move || read.send(terminal.line()).unwrap_or_default());
    line.await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check(address: &str, query: Option<&str>) {
        assert_eq!(super::query(address, "https://host.example/cb"), query, "{address}");
    }

    #[test]
    fn only_the_address_that_was_registered_is_taken() {
        check("https://host.example/cb?code=a&state=b", Some("code=a&state=b"));
        check("https://host.example/cb?code=a&state=b#_=_", Some("code=a&state=b"));
        check("https://host.example/cb", None);
        check("https://host.example/cb?", None);
        check("https://host.example/cbx?code=a", None);
        check("https://evil.example/cb?code=a", None);
        check("code=a&state=b", None);
    }
}
