//! Destroying the keys of an owner.

use model::vault::VaultError;
use vault::Wrappers;

use crate::{Fixture, open, opened, place, seal, tenant};

#[tokio::test]
async fn destroyed_owner_opens_nothing_and_seals_nothing_and_others_do() {
    let fixture = Fixture::new().await;
    let copy = fixture.put(&place("acme", "crm"), "a").await;
    fixture.put(&place("acme", "news"), "b").await;
    let theirs = fixture.put(&place("other", "crm"), "c").await;
    let destroyed = fixture.vault.destroy(&tenant("acme"), "asked for").await.unwrap();
    assert_eq!(destroyed, 2);

    let opened_copy = opened(&fixture.vault, copy.clone()).await;
    assert!(matches!(opened_copy, Err(VaultError::Destroyed(_))), "{opened_copy:?}");
    let sealed = seal(&fixture.vault, &place("acme", "crm"), "a").await;
    assert!(matches!(sealed, Err(VaultError::Destroyed(_))), "{sealed:?}");
    let rotated = fixture.vault.rotate_key(&tenant("acme"), &crate::quiet).await;
    assert!(matches!(rotated, Err(VaultError::Destroyed(_))), "{rotated:?}");
    assert_eq!(opened(&fixture.vault, theirs).await.unwrap(), "c");

    let again = Wrappers::only(fixture.wrapper.clone());
    let vault = open(&fixture.store, again, &fixture.clock).await.unwrap();
    assert!(matches!(opened(&vault, copy).await, Err(VaultError::Destroyed(_))));
    assert!(vault.rotate_keys(&crate::quiet).await.is_ok());
}

#[tokio::test]
async fn keys_are_kept_where_the_store_could_not_destroy_them() {
    let fixture = Fixture::new().await;
    let own = place("acme", "crm");
    fixture.put(&own, "a").await;
    fixture.store.kill(Some(crate::memory::Kill::Before(0)));
    assert!(fixture.vault.destroy(&tenant("acme"), "asked for").await.is_err());
    fixture.store.kill(None);
    assert_eq!(fixture.get(&own).await.unwrap(), "a");
}
