//! What all connections of a limit's scope share: the bucket, the places, the pause.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use package::manifest::Limit;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// States kept before those that nobody uses are looked for; an entry has some 300 bytes.
const STATES_SWEEP: usize = 4096;

/// Who shares a state: the package and, by the limit's scope, an account, a connection or nobody
/// else.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Key {
    pub(crate) package: String,
    pub(crate) scope: &'static str,
    pub(crate) holder: String,
}

/// All states of a gateway.
#[derive(Debug, Default)]
pub(crate) struct States(Mutex<HashMap<(Key, String), Arc<State>>>);

impl States {
    /// The state of a limit; a manifest that changes the numbers begins a new one.
    pub(crate) fn of(&self, key: &Key, index: usize, limit: &Limit) -> Arc<State> {
        let description = describe(limit);
        let entry = (key.clone(), format!("{index}: {description}"));
        let mut states = self.lock();
        if let Some(state) = states.get(&entry) {
            return Arc::clone(state);
        }
        let state = Arc::new(State::new(limit, description));
        states.insert(entry, Arc::clone(&state));
        state
    }

    /// The state that has no numbers, for pauses alone.
    pub(crate) fn rest(&self, key: &Key) -> Arc<State> {
        let mut states = self.lock();
        if states.len() > STATES_SWEEP {
            // The map's own reference is no holder; an idle state says nothing that a new one does not.
            states.retain(|_, state| Arc::strong_count(state) > 1 || !state.is_idle());
        }
        let entry = (key.clone(), "rest".to_owned());
        Arc::clone(states.entry(entry).or_insert_with(|| {
            Arc::new(State::unlimited("the pause that the provider asked for".to_owned()))
        }))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Key, String), Arc<State>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One limit as its scope shares it.
pub(crate) struct State {
    pub(crate) description: String,
    pub(crate) concurrent: Option<Arc<Semaphore>>,
    rate: Option<Rate>,
    /// After that long without use the bucket is full again.
    refill: Duration,
    times: Mutex<Times>,
}

struct Times {
    used: Instant,
    paused_until: Option<Instant>,
    /// When everything that was taken will have been refilled.
    full_at: Instant,
}

/// A bucket of requests that refills evenly; what is taken moves the time at which it is full.
#[derive(Clone, Copy, Debug)]
struct Rate {
    /// The time in which one request comes back.
    each: Duration,
    /// The time in which all but one come back.
    burst: Duration,
}

impl State {
    fn new(limit: &Limit, description: String) -> Self {
        let places = limit.concurrent.and_then(|places| usize::try_from(places.max(1)).ok());
        Self {
            concurrent: places.map(|places| Arc::new(Semaphore::new(places))),
            rate: Rate::of(limit),
            refill: limit.per.unwrap_or_default(),
            ..Self::unlimited(description)
        }
    }

    fn unlimited(description: String) -> Self {
        Self {
            description,
            concurrent: None,
            rate: None,
            refill: Duration::ZERO,
            times: Mutex::new(Times {
                used: Instant::now(),
                paused_until: None,
                full_at: Instant::now(),
            }),
        }
    }

    /// How long nobody may pass, by now.
    pub(crate) fn wait(&self) -> Option<Duration> {
        self.times().wait(self.rate, Instant::now())
    }

    /// Takes one request, or tells how long to wait before asking again.
    pub(crate) fn take(&self) -> Result<(), Duration> {
        let now = Instant::now();
        let mut times = self.times();
        if let Some(wait) = times.wait(self.rate, now) {
            return Err(wait);
        }
        times.used = now;
        if let Some(rate) = self.rate {
            times.full_at = times.full_at.max(now) + rate.each;
        }
        Ok(())
    }

    /// Puts a request back that was taken and will not be sent.
    pub(crate) fn give_back(&self) {
        if let Some(rate) = self.rate {
            self.times().full_at -= rate.each;
        }
    }

    /// Lets nobody pass for that long, unless a longer pause is on.
    pub(crate) fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut times = self.times();
        if times.paused_until.is_none_or(|before| before < until) {
            times.paused_until = Some(until);
        }
    }

    fn is_idle(&self) -> bool {
        let now = Instant::now();
        let times = self.times();
        times.used + self.refill < now && times.paused_until.is_none_or(|until| until < now)
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("State").field(&self.description).finish()
    }
}

impl Times {
    fn wait(&self, rate: Option<Rate>, now: Instant) -> Option<Duration> {
        let paused = self.paused_until.map(|until| until.saturating_duration_since(now));
        let empty = rate.map(|rate| self.full_at.saturating_duration_since(now + rate.burst));
        let wait = paused.max(empty).filter(|wait| !wait.is_zero())?;
        // A timer has this resolution; with less the caller would spin.
        Some(wait.max(Duration::from_millis(1)))
    }
}

impl Rate {
    /// The whole number at once, less the reserve, and its even refill.
    fn of(limit: &Limit) -> Option<Self> {
        let (requests, per) = (limit.requests?, limit.per?);
        let percent = 100 - u64::from(limit.reserve.min(99));
        let open = u32::try_from((u64::from(requests) * percent / 100).max(1)).ok()?;
        let each = per / open;
        Some(Self { each, burst: each * (open - 1) })
    }
}

fn describe(limit: &Limit) -> String {
    let scope = limit.scope.as_str();
    match (limit.requests, limit.per, limit.concurrent) {
        (Some(requests), Some(per), _) => {
            format!("the limit of {requests} requests in {} s per {scope}", per.as_secs_f64())
        }
        (_, _, Some(places)) => format!("the limit of {places} requests at a time per {scope}"),
        _ => format!("the limit per {scope}"),
    }
}

#[cfg(test)]
mod tests {
    use package::manifest::Scope;

    use super::*;

    fn limit(requests: u32, seconds: u64, reserve: u8) -> Limit {
        Limit {
            scope: Scope::Account,
            requests: Some(requests),
            per: Some(Duration::from_secs(seconds)),
            concurrent: None,
            endpoints: Vec::new(),
            routes: Vec::new(),
            reserve,
            report: None,
        }
    }

    fn state(limit: &Limit) -> State {
        State::new(limit, describe(limit))
    }

    fn taken(state: &State) -> usize {
        (0..1000).take_while(|_| state.take().is_ok()).count()
    }

    fn key(package: &str, holder: &str) -> Key {
        Key { package: package.to_owned(), scope: "account", holder: holder.to_owned() }
    }

    #[tokio::test(start_paused = true)]
    async fn whole_number_passes_at_once_and_refills_evenly() {
        let state = state(&limit(10, 10, 0));
        assert_eq!(taken(&state), 10);
        tokio::time::advance(Duration::from_millis(3100)).await;
        assert_eq!(taken(&state), 3);
        let wait = state.take().unwrap_err();
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!(taken(&state), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn reserve_lowers_the_number() {
        assert_eq!(taken(&state(&limit(100, 86_400, 20))), 80);
        assert_eq!(taken(&state(&limit(1, 1, 99))), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn request_that_is_given_back_can_be_taken_again() {
        let state = state(&limit(2, 10, 0));
        assert_eq!(taken(&state), 2);
        state.give_back();
        assert_eq!(state.wait(), None);
        assert_eq!(taken(&state), 1);
        assert_eq!(state.wait(), Some(Duration::from_secs(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn longer_pause_wins() {
        let state = state(&limit(10, 10, 0));
        state.pause(Duration::from_secs(5));
        state.pause(Duration::from_secs(2));
        assert_eq!(state.take(), Err(Duration::from_secs(5)));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(state.take(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn scope_and_package_decide_who_shares_a_bucket() {
        let states = States::default();
        let limit = limit(1, 60, 0);
        states.of(&key("a/b", "42"), 0, &limit).take().unwrap();
        assert!(states.of(&key("a/b", "42"), 0, &limit).take().is_err());
        assert!(states.of(&key("a/b", "43"), 0, &limit).take().is_ok());
        assert!(states.of(&key("a/c", "42"), 0, &limit).take().is_ok());
        assert!(states.of(&key("a/b", "42"), 1, &limit).take().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn idle_states_are_swept_and_used_ones_stay() {
        let states = States::default();
        let hour = limit(1, 3600, 0);
        let held = states.of(&key("held", ""), 0, &hour);
        states.of(&key("used", ""), 0, &hour).take().unwrap();
        tokio::time::advance(Duration::from_mins(30)).await;
        for index in 0..STATES_SWEEP {
            states.rest(&key("idle", &index.to_string()));
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        states.rest(&key("last", ""));
        assert_eq!(states.lock().len(), 3);
        assert!(states.of(&key("used", ""), 0, &hour).take().is_err());
        drop(held);
    }
}
