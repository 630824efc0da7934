//! A server and the commands that are given to it, over real HTTP on loopback.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write as _;
use std::process::Stdio;

use e2e::{CONNECTION, Host, Served, TOKEN, until};
use plughouse_testkit::{Fault, Faulty, HubSpot, Rule, Server, Shared};
use serde_json::Value;

/// A host with the HubSpot adapter, connected to a simulator.
struct Scene {
    host: Host,
    account: Shared<Faulty<HubSpot>>,
    server: Server,
    _dir: tempfile::TempDir,
}

impl Scene {
    fn with_contacts(count: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hubspot = HubSpot::with_contacts(count, 5).token(TOKEN);
        let account = Shared::new(Faulty::new(hubspot, []));
        let server = Server::start(account.clone());
        let host = Host::new(&dir.path().join("data"));
        host.install_unlimited("hubspot");
        host.connect_hubspot(&server.origin());
        Self { host, account, server, _dir: dir }
    }

    fn fail(&self, fault: Fault) {
        self.account.with(|account| account.faults.push(Rule::always(fault)));
    }

    fn behave(&self) {
        self.account.with(|account| account.faults.clear());
    }

    fn runs(&self) -> Vec<Value> {
        self.host.json(&["run", "list", CONNECTION])
    }

    fn queue(&self) -> Value {
        let queues = self.host.json(&["queue", "list"]);
        queues.into_iter().find(|queue| queue["queue"] == "inbound-scheduled").unwrap()
    }

    fn contacts(&self) -> usize {
        self.host.json(&["records", CONNECTION, "--limit", "0"]).len()
    }

    /// Adds a task that reads contacts, and queues it.
    fn run_task(&self) {
        let task = ["task", "add", "often", CONNECTION, "--every", "1h", "--entity", "contact"];
        self.host.ok(&task);
        self.host.ok(&["task", "run", "often"]);
    }
}

#[test]
fn server_works_off_tasks_and_runs_the_commands_of_other_processes() {
    let scene = Scene::with_contacts(250);
    let served = Served::start(&scene.host);
    scene.run_task();
    let run = until("the task has run", || {
        scene.runs().into_iter().find(|run| run["status"] == "succeeded")
    });
    assert_eq!(
        (&run["task"], &run["entities"]["contact"]["inserted"]),
        (&"often".into(), &250.into())
    );
    let tasks = scene.host.json(&["task", "list"]);
    assert!(tasks[0]["next_sync_at"].is_string(), "{tasks:?}");

    // By hand: through the queue, and the run that is shown is the one that was asked for.
    let run = scene.host.json(&["sync", CONNECTION, "--entity", "contact", "--full"]).remove(0);
    assert_eq!(run["entities"]["contact"]["unchanged"], 250, "{run}");
    assert_eq!(run["task"], Value::Null);
    assert_eq!(scene.contacts(), 250);

    // Another tenant, named by the environment of the command and not of the server.
    let mut other = scene.host.command(&["connection", "list", "--json"]);
    let listed = other.env("PLUGHOUSE_TENANT", "other").output().unwrap();
    assert_eq!((listed.status.code(), listed.stdout.len()), (Some(0), 0));

    assert_eq!(served.stop(), Some(0));
    assert_eq!(
        (scene.queue()["queued"].clone(), scene.queue()["leased"].clone()),
        (0.into(), 0.into())
    );
}

#[test]
fn server_that_is_asked_to_stop_stops_at_a_page_border_and_its_successor_goes_on() {
    let scene = Scene::with_contacts(3_000);
    scene.fail(Fault::Latency(20));
    let served = Served::start(&scene.host);
    let before = scene.server.request_count();
    scene.run_task();
    until("it reads", || (scene.server.request_count() > before + 3).then_some(()));
    assert_eq!(served.stop(), Some(0));
    let kept = scene.contacts();
    assert!((1..3_000).contains(&kept), "{kept}");
    assert_eq!(scene.runs()[0]["status"], "cancelled");
    let queue = scene.queue();
    assert_eq!((&queue["queued"], &queue["leased"]), (&1.into(), &0.into()), "{queue}");

    scene.behave();
    let _served = Served::start(&scene.host);
    until("the job is done", || (scene.queue()["done"] == 1).then_some(()));
    let run = &scene.runs()[0];
    assert_eq!(run["entities"]["contact"]["inserted"], 3_000 - kept, "{run}");
    assert_eq!(scene.contacts(), 3_000);
}

#[test]
fn successor_of_a_killed_server_replaces_the_socket_and_goes_on_at_once() {
    let scene = Scene::with_contacts(3_000);
    scene.fail(Fault::Latency(20));
    let served = Served::start(&scene.host);
    let before = scene.server.request_count();
    scene.run_task();
    until("it reads", || (scene.server.request_count() > before + 3).then_some(()));
    drop(served);
    assert!(scene.host.data().join("plughouse.sock").exists());
    // Without a server the command does it itself.
    assert_eq!(scene.queue()["queued"], 1);
    scene.behave();
    let _served = Served::start(&scene.host);
    until("the job is done", || (scene.queue()["done"] == 1).then_some(()));
    let states: Vec<_> = scene.runs().iter().map(|run| run["status"].clone()).collect();
    assert_eq!(states, ["succeeded", "interrupted"]);
    assert_eq!(scene.contacts(), 3_000);
}

#[test]
fn outage_opens_the_breaker_defers_jobs_at_no_cost_and_heals_by_itself() {
    let scene = Scene::with_contacts(150);
    let _served = Served::start(&scene.host);
    scene.fail(Fault::Status(503));
    // All entities: a breaker concludes nothing from a few requests.
    scene.host.ok(&["task", "add", "all", CONNECTION, "--every", "1h"]);
    scene.host.ok(&["task", "run", "all"]);
    let breakers = || scene.host.json(&["breaker", "list"]);
    let breaker = until("the breaker opens", || breakers().pop());
    assert_eq!(breaker["package"], "plughouse/hubspot", "{breaker}");
    let runs = scene.runs().len();

    scene.behave();
    until("the breaker closes", || {
        let closed = breakers().is_empty();
        assert!(closed || scene.runs().len() <= runs + 1, "more than a probe while it is open");
        closed.then_some(())
    });
    until("the job is done", || (scene.queue()["done"] == 1).then_some(()));
    assert_eq!((scene.contacts(), scene.queue()["dead"].clone()), (150, 0.into()));
    let events = scene.host.ok(&["events", "--limit", "1000", "--json"]);
    assert!(events.contains("breaker-changed"), "{events}");
    assert!(events.contains(r#""open_until":null"#), "{events}");
}

#[test]
fn provider_that_asks_for_patience_gets_it_and_the_job_is_done_after_it() {
    let scene = Scene::with_contacts(150);
    let _served = Served::start(&scene.host);
    scene.account.with(|account| {
        account.faults.push(Rule::first(1, Fault::TooMany(Some("1.5".to_owned()))));
    });
    scene.run_task();
    until("the job is done", || (scene.queue()["done"] == 1).then_some(()));
    assert_eq!((scene.contacts(), scene.queue()["dead"].clone()), (150, 0.into()));
}

#[test]
fn refused_account_pauses_its_work_until_it_is_connected_again() {
    let scene = Scene::with_contacts(150);
    let _served = Served::start(&scene.host);
    scene.fail(Fault::Unauthorized);
    scene.run_task();
    let state = || scene.host.json(&["connection", "list"])[0]["status"]["state"].clone();
    until("the account is refused", || (state() == "needs-reauthorisation").then_some(()));
    let pauses = until("its work rests", || scene.host.json(&["queue", "pauses"]).pop());
    assert_eq!(pauses["scope"]["unauthorised"], CONNECTION, "{pauses}");
    let queue = scene.queue();
    assert_eq!((&queue["queued"], &queue["dead"]), (&1.into(), &0.into()), "{queue}");

    scene.behave();
    reconnect(&scene);
    until("the job is done", || (scene.queue()["done"] == 1).then_some(()));
    assert_eq!((state(), scene.contacts()), ("active".into(), 150));
    assert!(scene.host.json(&["queue", "pauses"]).is_empty());
}

/// Connects again through the server, the token on standard input.
fn reconnect(scene: &Scene) {
    let to = format!("api={}", scene.server.origin());
    let args = ["connect", "plughouse/hubspot", "--name", CONNECTION, "--auth", "token"];
    let args = [&args[..], &["--secret", "token=-", "--override", &to]].concat();
    let mut command = scene.host.command(&args);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(TOKEN.as_bytes()).unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
}
