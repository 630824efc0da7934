//! Jobs that kill whoever works on them, in a backlog: they alone end among the dead letters.
//! `PLUGHOUSE_BACKLOG` sets the length of the backlog, of which one job in a thousand is such.
#![expect(
    clippy::unwrap_used,
    reason = "clippy allows it in functions marked as tests, and these are called by such"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use model::queue::{
    Claim, DeadFilter, Death, Failure, Finish, Held, Job, JobQueue as _, Leased, NewJob, Outcome,
    Queue,
};
use model::retry::{self, DEATHS_MAX};
use model::{Clock, Error, ErrorKind, TenantId, Timestamp};
use store::Store;

const BACKLOG_DEFAULT: u64 = 10_000;
const POISON_EVERY: u64 = 1_000;
const LEASE: Duration = Duration::from_mins(1);
const QUEUE: Queue = Queue::InboundWebhook;

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

fn kills(job: &Job) -> bool {
    job.id.0.is_multiple_of(POISON_EVERY)
}

fn job(number: u64) -> NewJob {
    NewJob {
        tenant: acme(),
        queue: QUEUE,
        session: (number % 100).to_string(),
        connection: None,
        package: None,
        payload: "{}".into(),
        run_at: None,
        dedupe: Vec::new(),
    }
}

/// What a worker says at the end; nothing if it has not lived to say something.
fn work(leased: Leased) -> Option<Finish> {
    let mut outcomes = Vec::new();
    for job in &leased.jobs {
        let outcome = match (retry::is_poison(job), kills(job)) {
            (true, _) => {
                let error = Error::new(ErrorKind::Other, "engine.quarantined", "it killed");
                let (at, digest) = (Timestamp::UNIX_EPOCH, Some("sha256:00".to_owned()));
                let failure =
                    Failure { at, attempt: job.attempt, error, digest, progressed: false };
                Outcome::Dead { failure, why: Death::Quarantined }
            }
            (false, true) => return None,
            (false, false) => Outcome::Done,
        };
        outcomes.push((job.id, outcome));
    }
    Some(Finish { lease: leased.lease, outcomes, effects: Vec::new() })
}

async fn fill(store: &Store, backlog: u64) {
    for first in (0..backlog).step_by(1_000) {
        let last = backlog.min(first + 1_000);
        store.enqueue((first..last).map(job).collect()).await.unwrap();
    }
}

#[tokio::test]
async fn poison_in_a_backlog_alone_is_quarantined() {
    #[expect(clippy::disallowed_methods, reason = "there is no other way past the test harness")]
    let backlog =
        std::env::var("PLUGHOUSE_BACKLOG").map_or(BACKLOG_DEFAULT, |n| n.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Timestamp::UNIX_EPOCH);
    let store = Store::open(dir.path(), clock.clone()).unwrap();
    fill(&store, backlog).await;
    while store.next_due(QUEUE).await.unwrap().is_some() {
        let claim = Claim {
            worker: "worker".to_owned(),
            queue: QUEUE,
            tenant: acme(),
            skip: BTreeSet::new(),
            sessions_max: 64,
            jobs_max: 16,
            lease: LEASE,
            alone: true,
        };
        let leased = store.claim(claim).await.unwrap();
        if leased.is_empty() {
            clock.advance(LEASE);
        }
        let finishes: Vec<_> = leased.into_iter().filter_map(work).collect();
        let held = store.finish(finishes).await.unwrap();
        assert!(held.into_iter().all(|held| held == Held::Held));
    }
    let poison = backlog / POISON_EVERY;
    let stats = store.stats(&acme(), QUEUE).await.unwrap();
    assert_eq!((stats.enqueued, stats.done, stats.dead), (backlog, backlog - poison, poison));
    assert_eq!((stats.queued, stats.leased), (0, 0));
    check_letters(&store, poison).await;
}

async fn check_letters(store: &Store, poison: u64) {
    let filter = DeadFilter {
        queue: Some(QUEUE),
        code: Some("engine.quarantined".to_owned()),
        limit: usize::MAX,
        ..DeadFilter::all(acme())
    };
    let letters = store.dead(&filter).await.unwrap();
    let ids = letters.iter().map(|letter| letter.id.0);
    assert!(ids.eq((1..=poison).map(|number| number * POISON_EVERY)));
    assert!(letters.iter().all(|letter| letter.why == Death::Quarantined));
    assert!(letters.iter().all(|letter| letter.attempts == DEATHS_MAX + 1));
}
