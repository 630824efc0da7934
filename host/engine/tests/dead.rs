//! Dead letters, many of them.
#![cfg(test)]

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use engine::dead::{Chosen, Group, groups};
use model::queue::{
    Claim, DeadFilter, Death, Failure, Finish, JobQueue as _, Leased, NewJob, Outcome, Queue,
    Redrive, RedriveTo,
};
use model::{Clock, Error, ErrorKind, TenantId, Timestamp};
use store::Store;

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
async fn letter_that_dies_again_is_retried_once_and_letters_are_grouped_by_what_they_died_of() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Clock::system()).unwrap();
    let tenant: TenantId = "main".parse().unwrap();
    store.enqueue((0..3).map(|session| job(&tenant, session)).collect()).await.unwrap();
    bury(&store, &tenant).await;
    let all = DeadFilter::all(tenant.clone());
    let filter = DeadFilter { queue: Some(Queue::Delivery), limit: 2, ..all };
    let chosen = Chosen::of(&store, filter.clone(), usize::MAX).await.unwrap();
    assert_eq!(chosen.count(), 3);
    let mut met = 0;
    for batch in chosen.batches() {
        let redrive = Redrive {
            to: RedriveTo::Tail,
            payload: None,
            delay: Duration::ZERO,
            spacing: Duration::ZERO,
        };
        met += store.redrive(&batch, redrive).await.unwrap();
        bury(&store, &tenant).await;
    }
    assert_eq!(met, 3);
    assert_eq!(Chosen::of(&store, filter.clone(), 2).await.unwrap().count(), 2);

    let (found, count) = groups(&store, filter, usize::MAX).await.unwrap();
    let [Group { code, count: of_code, connection: None, .. }] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!((code.as_str(), *of_code, count), ("test.no", 3, 3));
}
