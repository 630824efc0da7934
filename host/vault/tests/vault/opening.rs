//! The canary: what a vault opens with, and what not.

use std::sync::Arc;

use model::vault::VaultError;
use vault::{Status, Wrappers};

use crate::wrapper::Named;
use crate::{Fixture, open, opened, place};

/// Tries another wrapper on a store that was begun with the one named `one`.
async fn refused(wrapper: Named) -> String {
    let fixture = Fixture::new().await;
    let canary = fixture.store.rows().canary.clone();
    fixture.put(&place("acme", "crm"), "a").await;
    let opened = open(&fixture.store, Wrappers::only(Arc::new(wrapper)), &fixture.clock).await;
    assert_eq!(fixture.store.rows().canary, canary);
    match opened.err() {
        Some(VaultError::WrongKey(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn key_of_another_name_is_refused_with_both_names() {
    let error = refused(Named::new("two")).await;
    assert!(error.contains("test:one") && error.contains("test:two"), "{error}");
}

#[tokio::test]
async fn another_key_of_the_same_name_is_refused() {
    let error = refused(Named::other("one", "two")).await;
    assert!(error.contains("names, test:one, is another one"), "{error}");
}

#[tokio::test]
async fn right_key_opens_again_what_another_process_has_sealed() {
    let fixture = Fixture::new().await;
    let sealed = fixture.put(&place("acme", "crm"), "a").await;
    let again = Wrappers::only(Arc::new(Named::new("one")));
    let vault = open(&fixture.store, again, &fixture.clock).await.unwrap();
    assert_eq!(opened(&vault, sealed).await.unwrap(), "a");
}

#[tokio::test]
async fn key_that_has_moved_is_known_by_what_it_opens() {
    let fixture = Fixture::new().await;
    let sealed = fixture.put(&place("acme", "crm"), "a").await;
    let moved = Wrappers::only(Arc::new(Named::other("moved", "one")));
    let vault = open(&fixture.store, moved, &fixture.clock).await.unwrap();
    assert_eq!(opened(&vault, sealed).await.unwrap(), "a");
    assert_eq!(vault.status().await.unwrap().wrapped_before, 2);
    assert_eq!(vault.rewrap(&crate::quiet).await.unwrap(), 1);
    assert_eq!(vault.status().await.unwrap().wrapped_before, 0);
}

#[tokio::test]
async fn wrapper_that_does_not_answer_opens_nothing() {
    let fixture = Fixture::new().await;
    fixture.wrapper.set_down(true);
    let again = Wrappers::only(fixture.wrapper.clone());
    let opened = open(&fixture.store, again, &fixture.clock).await;
    assert!(matches!(opened.err(), Some(VaultError::Unavailable(_))));
}

#[tokio::test]
async fn no_second_key_is_made_beside_data_whose_canary_is_gone() {
    let fixture = Fixture::new().await;
    fixture.put(&place("acme", "crm"), "a").await;
    fixture.store.rows().canary = None;
    let again = Wrappers::only(fixture.wrapper.clone());
    let opened = open(&fixture.store, again, &fixture.clock).await;
    assert!(matches!(opened.err(), Some(VaultError::Damaged(_))));
    assert_eq!(fixture.store.rows().canary, None);
}

#[tokio::test]
async fn status_tells_where_the_keys_stand() {
    let fixture = Fixture::new().await;
    let empty = Status { wrapper: "test:one".to_owned(), ..Status::default() };
    assert_eq!(fixture.vault.status().await.unwrap(), empty);
    fixture.put(&place("acme", "crm"), "a").await;
    fixture.put(&place("other", "crm"), "a").await;
    fixture.vault.rotate_key(&crate::tenant("acme"), &crate::quiet).await.unwrap();
    let known = Status { owners: 2, keys: 3, retiring: 1, ..empty };
    assert_eq!(fixture.vault.status().await.unwrap(), known);

    let both = Wrappers { current: Arc::new(Named::new("two")), before: vec![fixture.wrapper] };
    let vault = open(&fixture.store, both, &fixture.clock).await.unwrap();
    let before = vec!["test:one".to_owned()];
    let two = Status { wrapper: "test:two".to_owned(), before, wrapped_before: 4, ..known };
    assert_eq!(vault.status().await.unwrap(), two);
}
