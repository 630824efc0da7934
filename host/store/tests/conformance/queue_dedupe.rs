//! Keys that refuse a second job.

use std::time::Duration;

use model::Clock;
use model::queue::{Death, Dedupe, DedupeUntil, Enqueued, JobId, NewJob, Queue, RedriveTo};

use super::Ports;
use super::queue::{SECOND, dead, done, end, job, kill, letters, only, put, redrive, stats};

fn keyed(name: &str, keys: &[(&str, DedupeUntil)]) -> NewJob {
    let dedupe = keys.iter().map(|&(key, until)| Dedupe { key: key.to_owned(), until }).collect();
    NewJob { dedupe, ..job("a", name) }
}

const FINISHED: DedupeUntil = DedupeUntil::Finished;
const DAY: DedupeUntil = DedupeUntil::Elapsed(Duration::from_hours(24));

pub(crate) async fn key_holds_until_its_job_is_finished(store: &impl Ports, clock: &Clock) {
    let one = || keyed("1", &[("k", FINISHED)]);
    let answers = store.enqueue(vec![one(), one(), job("a", "2")]).await.unwrap();
    let (new, same) = (Enqueued::New(JobId(1)), Enqueued::Duplicate(JobId(1)));
    assert_eq!(answers, [new, same, Enqueued::New(JobId(2))]);
    let leased = only(store).await;
    assert_eq!(store.enqueue(vec![one()]).await.unwrap(), [same]);
    end(store, &leased, [super::queue::retry(1)]).await;
    assert_eq!(store.enqueue(vec![one()]).await.unwrap(), [same]);
    clock.advance(SECOND);
    let leased = only(store).await;
    end(store, &leased, done(1)).await;
    assert_eq!(store.enqueue(vec![one()]).await.unwrap(), [Enqueued::New(JobId(3))]);
    assert_eq!(stats(store, Queue::Outbound).await.enqueued, 3);
}

pub(crate) async fn key_holds_for_its_time_whatever_becomes_of_the_job(
    store: &impl Ports,
    clock: &Clock,
) {
    let one = || keyed("1", &[("tick", DAY)]);
    put(store, [one()]).await;
    let leased = only(store).await;
    end(store, &leased, done(1)).await;
    clock.advance(Duration::from_secs(24 * 3_600 - 1));
    assert_eq!(store.enqueue(vec![one()]).await.unwrap(), [Enqueued::Duplicate(JobId(1))]);
    clock.advance(SECOND);
    assert_eq!(store.enqueue(vec![one()]).await.unwrap(), [Enqueued::New(JobId(2))]);
    clock.advance(Duration::from_hours(23));
    // What others leave behind is swept, and the key taken again is not.
    put(store, (0..9).map(|n| keyed("x", &[(&n.to_string(), DAY)]))).await;
    assert_eq!(store.enqueue(vec![one()]).await.unwrap(), [Enqueued::Duplicate(JobId(2))]);
}

pub(crate) async fn one_key_that_holds_is_enough(store: &impl Ports, _: &Clock) {
    put(store, [keyed("1", &[("sync", FINISHED), ("tick-1", DAY)])]).await;
    let second = keyed("2", &[("sync", FINISHED), ("tick-2", DAY)]);
    let same = [Enqueued::Duplicate(JobId(1))];
    assert_eq!(store.enqueue(vec![second.clone()]).await.unwrap(), same);
    let leased = only(store).await;
    end(store, &leased, done(1)).await;
    let again = keyed("1", &[("sync", FINISHED), ("tick-1", DAY)]);
    assert_eq!(store.enqueue(vec![again]).await.unwrap(), same);
    // A refused job has taken none of its keys.
    assert_eq!(store.enqueue(vec![second]).await.unwrap(), [Enqueued::New(JobId(2))]);
}

pub(crate) async fn keys_of_another_queue_or_tenant_do_not_count(store: &impl Ports, _: &Clock) {
    let one = keyed("1", &[("k", FINISHED)]);
    let other = NewJob { queue: Queue::Delivery, ..one.clone() };
    let third = NewJob { tenant: "other".parse().unwrap(), ..one.clone() };
    assert_eq!(put(store, [one, other, third]).await, [1, 2, 1].map(JobId));
}

pub(crate) async fn dead_job_lets_go_of_its_key_and_takes_it_again(store: &impl Ports, _: &Clock) {
    let one = || keyed("1", &[("k", FINISHED)]);
    put(store, [one()]).await;
    kill(store, Death::Permanent).await;
    store.redrive(&letters(), redrive(RedriveTo::Head)).await.unwrap();
    assert_eq!(store.enqueue(vec![one()]).await.unwrap(), [Enqueued::Duplicate(JobId(1))]);
    kill(store, Death::Permanent).await;
    assert_eq!(put(store, [one()]).await, [JobId(2)]);
    store.redrive(&letters(), redrive(RedriveTo::Head)).await.unwrap();
    let leased = only(store).await;
    end(store, &leased, [model::queue::Outcome::Done, dead(Death::Permanent)]).await;
    store.discard(&letters(), "").await.unwrap();
    assert_eq!(put(store, [one()]).await, [JobId(3)]);
}
