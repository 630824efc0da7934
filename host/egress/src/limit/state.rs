//! What all connections of a limit's scope share: the bucket, the places, the pause.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::egress::Priority;
use package::manifest::Limit;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::meter::Meter;

/// States kept before those that nobody uses are looked for; an entry has less than a kilobyte.
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
    /// After that long without use nothing is taken any more.
    refill: Duration,
    times: Mutex<Times>,
}

struct Times {
    used: Instant,
    /// All requests.
    all: Option<Meter>,
    /// Those of background work, which may not use the reserve.
    background: Option<Meter>,
    /// Nobody may pass.
    closed: Option<Closed>,
    /// Background work may not pass.
    reserved: Option<Closed>,
}

/// Until when.
#[derive(Clone, Copy, Debug)]
struct Closed {
    until: Instant,
    quota: bool,
}

/// How long a request may not be sent.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Wait {
    pub(crate) span: Duration,
    /// Because a quota is used up, not because of an overload.
    pub(crate) quota: bool,
}

impl State {
    fn new(limit: &Limit, description: String) -> Self {
        let places = limit.concurrent.and_then(|places| usize::try_from(places.max(1)).ok());
        let now = Instant::now();
        let rate = limit.requests.zip(limit.per);
        let meter = |requests| rate.map(|(_, per)| Meter::new(requests, per, now));
        let (requests, open) = (limit.requests.unwrap_or_default(), open_to_background(limit));
        Self {
            description,
            concurrent: places.map(|places| Arc::new(Semaphore::new(places))),
            refill: limit.per.unwrap_or_default(),
            times: Mutex::new(Times {
                used: now,
                all: meter(requests),
                background: meter(open).filter(|_| open < requests),
                closed: None,
                reserved: None,
            }),
        }
    }

    fn unlimited(description: String) -> Self {
        let times = Times {
            used: Instant::now(),
            all: None,
            background: None,
            closed: None,
            reserved: None,
        };
        Self { description, concurrent: None, refill: Duration::ZERO, times: Mutex::new(times) }
    }

    /// How long a request of this priority may not pass, by now.
    pub(crate) fn wait(&self, priority: Priority) -> Option<Wait> {
        self.times().wait(priority, Instant::now())
    }

    /// Takes one request, or tells how long to wait before asking again.
    pub(crate) fn take(&self, priority: Priority) -> Result<(), Wait> {
        let now = Instant::now();
        let mut times = self.times();
        if let Some(wait) = times.wait(priority, now) {
            return Err(wait);
        }
        times.used = now;
        times.meters(priority).for_each(|meter| meter.take(now));
        Ok(())
    }

    /// Puts a request back that was taken and will not be sent.
    pub(crate) fn give_back(&self, priority: Priority) {
        self.times().meters(priority).for_each(Meter::give_back);
    }

    /// Lets nobody pass for that long, unless a longer pause is on.
    pub(crate) fn pause(&self, wait: Wait) {
        later(&mut self.times().closed, wait);
    }

    /// Lets no background work pass for that long: what is left is kept for people.
    pub(crate) fn reserve(&self, wait: Wait) {
        later(&mut self.times().reserved, wait);
    }

    fn is_idle(&self) -> bool {
        let now = Instant::now();
        let times = self.times();
        let open = |closed: Option<Closed>| closed.is_none_or(|closed| closed.until < now);
        times.used + self.refill < now && open(times.closed) && open(times.reserved)
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
    fn wait(&self, priority: Priority, now: Instant) -> Option<Wait> {
        let closed = |closed: &Closed| Wait {
            span: closed.until.saturating_duration_since(now),
            quota: closed.quota,
        };
        let metered = |meter: &Meter| Wait {
            span: meter.wait(now),
            quota: matches!(meter, Meter::Window { .. }),
        };
        let everybody = self.closed.iter().map(closed).chain(self.all.iter().map(metered));
        let kept = self.reserved.iter().map(closed).chain(self.background.iter().map(metered));
        let kept = kept.filter(|_| priority == Priority::Background);
        let Wait { span, quota } =
            everybody.chain(kept).filter(|wait| !wait.span.is_zero()).max()?;
        // A timer has this resolution; with less the caller would spin.
        Some(Wait { span: span.max(Duration::from_millis(1)), quota })
    }

    /// The meters that count a request of this priority.
    fn meters(&mut self, priority: Priority) -> impl Iterator<Item = &mut Meter> {
        let background = self.background.as_mut().filter(|_| priority == Priority::Background);
        self.all.iter_mut().chain(background)
    }
}

/// Closes until the later of two times.
fn later(closed: &mut Option<Closed>, wait: Wait) {
    let until = Instant::now() + wait.span;
    if closed.is_none_or(|before| before.until < until) {
        *closed = Some(Closed { until, quota: wait.quota });
    }
}

/// The requests that are not kept for people.
fn open_to_background(limit: &Limit) -> u32 {
    let percent = 100 - u64::from(limit.reserve.min(99));
    let open = u64::from(limit.requests.unwrap_or_default()) * percent / 100;
    u32::try_from(open.max(1)).unwrap_or(u32::MAX)
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
    use model::egress::Priority::{Background, Interactive};
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

    fn taken(state: &State, priority: Priority) -> usize {
        (0..1000).take_while(|_| state.take(priority).is_ok()).count()
    }

    fn key(package: &str, holder: &str) -> Key {
        Key { package: package.to_owned(), scope: "account", holder: holder.to_owned() }
    }

    fn pause(seconds: u64) -> Wait {
        Wait { span: Duration::from_secs(seconds), quota: false }
    }

    #[tokio::test(start_paused = true)]
    async fn reserve_is_kept_for_people() {
        for seconds in [100, 86_400] {
            let state = state(&limit(100, seconds, 20));
            assert_eq!(taken(&state, Background), 80);
            assert_eq!(taken(&state, Interactive), 20);
            tokio::time::advance(Duration::from_secs(seconds)).await;
            assert_eq!(taken(&state, Interactive), 100);
            assert_eq!(taken(&state, Background), 0);
        }
        assert_eq!(taken(&state(&limit(1, 1, 99)), Background), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn reserved_rest_stops_background_work_alone() {
        let state = state(&limit(100, 86_400, 20));
        state.reserve(Wait { span: Duration::from_hours(1), quota: true });
        let wait = state.take(Background).unwrap_err();
        assert_eq!(wait, Wait { span: Duration::from_hours(1), quota: true });
        assert_eq!(state.take(Interactive), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn request_that_is_given_back_can_be_taken_again() {
        let state = state(&limit(2, 10, 0));
        assert_eq!(taken(&state, Background), 2);
        state.give_back(Background);
        assert_eq!(state.wait(Background), None);
        assert_eq!(taken(&state, Background), 1);
        assert_eq!(state.wait(Background), Some(pause(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn longer_pause_wins() {
        let state = state(&limit(10, 10, 0));
        state.pause(pause(5));
        state.pause(pause(2));
        assert_eq!(state.take(Interactive), Err(pause(5)));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(state.take(Interactive), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn scope_and_package_decide_who_shares_a_bucket() {
        let states = States::default();
        let limit = limit(1, 60, 0);
        states.of(&key("a/b", "42"), 0, &limit).take(Background).unwrap();
        assert!(states.of(&key("a/b", "42"), 0, &limit).take(Background).is_err());
        assert!(states.of(&key("a/b", "43"), 0, &limit).take(Background).is_ok());
        assert!(states.of(&key("a/c", "42"), 0, &limit).take(Background).is_ok());
        assert!(states.of(&key("a/b", "42"), 1, &limit).take(Background).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn idle_states_are_swept_and_used_ones_stay() {
        let states = States::default();
        let hour = limit(1, 3600, 0);
        let held = states.of(&key("held", ""), 0, &hour);
        states.of(&key("used", ""), 0, &hour).take(Background).unwrap();
        tokio::time::advance(Duration::from_mins(30)).await;
        for index in 0..STATES_SWEEP {
            states.rest(&key("idle", &index.to_string()));
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        states.rest(&key("last", ""));
        assert_eq!(states.lock().len(), 3);
        assert!(states.of(&key("used", ""), 0, &hour).take(Background).is_err());
        drop(held);
    }
}
