//! Data keys: made once, unwrapped once, used for an hour.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use model::vault::{Owner, Place, VaultError};
use vault::Wrappers;

use crate::{Fixture, open, opened, place, seal, tenant};

const HOUR: Duration = Duration::from_hours(1);
const NEARLY: Duration = Duration::from_secs(3599);

#[tokio::test]
async fn owner_gets_one_key_at_its_first_seal_whoever_asks_at_once() {
    let fixture = Fixture::new().await;
    let other = open(&fixture.store, Wrappers::only(fixture.wrapper.clone()), &fixture.clock);
    let other = other.await.unwrap();
    assert_eq!(fixture.store.rows().keys.len(), 0);
    let own = place("acme", "crm");
    let seals = (0..50).map(|n| seal(if n % 2 == 0 { &fixture.vault } else { &other }, &own, "a"));
    let ids: BTreeSet<_> =
        join_all(seals).await.into_iter().map(|sealed| sealed.unwrap().key()).collect();
    assert_eq!((ids.len(), fixture.store.rows().keys[&tenant("acme")].len()), (1, 1));
}

#[tokio::test]
async fn owners_have_keys_of_their_own() {
    let fixture = Fixture::new().await;
    let host = Place { owner: Owner::Host, ..place("acme", "crm") };
    let mut ids = BTreeSet::new();
    for place in [place("acme", "crm"), place("other", "crm"), host] {
        ids.insert(fixture.put(&place, "a").await.key());
    }
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn key_is_unwrapped_once_for_all_that_ask_at_once() {
    let fixture = Fixture::new().await;
    let sealed = fixture.put(&place("acme", "crm"), "a").await;
    fixture.clock.advance(HOUR);
    let before = fixture.wrapper.unwraps();
    let opens = join_all((0..50).map(|_| opened(&fixture.vault, sealed.clone()))).await;
    assert!(opens.into_iter().all(|text| text.unwrap() == "a"));
    assert_eq!(fixture.wrapper.unwraps() - before, 1);
}

#[tokio::test]
async fn outage_of_the_wrapper_is_bridged_for_an_hour_by_keys_in_use() {
    let fixture = Fixture::new().await;
    let known = place("acme", "crm");
    fixture.put(&known, "a").await;
    fixture.wrapper.set_down(true);
    fixture.clock.advance(NEARLY);
    assert_eq!(fixture.get(&known).await.unwrap(), "a");
    fixture.put(&known, "b").await;
    let new = seal(&fixture.vault, &place("other", "crm"), "a").await;
    assert!(matches!(new, Err(VaultError::Unavailable(_))), "{new:?}");
    assert!(!fixture.store.rows().keys.contains_key(&tenant("other")));

    fixture.clock.advance(Duration::from_secs(1));
    let refused = fixture.get(&known).await;
    assert!(matches!(refused, Err(VaultError::Unavailable(_))), "{refused:?}");
    fixture.wrapper.set_down(false);
    fixture.clock.advance(Duration::from_secs(2));
    assert_eq!(fixture.get(&known).await.unwrap(), "b");
}

#[tokio::test]
async fn those_that_wait_for_a_dead_service_are_told_what_the_first_was_told() {
    let fixture = Fixture::new().await;
    let sealed = fixture.put(&place("acme", "crm"), "a").await;
    fixture.clock.advance(HOUR);
    fixture.wrapper.set_down(true);
    let error = opened(&fixture.vault, sealed.clone()).await.unwrap_err();
    fixture.wrapper.set_down(false);
    let again = opened(&fixture.vault, sealed.clone()).await.unwrap_err();
    assert_eq!(again.to_string(), error.to_string());
    fixture.clock.advance(Duration::from_secs(2));
    assert_eq!(opened(&fixture.vault, sealed).await.unwrap(), "a");
}

#[tokio::test]
async fn clock_that_is_set_back_does_not_prolong_the_use_of_a_key() {
    let fixture = Fixture::new().await;
    let sealed = fixture.put(&place("acme", "crm"), "a").await;
    let before = fixture.wrapper.unwraps();
    fixture.clock.set(model::Timestamp::from_second(-100_000).unwrap());
    assert_eq!(opened(&fixture.vault, sealed).await.unwrap(), "a");
    assert_eq!(fixture.wrapper.unwraps() - before, 1);
}

#[tokio::test]
async fn key_that_does_not_come_back_as_it_was_is_not_used() {
    let fixture = Fixture::new().await;
    fixture.wrapper.set_forgetful();
    let refused = seal(&fixture.vault, &place("acme", "crm"), "a").await;
    assert!(matches!(refused, Err(VaultError::Unavailable(_))), "{refused:?}");
    assert!(fixture.store.rows().keys.is_empty());
}

#[tokio::test]
async fn vault_is_shared_between_threads() {
    fn check<T: Send + Sync>(_shared: Arc<T>) {}
    check(Arc::new(Fixture::new().await.vault));
}
