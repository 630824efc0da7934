//! Kill a server with SIGKILL under mixed load, start it again, and nothing is lost or there twice.
//!
//! `PLUGHOUSE_KILLS=500 cargo test -p e2e --test crash_serve -- --nocapture` is the long proof.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::hash::{BuildHasher as _, RandomState};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use e2e::{CONNECTION, Host, Served, TOKEN, created, until};
use model::Clock;
use model::store::RecordStore as _;
use plughouse_testkit::{Fault, Faulty, HubSpot, Rule, Server, Shared};
use rustix::process::Signal;
use serde_json::Value;
use store::Store;

/// Kills in the ordinary test run.
const KILLS: u32 = 10;

/// Records of the provider: forty pages.
const RECORDS: u64 = 4_000;

const SYNC: [&str; 4] = ["sync", CONNECTION, "--entity", "contact"];

#[expect(clippy::disallowed_methods, reason = "the long proof is asked for by the environment")]
fn kills_wanted() -> u32 {
    std::env::var("PLUGHOUSE_KILLS").map_or(KILLS, |text| text.parse().unwrap())
}

fn provider() -> Shared<Faulty<HubSpot>> {
    Shared::new(Faulty::new(HubSpot::with_contacts(RECORDS, 3).token(TOKEN), []))
}

fn host(dir: &std::path::Path, server: &Server) -> Host {
    let host = Host::new(dir);
    host.install_unlimited("hubspot");
    host.connect_hubspot(&server.origin());
    host
}

/// What the store holds, without the instants at which it was written.
fn records(host: &Host) -> Vec<Value> {
    let mut records = host.json(&["records", CONNECTION, "--removed", "--limit", "0"]);
    for record in &mut records {
        record.as_object_mut().unwrap().remove("stored");
    }
    records
}

/// How the queue stands, with nothing lost.
fn conserved(host: &Host) -> Value {
    let queues = host.json(&["queue", "list"]);
    let queue = queues.into_iter().find(|queue| queue["queue"] == "inbound-scheduled").unwrap();
    let parts = ["queued", "done", "dead", "discarded"].map(|name| count(&queue, name));
    assert_eq!(count(&queue, "enqueued"), parts.iter().sum::<u64>(), "{queue}");
    queue
}

fn count(queue: &Value, name: &str) -> u64 {
    queue[name].as_u64().unwrap()
}

/// Gives commands that nobody waits for, one mixture a turn.
fn load(host: &Host, turn: u64) -> Vec<Child> {
    let pause = ["queue", "pause", "--connection", CONNECTION, "--reason", "test", "--for", "1s"];
    let all: [&[&str]; 6] = [
        &SYNC,
        &["task", "run", "often"],
        &["task", "run", "whole", "--full"],
        &["dead", "retry", "--all"],
        &pause,
        &["queue", "resume", "--connection", CONNECTION],
    ];
    let chosen = all.iter().enumerate().filter(|(bit, _)| turn >> bit & 1 == 1);
    let spawn = |(_, args): (usize, &&[&str])| {
        let mut command = host.command(args);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    chosen.map(spawn).collect()
}

/// A provider that is slow, or busy for a moment, now and then. Faults after which the engine
/// waits for long would only make the test as long.
fn misbehave(account: &Shared<Faulty<HubSpot>>, turn: u64) {
    let fault = match turn % 2 {
        0 => Fault::TooMany(Some("0.05".to_owned())),
        _ => Fault::Latency(2),
    };
    account.with(|account| {
        account.faults.clear();
        account.faults.push(Rule::every(7, fault));
    });
}

/// Lets the server work until the provider was asked a few times more, or for a moment if it is
/// not, and kills it anywhere within the next page.
fn kill(served: Served, provider: &Server, chance: u64) {
    let (before, start) = (provider.request_count(), Instant::now());
    let (wanted, patience) = (before + chance % 8, Duration::from_millis(200 + chance % 400));
    while provider.request_count() < wanted && start.elapsed() < patience {
        std::thread::yield_now();
    }
    let end = Instant::now() + Duration::from_micros(chance >> 8 & 0x3fff);
    while Instant::now() < end {
        std::hint::spin_loop();
    }
    drop(served);
}

/// Works off what is left, dead letters too.
fn drain(host: &Host) -> Value {
    let _served = Served::start(host);
    let reset = |breaker: &Value| {
        let key = |name: &str| breaker[name].as_str().unwrap().to_owned();
        host.run(&["breaker", "reset", &key("package"), &key("host")]);
    };
    host.json(&["breaker", "list"]).iter().for_each(reset);
    host.run(&["queue", "resume", "--connection", CONNECTION]);
    until("everything is done", || {
        host.ok(&["dead", "retry", "--all"]);
        let queue = conserved(host);
        let left = ["queued", "dead"].map(|name| count(&queue, name));
        (left == [0, 0]).then_some(queue)
    })
}

#[test]
fn server_killed_under_mixed_load_loses_nothing_and_does_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let account = provider();
    let server = Server::start(account.clone());
    let [whole, killed] = ["whole", "killed"].map(|name| host(&dir.path().join(name), &server));
    whole.ok(&SYNC);
    let task = |name, every| {
        killed.ok(&["task", "add", name, CONNECTION, "--every", every, "--entity", "contact"]);
    };
    task("often", "1m");
    task("whole", "1h");

    let random = RandomState::new();
    let (kills, begun) = (kills_wanted(), Instant::now());
    let (mut enqueued, mut quarantined) = (0, 0);
    for turn in 0..kills {
        let chance = random.hash_one(turn);
        misbehave(&account, chance >> 40);
        let victim = Served::start(&killed);
        let mut commands = load(&killed, chance >> 32 | 1);
        kill(victim, &server, chance);
        for command in &mut commands {
            drop(command.kill());
            drop(command.wait());
        }
        let queue = conserved(&killed);
        assert!(count(&queue, "enqueued") >= enqueued, "{queue}");
        enqueued = count(&queue, "enqueued");
        quarantined = quarantined.max(count(&queue, "dead"));
    }
    account.with(|account| account.faults.clear());
    let queue = drain(&killed);
    killed.ok(&SYNC);
    println!(
        "{kills} kills in {:?}: {queue}; at most {quarantined} dead letters at a time",
        begun.elapsed()
    );
    compare(&whole, &killed);
}

fn compare(whole: &Host, killed: &Host) {
    let (expected, found) = (records(whole), records(killed));
    assert_eq!(expected.len(), usize::try_from(RECORDS).unwrap());
    assert!(expected == found, "{} records, {} after the kills", expected.len(), found.len());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = Store::open(killed.data(), Clock::system()).unwrap();
    let mut ids: Vec<_> = found.iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    assert!(runtime.block_on(created(&store)) == ids, "an event is lost or stands twice");
    let connection = CONNECTION.parse().unwrap();
    let lanes = runtime.block_on(store.lanes(&"main".parse().unwrap(), &connection)).unwrap();
    assert!(lanes.iter().all(|(_, state)| state.progress.is_none()), "{lanes:?}");
}

#[test]
fn server_that_is_stopped_in_the_middle_and_continued_goes_on_as_if_nothing_had_been() {
    let dir = tempfile::tempdir().unwrap();
    let account = provider();
    let server = Server::start(account.clone());
    let host = host(&dir.path().join("data"), &server);
    let process = Served::start(&host);
    account.with(|account| account.faults.push(Rule::always(Fault::Latency(5))));
    host.ok(&["task", "add", "often", CONNECTION, "--every", "1h", "--entity", "contact"]);
    host.ok(&["task", "run", "often"]);
    for pages in 1..=5 {
        let reads = pages * 4;
        until("it reads", || (server.request_count() > reads).then_some(()));
        process.signal(Signal::STOP);
        let asked = server.request_count();
        // Nobody else gets at the data meanwhile.
        let second = host.run(&["serve"]);
        assert!(second.code == Some(1) && second.err.contains("another process"), "{second:?}");
        assert!(server.request_count() <= asked + 1);
        process.signal(Signal::CONT);
    }
    until("the job is done", || (conserved(&host)["done"] == 1).then_some(()));
    let runs = host.json(&["run", "list", CONNECTION]);
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!(runs[0]["entities"]["contact"]["inserted"], RECORDS);
    assert_eq!(records(&host).len(), usize::try_from(RECORDS).unwrap());
    assert_eq!(process.stop(), Some(0));
}
