//! What all streams of a tenant read together.
//!
//! While a tenant has streams one task looks at the end of its log, and hands what is new to all of
//! them, written once. The log is the truth: a stream that begins, or comes back, reads it itself
//! and then goes on with what the task hands over.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use engine::sync::Cancel;
use model::event::Event;
use model::store::RecordStore;
use model::{ConnectionId, TenantId};
use tokio::sync::broadcast::{self, Receiver, Sender, WeakSender};
use tokio::time::MissedTickBehavior;

use super::view::{EventType, EventView};

/// How long an event waits until it is looked for: nobody sees four changes a second apart.
const POLL: Duration = Duration::from_millis(250);

/// Events that are read at once.
const BATCH: usize = 500;

/// Events that wait for the slowest stream of a tenant, of some 300 bytes each. Who is behind by
/// more is cut, and reads the log when it comes back.
const WAITING_MAX: usize = 2_048;

/// An event as streams send it.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) seq: u64,
    pub(super) kind: EventType,
    pub(super) connection: Option<ConnectionId>,
    pub(super) bytes: Bytes,
}

impl Frame {
    pub(super) fn of(event: Event) -> Self {
        let (seq, kind) = (event.seq, EventType::of(&event.kind));
        let connection = event.connection.clone();
        let view = EventView::of(event).counted();
        // Names and numbers: they serialise, and JSON has no line breaks of its own.
        let data = serde_json::to_string(&view).unwrap_or_default();
        let bytes = format!("id: {seq}\nevent: {}\ndata: {data}\n\n", kind.as_str()).into();
        Self { seq, kind, connection, bytes }
    }
}

/// The streams of all tenants; clones are the same ones.
#[derive(Clone)]
pub(super) struct Hub {
    store: Arc<dyn RecordStore>,
    closing: Cancel,
    /// Of each tenant the task's own end, as long as there is a task.
    feeds: Arc<Mutex<BTreeMap<TenantId, WeakSender<Frame>>>>,
}

impl Hub {
    pub(super) fn new(store: Arc<dyn RecordStore>, closing: Cancel) -> Self {
        Self { store, closing, feeds: Arc::default() }
    }

    /// What comes from now on, of which some may have been read already. Whoever has read the log
    /// up to `seq`, and reads on once it has this, misses nothing.
    pub(super) fn follow(&self, tenant: &TenantId, seq: u64) -> Receiver<Frame> {
        let mut feeds = self.lock();
        if let Some(feed) = feeds.get(tenant).and_then(WeakSender::upgrade) {
            return feed.subscribe();
        }
        let (sender, receiver) = broadcast::channel(WAITING_MAX);
        feeds.insert(tenant.clone(), sender.downgrade());
        tokio::spawn(self.clone().feed(tenant.clone(), seq, sender));
        receiver
    }

    /// Hands over what is new until nobody reads it any more.
    async fn feed(self, tenant: TenantId, mut seq: u64, sender: Sender<Frame>) {
        let mut looks = tokio::time::interval(POLL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.closing.cancelled() => break,
                _ = looks.tick() => {}
            }
            if self.ends(&tenant, &sender) {
                break;
            }
            match self.store.events(&tenant, seq, BATCH).await {
                Ok(events) => {
                    for event in events {
                        seq = event.seq;
                        // Without readers it ends with the next look.
                        drop(sender.send(Frame::of(event)));
                    }
                }
                Err(error) => tracing::warn!(%error, %tenant, "events could not be read"),
            }
        }
    }

    /// Forgets a feed that nobody reads. Under the lock, so that nobody joins it meanwhile.
    fn ends(&self, tenant: &TenantId, sender: &Sender<Frame>) -> bool {
        let mut feeds = self.lock();
        let unread = sender.receiver_count() == 0;
        if unread {
            feeds.remove(tenant);
        }
        unread
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TenantId, WeakSender<Frame>>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
