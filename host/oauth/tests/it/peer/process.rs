//! The other server's process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A server that runs until it is dropped.
pub(super) struct Peer {
    child: Child,
    /// Its origin.
    pub(super) issuer: String,
}

impl Peer {
    /// Starts it for browsers that are sent back to these addresses; nothing, said aloud, where
    /// node or its packages are not.
    pub(super) fn start(redirect_uris: &[&str]) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/oidc");
        let started = folder.join("node_modules").is_dir().then(|| {
            Command::new("node")
                .arg(folder.join("server.mjs"))
                .args(redirect_uris)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
        });
        let Some(Ok(mut child)) = started else {
            let why = "needs node, and `npm ci` in tests/peers/oidc";
            // Straight to stderr: what `eprintln!` says in a test that passes nobody sees.
            drop(writeln!(std::io::stderr(), "SKIPPED: the other authorisation server {why}"));
            return None;
        };
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: serde_json::Value = serde_json::from_str(&line).unwrap();
        Some(Self { child, issuer: told["issuer"].as_str().unwrap().to_owned() })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It ends with its standard input; waiting for it leaves no process behind.
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}
