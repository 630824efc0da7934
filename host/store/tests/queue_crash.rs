//! What a killed process leaves of the queues: every job exactly once, whatever was going on.
//! `PLUGHOUSE_KILLS` sets how often a process is killed.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "clippy allows them in functions marked as tests, and these are called by such"
)]

#[path = "support/child.rs"]
mod child;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::queue::{
    Claim, DeadFilter, Death, Enqueued, Failure, Finish, Held, Job, JobId, JobQueue as _, Leased,
    NewJob, Outcome, Queue, QueueStats,
};
use model::{Clock, Error, ErrorKind, TenantId, Timestamp};
use store::Store;

use child::{child, kill_after};

/// Names the data directory and the hour to the child.
const DIR: &str = "PLUGHOUSE_TEST_QUEUE";
const HOUR: &str = "PLUGHOUSE_TEST_HOUR";
const KILLS: &str = "PLUGHOUSE_KILLS";
const KILLS_DEFAULT: i64 = 10;
const QUEUE: Queue = Queue::InboundWebhook;
const SESSIONS: u64 = 7;

#[expect(clippy::disallowed_methods, reason = "there is no other way past the test harness")]
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.into_string().unwrap())
}

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

/// Each process has an hour of its own, so that the leases of the one before have run out.
fn open(dir: &Path, hour: i64) -> Store {
    Store::open(dir, Clock::manual(Timestamp::new(hour * 3_600, 0).unwrap())).unwrap()
}

fn job(number: u64) -> NewJob {
    NewJob {
        tenant: acme(),
        queue: QUEUE,
        session: (number % SESSIONS).to_string(),
        connection: None,
        package: None,
        payload: number.to_string().into(),
        run_at: None,
        dedupe: Vec::new(),
    }
}

async fn claim(store: &Store) -> Vec<Leased> {
    let claim = Claim {
        worker: "worker".to_owned(),
        queue: QUEUE,
        tenant: acme(),
        skip: BTreeSet::new(),
        sessions_max: 3,
        jobs_max: 4,
        lease: Duration::from_mins(1),
        alone: false,
    };
    store.claim(claim).await.unwrap()
}

/// Some die, some are tried twice.
fn outcome(job: &Job) -> Outcome {
    let failure = Failure {
        at: Timestamp::UNIX_EPOCH,
        attempt: job.attempt,
        error: Error::new(ErrorKind::Other, "acme.broken", "no"),
        digest: None,
        progressed: false,
    };
    match job.id.0 {
        id if id % 17 == 0 => Outcome::Dead { failure, why: Death::Permanent },
        id if id % 5 == 0 && job.attempt == 1 => Outcome::Retry { after: Duration::ZERO, failure },
        _ => Outcome::Done,
    }
}

/// Ends a claim up to its first job that is to be tried again; the jobs that are over.
async fn end(store: &Store, leased: Leased) -> Vec<(JobId, bool)> {
    let mut outcomes = Vec::new();
    for job in &leased.jobs {
        outcomes.push((job.id, outcome(job)));
        if matches!(outcomes.last(), Some((_, Outcome::Retry { .. }))) {
            break;
        }
    }
    let over = |(id, outcome): &(JobId, Outcome)| match outcome {
        Outcome::Done => Some((*id, true)),
        Outcome::Dead { .. } => Some((*id, false)),
        _ => None,
    };
    let over: Vec<_> = outcomes.iter().filter_map(over).collect();
    let finish = Finish { lease: leased.lease, outcomes, effects: Vec::new() };
    assert_eq!(store.finish(vec![finish]).await.unwrap(), [Held::Held]);
    over
}

/// Says what the store has acknowledged.
fn tell(word: &str, ids: impl IntoIterator<Item = JobId>) {
    for id in ids {
        println!("\nqueue {word} {id}");
    }
}

async fn enqueue(store: Store) {
    for number in 0.. {
        let jobs = (0..3).map(|more| job(number * 3 + more)).collect();
        let answers = store.enqueue(jobs).await.unwrap();
        let ids = answers.into_iter().map(|(Enqueued::New(id) | Enqueued::Duplicate(id))| id);
        tell("queued", ids);
    }
}

async fn work(store: Store) {
    loop {
        for leased in claim(&store).await {
            for (id, done) in end(&store, leased).await {
                tell(if done { "done" } else { "dead" }, [id]);
            }
        }
        tokio::task::yield_now().await;
    }
}

/// Serves [`killed_processes_lose_and_repeat_nothing`]: without its variables there is nothing to
/// do.
#[tokio::test]
async fn child_works_until_it_is_killed() {
    let (Some(dir), Some(hour)) = (variable(DIR).map(PathBuf::from), variable(HOUR)) else {
        return;
    };
    let store = open(&dir, hour.parse().unwrap());
    tokio::join!(enqueue(store.clone()), work(store.clone()), work(store));
}

/// What children were told.
#[derive(Default)]
struct Told {
    queued: BTreeSet<JobId>,
    done: BTreeSet<JobId>,
    dead: BTreeSet<JobId>,
}

impl Told {
    fn hear(&mut self, line: &str) -> bool {
        let Some((word, id)) = line.strip_prefix("queue ").and_then(|l| l.split_once(' ')) else {
            return false;
        };
        let id = JobId(id.parse().unwrap());
        let first = match word {
            "queued" => self.queued.insert(id),
            "done" => self.done.insert(id) && !self.dead.contains(&id),
            _ => self.dead.insert(id) && !self.done.contains(&id),
        };
        assert!(first, "job {id} was {word} before");
        true
    }

    /// Lets a child work until it has told so many things, and kills it.
    fn kill_after(&mut self, dir: &Path, hour: i64, count: usize) {
        let mut worker = child("child_works_until_it_is_killed");
        worker.env(DIR, dir).env(HOUR, hour.to_string());
        kill_after(worker, count, |line| self.hear(line));
    }
}

async fn stats(store: &Store) -> QueueStats {
    let stats = store.stats(&acme(), QUEUE).await.unwrap();
    let parts = stats.queued + stats.done + stats.dead + stats.discarded;
    assert_eq!(stats.enqueued, parts, "{stats:?}");
    stats
}

fn count(set: &BTreeSet<JobId>) -> u64 {
    u64::try_from(set.len()).unwrap()
}

#[tokio::test]
async fn killed_processes_lose_and_repeat_nothing() {
    let kills = variable(KILLS).map_or(KILLS_DEFAULT, |kills| kills.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut told = Told::default();
    for hour in 1..=kills {
        let count = usize::try_from(1 + hour * 37 % 101).unwrap();
        told.kill_after(dir.path(), hour, count);
        check(&open(dir.path(), hour), &told).await;
    }
    drain(&open(dir.path(), kills + 1), told).await;
}

/// What was acknowledged is there; of what was not, as much as was under way.
async fn check(store: &Store, told: &Told) {
    let stats = stats(store).await;
    assert!(stats.enqueued >= count(&told.queued));
    assert!(told.queued.last().is_none_or(|last| last.0 <= stats.enqueued));
    assert!(stats.done >= count(&told.done) && stats.dead >= count(&told.dead));
}

/// Works off what is left: with it every job has come to one end, in the order of its session.
async fn drain(store: &Store, told: Told) {
    let before = stats(store).await;
    let mut last: BTreeMap<String, JobId> = BTreeMap::new();
    let mut over = BTreeSet::new();
    loop {
        let leased = claim(store).await;
        if leased.is_empty() {
            break;
        }
        for leased in leased {
            let session = leased.lease.session.clone();
            for (id, _) in end(store, leased).await {
                assert!(!told.done.contains(&id) && !told.dead.contains(&id));
                assert!(over.insert(id) && last.insert(session.clone(), id) < Some(id));
            }
        }
    }
    let stats = stats(store).await;
    assert_eq!((stats.queued, count(&over)), (0, before.queued));
    let filter = DeadFilter { limit: usize::MAX, ..DeadFilter::all(acme()) };
    let mut dead = BTreeSet::new();
    while let letters = store.dead(&DeadFilter { after: dead.last().copied(), ..filter.clone() })
        && let letters = letters.await.unwrap()
        && !letters.is_empty()
    {
        dead.extend(letters.into_iter().map(|letter| letter.id));
    }
    // Ids have no gaps, and those that must die are the dead ones.
    let must_die = (1..=stats.enqueued).filter(|id| id % 17 == 0).map(JobId);
    assert!(dead.into_iter().eq(must_die));
}
