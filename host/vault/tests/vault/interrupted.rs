//! Rotations that are killed at every call of the store, before and after its effect.

use std::sync::Arc;
use std::time::Duration;

use model::Clock;
use model::vault::Sealed;
use vault::{Sealer, Wrappers};

use crate::memory::{Kill, Memory};
use crate::wrapper::Named;
use crate::{Fixture, open, opened, place, quiet};

/// More calls than a rotation of this size makes.
const CALLS_MAX: usize = 200;

async fn with_secrets() -> Fixture {
    let fixture = Fixture::new().await;
    for owner in ["acme", "other", "third"] {
        for object in ["a", "b", "c"] {
            fixture.put(&place(owner, object), object).await;
        }
    }
    fixture
}

async fn check_all_open(store: &Memory, vault: &Sealer) {
    let all: Vec<Sealed> = store.rows().sealed.values().cloned().collect();
    assert_eq!(all.len(), 9);
    for sealed in all {
        let object = sealed.place.object.clone();
        assert_eq!(opened(vault, sealed).await.unwrap(), object);
    }
}

fn kills() -> impl Iterator<Item = Kill> {
    (0..CALLS_MAX).flat_map(|at| [Kill::Before(at), Kill::After(at)])
}

/// The process that comes after one that was killed.
async fn restarted(store: &Arc<Memory>, clock: &Clock) -> Sealer {
    store.kill(None);
    let both = Wrappers {
        current: Arc::new(Named::new("two")),
        before: vec![Arc::new(Named::new("one"))],
    };
    open(store, both, clock).await.unwrap()
}

#[tokio::test]
async fn wrapper_is_rotated_to_its_end_after_being_killed_anywhere() {
    let mut killed = 0;
    for kill in kills() {
        let Fixture { store, clock, vault, .. } = with_secrets().await;
        store.kill(Some(kill));
        if vault.rotate_wrapper(Arc::new(Named::new("two")), &quiet).await.is_ok() {
            break;
        }
        killed += 1;
        store.kill(None);
        check_all_open(&store, &vault).await;
        let vault = restarted(&store, &clock).await;
        check_all_open(&store, &vault).await;
        let alone = || Wrappers::only(Arc::new(Named::new("two")));
        // Without the key before it starts if it has all that it needs, or it does not start.
        if let Ok(vault) = open(&store, alone(), &clock).await {
            check_all_open(&store, &vault).await;
        }
        vault.rewrap(&quiet).await.unwrap();
        let vault = open(&store, alone(), &clock).await.unwrap();
        assert_eq!(vault.status().await.unwrap().wrapped_before, 0, "{kill:?}");
        check_all_open(&store, &vault).await;
    }
    assert!((10..2 * CALLS_MAX).contains(&killed), "{killed}");
}

/// Both halves of a rotation.
async fn rotate(vault: &Sealer, clock: &Clock) -> bool {
    let begun = vault.rotate_keys(&quiet).await.is_ok();
    clock.advance(Duration::from_mins(1));
    begun && vault.rotate_keys(&quiet).await.is_ok()
}

#[tokio::test]
async fn data_keys_are_rotated_to_their_end_after_being_killed_anywhere() {
    let mut killed = 0;
    for kill in kills() {
        let Fixture { store, clock, vault, .. } = with_secrets().await;
        store.kill(Some(kill));
        if rotate(&vault, &clock).await {
            break;
        }
        killed += 1;
        store.kill(None);
        check_all_open(&store, &vault).await;
        let vault = restarted(&store, &clock).await;
        check_all_open(&store, &vault).await;
        assert!(rotate(&vault, &clock).await);
        clock.advance(Duration::from_mins(1));
        vault.rotate_keys(&quiet).await.unwrap();
        check_all_open(&store, &vault).await;
    }
    assert!((20..2 * CALLS_MAX).contains(&killed), "{killed}");
}
