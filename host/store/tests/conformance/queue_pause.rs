//! Pauses.

use model::Clock;
use model::queue::{Held, NewJob, Pause, PauseScope, Queue};
use model::store::StoreErrorKind;

use super::Ports;
use super::queue::{LEASE, SECOND, acme, check_due, claim, done, end, job, only, put, stats, told};

fn pause(scope: PauseScope, clock: &Clock) -> Pause {
    Pause { scope, reason: "because".to_owned(), since: clock.now(), until: None }
}

fn session(name: &str) -> PauseScope {
    PauseScope::Session(Queue::Outbound, name.to_owned())
}

fn hub() -> PauseScope {
    PauseScope::Connection("hub".parse().unwrap())
}

fn package() -> PauseScope {
    PauseScope::Package("acme/hub".to_owned())
}

/// The jobs `a` of the connection `hub` and `b` of `news`, each of a package, with a pause that holds up some.
async fn check(store: &impl Ports, clock: &Clock, scope: PauseScope, expected: &[&str]) {
    let (connection, package) = (Some("news".parse().unwrap()), Some("acme/news".to_owned()));
    let news = NewJob { connection, package, ..job("b", "1") };
    put(store, [job("a", "1"), news]).await;
    let pause = pause(scope.clone(), clock);
    store.pause(&acme(), pause.clone()).await.unwrap();
    assert_eq!(store.pauses(&acme(), None, 9).await.unwrap(), [pause]);
    assert!(store.pauses(&"other".parse().unwrap(), None, 9).await.unwrap().is_empty());
    let is_due = !expected.is_empty();
    assert_eq!(store.next_due(Queue::Outbound).await.unwrap().is_some(), is_due);
    let tenants = store.due_tenants(Queue::Outbound, None, 9).await.unwrap();
    assert_eq!(tenants.len(), usize::from(is_due));
    assert_eq!(stats(store, Queue::Outbound).await.oldest.is_some(), is_due);
    check_due(store, expected).await;
    assert!(store.resume(&acme(), &scope).await.unwrap());
    assert!(!store.resume(&acme(), &scope).await.unwrap());
    assert!(store.pauses(&acme(), None, 9).await.unwrap().is_empty());
    check_due(store, &["a: 1", "b: 1"]).await;
}

pub(crate) async fn paused_queue_hands_out_nothing(store: &impl Ports, clock: &Clock) {
    check(store, clock, PauseScope::Queue(Queue::Outbound), &[]).await;
}

pub(crate) async fn paused_session_waits_and_others_do_not(store: &impl Ports, clock: &Clock) {
    check(store, clock, session("a"), &["b: 1"]).await;
}

pub(crate) async fn paused_connection_waits_and_others_do_not(store: &impl Ports, clock: &Clock) {
    check(store, clock, hub(), &["b: 1"]).await;
}

pub(crate) async fn paused_package_waits_and_others_do_not(store: &impl Ports, clock: &Clock) {
    check(store, clock, package(), &["b: 1"]).await;
    // A name that begins alike is another one.
    put(store, [NewJob { package: Some("acme/hubs".to_owned()), ..job("c", "1") }]).await;
    store.pause(&acme(), pause(package(), clock)).await.unwrap();
    check_due(store, &["b: 1", "c: 1"]).await;
    // Whoever pauses one and the other has both rest until both are over.
    store.pause(&acme(), pause(hub(), clock)).await.unwrap();
    store.resume(&acme(), &package()).await.unwrap();
    check_due(store, &["b: 1"]).await;
}

pub(crate) async fn pause_before_the_first_job_holds(store: &impl Ports, clock: &Clock) {
    for scope in [session("a"), hub(), package()] {
        store.pause(&acme(), pause(scope.clone(), clock)).await.unwrap();
        put(store, [job("a", "1")]).await;
        check_due(store, &[]).await;
        store.resume(&acme(), &scope).await.unwrap();
        let leased = only(store).await;
        end(store, &leased, done(1)).await;
    }
}

pub(crate) async fn pauses_are_listed_in_parts(store: &impl Ports, clock: &Clock) {
    let over = Pause { until: Some(clock.now()), ..pause(session("b"), clock) };
    let scopes = [PauseScope::Queue(Queue::Delivery), session("a"), session("c"), hub(), package()];
    for pause in scopes.iter().map(|scope| pause(scope.clone(), clock)).chain([over]) {
        store.pause(&acme(), pause).await.unwrap();
    }
    let mut listed = Vec::new();
    loop {
        let after: Option<&Pause> = listed.last();
        let more = store.pauses(&acme(), after.map(|pause| &pause.scope), 2).await.unwrap();
        assert!(more.len() <= 2);
        if more.is_empty() {
            break;
        }
        listed.extend(more);
    }
    assert!(listed.iter().map(|pause| &pause.scope).eq(&scopes), "{listed:?}");
}

pub(crate) async fn pause_ends_by_itself(store: &impl Ports, clock: &Clock) {
    put(store, [job("a", "1")]).await;
    for scope in [session("a"), hub(), package(), PauseScope::Queue(Queue::Outbound)] {
        let until = clock.now() + SECOND;
        let paused = Pause { until: Some(until), ..pause(scope.clone(), clock) };
        store.pause(&acme(), paused).await.unwrap();
        check_due(store, &[]).await;
        assert_eq!(store.next_due(Queue::Outbound).await.unwrap(), Some(until));
        clock.advance(SECOND);
        assert!(store.pauses(&acme(), None, 9).await.unwrap().is_empty());
        check_due(store, &["a: 1"]).await;
        assert!(!store.resume(&acme(), &scope).await.unwrap());
    }
}

pub(crate) async fn pause_is_replaced_by_another_of_its_scope(store: &impl Ports, clock: &Clock) {
    put(store, [job("a", "1")]).await;
    for scope in [session("a"), hub(), package(), PauseScope::Queue(Queue::Outbound)] {
        let until = Some(clock.now() + SECOND);
        store.pause(&acme(), Pause { until, ..pause(scope.clone(), clock) }).await.unwrap();
        store.pause(&acme(), pause(scope.clone(), clock)).await.unwrap();
        clock.advance(SECOND);
        check_due(store, &[]).await;
        assert_eq!(store.pauses(&acme(), None, 9).await.unwrap().len(), 1);
        store.resume(&acme(), &scope).await.unwrap();
    }
    check_due(store, &["a: 1"]).await;
}

pub(crate) async fn lease_under_a_pause_ends_as_ever(store: &impl Ports, clock: &Clock) {
    put(store, [job("a", "1"), job("a", "2")]).await;
    for scope in [session("a"), hub(), package(), PauseScope::Queue(Queue::Outbound)] {
        let leased = only(store).await;
        store.pause(&acme(), pause(scope.clone(), clock)).await.unwrap();
        assert_eq!(store.renew(vec![leased.lease.clone()], LEASE).await.unwrap(), [Held::Held]);
        clock.advance(LEASE + SECOND);
        assert_eq!(told(&claim(store).await), [""; 0]);
        assert_eq!(end(store, &leased, []).await, Held::Held);
        assert_eq!(told(&claim(store).await), [""; 0]);
        store.resume(&acme(), &scope).await.unwrap();
    }
    check_due(store, &["a: 1 2"]).await;
}

pub(crate) async fn pause_of_what_has_no_name_is_refused(store: &impl Ports, clock: &Clock) {
    let long = Pause { reason: "x".repeat(2_000), ..pause(hub(), clock) };
    let nameless = pause(PauseScope::Package(String::new()), clock);
    for pause in [pause(session(""), clock), nameless, long] {
        let error = store.pause(&acme(), pause).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
    }
}
