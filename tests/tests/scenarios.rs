//! What an operator sees, through the binary, over real HTTP on loopback.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use e2e::{CONNECTION, Host, TOKEN};
use plughouse_testkit::hubspot::Kind;
use plughouse_testkit::{Fault, Faulty, HubSpot, Rule, Server, Shared};
use serde_json::Value;

/// A host with the HubSpot adapter, connected to a simulator.
struct Scene {
    host: Host,
    server: Server,
    account: Shared<Faulty<HubSpot>>,
    _dir: tempfile::TempDir,
}

impl Scene {
    fn with_contacts(count: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hubspot = HubSpot::with_contacts(count, 5).token(TOKEN);
        let account = Shared::new(Faulty::new(hubspot, []));
        let server = Server::start(account.clone());
        let host = Host::new(&dir.path().join("data"));
        host.install("hubspot");
        host.connect_hubspot(&server.origin());
        Self { host, server, account, _dir: dir }
    }

    fn sync(&self) -> Value {
        self.host.json(&["sync", CONNECTION, "--entity", "contact"]).remove(0)
    }

    fn fail(&self, rule: Rule) {
        self.account.with(|account| account.faults.push(rule));
    }

    fn behave(&self) {
        self.account.with(|account| account.faults.clear());
    }

    /// The pages of the full read that were asked for.
    fn pages(&self) -> usize {
        let list = |target: &str| {
            target.starts_with("/crm/v3/objects/contacts?") && !target.contains("archived=true")
        };
        self.server.requests().iter().filter(|request| list(&request.target)).count()
    }

    fn contacts(&self) -> Vec<Value> {
        self.host.json(&["records", CONNECTION, "--entity", "contact", "--limit", "0"])
    }
}

#[track_caller]
fn counts(run: &Value, expected: [u64; 4]) {
    let report = &run["entities"]["contact"];
    let counts =
        ["inserted", "updated", "unchanged", "deleted"].map(|n| report[n].as_u64().unwrap());
    assert_eq!(counts, expected, "{run}");
}

fn two_minutes_ago() -> i64 {
    let now = model::Clock::system().now().as_millisecond();
    now - 120_000
}

#[test]
fn contacts_are_read_in_full_and_then_only_what_changed() {
    let scene = Scene::with_contacts(250);
    counts(&scene.sync(), [250, 0, 0, 0]);
    let payload = &scene.contacts()[0]["payload"];
    assert!(payload["properties"]["email"].is_string(), "{payload}");

    let at = two_minutes_ago();
    scene.account.with(|account| {
        let hubspot = &mut account.provider;
        let ids = hubspot.ids(Kind::Contacts);
        hubspot.update(Kind::Contacts, &ids[3], at, &[("jobtitle", "Pilot")]).unwrap();
        hubspot.archive(Kind::Contacts, &ids[4], at).unwrap();
    });
    counts(&scene.sync(), [0, 1, 0, 1]);
    assert_eq!(scene.contacts().len(), 249);
    let gone = scene.host.json(&["records", CONNECTION, "--removed", "--limit", "0"]);
    assert_eq!(gone.len(), 250);

    let runs = scene.host.json(&["run", "list", CONNECTION]);
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0]["status"], "succeeded");
}

#[test]
fn failing_provider_ends_the_run_with_one_error_and_the_next_run_goes_on() {
    for (fault, kind) in [
        (Fault::Unauthorized, "auth-required"),
        (Fault::Forbidden, "permission"),
        (Fault::TooMany(Some("7".to_owned())), "rate-limited"),
        (Fault::Status(503), "unavailable"),
        (Fault::Truncate(1000), "unavailable"),
        (Fault::Malformed, "malformed"),
        (Fault::Endless, "budget-exhausted"),
        (Fault::GzipBomb(300), "budget-exhausted"),
        (Fault::Html, "malformed"),
        (Fault::EchoAuthorization, "denied"),
    ] {
        let name = format!("{fault:?}");
        let scene = Scene::with_contacts(350);
        scene.fail(Rule::nth(2, fault).target("/contacts"));
        let ended = scene.host.run(&["sync", CONNECTION, "--entity", "contact", "--json"]);
        assert!(matches!(ended.code, Some(1 | 4)), "{name}: {} {}", ended.out, ended.err);
        let run: Value = serde_json::from_str(ended.out.trim()).unwrap();
        let error = if run["error"].is_null() {
            &run["entities"]["contact"]["error"]
        } else {
            &run["error"]
        };
        assert_eq!(error["kind"], kind, "{name}: {run}");
        assert_eq!(scene.contacts().len(), 100, "{name}: the first page is kept");

        scene.behave();
        let before = scene.pages();
        counts(&scene.sync(), [250, 0, 0, 0]);
        assert_eq!(scene.pages() - before, 3, "{name}: it goes on, it does not begin again");
        assert_eq!(scene.contacts().len(), 350, "{name}");
    }
}

#[test]
fn no_file_and_no_output_holds_the_token() {
    let scene = Scene::with_contacts(120);
    scene.fail(Rule::nth(2, Fault::EchoAuthorization).target("/contacts"));
    let sync = ["--log", "trace", "sync", CONNECTION, "--entity", "contact"];
    let first = scene.host.run(&sync);
    scene.behave();
    let second = scene.host.run(&sync);
    for text in [&first.out, &first.err, &second.out, &second.err] {
        assert!(!text.contains(TOKEN), "{text}");
    }
    assert!(first.err.contains("egress.secret-echo") || first.out.contains("egress.secret-echo"));
    let sent = scene.server.requests();
    assert!(sent.iter().any(|r| r.header("authorization").is_some_and(|v| v.contains(TOKEN))));
    search(scene.host.data());
}

#[track_caller]
fn search(dir: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path);
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let found = bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
        assert!(!found, "{} holds the token", path.display());
    }
}

#[test]
fn wrong_input_gets_an_error_that_says_what_to_do() {
    let scene = Scene::with_contacts(1);
    let host = &scene.host;
    let package = "plughouse/hubspot";
    for (args, code, says) in [
        (vec!["sync", "nobody"], 1, "plughouse connection list"),
        (vec!["sync", CONNECTION, "--entity", "cat"], 1, "contact"),
        (vec!["sync", "A/B"], 2, "a-z"),
        (vec!["connect", "acme/none", "--name", "x"], 1, package),
        (vec!["connect", package, "--name", "x", "--auth", "magic"], 1, "token"),
        (vec!["connect", package, "--name", "x", "--auth", "token"], 1, "--secret token=…"),
        (vec!["connect", package, "--name", "x", "--secret", "token=hunter2"], 1, "@FILE"),
        (vec!["plugin", "install", "/nowhere.plug"], 1, "/nowhere.plug"),
        (vec!["plugin", "remove", "acme/none"], 1, "plugin list"),
        (vec!["adapter", "build", "/nowhere"], 1, "/nowhere"),
        (vec!["--tenant", "other", "sync", CONNECTION], 1, "plughouse connection list"),
        (vec!["records", "--entity", "contact"], 2, "CONNECTION"),
    ] {
        let ended = host.run(&args);
        assert_eq!(ended.code, Some(code), "{args:?}: {}", ended.err);
        assert!(ended.err.contains(says), "{args:?}: {}", ended.err);
        assert!(!ended.err.contains("panicked") && !ended.err.contains("hunter2"), "{}", ended.err);
    }
}

#[test]
fn tampered_package_and_lost_key_are_refused_by_the_binary() {
    let scene = Scene::with_contacts(1);
    let file = scene.host.data().join("package.plug");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let tampered = scene.host.data().join("tampered.plug");
    fs::write(&tampered, bytes).unwrap();
    let ended = scene.host.run(&["plugin", "install", tampered.to_str().unwrap(), "--yes"]);
    assert_eq!(ended.code, Some(3), "{}", ended.err);

    let key = scene.host.data().join("vault.key");
    fs::rename(&key, key.with_extension("away")).unwrap();
    let ended = scene.host.run(&["sync", CONNECTION]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("vault.key"), "{}", ended.err);
    assert!(!key.exists(), "a second key must never be made beside existing data");
}
