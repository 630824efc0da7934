//! What claims are worth when the process that had them is gone.
#![expect(
    clippy::unwrap_used,
    reason = "clippy allows it in functions marked as tests, and these are called by such"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use model::queue::{Claim, Finish, Held, JobQueue as _, Leased, NewJob, Outcome, Queue};
use model::{Clock, TenantId, Timestamp};
use store::Store;

const QUEUE: Queue = Queue::Delivery;

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

fn open(dir: &Path) -> Store {
    Store::open(dir, Clock::manual(Timestamp::UNIX_EPOCH)).unwrap()
}

fn job(session: &str) -> NewJob {
    NewJob {
        tenant: acme(),
        queue: QUEUE,
        session: session.to_owned(),
        connection: None,
        package: None,
        payload: "x".into(),
        run_at: None,
        dedupe: Vec::new(),
    }
}

async fn claim(store: &Store, sessions_max: usize) -> Vec<Leased> {
    let claim = Claim {
        worker: "worker".to_owned(),
        queue: QUEUE,
        tenant: acme(),
        skip: BTreeSet::new(),
        sessions_max,
        jobs_max: 1,
        lease: Duration::from_hours(1),
        alone: false,
    };
    store.claim(claim).await.unwrap()
}

fn done(leased: &Leased) -> Finish {
    let outcomes = leased.jobs.iter().map(|job| (job.id, Outcome::Done)).collect();
    Finish { lease: leased.lease.clone(), outcomes, effects: Vec::new() }
}

#[tokio::test]
async fn claims_of_a_process_that_is_gone_wait_for_nobody_and_count_as_deaths() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.enqueue(["a", "b", "c"].map(job).to_vec()).await.unwrap();
    let lost = claim(&store, 2).await;
    assert_eq!((lost.len(), store.stats(&acme(), QUEUE).await.unwrap().leased), (2, 2));
    drop(store);

    let store = open(dir.path());
    let again = claim(&store, 9).await;
    let mut deaths: Vec<_> = again.iter().map(|leased| leased.jobs[0].deaths).collect();
    deaths.sort_unstable();
    assert_eq!(deaths, [0, 1, 1]);
    let held = store.finish(lost.iter().map(done).collect()).await.unwrap();
    assert_eq!(held, [Held::Stale, Held::Stale]);
    store.finish(again.iter().map(done).collect()).await.unwrap();
    let stats = store.stats(&acme(), QUEUE).await.unwrap();
    assert_eq!((stats.done, stats.queued, stats.leased), (3, 0, 0));
}
