//! A data directory on a small disk of its own, filled from outside.
#![expect(
    clippy::unwrap_used,
    reason = "clippy allows it in functions marked as tests, and these are called by such"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use model::queue::{Claim, Finish, Held, JobQueue as _, Leased, NewJob, Outcome, Queue};
use model::store::StoreErrorKind;
use model::{Clock, Timestamp};
use store::Store;

/// Names the mounted directory to the child.
const DIR: &str = "PLUGHOUSE_TEST_FULL";

/// What the child says at its end: one that has run no test ends well, too.
const FILLED: &str = "filled, and emptied again";

/// A disk of this size, in a namespace of its own that ends with the child.
const MOUNT: &str = r#"mount -t tmpfs -o size=100m none "$PLUGHOUSE_TEST_FULL" && exec "$@""#;

fn job(session: usize) -> NewJob {
    NewJob {
        tenant: "acme".parse().unwrap(),
        queue: Queue::Outbound,
        session: session.to_string(),
        connection: None,
        package: None,
        payload: "x".into(),
        run_at: None,
        dedupe: Vec::new(),
    }
}

fn claim() -> Claim {
    Claim {
        worker: "worker".to_owned(),
        queue: Queue::Outbound,
        tenant: "acme".parse().unwrap(),
        skip: BTreeSet::new(),
        sessions_max: 1,
        jobs_max: 1,
        lease: Duration::from_mins(1),
        alone: false,
    }
}

fn done(leased: &Leased) -> Finish {
    let outcomes = leased.jobs.iter().map(|job| (job.id, Outcome::Done)).collect();
    Finish { lease: leased.lease.clone(), outcomes, effects: Vec::new() }
}

fn open(dir: &Path) -> Store {
    Store::open(dir, Clock::manual(Timestamp::UNIX_EPOCH)).unwrap()
}

/// Serves [`nearly_full_disk_takes_nothing_in_but_lets_work_be_done`].
#[tokio::test]
async fn child_fills_its_disk() {
    #[expect(clippy::disallowed_methods, reason = "there is no other way past the test harness")]
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else { return };
    let store = open(&dir.join("data"));
    store.enqueue((0..3).map(job).collect()).await.unwrap();
    let ballast = dir.join("ballast");
    std::fs::write(&ballast, vec![7; 60 << 20]).unwrap();
    let error = store.enqueue(vec![job(9)]).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("nearly full"), "{error}");
    let leased = store.claim(claim()).await.unwrap();
    assert_eq!(store.finish(vec![done(&leased[0])]).await.unwrap(), [Held::Held]);
    let more = dir.join("more");
    std::fs::write(&more, vec![7; 24 << 20]).unwrap();
    assert_eq!(store.claim(claim()).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    let stats = store.stats(&claim().tenant, Queue::Outbound).await.unwrap();
    assert_eq!((stats.enqueued, stats.done), (3, 1));
    std::fs::remove_file(more).unwrap();
    std::fs::remove_file(ballast).unwrap();
    store.enqueue(vec![job(9)]).await.unwrap();
    drop(store);
    let stats = open(&dir.join("data")).stats(&claim().tenant, Queue::Outbound).await.unwrap();
    assert_eq!((stats.enqueued, stats.queued), (4, 3));
    println!("{FILLED}");
}

#[test]
fn nearly_full_disk_takes_nothing_in_but_lets_work_be_done() {
    let dir = tempfile::tempdir().unwrap();
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", MOUNT, "sh"]);
        command.env(DIR, dir.path());
        command
    };
    if !unshare().arg("true").status().is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: no disk can be mounted here, not even in a namespace of its own");
        return;
    }
    let mut child = unshare();
    child.arg(std::env::current_exe().unwrap());
    child.args(["--exact", "child_fills_its_disk", "--nocapture"]);
    let ended = child.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains(FILLED), "{said}");
}
