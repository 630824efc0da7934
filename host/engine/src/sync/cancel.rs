//! The wish to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Asks a run to stop; its clones are the same wish.
///
/// It is looked at between pages: a page that is being read is read to its end and committed, so
/// stopping loses nothing and takes at most the wall time of one adapter call.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Wish>);

#[derive(Debug, Default)]
struct Wish {
    asked: AtomicBool,
    told: Notify,
}

impl Cancel {
    /// Asks to stop, once and for all.
    pub fn cancel(&self) {
        self.0.asked.store(true, Ordering::Release);
        self.0.told.notify_waiters();
    }

    /// Whether somebody has asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.asked.load(Ordering::Acquire)
    }

    /// Waits until somebody asks.
    pub async fn cancelled(&self) {
        // Made before the flag is looked at, so that no notice in between is missed.
        let told = self.0.told.notified();
        if !self.is_cancelled() {
            told.await;
        }
    }
}
