//! Dead letters that something is done to, batch by batch.

use anyhow::Result;
use model::queue::{BATCH_MAX, DeadFilter, JobId, JobQueue as _};
use model::store::StoreError;
use store::Store;

/// The letters that a filter matched when it was given: one that is retried and dies again while
/// the others are worked off is not met twice.
pub(super) struct Chosen {
    filter: DeadFilter,
    ids: Vec<JobId>,
}

impl Chosen {
    /// Looks them up.
    pub(super) async fn of(store: &Store, filter: DeadFilter) -> Result<Self> {
        let (mut ids, mut page) = (Vec::new(), filter.clone());
        loop {
            let letters = store.dead(&page).await?;
            let Some(last) = letters.last() else { return Ok(Self { filter, ids }) };
            page.after = Some(last.id);
            ids.extend(letters.iter().map(|letter| letter.id));
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.ids.len()).unwrap_or(u64::MAX)
    }

    /// Does something to all of them, batch by batch, and counts those that it met. It is told how
    /// many there were before.
    pub(super) async fn each(
        self,
        mut act: impl AsyncFnMut(&DeadFilter, u64) -> Result<u64, StoreError>,
    ) -> Result<u64> {
        let mut all = 0;
        for ids in self.ids.chunks(BATCH_MAX) {
            let ids = Some(ids.iter().copied().collect());
            all += act(&DeadFilter { ids, ..self.filter.clone() }, all).await?;
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use bytes::Bytes;
    use model::queue::{
        Claim, Death, Failure, Finish, Leased, NewJob, Outcome, Queue, Redrive, RedriveTo,
    };
    use model::{Clock, Error, ErrorKind, TenantId, Timestamp};

    use super::*;

    fn job(tenant: &TenantId, session: usize) -> NewJob {
        NewJob {
            tenant: tenant.clone(),
            queue: Queue::Delivery,
            session: session.to_string(),
            connection: None,
            package: None,
            payload: Bytes::from_static(b"{}"),
            run_at: None,
            dedupe: Vec::new(),
        }
    }

    /// Claims all that is due, and buries it.
    async fn bury(store: &Store, tenant: &TenantId) {
        let claim = Claim {
            worker: "test".to_owned(),
            queue: Queue::Delivery,
            tenant: tenant.clone(),
            skip: BTreeSet::new(),
            sessions_max: 10,
            jobs_max: 1,
            lease: Duration::from_mins(1),
            alone: false,
        };
        let at = Timestamp::UNIX_EPOCH;
        let error = Error::new(ErrorKind::Invalid, "test.no", "no");
        let failure = Failure { at, attempt: 1, error, digest: None, progressed: false };
        let dead = |id| (id, Outcome::Dead { failure: failure.clone(), why: Death::Permanent });
        let finish = |leased: Leased| Finish {
            lease: leased.lease,
            outcomes: leased.jobs.into_iter().map(|job| dead(job.id)).collect(),
            effects: Vec::new(),
        };
        let claimed = store.claim(claim).await.unwrap();
        store.finish(claimed.into_iter().map(finish).collect()).await.unwrap();
    }

    #[tokio::test]
    async fn letter_that_dies_again_is_retried_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Clock::system()).unwrap();
        let tenant: TenantId = "main".parse().unwrap();
        store.enqueue((0..3).map(|session| job(&tenant, session)).collect()).await.unwrap();
        bury(&store, &tenant).await;
        let filter = DeadFilter {
            tenant: tenant.clone(),
            queue: Some(Queue::Delivery),
            connection: None,
            package: None,
            code: None,
            ids: None,
            after: None,
            limit: 2,
        };
        let chosen = Chosen::of(&store, filter.clone()).await.unwrap();
        assert_eq!(chosen.count(), 3);
        let again = async |batch: &DeadFilter, _before| {
            let redrive = Redrive {
                to: RedriveTo::Tail,
                payload: None,
                delay: Duration::ZERO,
                spacing: Duration::ZERO,
            };
            let count = store.redrive(&DeadFilter { limit: 10, ..batch.clone() }, redrive).await?;
            bury(&store, &tenant).await;
            Ok(count)
        };
        assert_eq!(chosen.each(again).await.unwrap(), 3);
        assert_eq!(Chosen::of(&store, filter).await.unwrap().count(), 3);
    }
}
