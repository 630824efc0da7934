//! Wishes of people that what a job does ends here.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::TenantId;
use model::queue::JobId;

use crate::sync::Cancel;

/// Wishes about jobs that wait: whoever has more has emptied a queue, and may ask again.
const WISHES_MAX: usize = 10_000;

type Key = (TenantId, JobId);

/// Wishes to stop, by the id under which people know a job; clones are the same ones.
///
/// A job at work ends at its next border of a page, as cancelled; one that waits ends when its turn
/// comes, without having begun. They are in memory alone: one about a job that waits is forgotten
/// when the process ends.
#[derive(Clone, Debug, Default)]
pub struct Stops(Arc<Mutex<BTreeMap<Key, Wish>>>);

#[derive(Clone, Debug, Default)]
struct Wish {
    asked: Cancel,
    heard: bool,
}

/// Hears the wish about one job. Dropped, it is forgotten.
pub(super) struct Listener {
    stops: Stops,
    key: Key,
    asked: Cancel,
}

impl Stops {
    /// Asks a job to end.
    pub fn ask(&self, tenant: &TenantId, job: JobId) {
        let mut wishes = self.wishes();
        if wishes.len() >= WISHES_MAX
            && let Some(key) =
                wishes.iter().find(|(_, wish)| !wish.heard).map(|(key, _)| key.clone())
        {
            wishes.remove(&key);
        }
        wishes.entry((tenant.clone(), job)).or_default().asked.cancel();
    }

    pub(super) fn listen(&self, tenant: &TenantId, job: JobId) -> Listener {
        let key = (tenant.clone(), job);
        let mut wishes = self.wishes();
        let wish = wishes.entry(key.clone()).or_default();
        wish.heard = true;
        let asked = wish.asked.clone();
        drop(wishes);
        Listener { stops: self.clone(), key, asked }
    }

    fn wishes(&self) -> MutexGuard<'_, BTreeMap<Key, Wish>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    pub(super) fn is_asked(&self) -> bool {
        self.asked.is_cancelled()
    }

    /// Does the work, and passes the wish on to it.
    pub(super) async fn passed_on<T>(&self, to: &Cancel, work: impl Future<Output = T>) -> T {
        let asked = async {
            self.asked.cancelled().await;
            to.cancel();
            pending::<Infallible>().await
        };
        tokio::select! {
            biased;
            done = work => done,
            never = asked => match never {},
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stops.wishes().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn wish_reaches_the_work_and_is_forgotten_with_it() {
        let (stops, tenant) = (Stops::default(), "acme".parse().unwrap());
        stops.ask(&tenant, JobId(1));
        let listener = stops.listen(&tenant, JobId(1));
        assert!(listener.is_asked() && !stops.listen(&tenant, JobId(2)).is_asked());
        let cancel = Cancel::default();
        listener.passed_on(&cancel, cancel.cancelled()).await;
        drop(listener);
        assert!(!stops.listen(&tenant, JobId(1)).is_asked());
        assert!(stops.wishes().is_empty());
    }

    #[test]
    fn wishes_about_what_waits_are_bounded() {
        let (stops, tenant) = (Stops::default(), "acme".parse().unwrap());
        let heard = stops.listen(&tenant, JobId(0));
        (1..=u64::try_from(WISHES_MAX).unwrap() + 5).for_each(|id| stops.ask(&tenant, JobId(id)));
        assert_eq!(stops.wishes().len(), WISHES_MAX);
        stops.ask(&tenant, JobId(0));
        assert!(heard.is_asked());
    }
}
