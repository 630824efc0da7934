use std::time::Duration;

use model::Clock;
use model::retention::{EVENTS_KEPT_FOR, EVENTS_KEPT_MAX, RUNS_KEPT_FOR, RUNS_KEPT_MIN, Swept};
use model::run::RunStatus;
use model::store::{PageCommit, RunEnd, RunRef};

use super::Ports;
use super::samples::{at, begin, end, page, record, reject, start};

const SECOND: Duration = Duration::from_secs(1);

/// A run that begins at a second and ends so.
async fn run(store: &impl Ports, path: &str, second: i64, status: RunStatus) -> RunRef {
    let run = store.begin_run(start(path, second)).await.unwrap().reference();
    let rejects = vec![reject(None, b""), reject(None, b"")];
    store.commit_page(PageCommit { rejects, ..page(&run, Vec::new()) }).await.unwrap();
    store.finish_run(RunEnd { at: at(second), ..end(&run, status) }).await.unwrap();
    run
}

async fn sweep_runs(store: &impl Ports, limit: usize) -> u64 {
    let (mut steps, mut removed, mut after) = (0, 0, None);
    loop {
        let Swept { removed: count, next } = store.sweep_runs(after, limit).await.unwrap();
        (steps, removed, after) = (steps + 1, removed + count, next);
        assert!(steps < 10_000, "sweeping runs does not end");
        if after.is_none() {
            return removed;
        }
    }
}

async fn sweep_events(store: &impl Ports, limit: usize) -> u64 {
    let (mut steps, mut removed, mut after) = (0, 0, None);
    loop {
        let Swept { removed: count, next } = store.sweep_events(after, limit).await.unwrap();
        (steps, removed, after) = (steps + 1, removed + count, next);
        assert!(steps < 10_000, "sweeping events does not end");
        if after.is_none() {
            return removed;
        }
    }
}

async fn ids(store: &impl Ports, path: &str) -> Vec<u64> {
    let start = start(path, 0);
    let runs = store.runs(&start.tenant, Some(&start.connection), 1000).await.unwrap();
    runs.iter().rev().map(|run| run.id.0).collect()
}

pub(crate) async fn old_runs_go_but_for_the_newest_and_the_last_good_one(
    store: &impl Ports,
    clock: &Clock,
) {
    let kept = i64::try_from(RUNS_KEPT_MIN).unwrap();
    let first = run(store, "acme/hub", 0, RunStatus::Succeeded).await;
    run(store, "acme/hub", 1, RunStatus::Succeeded).await;
    for second in 0..kept + 3 {
        run(store, "acme/hub", 2 + second, RunStatus::Failed).await;
        run(store, "acme/a", second, RunStatus::Succeeded).await;
        run(store, "other/hub", second, RunStatus::Failed).await;
    }
    clock.advance(RUNS_KEPT_FOR);
    assert_eq!(sweep_runs(store, 7).await, 0, "all are young");
    clock.advance(Duration::from_hours(1));
    let young = RUNS_KEPT_MIN + 4;
    let hour = 3600 + i64::try_from(RUNS_KEPT_FOR.as_secs()).unwrap();
    run(store, "acme/a", hour, RunStatus::Failed).await;
    assert_eq!(sweep_runs(store, 7).await, 4 + 4 + 3);
    let hub = ids(store, "acme/hub").await;
    assert_eq!((hub[0], hub[1], hub.len()), (2, 6, 1 + usize::try_from(RUNS_KEPT_MIN).unwrap()));
    assert_eq!(ids(store, "acme/a").await, (5..=young).collect::<Vec<_>>());
    assert_eq!(ids(store, "other/hub").await, (4..=RUNS_KEPT_MIN + 3).collect::<Vec<_>>());
    assert!(store.rejects(&first, 10).await.unwrap().is_empty());
    assert_eq!(store.runs(&first.tenant, None, 1000).await.unwrap().len(), 1 + 2 * 50);
    assert_eq!(sweep_runs(store, 1).await, 0);
    let next = begin(store, "acme/hub").await;
    assert_eq!(next.id.0, RUNS_KEPT_MIN + 6, "numbers go on");
}

pub(crate) async fn run_with_many_rejects_goes_in_steps(store: &impl Ports, clock: &Clock) {
    let many = begin(store, "acme/hub").await;
    let rejects = vec![reject(None, b""); 2500];
    store.commit_page(PageCommit { rejects, ..page(&many, Vec::new()) }).await.unwrap();
    store.finish_run(end(&many, RunStatus::Failed)).await.unwrap();
    for second in 0..i64::try_from(RUNS_KEPT_MIN).unwrap() {
        run(store, "acme/hub", 10 + second, RunStatus::Succeeded).await;
    }
    clock.advance(RUNS_KEPT_FOR + Duration::from_hours(1));
    let first = store.sweep_runs(None, 1000).await.unwrap();
    assert_eq!((first.removed, first.next.is_some()), (0, true));
    assert!(store.rejects(&many, 10_000).await.unwrap().len() < 2000);
    assert_eq!(sweep_runs(store, 1000).await, 1);
    assert!(store.rejects(&many, 10).await.unwrap().is_empty());
    assert_eq!(ids(store, "acme/hub").await[0], 2);
}

/// So many events of a tenant, one a second from a second on.
async fn events(store: &impl Ports, path: &str, from: i64, count: i64) {
    let run = begin(store, path).await;
    for second in from..from + count {
        let id = second.to_string();
        let commit = PageCommit { at: at(second), ..page(&run, vec![record(&id, "a")]) };
        store.commit_page(commit).await.unwrap();
    }
}

async fn seqs(store: &impl Ports, tenant: &str) -> Vec<u64> {
    let events = store.events(&tenant.parse().unwrap(), 0, 100).await.unwrap();
    events.iter().map(|event| event.seq).collect()
}

pub(crate) async fn old_events_go_that_everybody_has_read(store: &impl Ports, clock: &Clock) {
    for tenant in ["acme", "beta", "zeta"] {
        events(store, &format!("{tenant}/hub"), 0, 10).await;
    }
    let beta = "beta".parse().unwrap();
    for (name, seq) in [("slow", 3), ("fast", 9)] {
        store.consumer(&beta, name).await.unwrap();
        store.advance(&beta, name, seq).await.unwrap();
    }
    clock.advance(EVENTS_KEPT_FOR + 5 * SECOND);
    assert_eq!(sweep_events(store, 2).await, 5 + 3 + 5);
    assert_eq!(seqs(store, "acme").await, [6, 7, 8, 9, 10]);
    assert_eq!(seqs(store, "beta").await, [4, 5, 6, 7, 8, 9, 10]);
    clock.advance(EVENTS_KEPT_MAX);
    assert_eq!(sweep_events(store, 1000).await, 4 + 6 + 4);
    for tenant in ["acme", "beta", "zeta"] {
        assert_eq!(seqs(store, tenant).await, [10], "the last one holds the place");
    }
    assert_eq!(store.consumer(&beta, "late").await.unwrap().seq, 9);
    events(store, "acme/hub", 20, 1).await;
    let last = seqs(store, "acme").await;
    assert_eq!(last[0], 10);
    assert!(last.is_sorted() && last.len() > 1, "numbers go on: {last:?}");
}
