//! Who has used which secret for what.

use std::time::Duration;

use model::credential::{ACCESSES_MAX, Access, AccessQuery, Actor};
use model::retention::{ACCESSES_KEPT_FOR, Swept};
use model::store::StoreErrorKind;
use model::{Clock, Timestamp};

use super::Ports;
use super::credentials::{authorise, credential};
use super::samples::{at, start};

/// A first use of a secret of `tenant/connection`.
fn access(path: &str, first: Timestamp) -> Access {
    let start = start(path, 0);
    Access {
        id: 0,
        tenant: start.tenant,
        connection: start.connection,
        actor: Actor::Job("17".to_owned()),
        slot: "account".to_owned(),
        endpoint: "api".to_owned(),
        first,
        last: first,
        uses: 1,
    }
}

async fn note(store: &impl Ports, path: &str, second: i64) -> Access {
    let access = access(path, at(second));
    Access { id: store.note_access(access.clone()).await.unwrap(), ..access }
}

fn query(path: &str, limit: usize) -> AccessQuery {
    let (tenant, connection) = path.split_once('/').unwrap_or((path, ""));
    let connection = (!connection.is_empty()).then(|| connection.parse().unwrap());
    AccessQuery { tenant: tenant.parse().unwrap(), connection, before: None, limit }
}

async fn ids(store: &impl Ports, query: AccessQuery) -> Vec<u64> {
    store.accesses(query).await.unwrap().iter().map(|access| access.id).collect()
}

pub(crate) async fn uses_are_numbered_and_listed_newest_first(store: &impl Ports, _: &Clock) {
    let first = note(store, "acme/hub", 1).await;
    for path in ["acme/hub2", "acme/hub", "acm/hub", "acme/hub2"] {
        note(store, path, 2).await;
    }
    assert_eq!(ids(store, query("acme", 9)).await, [4, 3, 2, 1]);
    assert_eq!(ids(store, query("acme/hub", 9)).await, [3, 1]);
    assert_eq!(ids(store, query("acme/hub2", 1)).await, [4]);
    assert_eq!(ids(store, query("acm", 9)).await, [1]);
    assert_eq!(ids(store, query("nobody", 9)).await, [0; 0]);
    assert_eq!(ids(store, AccessQuery { before: Some(4), ..query("acme", 2) }).await, [3, 2]);
    let before = AccessQuery { before: Some(3), ..query("acme/hub", 9) };
    assert_eq!(store.accesses(before).await.unwrap(), [first]);
}

pub(crate) async fn what_became_of_uses_never_goes_back(store: &impl Ports, _: &Clock) {
    let (one, two) = (note(store, "acme/hub", 1).await, note(store, "acme/hub", 1).await);
    let closed = Access { last: at(9), uses: 7, ..one.clone() };
    let later = Access { last: at(8), uses: 8, ..one.clone() };
    let gone = Access { id: 99, ..one.clone() };
    let foreign = Access { tenant: "evil".parse().unwrap(), uses: 50, ..two.clone() };
    let elsewhere = Access { connection: "hub2".parse().unwrap(), uses: 50, ..two.clone() };
    let renamed = Access { slot: "other".to_owned(), first: at(0), ..later };
    let entries = vec![closed.clone(), gone, foreign, elsewhere, renamed];
    store.close_access(entries).await.unwrap();
    let expected = [two, Access { uses: 8, ..closed }];
    assert_eq!(store.accesses(query("acme", 9)).await.unwrap(), expected);
    assert_eq!(store.accesses(query("evil", 9)).await.unwrap(), []);
}

pub(crate) async fn credential_tells_when_it_was_last_used(store: &impl Ports, _: &Clock) {
    let (hub, beside) =
        (authorise(store, "acme/hub", 60).await, authorise(store, "acme/hub2", 60).await);
    let used = async || credential(store, &hub).await.0.used;
    assert_eq!(used().await, None);
    let entry = note(store, "acme/hub", 5).await;
    note(store, "acme/hub", 3).await;
    assert_eq!(used().await, Some(at(5)));
    let kept_alive = Access { actor: Actor::Refresher, ..access("acme/hub", at(7)) };
    store.note_access(kept_alive).await.unwrap();
    assert_eq!(used().await, Some(at(5)), "to refresh it is not to use it");
    store.close_access(vec![Access { last: at(9), ..entry }]).await.unwrap();
    assert_eq!(used().await, Some(at(9)));
    assert_eq!(credential(store, &beside).await.0.used, None);
    note(store, "acme/nobody", 5).await;
}

pub(crate) async fn uses_beyond_the_limits_are_refused(store: &impl Ports, _: &Clock) {
    let good = || access("acme/hub", at(0));
    let long = || "x".repeat(4_097);
    for (bad, says) in [
        (Access { slot: String::new(), ..good() }, "the slot of a use is empty"),
        (Access { slot: "x".repeat(129), ..good() }, "the slot of a use has 129 bytes"),
        (Access { endpoint: long(), ..good() }, "the endpoint of a use has 4097 bytes"),
        (Access { actor: Actor::Person(long()), ..good() }, "who uses a secret has 4097 bytes"),
    ] {
        let error = store.note_access(bad).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains(says), "{error}");
    }
    let error = store.close_access(vec![good(); ACCESSES_MAX + 1]).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
}

async fn sweep(store: &impl Ports, limit: usize) -> u64 {
    let (mut steps, mut removed, mut after) = (0, 0, None);
    loop {
        let Swept { removed: count, next } = store.sweep_accesses(after, limit).await.unwrap();
        (steps, removed, after) = (steps + 1, removed + count, next);
        assert!(steps < 1_000, "sweeping uses does not end");
        if after.is_none() {
            return removed;
        }
    }
}

pub(crate) async fn old_uses_are_forgotten(store: &impl Ports, clock: &Clock) {
    for tenant in ["acme", "beta"] {
        for second in 0..30 {
            note(store, &format!("{tenant}/hub"), second).await;
        }
    }
    let long = Access { id: 3, last: at(1_000), ..access("acme/hub", at(2)) };
    store.close_access(vec![long]).await.unwrap();
    clock.advance(ACCESSES_KEPT_FOR + Duration::from_secs(20));
    assert_eq!(sweep(store, 7).await, 19 + 20);
    let kept: Vec<u64> = (21..=30).rev().chain([3]).collect();
    assert_eq!(ids(store, query("acme", 99)).await, kept);
    assert_eq!(ids(store, query("acme/hub", 99)).await, kept);
    clock.advance(ACCESSES_KEPT_FOR);
    assert_eq!(sweep(store, 1_000).await, 10 + 9);
    assert_eq!(ids(store, query("acme/hub", 99)).await, [30], "the last holds the place");
    assert_eq!(note(store, "acme/hub", 0).await.id, 31);
}
