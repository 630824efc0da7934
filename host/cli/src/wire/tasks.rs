//! Work that outlives whoever began it: a token that is being fetched is fetched, and kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::credential::Spawn;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long a process that ends waits for answers that are on their way: as long as a token
/// endpoint has for one, and the commit behind it.
const FINISH_TIME_MAX: Duration = Duration::from_secs(25);

/// The tasks of this process; clones are the same ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    /// What puts work among them.
    pub(crate) fn spawn(&self) -> Spawn {
        let tasks = self.clone();
        Arc::new(move |work| {
            let mut tasks = tasks.lock();
            while tasks.try_join_next().is_some() {}
            tasks.spawn(work);
        })
    }

    /// Waits until they have ended.
    pub(crate) async fn finish(&self) {
        let tasks = std::mem::take(&mut *self.lock());
        if timeout(FINISH_TIME_MAX, tasks.join_all()).await.is_err() {
            tracing::warn!("a provider that did not answer in time is not waited for");
        }
    }

    fn lock(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn who_finishes_waits_for_what_was_begun() {
        let tasks = Tasks::default();
        let (done, is_done) = oneshot::channel();
        tasks.spawn()(Box::pin(async move {
            tokio::task::yield_now().await;
            done.send(()).unwrap();
        }));
        tasks.finish().await;
        assert!(is_done.await.is_ok());
    }
}
