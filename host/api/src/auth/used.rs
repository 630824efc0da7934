//! When keys were last used.

use std::collections::HashMap;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::Timestamp;
use model::api_key::{ApiKey, ApiKeyId, ApiKeyStore};

/// Seconds of a minute, which is how exactly the last use of a key is told: one write for all of
/// its requests in that time.
const MINUTE: i64 = 60;

/// Uses that are still to be written down. There is one write at a time; what comes meanwhile goes
/// together with the next.
#[derive(Clone)]
pub(super) struct Used {
    keys: Arc<dyn ApiKeyStore>,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    uses: HashMap<ApiKeyId, Timestamp>,
    writing: bool,
}

impl Used {
    pub(super) fn new(keys: Arc<dyn ApiKeyStore>) -> Self {
        Self { keys, waiting: Arc::default() }
    }

    /// Notes that a key is used, if that is not written down yet.
    pub(super) fn note(&self, key: &ApiKey, now: Timestamp) {
        let now = minute(now);
        if key.used.is_some_and(|used| used >= now) {
            return;
        }
        let mut waiting = self.lock();
        waiting.uses.insert(key.id.clone(), now);
        if !waiting.writing {
            waiting.writing = true;
            tokio::spawn(self.clone().write());
        }
    }

    async fn write(self) {
        while let Some(uses) = self.next() {
            if let Err(error) = self.keys.use_api_keys(uses).await {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::warn!(error, "the last use of API keys is not written down");
            }
        }
    }

    fn next(&self) -> Option<Vec<(ApiKeyId, Timestamp)>> {
        let mut waiting = self.lock();
        let uses = take(&mut waiting.uses);
        waiting.writing = !uses.is_empty();
        waiting.writing.then(|| uses.into_iter().collect())
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn minute(at: Timestamp) -> Timestamp {
    let second = at.as_second();
    Timestamp::from_second(second - second.rem_euclid(MINUTE)).unwrap_or(at)
}
