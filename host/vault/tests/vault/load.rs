//! Rotation of both layers under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use model::vault::{Place, Vault as _};
use vault::Sealer;

use crate::memory::Memory;
use crate::wrapper::Named;
use crate::{Fixture, opened, place, quiet, seal, tenant};

const CONNECTIONS: usize = 16;
const ROTATIONS: usize = 12;

/// A connection whose token is replaced over and over, and opened by everybody.
struct Load {
    store: Arc<Memory>,
    vault: Arc<Sealer>,
    done: AtomicBool,
    opened: AtomicU64,
}

impl Load {
    /// Replaces the secret of one connection until the rotations are done; answers the last text.
    async fn refresh(&self, number: usize) -> String {
        let object = format!("c{number}");
        let mut generation = 1;
        while !self.done.load(Ordering::SeqCst) {
            generation += 1;
            let place = Place { generation, ..place("acme", &object) };
            let text = format!("{object}/{generation}");
            // Refused if the key went meanwhile: it is sealed again, under the active one.
            while self.store.put(&seal(&self.vault, &place, &text).await.unwrap()).is_err() {}
            tokio::task::yield_now().await;
        }
        format!("{object}/{generation}")
    }

    /// Opens what lies there, whatever it is by then.
    async fn read(&self, number: usize) {
        let place = place("acme", &format!("c{number}"));
        while !self.done.load(Ordering::SeqCst) {
            let sealed = self.store.get(&place).unwrap();
            let (object, generation) = (&place.object, sealed.place.generation);
            let text = format!("{object}/{generation}");
            assert_eq!(opened(&self.vault, sealed).await.unwrap(), text);
            self.opened.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_and_everything_opens_while_keys_are_rotated() {
    let Fixture { store, clock, vault, .. } = Fixture::new().await;
    let vault = Arc::new(vault);
    for number in 0..CONNECTIONS {
        let place = place("acme", &format!("c{number}"));
        let sealed = seal(&vault, &place, &format!("c{number}/1")).await.unwrap();
        store.put(&sealed).unwrap();
    }
    let (done, opened_count) = (AtomicBool::default(), AtomicU64::default());
    let load = Load { store: store.clone(), vault: vault.clone(), done, opened: opened_count };
    let load = Arc::new(load);
    let mut tasks = tokio::task::JoinSet::new();
    let mut reads = tokio::task::JoinSet::new();
    for number in 0..CONNECTIONS {
        let (writes, read) = (load.clone(), load.clone());
        tasks.spawn(async move { writes.refresh(number).await });
        reads.spawn(async move { read.read(number).await });
    }
    for round in 0..ROTATIONS {
        let before = load.opened.load(Ordering::SeqCst);
        vault.rotate_key(&tenant("acme"), &quiet).await.unwrap();
        let named = Arc::new(Named::new(&format!("round {round}")));
        vault.rotate_wrapper(named, &quiet).await.unwrap();
        clock.advance(Duration::from_mins(1));
        while vault.rotate_key(&tenant("acme"), &quiet).await.unwrap().unfinished.is_some() {}
        while load.opened.load(Ordering::SeqCst) == before {
            tokio::task::yield_now().await;
        }
    }
    load.done.store(true, Ordering::SeqCst);
    while let Some(read) = reads.join_next().await {
        read.unwrap();
    }
    let last = tasks.join_all().await;
    for text in last {
        let (object, _) = text.split_once('/').unwrap();
        let sealed = store.get(&place("acme", object)).unwrap();
        assert_eq!(vault.open(vec![sealed]).await.unwrap()[0].expose(), text);
    }
    assert_eq!(store.rows().keys[&tenant("acme")].len(), 1);
}
