//! Dead letters.

use std::time::Duration;

use model::Clock;
use model::queue::{DeadFilter, Death, Held, JobId, NewJob, Outcome, Queue, Redrive, RedriveTo};
use model::store::{EventKind, StoreErrorKind};

use super::Ports;
use super::queue::{
    SECOND, acme, check_due, claim, dead, done, end, job, kill, letters, only, put, redrive,
    request, retry, skipped, stats, told,
};

pub(crate) async fn dead_job_is_kept_with_all_that_is_known(store: &impl Ports, clock: &Clock) {
    let enqueued = clock.now();
    put(store, [job("a", "1")]).await;
    let leased = only(store).await;
    end(store, &leased, [retry(1)]).await;
    clock.advance(SECOND);
    kill(store, Death::Exhausted).await;
    let letters = store.dead(&letters()).await.unwrap();
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!((letter.id, letter.attempts, letter.why), (JobId(1), 2, Death::Exhausted));
    assert_eq!((letter.enqueued, letter.died), (enqueued, enqueued + SECOND));
    assert_eq!((&*letter.payload, &*letter.session), (&b"1"[..], "a"));
    assert_eq!((letter.queue, letter.package.as_deref()), (Queue::Outbound, Some("acme/hub")));
    let codes: Vec<_> = letter.failures.iter().map(|failure| &*failure.error.code).collect();
    assert_eq!(codes, ["acme.down", "acme.broken"]);
}

pub(crate) async fn session_that_blocks_waits_for_a_person(store: &impl Ports, _: &Clock) {
    put(store, [job("a", "1"), job("a", "2")]).await;
    let first = kill(store, Death::Permanent).await;
    put(store, [job("a", "3")]).await;
    check_due(store, &[]).await;
    assert_eq!(store.redrive(&letters(), redrive(RedriveTo::Head)).await.unwrap(), 1);
    let leased = only(store).await;
    assert_eq!(told(std::slice::from_ref(&leased)), ["a: 1 2 3"]);
    assert_eq!((leased.jobs[0].id, leased.jobs[0].attempt), (first, 1));
    end(store, &leased, [dead(Death::Permanent)]).await;
    assert_eq!(store.discard(&letters(), "no use").await.unwrap(), 1);
    check_due(store, &["a: 2 3"]).await;
    kill(store, Death::Permanent).await;
    assert_eq!(store.redrive(&letters(), redrive(RedriveTo::Tail)).await.unwrap(), 1);
    check_due(store, &["a: 3 2"]).await;
    let stats = stats(store, Queue::Outbound).await;
    assert_eq!((stats.enqueued, stats.queued, stats.discarded), (3, 2, 1));
}

pub(crate) async fn blocked_session_without_jobs_stays_blocked(store: &impl Ports, _: &Clock) {
    put(store, [job("a", "1")]).await;
    kill(store, Death::Permanent).await;
    put(store, [job("a", "2")]).await;
    check_due(store, &[]).await;
    store.discard(&letters(), "").await.unwrap();
    check_due(store, &["a: 2"]).await;
}

pub(crate) async fn session_that_skips_goes_on(store: &impl Ports, _: &Clock) {
    put(store, ["1", "2", "3"].map(|name| skipped("a", name))).await;
    let leased = only(store).await;
    let outcomes = [dead(Death::Permanent), dead(Death::Permanent), Outcome::Done];
    assert_eq!(end(store, &leased, outcomes).await, Held::Held);
    let counts = stats(store, Queue::InboundWebhook).await;
    assert_eq!((counts.queued, counts.done, counts.dead), (0, 1, 2));
    assert_eq!(store.redrive(&letters(), redrive(RedriveTo::Head)).await.unwrap(), 2);
    let leased = only(store).await;
    assert_eq!(told(std::slice::from_ref(&leased)), ["a: 1 2"]);
}

pub(crate) async fn letter_comes_back_before_a_job_at_work(store: &impl Ports, clock: &Clock) {
    put(store, [skipped("a", "1"), skipped("a", "2"), skipped("a", "3")]).await;
    kill(store, Death::Permanent).await;
    let leased = only(store).await;
    assert_eq!(store.redrive(&letters(), redrive(RedriveTo::Head)).await.unwrap(), 1);
    assert_eq!(told(&store.claim(request(Queue::InboundWebhook)).await.unwrap()), [""; 0]);
    assert_eq!(end(store, &leased, done(1)).await, Held::Held);
    let leased = only(store).await;
    assert_eq!(told(std::slice::from_ref(&leased)), ["a: 1 3"]);
    // A head that is to wait, put before a lease that runs out: there is nothing to claim.
    end(store, &leased, [dead(Death::Permanent)]).await;
    let lost = only(store).await;
    let late = Redrive { delay: Duration::from_mins(10), ..redrive(RedriveTo::Head) };
    assert_eq!(store.redrive(&letters(), late).await.unwrap(), 1);
    clock.advance(Duration::from_mins(2));
    assert_eq!(told(&store.claim(request(Queue::InboundWebhook)).await.unwrap()), [""; 0]);
    assert_eq!(end(store, &lost, done(1)).await, Held::Stale);
    assert_eq!(stats(store, Queue::InboundWebhook).await.leased, 0);
    clock.advance(Duration::from_mins(8));
    assert_eq!(told(&[only(store).await]), ["a: 1"]);
}

pub(crate) async fn letters_are_chosen_by_every_condition(store: &impl Ports, _: &Clock) {
    let other = NewJob {
        connection: Some("news".parse().unwrap()),
        package: Some("acme/news".to_owned()),
        ..skipped("b", "2")
    };
    put(store, [skipped("a", "1")]).await;
    kill(store, Death::Permanent).await;
    put(store, [other]).await;
    kill(store, Death::Permanent).await;
    put(store, [job("c", "3")]).await;
    kill(store, Death::Permanent).await;
    let all = letters;
    let cases = [
        (all(), "1 2 3"),
        (DeadFilter { queue: Some(Queue::Outbound), ..all() }, "3"),
        (DeadFilter { connection: Some("news".parse().unwrap()), ..all() }, "2"),
        (DeadFilter { package: Some("acme/hub".to_owned()), ..all() }, "1 3"),
        (DeadFilter { code: Some("acme.broken".to_owned()), ..all() }, "1 2 3"),
        (DeadFilter { code: Some("acme.down".to_owned()), ..all() }, ""),
        (DeadFilter { ids: Some([JobId(1), JobId(3), JobId(9)].into()), ..all() }, "1 3"),
        (
            DeadFilter { ids: Some([JobId(1), JobId(3)].into()), after: Some(JobId(1)), ..all() },
            "3",
        ),
        (DeadFilter { after: Some(JobId(1)), limit: 1, ..all() }, "2"),
        (DeadFilter { after: Some(JobId(u64::MAX)), ..all() }, ""),
        (DeadFilter { limit: 0, ..all() }, ""),
        (DeadFilter { tenant: "other".parse().unwrap(), ..all() }, ""),
    ];
    for (filter, expected) in cases {
        let found = store.dead(&filter).await.unwrap();
        let ids: Vec<_> = found.iter().map(|letter| letter.id.to_string()).collect();
        assert_eq!(ids.join(" "), expected, "{filter:?}");
    }
}

pub(crate) async fn letters_come_back_in_steps_and_apart(store: &impl Ports, clock: &Clock) {
    put(store, (1..=5).map(|name| skipped(&name.to_string(), "x"))).await;
    for leased in store.claim(request(Queue::InboundWebhook)).await.unwrap() {
        end(store, &leased, [dead(Death::Permanent)]).await;
    }
    let two = DeadFilter { limit: 2, ..letters() };
    let mut delay = Duration::ZERO;
    let mut counts = Vec::new();
    loop {
        let redrive = Redrive { spacing: SECOND, delay, ..redrive(RedriveTo::Tail) };
        let count = store.redrive(&two, redrive).await.unwrap();
        counts.push(count);
        delay += SECOND * u32::try_from(count).unwrap();
        if count == 0 {
            break;
        }
    }
    assert_eq!(counts, [2, 2, 1, 0]);
    for name in 1..=5 {
        assert_eq!(told(&[only(store).await]), [format!("{name}: x")]);
        clock.advance(SECOND);
    }
}

pub(crate) async fn letter_comes_back_with_another_payload(store: &impl Ports, _: &Clock) {
    put(store, [job("a", "wrong")]).await;
    let id = kill(store, Death::Permanent).await;
    let edited = |text: String| Redrive { payload: Some(text.into()), ..redrive(RedriveTo::Head) };
    let one = DeadFilter { ids: Some([id].into()), ..letters() };
    let large = "x".repeat(model::queue::PAYLOAD_BYTES_MAX + 1);
    for (filter, redrive) in [(&letters(), edited("right".to_owned())), (&one, edited(large))] {
        let error = store.redrive(filter, redrive).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
    }
    assert_eq!(store.redrive(&one, edited("right".to_owned())).await.unwrap(), 1);
    check_due(store, &["a: right"]).await;
}

pub(crate) async fn quarantine_lasts_until_a_person_acts(store: &impl Ports, clock: &Clock) {
    put(store, ["1", "2"].map(|name| skipped("a", name))).await;
    kill(store, Death::Quarantined).await;
    put(store, [skipped("b", "1")]).await;
    let leased = store.claim(request(Queue::InboundWebhook)).await.unwrap();
    let refused: Vec<_> = leased.iter().map(|leased| leased.quarantined.as_deref()).collect();
    assert_eq!(refused, [Some("sha256:00"), None]);
    end(store, &leased[0], done(1)).await;
    end(store, &leased[1], done(1)).await;
    put(store, [skipped("a", "3")]).await;
    let leased = only(store).await;
    assert_eq!(leased.quarantined.as_deref(), Some("sha256:00"));
    let until = clock.now() + Duration::from_hours(1);
    end(store, &leased, [Outcome::Defer { until }]).await;
    store.redrive(&letters(), redrive(RedriveTo::Tail)).await.unwrap();
    let leased = store.claim(request(Queue::InboundWebhook)).await.unwrap();
    assert_eq!(told(&leased), ["a: 3 1"], "what waited for another package goes on as well");
    assert_eq!(leased[0].quarantined, None);
}

pub(crate) async fn deaths_and_what_people_do_are_events(store: &impl Ports, _: &Clock) {
    put(store, [job("a", "1")]).await;
    kill(store, Death::Permanent).await;
    store.redrive(&letters(), redrive(RedriveTo::Head)).await.unwrap();
    kill(store, Death::Exhausted).await;
    store.discard(&letters(), "no use").await.unwrap();
    let died = |why| EventKind::JobDied {
        job: JobId(1),
        queue: Queue::Outbound,
        session: "a".to_owned(),
        why,
        code: "acme.broken".to_owned(),
    };
    let (job, queue) = (JobId(1), Queue::Outbound);
    let expected = [
        died(Death::Permanent),
        EventKind::JobRedriven { job, queue },
        died(Death::Exhausted),
        EventKind::JobDiscarded { job, queue, reason: "no use".to_owned() },
    ];
    let events = store.events(&acme(), 0, 10).await.unwrap();
    assert!(events.iter().all(|event| event.connection == Some("hub".parse().unwrap())));
    assert!(events.iter().map(|event| event.seq).eq(1..=4));
    assert!(events.into_iter().map(|event| event.kind).eq(expected));
    assert_eq!(told(&claim(store).await), [""; 0]);
}
