//! Where secrets open and where not.

use model::Secret;
use model::vault::{Owner, Place, SECRETS_MAX, Sealed, SecretKind, Vault as _, VaultError};

use crate::{Fixture, opened, place, seal, tenant};

/// Two secrets exchange their ciphertexts.
async fn check_exchanged(other: Place) {
    let fixture = Fixture::new().await;
    let (one, two) =
        (fixture.put(&place("acme", "crm"), "a").await, fixture.put(&other, "b").await);
    for (place, bytes) in [(&one.place, &two.bytes), (&two.place, &one.bytes)] {
        let moved = Sealed { place: place.clone(), bytes: bytes.clone() };
        let refused = opened(&fixture.vault, moved).await;
        assert!(matches!(refused, Err(VaultError::Damaged(_))), "{other:?}: {refused:?}");
    }
    assert_eq!(opened(&fixture.vault, one).await.unwrap(), "a");
    assert_eq!(opened(&fixture.vault, two).await.unwrap(), "b");
}

#[tokio::test]
async fn exchanged_secrets_do_not_open() {
    let own = place("acme", "crm");
    check_exchanged(place("other", "crm")).await;
    check_exchanged(place("acme", "crm2")).await;
    check_exchanged(Place { owner: Owner::Host, ..own.clone() }).await;
    check_exchanged(Place { kind: SecretKind::App, ..own.clone() }).await;
    check_exchanged(Place { field: "refresh_token".to_owned(), ..own.clone() }).await;
    check_exchanged(Place { generation: 2, ..own }).await;
}

#[tokio::test]
async fn secret_that_is_put_back_from_an_earlier_generation_does_not_open() {
    let fixture = Fixture::new().await;
    let before = fixture.put(&place("acme", "crm"), "old").await;
    let now = Place { generation: 2, ..place("acme", "crm") };
    let put_back = Sealed { place: now, bytes: before.bytes };
    let error = opened(&fixture.vault, put_back).await.unwrap_err().to_string();
    assert!(error.contains("'access_token' of connection crm of tenant acme"), "{error}");
}

#[tokio::test]
async fn data_keys_that_owners_exchange_do_not_unwrap() {
    let fixture = Fixture::new().await;
    let one = fixture.put(&place("acme", "crm"), "a").await;
    fixture.put(&place("other", "crm"), "b").await;
    let vault =
        crate::open(&fixture.store, vault::Wrappers::only(fixture.wrapper.clone()), &fixture.clock);
    let vault = vault.await.unwrap();
    {
        let mut rows = fixture.store.rows();
        let theirs = rows.keys[&tenant("other")][0].clone();
        let own = &mut rows.keys.get_mut(&tenant("acme")).unwrap()[0];
        (own.wrapped, own.commitment) = (theirs.wrapped, theirs.commitment);
    }
    let refused = opened(&vault, one).await;
    assert!(matches!(refused, Err(VaultError::WrongKey(_))), "{refused:?}");
}

#[tokio::test]
async fn secrets_come_in_the_order_given() {
    let fixture = Fixture::new().await;
    let field = |field: &str| Place { field: field.to_owned(), ..place("acme", "crm") };
    let secrets = ["b", "a", "c"].map(|name| (field(name), Secret::new(name.to_owned())));
    let sealed = fixture.vault.seal(secrets.to_vec()).await.unwrap();
    let names: Vec<_> = sealed.iter().map(|sealed| sealed.place.field.clone()).collect();
    assert_eq!(names, ["b", "a", "c"]);
    let secrets = fixture.vault.open(sealed).await.unwrap();
    assert_eq!(secrets.iter().map(Secret::expose).collect::<Vec<_>>(), ["b", "a", "c"]);
    assert!(fixture.vault.seal(Vec::new()).await.unwrap().is_empty());
    assert!(fixture.vault.open(Vec::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn secrets_of_two_owners_or_too_many_are_refused() {
    let Fixture { vault, .. } = Fixture::new().await;
    let secret = |place| (place, Secret::new("x".to_owned()));
    let two = vec![secret(place("acme", "crm")), secret(place("other", "crm"))];
    assert!(matches!(vault.seal(two).await, Err(VaultError::Store(_))));
    let many = vec![secret(place("acme", "crm")); SECRETS_MAX + 1];
    assert!(matches!(vault.seal(many).await, Err(VaultError::Store(_))));
    let one = seal(&vault, &place("acme", "crm"), "x").await.unwrap();
    let two = vec![one, seal(&vault, &place("other", "crm"), "x").await.unwrap()];
    assert!(matches!(vault.open(two).await, Err(VaultError::Store(_))));
}

#[tokio::test]
async fn secret_without_the_layout_of_one_does_not_open() {
    let Fixture { vault, .. } = Fixture::new().await;
    for bytes in [vec![], vec![0; 200], vec![1; 200], vec![1, 1, 7]] {
        let sealed = Sealed { place: place("acme", "crm"), bytes: bytes.into() };
        assert!(matches!(opened(&vault, sealed).await, Err(VaultError::Damaged(_))));
    }
}
