//! Kill a sync with SIGKILL at random instants, start it again, and the store ends equal to that
//! of an uninterrupted run.
//!
//! `PLUGHOUSE_KILLS=500 cargo test -p e2e --test crash` is the long proof.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::hash::{BuildHasher as _, RandomState};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use e2e::{CONNECTION, Host, TOKEN};
use plughouse_testkit::{HubSpot, Server};
use serde_json::Value;

/// Kills in the ordinary test run.
const KILLS: u32 = 12;

/// Records of the provider: a hundred pages.
const RECORDS: u64 = 10_000;

/// A sync that is let run makes its next request well within this.
const PATIENCE: Duration = Duration::from_mins(1);

#[expect(clippy::disallowed_methods, reason = "the long proof is asked for by the environment")]
fn kills() -> u32 {
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

#[test]
fn killed_sync_ends_equal_to_an_uninterrupted_one() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(HubSpot::with_contacts(RECORDS, 3).token(TOKEN));
    let (whole, killed) =
        (Host::new(&dir.path().join("whole")), Host::new(&dir.path().join("killed")));
    for host in [&whole, &killed] {
        host.install("hubspot");
        host.connect_hubspot(&server.origin());
    }
    let sync = ["sync", CONNECTION, "--entity", "contact"];
    whole.ok(&sync);

    let random = RandomState::new();
    let mut finished = 0;
    for kill in 0..kills() {
        let before = server.request_count();
        let mut child =
            killed.command(&sync).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // A few pages on, then anywhere within the next one: reading, mapping, committing.
        let chance = random.hash_one(kill);
        wait(&server, &mut child, before + chance % 4);
        let end = Instant::now() + Duration::from_micros(chance >> 8 & 0x3fff);
        while Instant::now() < end {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        finished += u32::from(child.wait().unwrap().success());
    }
    killed.ok(&sync);
    assert!(finished < kills(), "no sync was killed");

    let (whole, killed) = (records(&whole), records(&killed));
    assert_eq!(whole.len(), usize::try_from(RECORDS).unwrap());
    assert!(whole == killed, "{} records, {} after the kills", whole.len(), killed.len());
}
