//! The row of a session, and the pure rules about it.

use std::collections::BTreeMap;

use model::queue::{JobId, LeaseRef, Queue};
use model::store::{StoreError, StoreErrorKind};
use model::{ConnectionId, TenantId, Timestamp, retry};
use redb::ReadableTable as _;
use serde::{Deserialize, Serialize};

use super::keys::{Group, Line};
use crate::codec::json;
use crate::disk::Disk as _;
use crate::tables::{Table, Tables};

/// What is known of a session that has jobs, waits for a person, or is at work.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub(super) struct Session {
    /// Of the last claim.
    pub(super) epoch: u64,
    /// The number that the next job gets; those that come back to the head get negative ones.
    pub(super) next: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) head: Option<Head>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lease: Option<Lease>,
    /// Jobs that have been tried, by their number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) tries: BTreeMap<i64, Try>,
    /// The dead letter that it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) blocked: Option<JobId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) paused: Option<Halt>,
}

/// The first job of a session.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub(super) struct Head {
    pub(super) number: i64,
    pub(super) due: Timestamp,
    pub(super) connection: Option<ConnectionId>,
    pub(super) package: Option<String>,
}

/// Who has a session.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub(super) struct Lease {
    pub(super) worker: String,
    pub(super) until: Timestamp,
    /// The numbers of the jobs that were handed out.
    pub(super) jobs: Vec<i64>,
    /// Whether nothing else is at work beside them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) alone: bool,
}

/// What is known of a job that has been tried.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub(super) struct Try {
    pub(super) attempts: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) deaths: u32,
    /// Not before, where this is another instant than the job itself says.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) due: Option<Timestamp>,
    /// Whether there is a row of failures.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) failed: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Of a pause, all that decides when something is due.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub(super) struct Halt {
    pub(super) until: Option<Timestamp>,
}

impl Halt {
    /// When something that is due at an instant becomes due under a pause.
    pub(super) fn delay(pause: Option<Self>, due: Timestamp) -> Option<Timestamp> {
        match pause {
            None => Some(due),
            Some(Self { until }) => until.map(|until| until.max(due)),
        }
    }

    /// Whether it holds.
    pub(super) fn holds(self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Session {
    pub(super) fn new(paused: Option<Halt>) -> Self {
        Self {
            epoch: 0,
            next: 0,
            head: None,
            lease: None,
            tries: BTreeMap::new(),
            blocked: None,
            paused,
        }
    }

    /// Whether there is nothing that a row would have to remember.
    pub(super) fn is_over(&self) -> bool {
        self.head.is_none() && self.lease.is_none() && self.blocked.is_none()
    }

    /// When it may be claimed, if nothing else happens. A lease that runs out makes it due again.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let due = match (&self.lease, &self.head) {
            (Some(lease), _) => lease.until,
            (None, Some(head)) if self.blocked.is_none() => head.due,
            (None, _) => return None,
        };
        Halt::delay(self.paused, due)
    }

    /// Where it stands among what becomes due.
    pub(super) fn place(&self, tenant: &TenantId, queue: Queue) -> Option<(Group, Timestamp)> {
        let (due, head) = (self.due()?, self.head.as_ref()?);
        let group = Group {
            queue,
            tenant: tenant.clone(),
            package: head.package.clone(),
            connection: head.connection.clone(),
        };
        Some((group, due))
    }

    /// Whether the claim of this epoch has not ended.
    pub(super) fn is_held(&self, epoch: u64) -> bool {
        self.epoch == epoch && self.lease.is_some()
    }

    /// Ends a lease that has run out: each of its jobs has lost a worker, or has not been tried
    /// where that would decide about it and may be the fault of another. False if there is none.
    pub(super) fn expire(&mut self) -> bool {
        let Some(lease) = self.lease.take() else { return false };
        for number in lease.jobs {
            let tried = self.tries.entry(number).or_default();
            if retry::counts_death(tried.deaths, lease.alone) {
                tried.deaths = tried.deaths.saturating_add(1);
            } else {
                self.untry(number);
            }
        }
        true
    }

    /// Takes an attempt back that was none.
    pub(super) fn untry(&mut self, number: i64) {
        let Some(tried) = self.tries.get_mut(&number) else { return };
        tried.attempts = tried.attempts.saturating_sub(1);
        if *tried == Try::default() {
            self.tries.remove(&number);
        }
    }
}

/// Refuses what is done under a claim that has ended, or that somebody else has followed.
pub(crate) fn fence(tables: &Tables<'_>, lease: &LeaseRef) -> Result<(), StoreError> {
    let row = tables.sessions.get(Line::of(lease).key().as_slice()).disk()?;
    let session: Option<Session> =
        row.map(|row| json::decode(Table::Sessions, row.value())).transpose()?;
    if session.is_some_and(|session| session.is_held(lease.epoch)) {
        return Ok(());
    }
    let LeaseRef { tenant, queue, session, .. } = lease;
    let message = format!(
        "the claim of the session {session:?} in {queue} of {tenant} has ended; its work may not \
         write any more"
    );
    Err(StoreError::new(StoreErrorKind::Fenced, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::new(second, 0).unwrap()
    }

    fn waiting(due: i64) -> Session {
        let head = Head { number: 0, due: at(due), connection: None, package: None };
        Session { head: Some(head), ..Session::new(None) }
    }

    fn leased(until: i64) -> Session {
        let (worker, until) = ("w".to_owned(), at(until));
        let lease = Lease { worker, until, jobs: vec![0], alone: false };
        Session { lease: Some(lease), ..waiting(1) }
    }

    #[track_caller]
    fn check(session: &Session, due: Option<i64>) {
        assert_eq!(session.due(), due.map(at), "{session:?}");
    }

    #[test]
    fn session_is_due_with_its_head_or_the_end_of_its_lease() {
        check(&Session::new(None), None);
        check(&waiting(5), Some(5));
        check(&leased(90), Some(90));
        check(&Session { blocked: Some(JobId(1)), ..waiting(5) }, None);
    }

    #[test]
    fn pause_delays_to_its_end_or_for_good() {
        let paused = |until: Option<i64>| Some(Halt { until: until.map(at) });
        check(&Session { paused: paused(None), ..waiting(5) }, None);
        check(&Session { paused: paused(Some(9)), ..waiting(5) }, Some(9));
        check(&Session { paused: paused(Some(3)), ..waiting(5) }, Some(5));
        check(&Session { paused: paused(Some(99)), ..leased(90) }, Some(99));
    }

    #[test]
    fn lease_that_runs_out_is_a_death_of_each_job_and_ends_once() {
        let mut session = leased(90);
        assert!(session.is_held(0) && session.expire() && !session.expire());
        assert_eq!(session.tries[&0].deaths, 1);
        assert!(!session.is_held(0));
    }

    #[test]
    fn attempt_that_was_none_leaves_no_trace() {
        let mut session = waiting(1);
        session.tries.insert(0, Try { attempts: 1, ..Try::default() });
        session.untry(0);
        assert_eq!(session, waiting(1));
    }
}
