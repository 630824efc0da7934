//! Changing keys, of both layers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::vault::{Sealed, VaultError};
use model::{Timestamp, vault::Owner};
use vault::{Rotation, Wrappers};

use crate::wrapper::Named;
use crate::{Fixture, open, opened, place, quiet, seal, tenant};

const SETTLED: Duration = Duration::from_mins(1);

async fn with_secrets() -> Fixture {
    let fixture = Fixture::new().await;
    for owner in ["acme", "other"] {
        for object in ["a", "b", "c", "d", "e"] {
            fixture.put(&place(owner, object), object).await;
        }
    }
    fixture
}

async fn check_all_open(fixture: &Fixture, vault: &vault::Sealer) {
    let all: Vec<Sealed> = fixture.store.rows().sealed.values().cloned().collect();
    assert_eq!(all.len(), 10);
    for sealed in all {
        let object = sealed.place.object.clone();
        assert_eq!(opened(vault, sealed).await.unwrap(), object);
    }
}

#[tokio::test]
async fn data_key_is_replaced_and_gone_after_it_has_settled() {
    let fixture = with_secrets().await;
    let acme = tenant("acme");
    let old = fixture.store.rows().keys[&acme][0].id;
    let told = Mutex::new(Vec::new());
    let progress = |done| told.lock().unwrap().push(done);
    let settled = Timestamp::UNIX_EPOCH + SETTLED;
    let first = fixture.vault.rotate_key(&acme, &progress).await.unwrap();
    let begun = Rotation { resealed: 5, unfinished: Some(settled), ..Rotation::default() };
    assert_eq!(first, begun);
    assert_eq!(told.into_inner().unwrap().last(), Some(&5));
    assert_eq!(fixture.store.rows().keys[&acme].len(), 2);

    // Sealed just before the new key became active, committed only now.
    let late = fixture.vault.rotate_key(&acme, &quiet).await.unwrap();
    assert_eq!(late, Rotation { unfinished: Some(settled), ..Rotation::default() });
    fixture.clock.advance(SETTLED);
    let last = fixture.vault.rotate_key(&acme, &quiet).await.unwrap();
    assert_eq!(last, Rotation::default());
    let keys = fixture.store.rows().keys[&acme].clone();
    assert!(keys.len() == 1 && keys[0].id != old, "{keys:?}");
    check_all_open(&fixture, &fixture.vault).await;
    let others = &fixture.store.rows().keys[&tenant("other")];
    assert_eq!(others.len(), 1);
}

#[tokio::test]
async fn what_was_sealed_before_and_committed_later_is_found() {
    let fixture = with_secrets().await;
    let acme = tenant("acme");
    let late = seal(&fixture.vault, &place("acme", "a"), "a").await.unwrap();
    fixture.vault.rotate_key(&acme, &quiet).await.unwrap();
    fixture.store.put(&late).unwrap();
    fixture.clock.advance(Duration::from_secs(3599));
    let rotation = fixture.vault.rotate_key(&acme, &quiet).await.unwrap();
    assert_eq!(rotation, Rotation { resealed: 1, ..Rotation::default() });
    check_all_open(&fixture, &fixture.vault).await;
    // Later still it is refused by the store, and whoever has read it before can open it, though
    // its key is gone and was unwrapped an hour ago.
    assert!(fixture.store.put(&late).is_err());
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(opened(&fixture.vault, late).await.unwrap(), "a");
}

#[tokio::test]
async fn all_owners_are_rotated_at_once() {
    let fixture = with_secrets().await;
    assert_eq!(fixture.vault.rotate_keys(&quiet).await.unwrap().resealed, 10);
    fixture.clock.advance(SETTLED);
    assert_eq!(fixture.vault.rotate_keys(&quiet).await.unwrap(), Rotation::default());
    assert!(fixture.store.rows().keys.values().all(|keys| keys.len() == 1));
    check_all_open(&fixture, &fixture.vault).await;
}

#[tokio::test]
async fn damaged_secret_is_named_and_keeps_its_key() {
    let fixture = with_secrets().await;
    let damaged = place("acme", "c");
    fixture.store.rows().sealed.values_mut().filter(|s| s.place == damaged).for_each(|sealed| {
        let mut bytes = sealed.bytes.to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        sealed.bytes = bytes.into();
    });
    fixture.vault.rotate_key(&tenant("acme"), &quiet).await.unwrap();
    fixture.clock.advance(SETTLED);
    let rotation = fixture.vault.rotate_key(&tenant("acme"), &quiet).await.unwrap();
    assert_eq!((rotation.damaged, rotation.resealed), (vec![damaged], 0));
    assert_eq!(fixture.store.rows().keys[&tenant("acme")].len(), 2);
}

#[tokio::test]
async fn owner_without_keys_has_nothing_to_rotate() {
    let Fixture { vault, .. } = Fixture::new().await;
    assert_eq!(vault.rotate_key(&Owner::Host, &quiet).await.unwrap(), Rotation::default());
}

#[tokio::test]
async fn wrapper_is_replaced_under_the_feet_of_those_who_use_it() {
    let fixture = with_secrets().await;
    let two = Arc::new(Named::new("two"));
    assert_eq!(fixture.vault.rotate_wrapper(two.clone(), &quiet).await.unwrap(), 2);
    assert_eq!(fixture.vault.status().await.unwrap().wrapped_before, 0);
    fixture.wrapper.set_down(true);
    let alone = open(&fixture.store, Wrappers::only(two), &fixture.clock).await.unwrap();
    check_all_open(&fixture, &alone).await;
    fixture.clock.advance(Duration::from_hours(1));
    check_all_open(&fixture, &fixture.vault).await;
    seal(&fixture.vault, &place("new", "a"), "a").await.unwrap();
    fixture.wrapper.set_down(false);
    let one = Wrappers::only(fixture.wrapper.clone());
    let old = open(&fixture.store, one, &fixture.clock).await;
    assert!(matches!(old.err(), Some(VaultError::WrongKey(_))));
}

#[tokio::test]
async fn new_version_of_the_same_wrapper_wraps_all_again() {
    let fixture = with_secrets().await;
    let before = fixture.store.rows().canary.clone();
    let same = Arc::new(Named::new("one"));
    assert_eq!(fixture.vault.rotate_wrapper(same, &quiet).await.unwrap(), 2);
    assert_ne!(fixture.store.rows().canary, before);
    check_all_open(&fixture, &fixture.vault).await;
}

#[tokio::test]
async fn wrapper_that_does_not_give_back_what_it_wraps_replaces_nothing() {
    let fixture = with_secrets().await;
    let before = fixture.store.rows().keys.clone();
    let two = Arc::new(Named::new("two"));
    two.set_forgetful();
    let refused = fixture.vault.rotate_wrapper(two, &quiet).await;
    assert!(matches!(refused, Err(VaultError::Unavailable(_))), "{refused:?}");
    assert_eq!(fixture.store.rows().keys, before);
    assert_eq!(fixture.vault.status().await.unwrap().wrapper, "test:one");
}

#[tokio::test]
async fn data_key_under_a_wrapper_that_nobody_knows_is_named() {
    let fixture = with_secrets().await;
    let sealed = fixture.put(&place("acme", "a"), "a").await;
    let before = fixture.store.rows().keys.clone();
    fixture.vault.rotate_wrapper(Arc::new(Named::new("two")), &quiet).await.unwrap();
    fixture.store.rows().keys = before;
    let two = Wrappers::only(Arc::new(Named::new("two")));
    let vault = open(&fixture.store, two, &fixture.clock).await.unwrap();
    let error = opened(&vault, sealed).await.unwrap_err().to_string();
    assert!(error.contains("lies under the key test:one; name that key"), "{error}");
}
