//! Kill a sync with SIGKILL at random instants, start it again, and the store ends equal to that
//! of an uninterrupted run.
//!
//! `PLUGHOUSE_KILLS=500 cargo test -p e2e --test crash` is the long proof.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::hash::{BuildHasher as _, RandomState};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use e2e::{CONNECTION, Host, TOKEN, created};
use model::Clock;
use model::store::RecordStore as _;
use plughouse_testkit::{HubSpot, Server};
use serde_json::Value;
use store::Store;

/// Kills in the ordinary test run.
const KILLS: u32 = 50;

/// Records of the provider: two hundred pages.
const RECORDS: u64 = 20_000;

/// A sync that is let run makes its next request well within this.
const PATIENCE: Duration = Duration::from_mins(1);

#[expect(clippy::disallowed_methods, reason = "the long proof is asked for by the environment")]
fn kills_wanted() -> u32 {
    std::env::var("PLUGHOUSE_KILLS").map_or(KILLS, |text| text.parse().unwrap())
}

/// Waits until the server has answered so many requests, or the sync has ended.
fn wait(server: &Server, sync: &mut Child, count: u64) {
    let start = Instant::now();
    while server.request_count() < count && sync.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < PATIENCE, "no request in {PATIENCE:?}");
        std::thread::yield_now();
    }
}

/// What the store holds, without the instants at which it was written.
fn records(host: &Host) -> Vec<Value> {
    let mut records = host.json(&["records", CONNECTION, "--removed", "--limit", "0"]);
    for record in &mut records {
        record.as_object_mut().unwrap().remove("stored");
    }
    records
}

/// Starts a sync and kills it a few pages on, anywhere within the next one: reading, mapping,
/// committing. False if it had ended by itself.
fn kill_one(host: &Host, server: &Server, args: &[&str], chance: u64) -> bool {
    let before = server.request_count();
    let mut sync = host.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait(server, &mut sync, before + chance % 4);
    let end = Instant::now() + Duration::from_micros(chance >> 8 & 0x3fff);
    while Instant::now() < end {
        std::hint::spin_loop();
    }
    sync.kill().unwrap();
    !sync.wait().unwrap().success()
}

#[test]
fn killed_sync_ends_equal_to_an_uninterrupted_one() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(HubSpot::with_contacts(RECORDS, 3).token(TOKEN));
    let (whole, killed) =
        (Host::new(&dir.path().join("whole")), Host::new(&dir.path().join("killed")));
    for host in [&whole, &killed] {
        host.install_unlimited("hubspot");
        host.connect_hubspot(&server.origin());
    }
    let sync = ["sync", CONNECTION, "--entity", "contact"];
    let again = ["sync", CONNECTION, "--entity", "contact", "--full"];
    whole.ok(&sync);

    let random = RandomState::new();
    let (mut kills, mut starts, mut args) = (0, 0_u64, sync.as_slice());
    while kills < kills_wanted() {
        let hit = kill_one(&killed, &server, args, random.hash_one(starts));
        kills += u32::from(hit);
        starts += 1;
        // One that came to its end leaves nothing to interrupt: read everything again.
        args = if hit { &sync } else { &again };
    }
    killed.ok(&sync);

    let (expected, found) = (records(&whole), records(&killed));
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
