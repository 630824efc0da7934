//! Claims in hand: renewed while their handlers work, given up when the store says so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::TenantId;
use model::queue::{BATCH_MAX, Held, JobQueue, LeaseRef, Queue};
use tokio::time::Instant;

use crate::sync::Cancel;

/// The shortest lease. Renewals of shorter ones would be more work than what they guard.
const LEASE_MIN: Duration = Duration::from_secs(30);

/// Renewals in the time of one lease.
const RENEWALS: u32 = 6;

/// How long a claim holds without a renewal: one and a half times the handler's deadline.
///
/// It is renewed six times in that time. After a third of it without a renewal, two lost ones,
/// the handler is asked to stop; what is left is its deadline. So nobody else has the session
/// while a handler that keeps its terms still works on it.
pub fn lease(deadline: Duration) -> Duration {
    (deadline + deadline / 2).max(LEASE_MIN)
}

/// The claims of this process; its clones are the same.
#[derive(Clone, Default)]
pub(super) struct Leases(Arc<Mutex<HashMap<Key, Entry>>>);

type Key = (Queue, TenantId, String);

struct Entry {
    lease: LeaseRef,
    renewed: Instant,
    /// Since when the handler has been asked to stop, as far as the renewals have seen.
    stopping: Option<Instant>,
    signals: Signals,
}

#[derive(Clone, Default)]
struct Signals {
    cancel: Cancel,
    stale: Cancel,
    done: Cancel,
}

/// A claim in hand. Dropping it ends the renewals.
pub(super) struct Hold {
    leases: Leases,
    lease: LeaseRef,
    signals: Signals,
}

impl Leases {
    /// Takes a claim in hand. If this process has the session at work already, because the clock
    /// of the store has run away from the lease, that work is stopped and waited for: a session
    /// is never worked on twice at once.
    pub(super) async fn hold(&self, lease: &LeaseRef) -> Hold {
        let signals = Signals::default();
        let entry = Entry {
            lease: lease.clone(),
            renewed: Instant::now(),
            stopping: None,
            signals: signals.clone(),
        };
        let hold = Hold { leases: self.clone(), lease: lease.clone(), signals };
        let before = self.entries().insert(key(lease), entry);
        if let Some(Entry { signals: before, .. }) = before {
            before.stale.cancel();
            before.cancel.cancel();
            before.done.cancelled().await;
        }
        hold
    }

    /// Asks all handlers to stop.
    pub(super) fn cancel(&self) {
        self.entries().values().for_each(|entry| entry.signals.cancel.cancel());
    }

    /// Renews the claims of a queue for ever.
    pub(super) async fn renew(&self, store: &dyn JobQueue, queue: Queue, deadline: Duration) {
        let lease = lease(deadline);
        let mut ticks = tokio::time::interval(lease / RENEWALS);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let refs = self.renewable(queue, deadline);
            for batch in refs.chunks(BATCH_MAX) {
                let asked = Instant::now();
                match store.renew(batch.to_vec(), lease).await {
                    Ok(answers) => self.renewed(batch, &answers, asked),
                    Err(error) => tracing::warn!(%queue, %error, "claims are not renewed"),
                }
            }
            self.stop_unrenewed(queue, lease / 3);
        }
    }

    /// The claims whose handlers keep their terms. A handler that blocks its thread cannot be
    /// dropped; its session at least goes on elsewhere when the lease has run out.
    fn renewable(&self, queue: Queue, deadline: Duration) -> Vec<LeaseRef> {
        let mut refs = Vec::new();
        for entry in self.entries().values_mut().filter(|entry| entry.lease.queue == queue) {
            if entry.signals.cancel.is_cancelled() {
                let since = *entry.stopping.get_or_insert_with(Instant::now);
                if since.elapsed() > deadline {
                    let LeaseRef { tenant, session, .. } = &entry.lease;
                    tracing::error!(%tenant, session, "a handler does not come back; its claim lapses");
                    continue;
                }
            }
            if !entry.signals.stale.is_cancelled() {
                refs.push(entry.lease.clone());
            }
        }
        refs
    }

    fn renewed(&self, refs: &[LeaseRef], answers: &[Held], at: Instant) {
        let mut entries = self.entries();
        for (lease, held) in refs.iter().zip(answers) {
            let entry = entries.get_mut(&key(lease)).filter(|entry| entry.lease == *lease);
            let Some(entry) = entry else { continue };
            match held {
                Held::Held => entry.renewed = at,
                Held::Stale => {
                    entry.signals.stale.cancel();
                    entry.signals.cancel.cancel();
                }
            }
        }
    }

    fn stop_unrenewed(&self, queue: Queue, patience: Duration) {
        let entries = self.entries();
        let late =
            |entry: &&Entry| entry.lease.queue == queue && entry.renewed.elapsed() >= patience;
        entries.values().filter(late).for_each(|entry| entry.signals.cancel.cancel());
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold {
    /// The wish that the handler stops.
    pub(super) fn cancel(&self) -> &Cancel {
        &self.signals.cancel
    }

    /// Whether somebody else has the session by now.
    pub(super) fn is_stale(&self) -> bool {
        self.signals.stale.is_cancelled()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut entries = self.leases.entries();
        let key = key(&self.lease);
        if entries.get(&key).is_some_and(|entry| entry.lease == self.lease) {
            entries.remove(&key);
        }
        drop(entries);
        self.signals.done.cancel();
    }
}

fn key(lease: &LeaseRef) -> Key {
    (lease.queue, lease.tenant.clone(), lease.session.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(epoch: u64) -> LeaseRef {
        let (tenant, session) = ("acme".parse().unwrap(), "sync/crm".to_owned());
        LeaseRef { tenant, queue: Queue::InboundScheduled, session, epoch }
    }

    #[test]
    fn lease_leaves_the_deadline_after_two_lost_renewals() {
        for seconds in [1, 20, 21, 60, 600] {
            let deadline = Duration::from_secs(seconds);
            let lease = lease(deadline);
            assert!(lease >= LEASE_MIN && lease * 2 / 3 >= deadline, "{lease:?}");
        }
    }

    #[tokio::test]
    async fn second_claim_of_a_session_waits_until_the_first_has_ended() {
        let leases = Leases::default();
        let first = leases.hold(&reference(1)).await;
        let stopping = first.cancel().clone();
        let newer = reference(2);
        let second = leases.hold(&newer);
        let ends = async {
            stopping.cancelled().await;
            assert!(first.is_stale());
            drop(first);
        };
        let (second, ()) = tokio::join!(biased; second, ends);
        assert!(!second.is_stale() && !second.cancel().is_cancelled());
        // The one that ended last was not the one in hand.
        assert_eq!(leases.renewable(Queue::InboundScheduled, LEASE_MIN), [reference(2)]);
    }

    #[tokio::test(start_paused = true)]
    async fn claim_that_is_not_renewed_in_time_is_stopped_and_lapses() {
        let leases = Leases::default();
        let hold = leases.hold(&reference(1)).await;
        let queue = Queue::InboundScheduled;
        tokio::time::advance(Duration::from_secs(9)).await;
        leases.stop_unrenewed(queue, Duration::from_secs(10));
        assert!(!hold.cancel().is_cancelled());
        leases.renewed(&[reference(1)], &[Held::Held], Instant::now());
        tokio::time::advance(Duration::from_secs(10)).await;
        leases.stop_unrenewed(queue, Duration::from_secs(10));
        assert!(hold.cancel().is_cancelled() && !hold.is_stale());
        assert_eq!(leases.renewable(queue, LEASE_MIN).len(), 1);
        tokio::time::advance(LEASE_MIN + Duration::from_secs(1)).await;
        assert!(leases.renewable(queue, LEASE_MIN).is_empty());
    }
}
