//! Data keys, and what lies under them.

use model::credential::{App, place};
use model::store::{EventKind, StoreErrorKind};
use model::vault::{
    Canary, KEYS_MAX, KeyId, KeyState, Owner, Place, RESEAL_MAX, Rewrap, Sealed, SealedQuery,
    WrappedKey,
};
use model::{Clock, ConnectionState};

use super::Ports;
use super::catalogue::connection;
use super::credentials::{authorise, credential, events, seal, state, tokens};
use super::queue::{acme, check_due, job, put};
use super::refreshes::take;
use super::samples::at;

fn owner(name: &str) -> Owner {
    if name.is_empty() { Owner::Host } else { Owner::Tenant(name.parse().unwrap()) }
}

fn key(owner: &Owner, id: u8) -> WrappedKey {
    WrappedKey {
        owner: owner.clone(),
        id: KeyId([id; 16]),
        state: KeyState::Active,
        wrapper: "file:00".to_owned(),
        wrapped: vec![id; 60].into(),
        commitment: [id; 32],
        created: at(0),
    }
}

/// Adds keys, each in the place of the one before.
async fn add(store: &impl Ports, owner: &Owner, ids: &[u8]) {
    let mut active = None;
    for id in ids {
        assert!(store.add_key(key(owner, *id), active).await.unwrap(), "{id}");
        active = Some(KeyId([*id; 16]));
    }
}

/// The same secret under another key.
fn under(sealed: &Sealed, id: u8) -> Sealed {
    let mut bytes = sealed.bytes.to_vec();
    bytes[2..18].fill(id);
    Sealed { bytes: bytes.into(), ..sealed.clone() }
}

pub(crate) async fn list(store: &impl Ports, owner: &Owner, id: u8, limit: usize) -> Vec<Place> {
    let (key, owner) = (KeyId([id; 16]), owner.clone());
    let mut query = SealedQuery { owner, key, after: None, limit };
    let mut places = Vec::new();
    loop {
        let (found, next) = store.sealed_under(query.clone()).await.unwrap();
        assert!(found.len() <= limit);
        assert!(found.iter().all(|sealed| sealed.key() == Some(key)));
        places.extend(found.into_iter().map(|sealed| sealed.place));
        query.after = next;
        if query.after.is_none() {
            return places;
        }
    }
}

pub(crate) async fn canary_is_replaced_if_it_is_the_expected_one(store: &impl Ports, _: &Clock) {
    let canary = |id: u8| Canary {
        wrapper: "file:00".to_owned(),
        wrapped: vec![id; 60].into(),
        commitment: [id; 32],
    };
    assert_eq!(store.canary().await.unwrap(), None);
    assert!(!store.put_canary(canary(1), Some(canary(2))).await.unwrap());
    assert!(store.put_canary(canary(1), None).await.unwrap());
    assert!(!store.put_canary(canary(2), None).await.unwrap());
    assert_eq!(store.canary().await.unwrap(), Some(canary(1)));
    assert!(store.put_canary(canary(2), Some(canary(1))).await.unwrap());
    assert_eq!(store.canary().await.unwrap(), Some(canary(2)));
}

pub(crate) async fn new_key_retires_the_one_that_it_follows(store: &impl Ports, _: &Clock) {
    let acme = owner("acme");
    assert_eq!(store.keys(&acme).await.unwrap(), Some(Vec::new()));
    assert!(!store.add_key(key(&acme, 1), Some(KeyId([9; 16]))).await.unwrap());
    assert!(store.add_key(key(&acme, 1), None).await.unwrap());
    assert!(!store.add_key(key(&acme, 2), None).await.unwrap(), "somebody was first");
    assert!(store.add_key(key(&acme, 2), Some(KeyId([1; 16]))).await.unwrap());
    let retiring = WrappedKey { state: KeyState::Retiring, ..key(&acme, 1) };
    let keys = vec![key(&acme, 2), retiring.clone()];
    assert_eq!(store.keys(&acme).await.unwrap(), Some(keys));
    for bad in [key(&acme, 1), WrappedKey { id: KeyId([3; 16]), ..retiring }] {
        let error = store.add_key(bad, Some(KeyId([2; 16]))).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
    }
}

pub(crate) async fn keys_beyond_the_limits_are_refused(store: &impl Ports, _: &Clock) {
    let acme = owner("acme");
    let max = u8::try_from(KEYS_MAX).unwrap();
    add(store, &acme, &(1..=max).collect::<Vec<_>>()).await;
    let active = Some(KeyId([max; 16]));
    let error = store.add_key(key(&acme, max + 1), active).await.unwrap_err();
    assert!(error.to_string().contains("tenant acme has 16 data keys"), "{error}");
    let large = WrappedKey { wrapped: vec![0; 4_097].into(), ..key(&owner("b"), 1) };
    let nameless = WrappedKey { wrapper: String::new(), ..key(&owner("b"), 1) };
    for bad in [large, nameless] {
        assert_eq!(store.add_key(bad, None).await.unwrap_err().kind(), StoreErrorKind::Invalid);
    }
}

pub(crate) async fn owners_are_listed_in_their_order(store: &impl Ports, _: &Clock) {
    for name in ["b", "", "acme", "acm", "gone"] {
        add(store, &owner(name), &[1]).await;
    }
    store.destroy_keys(&owner("gone"), "asked for").await.unwrap();
    for limit in [1, 2, 10] {
        let mut all: Vec<Owner> = Vec::new();
        while let found = store.owners(all.last(), limit).await.unwrap()
            && !found.is_empty()
        {
            assert!(found.len() <= limit);
            all.extend(found);
        }
        assert_eq!(all, ["", "acm", "acme", "b"].map(owner));
    }
}

pub(crate) async fn keys_are_wrapped_again_unless_they_were_meanwhile(
    store: &impl Ports,
    _: &Clock,
) {
    let (acme, beta) = (owner("acme"), owner("beta"));
    add(store, &acme, &[1, 2]).await;
    add(store, &beta, &[1]).await;
    let rewrap = |owner: &Owner, id: u8, from: u8| Rewrap {
        owner: owner.clone(),
        id: KeyId([id; 16]),
        from: vec![from; 60].into(),
        wrapper: "transit:new".to_owned(),
        wrapped: vec![100 + id; 60].into(),
    };
    let wraps = vec![
        rewrap(&acme, 1, 1),
        rewrap(&acme, 2, 2),
        rewrap(&acme, 2, 2),
        rewrap(&beta, 1, 9),
        rewrap(&beta, 7, 7),
        rewrap(&owner("nobody"), 1, 1),
    ];
    assert_eq!(store.rewrap(wraps.clone()).await.unwrap(), 2);
    assert_eq!(store.rewrap(wraps).await.unwrap(), 0);
    let keys = store.keys(&acme).await.unwrap().unwrap();
    assert!(keys.iter().all(|key| key.wrapper == "transit:new" && key.wrapped[0] > 100));
    assert_eq!(keys.iter().map(|key| key.id.0[0]).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(store.keys(&beta).await.unwrap(), Some(vec![key(&beta, 1)]));
    assert!(!store.owners(None, 9).await.unwrap().contains(&owner("nobody")));
    let many = vec![rewrap(&acme, 1, 1); RESEAL_MAX + 1];
    assert_eq!(store.rewrap(many).await.unwrap_err().kind(), StoreErrorKind::Invalid);
}

pub(crate) async fn secrets_move_to_another_key_one_by_one(store: &impl Ports, _: &Clock) {
    let acme = owner("acme");
    add(store, &acme, &[7, 8]).await;
    let mut places = Vec::new();
    for path in ["acme/a", "acme/b", "acme/hub", "acm/hub"] {
        let of = authorise(store, path, 60).await;
        places.extend(tokens(&of, 0, 60).sealed.into_iter().map(|sealed| sealed.place));
    }
    places.truncate(6);
    for limit in [1, 4, 100] {
        assert_eq!(list(store, &acme, 7, limit).await, places);
    }
    assert_eq!(list(store, &acme, 8, 100).await, []);
    assert!(!store.retire_key(&acme, KeyId([7; 16])).await.unwrap(), "much lies under it");

    let hub = connection("acme/hub");
    let old = credential(store, &hub).await.1;
    let again = |sealed: &Sealed, id| (sealed.clone(), under(sealed, id).bytes);
    let pairs: Vec<_> = old.iter().map(|sealed| again(sealed, 8)).collect();
    assert_eq!(store.reseal(pairs.clone()).await.unwrap(), 2);
    assert_eq!(store.reseal(pairs).await.unwrap(), 0, "they are others by now");
    let new: Vec<_> = old.iter().map(|sealed| under(sealed, 8)).collect();
    let row = credential(store, &hub).await;
    assert_eq!((row.0.generation, &row.1), (1, &new), "their generation stays");
    // Replaced meanwhile, they are left alone.
    let stale = row.1.iter().map(|sealed| again(sealed, 8)).collect();
    store.authorise(hub.clone(), tokens(&hub, 1, 60)).await.unwrap();
    assert_eq!(store.reseal(stale).await.unwrap(), 0);

    for path in ["acme/a", "acme/b", "acme/hub"] {
        let sealed = credential(store, &connection(path)).await.1;
        let pairs = sealed.iter().map(|sealed| again(sealed, 8)).collect();
        assert_eq!(store.reseal(pairs).await.unwrap(), 2);
    }
    assert_eq!(list(store, &acme, 8, 4).await.len(), 6);
    assert!(!store.retire_key(&acme, KeyId([8; 16])).await.unwrap(), "the active one stays");
    assert!(store.retire_key(&acme, KeyId([7; 16])).await.unwrap());
    assert!(!store.retire_key(&acme, KeyId([7; 16])).await.unwrap());
    assert_eq!(store.keys(&acme).await.unwrap(), Some(vec![key(&acme, 8)]));
}

pub(crate) async fn what_is_sealed_under_a_retired_key_is_refused(store: &impl Ports, _: &Clock) {
    let hub = connection("acme/hub");
    add(store, &owner("acme"), &[8]).await;
    let error = store.authorise(hub.clone(), tokens(&hub, 0, 60)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    assert!(error.to_string().contains("seal it again under the active one"), "{error}");
    let mut secrets = tokens(&hub, 0, 60);
    secrets.sealed = secrets.sealed.iter().map(|sealed| under(sealed, 8)).collect();
    store.authorise(hub.clone(), secrets).await.unwrap();
    let old = credential(store, &hub).await.1;
    let back = old.iter().map(|sealed| (sealed.clone(), under(sealed, 7).bytes)).collect();
    assert_eq!(store.reseal(back).await.unwrap_err().kind(), StoreErrorKind::Conflict);
    let cut = vec![(old[0].clone(), old[0].bytes.slice(..20))];
    assert_eq!(store.reseal(cut).await.unwrap_err().kind(), StoreErrorKind::Invalid);
}

pub(crate) async fn destroyed_keys_take_all_secrets_with_them_for_good(
    store: &impl Ports,
    clock: &Clock,
) {
    let (dead, other) = (owner("acme"), owner("other"));
    add(store, &dead, &[7]).await;
    add(store, &other, &[7]).await;
    let (hub, off) =
        (authorise(store, "acme/hub", 60).await, authorise(store, "acme/off", 60).await);
    let beside = authorise(store, "other/hub", 60).await;
    store.set_connection_state(&off.tenant, &off.id, ConnectionState::Disabled, "x").await.unwrap();
    put(store, [job("a", "1")]).await;
    let lease = take(store, clock, &hub).await;

    assert_eq!(store.destroy_keys(&dead, "asked for").await.unwrap(), 4);
    assert_eq!(store.destroy_keys(&dead, "again").await.unwrap(), 0);
    assert_eq!(store.keys(&dead).await.unwrap(), None);
    assert_eq!(list(store, &dead, 7, 9).await, []);
    check_due(store, &[]).await;
    for of in [&hub, &off] {
        let status = store.connection_status(&of.tenant, &of.id).await.unwrap().unwrap();
        assert_eq!(status.state, ConnectionState::Revoked);
        assert_eq!(status.reason, "its secrets were destroyed: asked for");
        let (row, sealed) = credential(store, of).await;
        assert!(row.fields.is_empty() && sealed.is_empty() && row.grant.refresh_at.is_none());
    }
    let revoked = |kind: &EventKind| matches!(kind, EventKind::ConnectionChanged { state, .. } if *state == ConnectionState::Revoked);
    assert_eq!(events(store, &acme()).await.iter().filter(|kind| revoked(kind)).count(), 2);
    let error = super::refreshes::intend(store, clock, &lease, 1).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fenced);

    for error in [
        store.add_key(key(&dead, 1), None).await.unwrap_err(),
        store.authorise(hub.clone(), tokens(&hub, 1, 60)).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains("tenant acme were destroyed for good"), "{error}");
    }
    assert_eq!(state(store, &beside).await, ConnectionState::Active);
    assert_eq!(credential(store, &beside).await.1.len(), 2);
    assert_eq!(store.keys(&other).await.unwrap(), Some(vec![key(&other, 7)]));
}

pub(crate) async fn keys_of_the_host_are_no_tenants(store: &impl Ports, _: &Clock) {
    add(store, &Owner::Host, &[7]).await;
    let hub = authorise(store, "acme/hub", 60).await;
    let shared = App {
        package: "acme/hub".to_owned(),
        tenant: None,
        client_id: "client".to_owned(),
        origin: None,
        generation: 1,
        created: at(0),
        incident: None,
    };
    store.put_app(shared.clone(), Some(seal(shared.place(), "x"))).await.unwrap();
    assert_eq!(list(store, &Owner::Host, 7, 9).await, [shared.place()]);
    let fields = tokens(&hub, 0, 60).sealed.into_iter().map(|sealed| sealed.place);
    assert_eq!(list(store, &owner("acme"), 7, 9).await, fields.collect::<Vec<_>>());
    assert_eq!(store.destroy_keys(&Owner::Host, "asked for").await.unwrap(), 1);
    assert_eq!(credential(store, &hub).await.1.len(), 2);
    assert_eq!(state(store, &hub).await, ConnectionState::Active);
    assert_eq!(store.app("acme/hub", Some(&acme())).await.unwrap(), Some((shared, None)));
    assert_eq!(place(&hub.tenant, &hub.id, "x", 0).owner, owner("acme"));
}
