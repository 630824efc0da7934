//! Transitions on their way to the store.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::breaker::{BreakerStore, Key, Open};
use model::store::StoreError;
use tokio::sync::Notify;

/// Transitions that wait at most. Breakers move seldom; if the store takes none for this long, the
/// oldest are of no interest any more.
const PENDING_MAX: usize = 4096;

/// How long a store that has failed is left alone.
const STORE_PAUSE: Duration = Duration::from_secs(10);

/// Transitions in their order.
pub(super) struct Pending {
    store: Arc<dyn BreakerStore>,
    waiting: Mutex<VecDeque<(Key, Option<Open>)>>,
    pushed: Notify,
    /// Held while the store is told, so that two who tell keep the order.
    telling: tokio::sync::Mutex<()>,
}

impl Pending {
    pub(super) fn new(store: Arc<dyn BreakerStore>) -> Self {
        let (waiting, pushed) = (Mutex::default(), Notify::new());
        Self { store, waiting, pushed, telling: tokio::sync::Mutex::default() }
    }

    pub(super) fn push(&self, key: Key, open: Option<Open>) {
        let mut waiting = self.waiting();
        if waiting.len() >= PENDING_MAX {
            waiting.pop_front();
        }
        waiting.push_back((key, open));
        drop(waiting);
        self.pushed.notify_one();
    }

    pub(super) async fn keep(&self) {
        loop {
            self.pushed.notified().await;
            while let Err(error) = self.flush().await {
                tracing::warn!(%error, "the store does not keep what became of a circuit breaker");
                tokio::time::sleep(STORE_PAUSE).await;
            }
        }
    }

    pub(super) async fn flush(&self) -> Result<(), StoreError> {
        let _telling = self.telling.lock().await;
        loop {
            let Some((key, open)) = self.waiting().front().cloned() else { return Ok(()) };
            self.store.put_breaker(&key, open).await?;
            let mut waiting = self.waiting();
            // What was told may have been pushed out by newer ones meanwhile.
            if waiting.front().is_some_and(|front| *front == (key, open)) {
                waiting.pop_front();
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<(Key, Option<Open>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
