//! What the tests of the queues share.

use std::collections::BTreeSet;
use std::time::Duration;

use model::queue::{
    Claim, DeadFilter, Death, Enqueued, Failure, Finish, Held, JobId, LeaseRef, Leased, NewJob,
    Outcome, Queue, QueueStats, Redrive, RedriveTo,
};
use model::{Clock, Error, ErrorKind, TenantId, Timestamp};

use super::Ports;

pub(crate) const LEASE: Duration = Duration::from_secs(90);
/// A second less.
pub(crate) const LEASE_ALMOST: Duration = Duration::from_secs(89);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn acme() -> TenantId {
    "acme".parse().unwrap()
}

/// A job of a session that blocks on a dead one; its payload is its name.
pub(crate) fn job(session: &str, name: &str) -> NewJob {
    NewJob {
        tenant: acme(),
        queue: Queue::Outbound,
        session: session.to_owned(),
        connection: Some("hub".parse().unwrap()),
        package: Some("acme/hub".to_owned()),
        payload: name.to_owned().into(),
        run_at: None,
        dedupe: Vec::new(),
    }
}

/// A job of a session that goes on behind a dead one.
pub(crate) fn skipped(session: &str, name: &str) -> NewJob {
    NewJob { queue: Queue::InboundWebhook, ..job(session, name) }
}

pub(crate) async fn put(store: &impl Ports, jobs: impl IntoIterator<Item = NewJob>) -> Vec<JobId> {
    let answers = store.enqueue(jobs.into_iter().collect()).await.unwrap();
    assert!(answers.iter().all(|answer| matches!(answer, Enqueued::New(_))), "{answers:?}");
    answers.into_iter().map(|(Enqueued::New(id) | Enqueued::Duplicate(id))| id).collect()
}

pub(crate) fn request(queue: Queue) -> Claim {
    Claim {
        worker: "worker".to_owned(),
        queue,
        tenant: acme(),
        skip: BTreeSet::new(),
        sessions_max: 10,
        jobs_max: 10,
        lease: LEASE,
        alone: false,
    }
}

pub(crate) async fn claim(store: &impl Ports) -> Vec<Leased> {
    store.claim(request(Queue::Outbound)).await.unwrap()
}

/// The one session that is due, in either queue of the tests.
pub(crate) async fn only(store: &impl Ports) -> Leased {
    let mut leased = claim(store).await;
    leased.extend(store.claim(request(Queue::InboundWebhook)).await.unwrap());
    assert_eq!(leased.len(), 1, "{leased:?}");
    leased.pop().unwrap()
}

/// `session: job job` of each.
pub(crate) fn told(leased: &[Leased]) -> Vec<String> {
    leased
        .iter()
        .map(|leased| {
            let names = leased.jobs.iter().map(|job| str::from_utf8(&job.payload).unwrap());
            format!("{}: {}", leased.lease.session, names.collect::<Vec<_>>().join(" "))
        })
        .collect()
}

/// Claims all that is due and lets go of it again.
pub(crate) async fn check_due(store: &impl Ports, expected: &[&str]) {
    let leased = claim(store).await;
    assert_eq!(told(&leased), expected);
    for leased in &leased {
        assert_eq!(end(store, leased, []).await, Held::Held);
    }
}

/// Ends a claim with outcomes for the first of its jobs.
pub(crate) async fn end(
    store: &impl Ports,
    leased: &Leased,
    outcomes: impl IntoIterator<Item = Outcome>,
) -> Held {
    store.finish(vec![finish(leased, outcomes)]).await.unwrap()[0]
}

pub(crate) fn finish(leased: &Leased, outcomes: impl IntoIterator<Item = Outcome>) -> Finish {
    let ids = leased.jobs.iter().map(|job| job.id);
    Finish {
        lease: leased.lease.clone(),
        outcomes: ids.zip(outcomes).collect(),
        effects: Vec::new(),
    }
}

pub(crate) fn done(count: usize) -> Vec<Outcome> {
    vec![Outcome::Done; count]
}

pub(crate) fn failure(code: &str) -> Failure {
    Failure {
        at: Timestamp::UNIX_EPOCH,
        attempt: 1,
        error: Error::new(ErrorKind::Unavailable, code, "no answer"),
        digest: Some("sha256:00".to_owned()),
        progressed: false,
    }
}

pub(crate) fn retry(seconds: u64) -> Outcome {
    Outcome::Retry { after: Duration::from_secs(seconds), failure: failure("acme.down") }
}

pub(crate) fn dead(why: Death) -> Outcome {
    Outcome::Dead { failure: failure("acme.broken"), why }
}

/// Kills the first job of the only session; its id.
pub(crate) async fn kill(store: &impl Ports, why: Death) -> JobId {
    let leased = only(store).await;
    assert_eq!(end(store, &leased, [dead(why)]).await, Held::Held);
    leased.jobs[0].id
}

pub(crate) fn letters() -> DeadFilter {
    DeadFilter {
        tenant: acme(),
        queue: None,
        connection: None,
        package: None,
        code: None,
        ids: None,
        after: None,
        limit: 100,
    }
}

pub(crate) fn redrive(to: RedriveTo) -> Redrive {
    Redrive { to, payload: None, delay: Duration::ZERO, spacing: Duration::ZERO }
}

/// The counts of a queue, which add up.
pub(crate) async fn stats(store: &impl Ports, queue: Queue) -> QueueStats {
    let stats = store.stats(&acme(), queue).await.unwrap();
    let parts = stats.queued + stats.done + stats.dead + stats.discarded;
    assert_eq!(stats.enqueued, parts, "{stats:?}");
    stats
}

/// Lets a worker die, and its lease run out.
pub(crate) async fn lose_worker(store: &impl Ports, clock: &Clock) -> LeaseRef {
    let leased = only(store).await;
    clock.advance(LEASE);
    leased.lease
}
