//! Sessions of browsers.

use std::time::Duration;

use model::api_key::{ApiKey, SESSIONS_MAX, Session};
use model::store::StoreErrorKind;
use model::tenant::TenantRemoval;
use model::{Clock, Timestamp};

use super::Ports;
use super::api_keys::key;
use super::queue::acme;
use super::samples::at;
use super::tenant_store::tenant;

const HOUR: Duration = Duration::from_hours(1);

/// A session that begins now and ends in an hour.
fn session(clock: &Clock, number: u8, of: &ApiKey) -> Session {
    let created = clock.now();
    Session {
        hash: [number; 32],
        csrf: [0xcc; 32],
        key: of.id.clone(),
        created,
        expires: created.saturating_add(HOUR).unwrap(),
    }
}

/// An operator's key, one of a tenant, and one that ends after half an hour.
async fn keys(store: &impl Ports) -> [ApiKey; 3] {
    store.put_tenant(tenant("acme"), None).await.unwrap();
    let short = ApiKey { expires: Some(at(1_800)), ..key("short", Some("acme")) };
    let keys = [key("boss", None), key("k", Some("acme")), short];
    for key in &keys {
        store.put_api_key(key.clone()).await.unwrap();
    }
    keys
}

async fn good(store: &impl Ports, number: u8) -> bool {
    store.session(&[number; 32]).await.unwrap().is_some()
}

pub(crate) async fn session_lasts_until_it_is_ended_or_expires(store: &impl Ports, clock: &Clock) {
    let [boss, k, _] = keys(store).await;
    let (one, two) = (session(clock, 1, &boss), session(clock, 2, &k));
    for session in [&one, &two] {
        assert!(!good(store, session.hash[0]).await);
        store.put_session(session.clone()).await.unwrap();
    }
    assert_eq!(store.session(&one.hash).await.unwrap(), Some((one.clone(), boss)));
    assert_eq!(store.session(&two.hash).await.unwrap(), Some((two.clone(), k)));
    assert!(store.remove_session(&one.hash).await.unwrap());
    assert!(!store.remove_session(&one.hash).await.unwrap());
    assert!(!good(store, 1).await);
    clock.advance(HOUR.saturating_sub(Duration::from_secs(1)));
    assert!(good(store, 2).await);
    clock.advance(Duration::from_secs(1));
    assert!(!good(store, 2).await);
}

pub(crate) async fn session_ends_with_its_key(store: &impl Ports, clock: &Clock) {
    let [boss, k, short] = keys(store).await;
    for (number, key) in [(1, &boss), (2, &k), (3, &k), (4, &short)] {
        store.put_session(session(clock, number, key)).await.unwrap();
    }
    assert!(store.revoke_api_key(Some(&acme()), &k.id).await.unwrap());
    assert!(!good(store, 2).await && !good(store, 3).await && good(store, 4).await);
    assert!(!store.remove_session(&[2; 32]).await.unwrap(), "nothing of it is left");
    clock.set(at(1_800));
    assert!(!good(store, 4).await, "its key has expired");
    assert!(good(store, 1).await);
    assert_eq!(store.remove_tenant(&acme()).await.unwrap(), TenantRemoval::Removed);
    assert!(!store.remove_session(&[4; 32]).await.unwrap(), "nothing of it is left");
    assert!(good(store, 1).await);
}

pub(crate) async fn expired_sessions_are_forgotten_by_the_next(store: &impl Ports, clock: &Clock) {
    let [boss, k, _] = keys(store).await;
    for number in [1, 2] {
        store.put_session(session(clock, number, &k)).await.unwrap();
    }
    clock.advance(HOUR);
    store.put_session(session(clock, 3, &boss)).await.unwrap();
    for number in [1, 2] {
        assert!(!store.remove_session(&[number; 32]).await.unwrap());
    }
    assert!(good(store, 3).await);
}

pub(crate) async fn oldest_of_too_many_sessions_of_a_key_ends(store: &impl Ports, clock: &Clock) {
    let [boss, k, _] = keys(store).await;
    let max = u8::try_from(SESSIONS_MAX).unwrap();
    store.put_session(session(clock, 200, &boss)).await.unwrap();
    // The one that ends last was begun first.
    let expires = Timestamp::MAX;
    store.put_session(Session { expires, ..session(clock, 0, &k) }).await.unwrap();
    for number in 1..max {
        clock.advance(Duration::from_secs(1));
        store.put_session(session(clock, number, &k)).await.unwrap();
    }
    for oldest in [0, 1] {
        assert!(good(store, oldest).await);
        clock.advance(Duration::from_secs(1));
        store.put_session(session(clock, max + oldest, &k)).await.unwrap();
        assert!(!good(store, oldest).await);
    }
    for number in (2..max + 2).chain([200]) {
        assert!(good(store, number).await, "{number}");
    }
}

pub(crate) async fn sessions_that_break_a_rule_are_refused(store: &impl Ports, clock: &Clock) {
    let [boss, k, short] = keys(store).await;
    let check = async |session: Session, kind, says: &str| {
        let error = store.put_session(session).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(says), "{error}");
    };
    let invalid = StoreErrorKind::Invalid;
    let one = session(clock, 1, &boss);
    check(Session { expires: clock.now(), ..one.clone() }, invalid, "a session is to end at").await;
    let none = session(clock, 1, &key("none", None));
    check(none, invalid, "there is no API key none that works").await;
    assert!(store.revoke_api_key(Some(&acme()), &k.id).await.unwrap());
    check(session(clock, 1, &k), invalid, "there is no API key k that works").await;
    clock.set(at(1_800));
    check(session(clock, 1, &short), invalid, "there is no API key short that works").await;
    assert!(!good(store, 1).await);
    store.put_session(one.clone()).await.unwrap();
    check(one, StoreErrorKind::Conflict, "has begun already").await;
}
