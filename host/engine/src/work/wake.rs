//! The hint that there is something to do.

use std::sync::Arc;

use tokio::sync::Notify;

/// Wakes the workers; its clones wake the same ones.
///
/// A hint and no more: workers look for themselves as well, so one that is lost costs a moment.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Something was queued.
    pub fn wake(&self) {
        self.0.notify_one();
    }

    /// Waits for the next hint, or for one that nobody has waited for.
    pub(super) async fn woken(&self) {
        self.0.notified().await;
    }
}
