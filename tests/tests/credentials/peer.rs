//! The same road to an authorisation server that is not ours, where node and its packages are.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use e2e::{Browser, CONNECTION, Host, root};

use crate::search::written;
use crate::world::{Waiting, install_spy};

/// The client that the server has been told of, and its secret.
const CLIENT: &str = "body";
const SECRET: &str = "peer-secret";

const MANIFEST: &str = r#"
[adapter]
id = "spy"
name = "Peer"
version = "0.1.0"
contract = "0.1"
publisher = "plughouse"
license = "Apache-2.0"
summary = "Has its account at a server that is not ours."
profile = "bare"

[auth.oauth]
kind = "oauth2"
authorize = "https://peer.example/authorize"
token = "https://peer.example/token"
client_auth = "body"
scopes = ["openid", "read"]
revoke = { url = "https://peer.example/revoke", token = "refresh" }

[endpoint.api]
origin = "https://peer.example"
credential = "account"
read = ["GET /echo", "GET /me"]
"#;

/// The server's process.
struct Peer {
    process: Child,
    origin: String,
}

impl Peer {
    /// Starts it; nothing, said aloud, where it is not installed.
    fn start(redirect_uri: &str) -> Option<Self> {
        let folder = root().join("tests/peers/oidc");
        let started = folder.join("node_modules").is_dir().then(|| {
            let mut node = Command::new("node");
            node.arg(folder.join("server.mjs")).arg(redirect_uri);
            node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
        });
        let Some(Ok(mut process)) = started else {
            let why = "needs node, and `npm ci` in tests/peers/oidc";
            // Straight to stderr: what `eprintln!` says in a test that passes nobody sees.
            drop(writeln!(std::io::stderr(), "SKIPPED: the other authorisation server {why}"));
            return None;
        };
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: serde_json::Value = serde_json::from_str(&line).unwrap();
        Some(Self { process, origin: told["issuer"].as_str().unwrap().to_owned() })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It ends with its standard input.
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}

/// A port that was free a moment ago: the server wants to know it beforehand.
fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn connection_through_a_server_that_is_not_ours_works_until_its_grant_is_ended() {
    let port = port();
    let listens = port.to_string();
    let back = format!("http://127.0.0.1:{port}/api/integrations/oauth/callback/spy");
    let Some(peer) = Peer::start(&back) else { return };
    let dir = tempfile::tempdir().unwrap();
    let host = Host::new(&dir.path().join("data"));
    install_spy(&host, MANIFEST);
    let secret = dir.path().join("secret");
    fs::write(&secret, SECRET).unwrap();
    let (secret, api) = (format!("@{}", secret.display()), format!("api={}", peer.origin));
    let app = ["app", "set", "plughouse/spy", "--client-id", CLIENT, "--client-secret", &secret];
    host.ok(&[&app[..], &["--origin", &peer.origin]].concat());

    let connect = ["connect", "plughouse/spy", "--name", CONNECTION, "--auth", "oauth", "--json"];
    let connect = [&connect[..], &["--override", &api, "--port", &listens]].concat();
    let waiting = Waiting::start(host.command(&connect));
    Browser::new().visit(&waiting.open).shows(200, "is connected");
    let done = waiting.done();
    assert_eq!(done.code, Some(0), "{done:?}");
    let grant = host.json(&["connection", "grants"]).remove(0);
    assert_eq!(grant["grant"]["scopes"], serde_json::json!(["openid", "read"]), "{grant}");
    assert_eq!((&grant["renews"], &grant["state"]), (&true.into(), &"active".into()), "{grant}");

    // Its resource opens for the token: the second record tells of /echo, the third of /me.
    host.ok(&["connection", "test", CONNECTION]);
    host.ok(&["sync", CONNECTION, "--entity", "account"]);
    let records = host.ok(&["records", CONNECTION, "--entity", "account", "--json"]);
    let digits = written(b"200 [", |byte| format!("{byte:02x}"));
    assert!(records.contains(&digits), "{records}");
    let removed = host.json(&["connection", "remove", CONNECTION, "--yes"]).remove(0);
    assert_eq!(removed["grant"]["outcome"], "revoked", "{removed}");
}
