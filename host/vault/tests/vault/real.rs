//! The vault over the real store: rotation under load, another process, destruction.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use model::credential::{ACCESS_TOKEN, CredentialStore as _, Grant, NewSecrets};
use model::store::StoreErrorKind;
use model::vault::{Vault as _, VaultError};
use model::{Clock, Connection, ConnectionId, Secret, TenantId, Timestamp};
use store::Store;
use vault::{Sealer, Wrappers};

use crate::wrapper::Named;
use crate::{opened, quiet, tenant};

const CONNECTIONS: usize = 6;
const ROTATIONS: usize = 4;

/// The store, the vault over it, and the tenant that both are used for.
struct Real {
    store: Arc<Store>,
    vault: Sealer,
    clock: Clock,
    tenant: TenantId,
    done: AtomicBool,
}

impl Real {
    async fn open(dir: &Path, wrapper: &str) -> Self {
        let clock = Clock::manual(Timestamp::from_second(1_000_000).unwrap());
        let store = Arc::new(Store::open(dir, clock.clone()).unwrap());
        let wrappers = Wrappers::only(Arc::new(Named::new(wrapper)));
        let vault = Sealer::open(store.clone(), wrappers, clock.clone()).await.unwrap();
        let tenant = "acme".parse().unwrap();
        Self { store, vault, clock, tenant, done: AtomicBool::default() }
    }

    /// Replaces the secret of a connection by the number of its generation.
    async fn authorise(&self, id: &ConnectionId, replaces: u64) -> Result<(), StoreErrorKind> {
        let generation = replaces + 1;
        let place = model::credential::place(&self.tenant, id, ACCESS_TOKEN, generation);
        let secret = Secret::new(generation.to_string());
        let sealed = self.vault.seal(vec![(place, secret)]).await.unwrap();
        let secrets = NewSecrets { replaces, sealed, grant: Grant::default() };
        let connection = connection(&self.tenant, id);
        self.store.authorise(connection, secrets).await.map(|_| ()).map_err(|e| e.kind())
    }

    async fn replace(&self, number: usize) -> u64 {
        let (id, mut generation) = (id(number), 1);
        while !self.done.load(Ordering::SeqCst) {
            match self.authorise(&id, generation).await {
                Ok(()) => generation += 1,
                // Its key has gone meanwhile: it is sealed again, under the active one.
                Err(kind) => assert_eq!(kind, StoreErrorKind::Conflict),
            }
        }
        generation
    }

    async fn read(&self, number: usize) {
        while !self.done.load(Ordering::SeqCst) {
            self.check(number).await;
            tokio::task::yield_now().await;
        }
    }

    /// Opens the secret of a connection; answers its generation.
    async fn check(&self, number: usize) -> Option<u64> {
        let held = self.store.credential(&self.tenant, &id(number)).await.unwrap();
        let (credential, sealed) = held?;
        let generation = credential.generation;
        let text = opened(&self.vault, sealed[0].clone()).await.unwrap();
        assert_eq!(text, generation.to_string());
        Some(generation)
    }

    async fn rotate(&self) {
        for round in 0..ROTATIONS {
            self.vault.rotate_keys(&quiet).await.unwrap();
            let named = Arc::new(Named::new(&format!("round {round}")));
            self.vault.rotate_wrapper(named, &quiet).await.unwrap();
            self.clock.advance(Duration::from_mins(1));
            while self.vault.rotate_keys(&quiet).await.unwrap().unfinished.is_some() {}
        }
        self.done.store(true, Ordering::SeqCst);
    }
}

fn id(number: usize) -> ConnectionId {
    format!("c{number}").parse().unwrap()
}

fn connection(tenant: &TenantId, id: &ConnectionId) -> Connection {
    Connection::new(tenant.clone(), id.clone(), "acme/hub", "key")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_while_keys_of_the_real_store_are_rotated() {
    let dir = tempfile::tempdir().unwrap();
    let real = Arc::new(Real::open(dir.path(), "one").await);
    for number in 0..CONNECTIONS {
        real.authorise(&id(number), 0).await.unwrap();
    }
    let (mut writes, mut reads) = (tokio::task::JoinSet::new(), tokio::task::JoinSet::new());
    for number in 0..CONNECTIONS {
        let (writer, reader) = (real.clone(), real.clone());
        writes.spawn(async move { (number, writer.replace(number).await) });
        reads.spawn(async move { reader.read(number).await });
    }
    real.rotate().await;
    while let Some(read) = reads.join_next().await {
        read.unwrap();
    }
    let last = writes.join_all().await;
    drop(real);

    let last_wrapper = format!("round {}", ROTATIONS - 1);
    let real = Real::open(dir.path(), &last_wrapper).await;
    for (number, generation) in last {
        assert!(generation > 1, "connection {number} was never replaced");
        assert_eq!(real.check(number).await, Some(generation));
    }
    let status = real.vault.status().await.unwrap();
    assert_eq!((status.owners, status.keys, status.wrapped_before), (1, 1, 0));

    let held = real.store.credential(&real.tenant, &id(0)).await.unwrap().unwrap();
    let count = u64::try_from(CONNECTIONS).unwrap();
    assert_eq!(real.vault.destroy(&tenant("acme"), "asked for").await.unwrap(), count);
    let copy = opened(&real.vault, held.1[0].clone()).await;
    assert!(matches!(copy, Err(VaultError::Destroyed(_))), "{copy:?}");
}
