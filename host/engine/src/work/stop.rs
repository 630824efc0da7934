//! Wishes of people that what a job does ends here.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::queue::JobId;
use model::run::RunKind;
use model::{ConnectionId, TenantId, Timestamp};

use crate::sync::Cancel;

/// Wishes about jobs that wait: whoever has more has emptied a queue, and may ask again.
const WISHES_MAX: usize = 10_000;

/// Jobs that were stopped before they had begun and are remembered, of all tenants: they are looked
/// at right after somebody has stopped them.
const UNBEGUN_MAX: usize = 1_000;

type Key = (TenantId, JobId);

/// Wishes to stop, by the id under which people know a job; clones are the same ones.
///
/// A job at work ends at its next border of a page, as cancelled; one that waits ends when its turn
/// comes, without having begun, and the last of those are remembered. All that is in memory alone:
/// a wish about a job that waits is forgotten when the process ends.
#[derive(Clone, Debug, Default)]
pub struct Stops {
    wishes: Arc<Mutex<BTreeMap<Key, Wish>>>,
    unbegun: Arc<Mutex<VecDeque<(TenantId, Unbegun)>>>,
}

/// A job that was stopped while it waited: no run tells of its end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unbegun {
    /// Which one, by the id under which people know it.
    pub job: JobId,
    /// In whose line it stood.
    pub connection: ConnectionId,
    /// What it was for.
    pub kind: RunKind,
    /// When it was queued.
    pub queued: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
}

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

    /// The jobs of a tenant that were stopped while they waited, or one of them; the newest first.
    pub fn unbegun(&self, tenant: &TenantId, one: Option<JobId>) -> Vec<Unbegun> {
        let is_meant = |it: &Unbegun| one.is_none_or(|one| it.job == one);
        let all = self.unbegun.lock().unwrap_or_else(PoisonError::into_inner);
        let meant = all.iter().rev().filter(|(whose, it)| whose == tenant && is_meant(it));
        meant.map(|(_, it)| it.clone()).collect()
    }

    fn wishes(&self) -> MutexGuard<'_, BTreeMap<Key, Wish>> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    pub(super) fn is_asked(&self) -> bool {
        self.asked.is_cancelled()
    }

    pub(super) fn job(&self) -> JobId {
        self.key.1
    }

    /// Remembers what has ended by the wish before it had begun.
    pub(super) fn heeded(&self, job: Unbegun) {
        let mut all = self.stops.unbegun.lock().unwrap_or_else(PoisonError::into_inner);
        all.push_back((self.key.0.clone(), job));
        let more = all.len().saturating_sub(UNBEGUN_MAX);
        all.drain(..more);
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
    fn last_that_never_began_are_remembered_for_their_tenant() {
        let (stops, tenant) = (Stops::default(), "acme".parse().unwrap());
        let listener = stops.listen(&tenant, JobId(0));
        let (queued, ended) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
        for job in (0..=u64::try_from(UNBEGUN_MAX).unwrap()).map(JobId) {
            let (connection, kind) = ("crm".parse().unwrap(), RunKind::Sync);
            listener.heeded(Unbegun { job, connection, kind, queued, ended });
        }
        let found = stops.unbegun(&tenant, None);
        assert_eq!((found.len(), found[UNBEGUN_MAX - 1].job), (UNBEGUN_MAX, JobId(1)));
        assert_eq!(stops.unbegun(&tenant, Some(JobId(7))).len(), 1);
        assert_eq!(stops.unbegun(&tenant, Some(JobId(0))), []);
        assert_eq!(stops.unbegun(&"globex".parse().unwrap(), None), []);
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
