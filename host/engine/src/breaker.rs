//! What is known of the hosts of providers: their circuit breakers, and how many retries are left
//! for them.
//!
//! Breakers live in memory; every transition is told to the store by [`Breakers::keep`], so that
//! those that are open are open after a restart too. Transitions are handed over under the lock
//! under which they happen: the store hears of them in their order.
//!
//! What is to ask a host whose breaker is open is put off when it is claimed, at no attempt and
//! without a request. Schedules go on with their ticks meanwhile, and rest all the same: of a task
//! there is one unfinished job at most, so all ticks that the outage spans leave that one behind.
//! A task that was passed over and made up for what it missed would leave no less, and would begin
//! no sooner: the job that waits is due the moment the breaker lets a request try.

mod pending;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::breaker::{Breaker, BreakerStore, Hosts, Key, Open, Opened, Outcome, Pass, Transition};
use model::retry::share;
use model::store::StoreError;
use model::{Clock, TenantId, Timestamp};

use crate::policy::Retries;
use pending::Pending;

/// Hosts that are watched before those with nothing to remember are let go; one has a few hundred
/// bytes.
const HOSTS_SWEEP: usize = 4096;

/// In what time a job comes back for which no retry was left: spread out, so that they do not all
/// ask again at the same time.
const RETRY_PAUSE: Duration = Duration::from_mins(1);

/// The watch over all hosts. Clones are the same watch.
#[derive(Clone)]
pub struct Breakers(Arc<Inner>);

struct Inner {
    clock: Clock,
    hosts: Mutex<Watched>,
    pending: Pending,
}

#[derive(Default)]
struct Watched {
    breakers: HashMap<Key, Breaker>,
    /// By tenant and host.
    retries: HashMap<(TenantId, String), Retries>,
}

impl Breakers {
    /// Takes over what the store has kept.
    pub async fn load(store: Arc<dyn BreakerStore>, clock: Clock) -> Result<Self, StoreError> {
        let kept = store.breakers().await?;
        let breakers = kept.into_iter().map(|kept| (kept.key, Breaker::restored(kept.open)));
        let hosts = Watched { breakers: breakers.collect(), ..Watched::default() };
        Ok(Self(Arc::new(Inner { clock, hosts: Mutex::new(hosts), pending: Pending::new(store) })))
    }

    /// Whether a job that is to ask this host may begin, or when to come again. A job that has
    /// failed before takes one of the host's retries. `random` is uniformly distributed over all
    /// numbers.
    pub fn begin(&self, key: &Key, attempt: u32, random: u64) -> Result<(), Timestamp> {
        let now = self.0.clock.now();
        let mut hosts = self.hosts();
        if let Some(until) = hosts.breakers.get_mut(key).and_then(|breaker| breaker.held(now)) {
            return Err(until);
        }
        if attempt > 1 && !hosts.retries(key, now).take(now) {
            let wait = share(RETRY_PAUSE, random);
            return Err(now.saturating_add(wait).unwrap_or(Timestamp::MAX));
        }
        Ok(())
    }

    /// The breakers that are not closed, of one tenant or of all.
    pub fn list(&self, tenant: Option<&TenantId>) -> Vec<Opened> {
        let hosts = self.hosts();
        let open = hosts.breakers.iter().filter_map(|(key, breaker)| {
            let open = breaker.opened()?;
            tenant.is_none_or(|tenant| *tenant == key.tenant).then_some((key, open))
        });
        let mut list: Vec<_> = open.map(|(key, open)| Opened { key: key.clone(), open }).collect();
        list.sort_by(|a, b| a.key.cmp(&b.key));
        list
    }

    /// Closes a breaker, because somebody knows better. False if it was not open.
    pub fn reset(&self, key: &Key) -> bool {
        let mut hosts = self.hosts();
        let closed = hosts.breakers.get_mut(key).and_then(Breaker::close);
        self.moved(&hosts, key, closed);
        closed.is_some()
    }

    /// Tells the store of every transition, for as long as it is polled. What is not told yet
    /// when it is dropped is told by [`Self::flush`].
    pub async fn keep(&self) {
        self.0.pending.keep().await;
    }

    /// Tells the store of the transitions up to now.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.0.pending.flush().await
    }

    /// Tells of a transition, before the lock is given up under which it happened.
    fn moved(&self, _locked: &Watched, key: &Key, transition: Option<Transition>) {
        let Key { tenant, package, host } = key;
        match transition {
            Some(Transition::Opened(open)) => {
                let Open { until, failures, requests, times, .. } = open;
                tracing::warn!(
                    %tenant, package, host, failures, requests, times, %until,
                    "circuit breaker opened: the host is not asked until then"
                );
                self.0.pending.push(key.clone(), Some(open));
            }
            Some(Transition::Closed) => {
                tracing::info!(%tenant, package, host, "circuit breaker closed");
                self.0.pending.push(key.clone(), None);
            }
            Some(Transition::Probing) => {
                tracing::info!(%tenant, package, host, "circuit breaker lets one request try");
            }
            None => {}
        }
    }

    fn hosts(&self) -> MutexGuard<'_, Watched> {
        self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hosts for Breakers {
    fn admit(&self, key: &Key) -> Result<Pass, Timestamp> {
        let now = self.0.clock.now();
        let mut hosts = self.hosts();
        let (pass, transition) = hosts.breaker(key, now).admit(now)?;
        self.moved(&hosts, key, transition);
        Ok(pass)
    }

    fn report(&self, key: &Key, pass: Pass, outcome: Outcome) {
        let now = self.0.clock.now();
        let mut hosts = self.hosts();
        hosts.retries(key, now).earn();
        let transition = hosts.breaker(key, now).report(pass, outcome, now);
        self.moved(&hosts, key, transition);
    }
}

impl Watched {
    fn breaker(&mut self, key: &Key, now: Timestamp) -> &mut Breaker {
        if self.breakers.len() >= HOSTS_SWEEP && !self.breakers.contains_key(key) {
            self.breakers.retain(|_, breaker| !breaker.is_idle(now));
        }
        self.breakers.entry(key.clone()).or_default()
    }

    fn retries(&mut self, key: &Key, now: Timestamp) -> &mut Retries {
        let entry = (key.tenant.clone(), key.host.clone());
        if self.retries.len() >= HOSTS_SWEEP && !self.retries.contains_key(&entry) {
            self.retries.retain(|_, retries| !retries.is_full(now));
        }
        self.retries.entry(entry).or_insert_with(|| Retries::new(now))
    }
}

#[cfg(test)]
mod tests;
