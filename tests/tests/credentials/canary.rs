//! Secrets are planted in every flow, everything is done with them, well and badly, before the eyes
//! of an adapter that looks for them; then every place where they could be is searched.

use std::fs;
use std::path::Path;

use e2e::{Browser, CONNECTION, Ended, Host, Served, plughouse, root, until};
use plughouse_testkit::{Fault, Rule};
use serde_json::Value;

use crate::search::Search;
use crate::world::{CLIENT_SECRET, SHORT, World, authority, install_spy};

/// Everybody may see it: that it is found shows that the search looks where it should.
const MARKER: &str = "a-marker-that-everybody-may-see";

const KEY_TOKEN: &str = "entered-token-canary-2b6e0f";
const REPLACED: &str = "replaced-app-secret-canary-5d";

const MANIFEST: &str = r#"
[adapter]
id = "spy"
name = "Spy"
version = "0.1.0"
contract = "0.1"
publisher = "plughouse"
license = "Apache-2.0"
summary = "Looks for secrets."
profile = "bare"

[variable.marker]
ask = "What everybody may see"

[auth.oauth]
kind = "oauth2"
authorize = "https://login.spy.example/authorize"
token = "https://login.spy.example/token"
client_auth = "body"
scopes = ["read"]
revoke = { url = "https://login.spy.example/revoke", token = "refresh" }

[auth.token]
kind = "key"
fields = { token = { label = "Token", secret = true } }
header = { name = "Authorization", value = "Bearer {token}" }

[auth.robot]
kind = "jwt"
token = "https://login.spy.example/token"
fields = { email = { label = "Address" }, private_key = { label = "Private key", secret = true } }
issuer = "{email}"
audience = "https://login.spy.example"
lifetime = "1h"

[endpoint.api]
origin = "https://api.spy.example"
credential = "account"
read = ["GET /echo", "GET /me"]

[budget]
cpu_ms = 20000
"#;

/// What commands have printed.
#[derive(Default)]
struct Told(Vec<u8>);

impl Told {
    fn hear(&mut self, ended: &Ended) {
        self.0.extend_from_slice(ended.out.as_bytes());
        self.0.extend_from_slice(ended.err.as_bytes());
    }

    /// Runs a command for people and for programs, however it ends.
    fn run(&mut self, host: &Host, args: &[&str]) {
        self.hear(&host.run(args));
        self.hear(&host.run(&[args, &["--json"]].concat()));
    }
}

/// The private key of the tests, as a provider gives it out.
fn key_file() -> (String, String) {
    let pem = fs::read_to_string(root().join("host/oauth/tests/keys/rsa.pem")).unwrap();
    let file = serde_json::json!({ "email": "robot@spy.example", "private_key": pem });
    (file.to_string(), pem)
}

/// Connects by each method; the secrets of the browser.
fn connect(world: &World, told: &mut Told) -> Vec<String> {
    let marker = format!("marker={MARKER}");
    let mut browser = Browser::new();
    let waiting = world.connecting(&["--set", &marker]);
    browser.visit(&waiting.open).shows(200, "is connected");
    let done = waiting.done();
    assert_eq!(done.code, Some(0), "{done:?}");
    told.hear(&done);
    let (api, auth) =
        (format!("api={}", world.api.origin()), format!("auth={}", world.auth.origin()));
    let token = format!("token={}", world.file("token", KEY_TOKEN));
    let file = world.file("robot.json", &key_file().0);
    for (name, how) in [
        ("keyed", ["--auth", "token", "--secret", &token]),
        ("robot", ["--auth", "robot", "--secret-json", &file]),
    ] {
        let connect = ["connect", world.package, "--name", name, "--set", &marker];
        let overrides = ["--override", &api, "--override", &auth];
        let overrides = if name == "keyed" { &overrides[..2] } else { &overrides };
        let ended = world.host.run(&[&connect[..], &how, overrides].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        told.hear(&ended);
    }
    // A cookie that is taken away is set to nothing.
    let seen = browser.seen.iter().filter(|seen| !seen.is_empty());
    seen.flat_map(|seen| secrets_of(seen)).collect()
}

/// A cookie, or what an address has given along that is not to be told.
fn secrets_of(seen: &str) -> Vec<String> {
    let Some((_, query)) = seen.split_once('?') else { return vec![seen.to_owned()] };
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let secret = pairs.filter(|(name, _)| ["code", "state"].contains(name));
    secret.map(|(_, value)| value.to_owned()).collect()
}

/// Everything that shows something.
fn look_at_everything(host: &Host, told: &mut Told) {
    for command in [
        "connection list",
        "connection show crm",
        "connection show keyed",
        "connection show robot",
        "connection test crm",
        "connection test keyed",
        "connection test robot",
        "connection grants",
        "connection expiring --within 365d",
        "connection access",
        "app list",
        "vault status",
        "vault rotate-key --all",
        "records --limit 0",
        "records crm --entity account --id 0",
        "run list crm",
        "run list keyed",
        "queue list",
        "queue pauses",
        "dead list",
        "task list",
        "breaker list",
        "events --limit 1000",
        "plugin list",
    ] {
        told.run(host, &command.split(' ').collect::<Vec<_>>());
    }
    for letter in host.json(&["dead", "list"]) {
        told.run(host, &["dead", "show", &letter["id"].to_string().replace('"', "")]);
    }
}

/// The secrets, with names.
fn secrets(world: &World, browser: Vec<String>) -> Vec<(String, String)> {
    let mut all = vec![
        ("the app's secret".to_owned(), CLIENT_SECRET.to_owned()),
        ("the app's other secret".to_owned(), REPLACED.to_owned()),
        ("the token that was entered".to_owned(), KEY_TOKEN.to_owned()),
    ];
    let named = |name: &str, secret: String| (name.to_owned(), secret);
    all.extend(world.authority.with(|it| it.secrets()).into_iter().map(|it| named("a token", it)));
    all.extend(browser.into_iter().map(|it| named("what the browser knows", it)));
    let lines = key_file().1;
    let lines = lines.lines().filter(|line| line.len() >= 32 && !line.starts_with("---"));
    all.extend(lines.map(|line| named("the private key", line.to_owned())));
    for request in world.auth.requests() {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
        let once = pairs.filter(|(name, _)| ["code_verifier", "assertion"].contains(name));
        all.extend(once.map(|(name, value)| named(name, value.to_owned())));
    }
    assert!(all.iter().any(|(name, _)| name == "code_verifier"));
    assert!(all.iter().any(|(name, _)| name == "assertion"));
    all
}

/// What the adapter has told of an entity, in one piece.
fn spied(host: &Host, connection: &str, entity: &str) -> Vec<u8> {
    let records = host.json(&["records", connection, "--entity", entity, "--limit", "0"]);
    let number = |record: &Value| record["id"].as_str().unwrap().parse::<u32>().unwrap();
    let mut pieces: Vec<_> = records.iter().map(|it| (number(it), told(it))).collect();
    pieces.sort_by_key(|(number, _)| *number);
    pieces.into_iter().flat_map(|(_, piece)| piece).collect()
}

fn told(record: &Value) -> Vec<u8> {
    let digits = record["payload"]["told"].as_str().unwrap_or_else(|| panic!("{record}"));
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// Works with the secrets, in processes that say all there is to say.
fn work(world: &World, told: &mut Told) {
    let loud = Host::of(plughouse(), &["--log", "trace"], world.host.data());
    for connection in [CONNECTION, "keyed", "robot"] {
        told.run(&loud, &["sync", connection]);
    }
    look_at_everything(&loud, told);
    let served = Served::start(&loud);
    for connection in [CONNECTION, "keyed", "robot"] {
        let task = format!("task-{connection}");
        world.host.ok(&["task", "add", &task, connection, "--every", "1h"]);
        world.host.ok(&["task", "run", &task]);
    }
    let runs = |connection| world.host.json(&["run", "list", connection]).len();
    until("all have run", || {
        [CONNECTION, "keyed", "robot"].iter().all(|it| runs(it) >= 3).then_some(())
    });
    look_at_everything(&world.host, told);
    // The app is refused, and what was set then is right again.
    world.authority.with(|authority| authority.replace_secret(REPLACED));
    told.run(&world.host, &["connection", "test", CONNECTION]);
    told.run(&world.host, &["app", "list"]);
    world.set_app(REPLACED);
    told.run(&world.host, &["connection", "test", CONNECTION]);
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn planted_secrets_are_found_nowhere() {
    let world = World::with(authority(SHORT), "plughouse/spy", |host| install_spy(host, MANIFEST));
    world.account.with(|account| account.faults.push(Rule::always(Fault::EchoAuthorization)));
    let mut told = Told::default();
    let browser = connect(&world, &mut told);
    work(&world, &mut told);
    let search = Search::new(&secrets(&world, browser));
    let marker = Search::new(&[("the marker".to_owned(), MARKER.to_owned())]);

    let data = world.host.data();
    let (bytes, files) = search.clean_folder(data);
    search.clean("what commands have printed", &told.0);
    let mut memories = 0;
    for connection in [CONNECTION, "keyed", "robot"] {
        for entity in ["account", "memory"] {
            let spied = spied(&world.host, connection, entity);
            assert_eq!(marker.find(&spied), ["the marker"], "{connection} {entity}");
            search.clean(&format!("{entity} as the adapter sees it"), &spied);
            memories += spied.len();
        }
    }
    found_nowhere_but_in_its_file(data);
    for (sink, bytes) in [
        ("the store", fs::read(data.join("plughouse.redb")).unwrap()),
        ("the log", fs::read(data.join("serve.log")).unwrap()),
        ("what commands have printed", told.0.clone()),
    ] {
        assert_eq!(marker.find(&bytes), ["the marker"], "{sink} is not searched");
    }
    let printed = told.0.len();
    println!("{bytes} bytes in {files} files, {printed} printed, {memories} seen by the adapter");
}

/// The key of the vault stands in its file alone.
fn found_nowhere_but_in_its_file(data: &Path) {
    let file = data.join("vault.key");
    let digits = fs::read_to_string(&file).unwrap().trim().to_owned();
    let key: Vec<_> = (0..digits.len() / 2).map(|at| &digits[at * 2..at * 2 + 2]).collect();
    assert_eq!(key.len(), 32);
    fs::remove_file(&file).unwrap();
    let search = Search::new(&[("the key of the vault".to_owned(), digits)]);
    search.clean_folder(data);
}
