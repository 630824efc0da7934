//! The vault as its callers see it, over a store in memory whose calls fail when told to, and over
//! the real one.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![expect(clippy::similar_names, reason = "a wrapper wraps what is wrapped")]

mod azure;
mod configuration;
mod destroy;
mod interrupted;
mod keys;
mod load;
mod memory;
mod opening;
#[cfg(feature = "pkcs11")]
mod pkcs11;
mod places;
mod real;
mod rotation;
mod service;
mod transit;
mod wrapper;

use std::sync::Arc;

use model::vault::{Owner, Place, Sealed, SecretKind, Vault as _, VaultError};
use model::{Clock, Secret, Timestamp};
use vault::{Sealer, Wrappers};

use self::memory::Memory;
use self::wrapper::Named;

/// A store, a clock and the vault over both.
struct Fixture {
    store: Arc<Memory>,
    clock: Clock,
    wrapper: Arc<Named>,
    vault: Sealer,
}

impl Fixture {
    async fn new() -> Self {
        let (store, clock) = (Arc::new(Memory::default()), Clock::manual(Timestamp::UNIX_EPOCH));
        let wrapper = Arc::new(Named::new("one"));
        let vault = open(&store, Wrappers::only(wrapper.clone()), &clock).await.unwrap();
        Self { store, clock, wrapper, vault }
    }

    /// Seals a secret and stores it.
    async fn put(&self, place: &Place, text: &str) -> Sealed {
        let sealed = seal(&self.vault, place, text).await.unwrap();
        self.store.put(&sealed).unwrap();
        sealed
    }

    /// Opens what the store has in a place now.
    async fn get(&self, place: &Place) -> Result<String, VaultError> {
        opened(&self.vault, self.store.get(place).unwrap()).await
    }
}

async fn open(
    store: &Arc<Memory>,
    wrappers: Wrappers,
    clock: &Clock,
) -> Result<Sealer, VaultError> {
    Sealer::open(store.clone(), wrappers, clock.clone()).await
}

async fn seal(vault: &Sealer, place: &Place, text: &str) -> Result<Sealed, VaultError> {
    let secret = Secret::new(text.to_owned());
    Ok(vault.seal(vec![(place.clone(), secret)]).await?.remove(0))
}

async fn opened(vault: &Sealer, sealed: Sealed) -> Result<String, VaultError> {
    Ok(vault.open(vec![sealed]).await?.remove(0).expose().to_owned())
}

fn tenant(name: &str) -> Owner {
    Owner::Tenant(name.parse().unwrap())
}

/// The token of a connection.
fn place(owner: &str, object: &str) -> Place {
    Place {
        owner: tenant(owner),
        kind: SecretKind::Connection,
        object: object.to_owned(),
        field: "access_token".to_owned(),
        generation: 1,
    }
}

/// Tells nobody.
fn quiet(_done: u64) {}
