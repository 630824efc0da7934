//! Who comes when.

use std::time::Duration;

use model::Clock;
use model::queue::{Claim, Enqueued, Held, JobId, NewJob, Queue};
use model::store::StoreErrorKind;

use super::Ports;
use super::queue::{
    SECOND, acme, check_due, claim, done, end, job, put, request, retry, skipped, stats, told,
};

pub(crate) async fn jobs_of_a_session_run_in_their_order(store: &impl Ports, _: &Clock) {
    let ids = put(store, [job("a", "1"), job("b", "1"), job("a", "2")]).await;
    put(store, [job("a", "3")]).await;
    assert_eq!(ids, [1, 2, 3].map(JobId));
    let leased = claim(store).await;
    assert_eq!(told(&leased), ["a: 1 2 3", "b: 1"]);
    assert_eq!(told(&claim(store).await), [""; 0]);
    assert_eq!(end(store, &leased[0], done(2)).await, Held::Held);
    check_due(store, &["a: 3"]).await;
    let stats = stats(store, Queue::Outbound).await;
    assert_eq!((stats.enqueued, stats.queued, stats.done, stats.leased), (4, 2, 2, 1));
}

pub(crate) async fn claim_takes_those_that_have_been_due_longest(
    store: &impl Ports,
    clock: &Clock,
) {
    let of = |session: &str, package: Option<&str>, connection: Option<&str>| NewJob {
        package: package.map(str::to_owned),
        connection: connection.map(|name| name.parse().unwrap()),
        ..job(session, "1")
    };
    let jobs = [
        of("c", Some("acme/hub"), Some("x")),
        of("a", None, None),
        of("b", Some("acme/hub"), Some("y")),
        of("d", Some("acme/news"), None),
        of("e", None, Some("x")),
    ];
    for job in jobs {
        put(store, [job]).await;
        clock.advance(SECOND);
    }
    let some = |sessions_max| Claim { sessions_max, ..request(Queue::Outbound) };
    assert_eq!(told(&store.claim(some(2)).await.unwrap()), ["c: 1", "a: 1"]);
    assert_eq!(told(&store.claim(some(0)).await.unwrap()), [""; 0]);
    assert_eq!(told(&store.claim(some(9)).await.unwrap()), ["b: 1", "d: 1", "e: 1"]);
}

pub(crate) async fn job_waits_for_its_time_and_holds_up_what_follows(
    store: &impl Ports,
    clock: &Clock,
) {
    let later = clock.now() + 2 * SECOND;
    put(store, [NewJob { run_at: Some(later), ..job("a", "1") }, job("a", "2")]).await;
    put(store, [job("b", "1"), NewJob { run_at: Some(later), ..job("b", "2") }]).await;
    assert_eq!(store.next_due(Queue::Outbound).await.unwrap(), Some(clock.now()));
    let leased = claim(store).await;
    assert_eq!(told(&leased), ["b: 1"]);
    end(store, &leased[0], done(1)).await;
    assert_eq!(store.next_due(Queue::Outbound).await.unwrap(), Some(later));
    clock.advance(2 * SECOND);
    check_due(store, &["a: 1 2", "b: 2"]).await;
}

pub(crate) async fn claims_are_bounded_as_asked(store: &impl Ports, _: &Clock) {
    put(store, (0..5).map(|name| job("a", &name.to_string()))).await;
    let two = Claim { jobs_max: 2, ..request(Queue::Outbound) };
    assert_eq!(told(&store.claim(two).await.unwrap()), ["a: 0 1"]);
}

pub(crate) async fn batch_ends_where_another_connection_or_package_begins(
    store: &impl Ports,
    _: &Clock,
) {
    let other = NewJob { package: Some("acme/news".to_owned()), ..job("a", "2") };
    put(store, [job("a", "1"), other, job("a", "3")]).await;
    for expected in ["a: 1", "a: 2", "a: 3"] {
        let leased = claim(store).await;
        assert_eq!(told(&leased), [expected]);
        let package = if expected == "a: 2" { "acme/news" } else { "acme/hub" };
        assert_eq!(leased[0].package.as_deref(), Some(package));
        end(store, &leased[0], done(1)).await;
    }
}

pub(crate) async fn skipped_package_holds_up_no_other(store: &impl Ports, _: &Clock) {
    put(store, (0..20).map(|name| job(&name.to_string(), "1"))).await;
    put(store, [NewJob { package: Some("acme/news".to_owned()), ..job("z", "1") }]).await;
    let skip = ["acme/hub".to_owned()].into();
    let claim = Claim { skip, sessions_max: 2, ..request(Queue::Outbound) };
    assert_eq!(told(&store.claim(claim.clone()).await.unwrap()), ["z: 1"]);
    assert_eq!(told(&store.claim(claim).await.unwrap()), [""; 0]);
}

pub(crate) async fn queues_and_tenants_never_meet(store: &impl Ports, _: &Clock) {
    let other = NewJob { tenant: "acme.eu".parse().unwrap(), ..job("a", "other") };
    put(store, [job("a", "1"), skipped("a", "2"), other.clone()]).await;
    assert_eq!(told(&claim(store).await), ["a: 1"]);
    let leased = store.claim(request(Queue::InboundWebhook)).await.unwrap();
    assert_eq!(told(&leased), ["a: 2"]);
    let claim = Claim { tenant: other.tenant.clone(), ..request(Queue::Outbound) };
    let leased = store.claim(claim).await.unwrap();
    assert_eq!((told(&leased), leased[0].jobs[0].id), (vec!["a: other".to_owned()], JobId(1)));
    assert_eq!(store.stats(&other.tenant, Queue::Outbound).await.unwrap().enqueued, 1);
    assert_eq!(stats(store, Queue::Outbound).await.enqueued, 1);
}

pub(crate) async fn due_tenants_are_listed_by_name_and_go_on(store: &impl Ports, clock: &Clock) {
    for name in ["d", "b", "a", "c"] {
        let run_at = (name == "b").then(|| clock.now() + SECOND);
        put(store, [NewJob { tenant: name.parse().unwrap(), run_at, ..job("a", "1") }]).await;
    }
    let listed = async |after: Option<&str>, limit| {
        let after = after.map(|name| name.parse().unwrap());
        let names = store.due_tenants(Queue::Outbound, after.as_ref(), limit).await.unwrap();
        names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(listed(None, 2).await, "a c");
    assert_eq!(listed(Some("c"), 2).await, "d");
    assert_eq!(listed(Some("d"), 2).await, "");
    assert!(store.due_tenants(Queue::Delivery, None, 9).await.unwrap().is_empty());
    clock.advance(SECOND);
    assert_eq!(listed(None, 9).await, "a b c d");
}

pub(crate) async fn oldest_is_since_when_the_first_session_waits(
    store: &impl Ports,
    clock: &Clock,
) {
    let begun = clock.now();
    put(store, [job("a", "1"), job("b", "1")]).await;
    clock.advance(SECOND);
    assert_eq!(stats(store, Queue::Outbound).await.oldest, Some(begun));
    for leased in claim(store).await {
        end(store, &leased, [retry(60)]).await;
    }
    assert_eq!(stats(store, Queue::Outbound).await.oldest, None);
    assert_eq!(store.stats(&acme(), Queue::Delivery).await.unwrap(), <_>::default());
}

pub(crate) async fn totals_are_of_all_tenants(store: &impl Ports, clock: &Clock) {
    assert!(store.totals().await.unwrap().is_empty());
    let begun = clock.now();
    let later = NewJob { tenant: "acme.eu".parse().unwrap(), ..job("a", "2") };
    put(store, [job("a", "1"), job("b", "1"), skipped("a", "1"), later]).await;
    clock.advance(SECOND);
    let leased = claim(store).await.remove(0);
    end(store, &leased, done(1)).await;
    let totals = store.totals().await.unwrap();
    let outbound = &totals[&Queue::Outbound];
    assert_eq!((outbound.enqueued, outbound.queued, outbound.done), (3, 2, 1));
    assert_eq!((outbound.oldest, totals[&Queue::InboundWebhook].queued), (Some(begun), 1));
    assert_eq!(totals.len(), 2);
}

pub(crate) async fn what_is_too_large_is_refused_by_name(store: &impl Ports, _: &Clock) {
    let long = "x".repeat(model::queue::KEY_BYTES_MAX + 1);
    let dedupe = |key: &str| {
        let until = model::queue::DedupeUntil::Finished;
        vec![model::queue::Dedupe { key: key.to_owned(), until }]
    };
    let large = "x".repeat(model::queue::PAYLOAD_BYTES_MAX + 1);
    let cases = [
        (job(&long, "1"), "name of a session"),
        (job("", "1"), "name of a session is empty"),
        (job("a\0b", "1"), "holds a NUL"),
        (job("a", &large), "payload of a job"),
        (NewJob { package: Some(String::new()), ..job("a", "1") }, "name of a package is empty"),
        (NewJob { dedupe: dedupe(&long), ..job("a", "1") }, "dedupe key"),
        (NewJob { dedupe: [0; 5].map(|_| dedupe("a")).concat(), ..job("a", "1") }, "5 dedupe keys"),
    ];
    for (refused, text) in cases {
        let error = store.enqueue(vec![job("a", "1"), refused]).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains(text), "{error}");
    }
    let many = vec![job("a", "1"); model::queue::BATCH_MAX + 1];
    assert_eq!(store.enqueue(many).await.unwrap_err().kind(), StoreErrorKind::Invalid);
    let heavy = vec![job("a", &large[1..]); 65];
    let error = store.enqueue(heavy).await.unwrap_err();
    assert!(error.to_string().contains("payloads of one call"), "{error}");
    for lease in [Duration::ZERO, Duration::MAX] {
        let error = store.claim(Claim { lease, ..request(Queue::Outbound) }).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
    }
    assert_eq!(stats(store, Queue::Outbound).await.enqueued, 0);
    let longest = job(&long[1..], &large[1..]);
    assert_eq!(store.enqueue(vec![longest]).await.unwrap(), [Enqueued::New(JobId(1))]);
    assert_eq!(claim(store).await[0].jobs[0].payload.len(), model::queue::PAYLOAD_BYTES_MAX);
}

pub(crate) async fn earlier_clock_claims_nothing_twice(store: &impl Ports, clock: &Clock) {
    let hour = Duration::from_hours(1);
    put(store, [job("a", "1"), job("b", "1")]).await;
    let leased = claim(store).await;
    end(store, &leased[1], done(1)).await;
    let start = clock.now();
    clock.set(start - hour);
    assert_eq!(told(&claim(store).await), [""; 0]);
    put(store, [job("c", "1")]).await;
    let early = claim(store).await;
    assert_eq!(told(&early), ["c: 1"]);
    assert_eq!(end(store, &leased[0], done(1)).await, Held::Held);
    clock.set(start + hour);
    let again = claim(store).await;
    assert_eq!((told(&again), again[0].jobs[0].deaths), (vec!["c: 1".to_owned()], 1));
    assert_eq!(end(store, &early[0], done(1)).await, Held::Stale);
    assert_eq!(end(store, &again[0], done(1)).await, Held::Held);
    assert_eq!(stats(store, Queue::Outbound).await.done, 3);
}
