//! Who may write.

use model::queue::{Claim, Death, Held, LeaseRef, Outcome, Queue};
use model::store::{RunStart, StoreErrorKind};
use model::{Clock, RunId};

use super::Ports;
use super::queue::{
    LEASE, LEASE_ALMOST, SECOND, check_due, claim, dead, done, end, finish, job, lose_worker, only,
    put, request, retry, skipped, stats, told,
};
use super::samples;

pub(crate) async fn lease_that_ran_out_is_claimed_again_and_fences_the_first(
    store: &impl Ports,
    clock: &Clock,
) {
    put(store, [job("a", "1"), job("a", "2")]).await;
    let first = only(store).await;
    assert_eq!(
        (first.until, first.jobs[0].attempt, first.jobs[0].deaths),
        (clock.now() + LEASE, 1, 0)
    );
    clock.advance(LEASE_ALMOST);
    assert_eq!(told(&claim(store).await), [""; 0]);
    clock.advance(SECOND);
    let second = only(store).await;
    assert!(second.lease.epoch > first.lease.epoch);
    assert_eq!((second.jobs[0].attempt, second.jobs[0].deaths), (2, 1));
    for outcomes in [vec![], done(1), vec![retry(1)], vec![dead(Death::Permanent)]] {
        assert_eq!(end(store, &first, outcomes).await, Held::Stale);
    }
    let held = store.renew(vec![first.lease, second.lease.clone()], LEASE).await.unwrap();
    assert_eq!(held, [Held::Stale, Held::Held]);
    assert_eq!(end(store, &second, done(1)).await, Held::Held);
    let stats = stats(store, Queue::Outbound).await;
    assert_eq!((stats.queued, stats.done, stats.leased), (1, 1, 0));
}

pub(crate) async fn lease_ends_once(store: &impl Ports, _: &Clock) {
    put(store, [job("a", "1"), job("a", "2")]).await;
    let leased = only(store).await;
    let twice = vec![finish(&leased, done(1)), finish(&leased, done(1))];
    assert_eq!(store.finish(twice).await.unwrap(), [Held::Held, Held::Stale]);
    assert_eq!(store.renew(vec![leased.lease], LEASE).await.unwrap(), [Held::Stale]);
    check_due(store, &["a: 2"]).await;
}

pub(crate) async fn epochs_are_not_used_again_by_a_session_that_was_empty(
    store: &impl Ports,
    clock: &Clock,
) {
    put(store, [job("a", "1")]).await;
    let first = only(store).await;
    end(store, &first, done(1)).await;
    put(store, [job("a", "2")]).await;
    lose_worker(store, clock).await;
    let last = only(store).await;
    assert_eq!(end(store, &first, done(1)).await, Held::Stale);
    assert_eq!(end(store, &last, done(1)).await, Held::Held);
}

pub(crate) async fn renewed_lease_lasts_from_now(store: &impl Ports, clock: &Clock) {
    put(store, [job("a", "1")]).await;
    let leased = only(store).await;
    clock.advance(LEASE_ALMOST);
    assert_eq!(store.renew(vec![leased.lease.clone()], LEASE).await.unwrap(), [Held::Held]);
    clock.advance(LEASE_ALMOST);
    assert_eq!(told(&claim(store).await), [""; 0]);
    clock.advance(2 * SECOND);
    // It has run out, but nobody else has claimed the session.
    assert_eq!(store.renew(vec![leased.lease.clone()], LEASE).await.unwrap(), [Held::Held]);
    assert_eq!(end(store, &leased, done(1)).await, Held::Held);
    let unknown = LeaseRef { session: "never".to_owned(), ..leased.lease };
    assert_eq!(store.renew(vec![unknown], LEASE).await.unwrap(), [Held::Stale]);
}

pub(crate) async fn attempts_are_counted_when_claimed_but_not_for_what_went_back(
    store: &impl Ports,
    clock: &Clock,
) {
    put(store, [job("a", "1"), job("a", "2")]).await;
    let first = only(store).await;
    assert_eq!(end(store, &first, [retry(1)]).await, Held::Held);
    clock.advance(SECOND);
    let second = only(store).await;
    let counted: Vec<_> = second.jobs.iter().map(|job| (job.attempt, job.failures.len())).collect();
    assert_eq!(counted, [(2, 1), (1, 0)]);
    assert_eq!(second.jobs[0].failures[0].error.code, "acme.down");
    let until = clock.now() + SECOND;
    assert_eq!(end(store, &second, [Outcome::Defer { until }]).await, Held::Held);
    assert_eq!(told(&claim(store).await), [""; 0]);
    clock.advance(SECOND);
    assert_eq!(only(store).await.jobs[0].attempt, 2);
}

pub(crate) async fn failures_are_kept_to_the_newest(store: &impl Ports, clock: &Clock) {
    put(store, [job("a", "1")]).await;
    for _ in 0..20 {
        let leased = only(store).await;
        let failure = super::queue::failure(&format!("acme.{}", leased.jobs[0].attempt));
        end(store, &leased, [Outcome::Retry { after: SECOND, failure }]).await;
        clock.advance(SECOND);
    }
    let failures = &only(store).await.jobs[0].failures;
    assert_eq!(failures.len(), model::queue::FAILURES_MAX);
    assert_eq!((&*failures[0].error.code, &*failures[15].error.code), ("acme.5", "acme.20"));
}

pub(crate) async fn job_that_lost_a_worker_is_handed_out_alone(store: &impl Ports, clock: &Clock) {
    put(store, ["1", "2", "3"].map(|name| job("a", name))).await;
    lose_worker(store, clock).await;
    put(store, [job("a", "4")]).await;
    for (name, deaths) in [("1", 1), ("2", 1), ("3", 1), ("4", 0)] {
        let leased = only(store).await;
        assert_eq!(told(std::slice::from_ref(&leased)), [format!("a: {name}")]);
        assert_eq!((leased.jobs[0].deaths, leased.jobs[0].attempt), (deaths, 1 + deaths));
        end(store, &leased, done(1)).await;
    }
}

pub(crate) async fn death_that_decides_counts_only_for_who_was_alone_at_work(
    store: &impl Ports,
    clock: &Clock,
) {
    put(store, [job("a", "1")]).await;
    // Whoever claims it dies: twice beside others, twice more, and once alone.
    for (alone, deaths) in [(false, 0), (false, 1), (false, 2), (false, 2), (true, 2), (false, 3)] {
        let claim = Claim { alone, ..request(Queue::Outbound) };
        let leased = store.claim(claim).await.unwrap().remove(0);
        assert_eq!((leased.jobs[0].deaths, leased.jobs[0].attempt), (deaths, deaths + 1));
        clock.advance(LEASE);
    }
}

pub(crate) async fn outcomes_that_are_not_of_the_claim_are_refused_whole(
    store: &impl Ports,
    _: &Clock,
) {
    put(store, [job("a", "1"), job("a", "2"), job("b", "1")]).await;
    let leased = store.claim(Claim { jobs_max: 2, ..request(Queue::Outbound) }).await.unwrap();
    let [a, b] = [&leased[0], &leased[1]];
    let mut swapped = finish(a, done(2));
    swapped.outcomes.reverse();
    let mut many = finish(a, done(2));
    many.outcomes.push(many.outcomes[0].clone());
    let wrong = [
        swapped,
        many,
        finish(a, [retry(1), Outcome::Done]),
        finish(a, [Outcome::Defer { until: a.until }, Outcome::Done]),
        finish(a, [dead(Death::Permanent), Outcome::Done]),
    ];
    for wrong in wrong {
        let error = store.finish(vec![finish(b, done(1)), wrong]).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
    }
    let both = vec![finish(b, done(1)), finish(a, done(2))];
    assert_eq!(store.finish(both).await.unwrap(), [Held::Held; 2]);
    assert_eq!(stats(store, Queue::Outbound).await.done, 3);
}

pub(crate) async fn run_of_a_lost_claim_writes_nothing(store: &impl Ports, clock: &Clock) {
    put(store, [skipped("sync/hub", "1")]).await;
    let first = only(store).await;
    let start =
        |lease: &LeaseRef| RunStart { lease: Some(lease.clone()), ..samples::start("acme/hub", 0) };
    let run = store.begin_run(start(&first.lease)).await.unwrap().reference();
    store.commit_page(samples::page(&run, vec![samples::record("1", "a")])).await.unwrap();
    clock.advance(LEASE);
    let second = only(store).await;
    let page = samples::page(&run, vec![samples::record("2", "a")]);
    let error = store.commit_page(page).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fenced);
    assert!(error.to_string().contains("\"sync/hub\" in inbound-webhook of acme"), "{error}");
    let ended = samples::end(&run, model::run::RunStatus::Succeeded);
    let error = store.finish_run(ended).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fenced);
    let error = store.begin_run(start(&first.lease)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fenced);
    assert_eq!(store.begin_run(start(&second.lease)).await.unwrap().id, RunId(2));
}
