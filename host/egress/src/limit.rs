//! The provider's limits: the host waits before it sends, and learns from what comes back.
//!
//! A rate allows its whole number at once and refills evenly, so within the first window after a
//! pause a provider may see up to twice the number. Providers that count windows strictly answer
//! 429, which pauses the limit; a smaller burst would slow every short sync down for that case.
//!
//! Limits of an hour or more are quotas: they are counted in windows, and one that is used up is
//! waited for only within the call's deadline, as any other. `reserve` is kept for interactive calls and for people who use the provider
//! without this host. Counts live in memory: after a restart a quota is taken for unused until the
//! provider reports it or says no.
//!
//! Times are monotonic: a wall clock that is set back would shut a limit for as long.

mod header;
mod meter;
mod pause;
mod state;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use model::egress::Priority;
use model::retry::{ASKED_MAX, QUOTA_WAIT_MIN};
use model::{Clock, Error, ErrorKind};
use package::manifest::{self, Route};
use package::path::CanonicalPath;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::budget::Budget;
use header::{Reported, Spent};
use state::{State, Wait};

pub(crate) use pause::retry_after;
pub(crate) use state::{Key, States};

/// What a 429 without `Retry-After` pauses: long enough that a burst dies down.
pub(crate) const PAUSE_DEFAULT: Duration = Duration::from_secs(1);
/// How long a limit rests that is reported as used up without a time for its reset.
pub(crate) const REPORT_PAUSE_MAX: Duration = Duration::from_mins(5);

/// The limits of one connection, shortest period first: what refuses most often is asked first.
#[derive(Debug)]
pub(crate) struct Limits {
    bounds: Vec<Bound>,
    /// Pauses that a provider asks for at requests that no limit counts.
    rest: Arc<State>,
    priority: Priority,
    clock: Clock,
}

#[derive(Debug)]
struct Bound {
    state: Arc<State>,
    /// How far its scope reaches: connection, account, everybody.
    reach: u8,
    endpoints: Vec<String>,
    routes: Vec<Route>,
    reported: Option<Reported>,
}

/// Leave to send one request; concurrent limits get their place back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _places: Vec<OwnedSemaphorePermit>,
}

/// What a request is, as far as limits ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a CanonicalPath,
}

impl Limits {
    /// Binds the manifest's limits to the states that their scopes share.
    pub(crate) fn new(
        limits: &[manifest::Limit],
        states: &States,
        key: &dyn Fn(manifest::Scope) -> Key,
        priority: Priority,
        clock: Clock,
    ) -> Self {
        let mut ordered: Vec<_> = limits.iter().enumerate().collect();
        ordered.sort_by_key(|(_, limit)| limit.per.unwrap_or_default());
        let bounds = ordered
            .into_iter()
            .map(|(index, limit)| Bound {
                state: states.of(&key(limit.scope), index, limit),
                reach: match limit.scope {
                    manifest::Scope::Connection => 0,
                    manifest::Scope::Account => 1,
                    manifest::Scope::Egress => 2,
                },
                endpoints: limit.endpoints.clone(),
                routes: limit.routes.clone(),
                reported: limit.report.as_ref().map(|report| Reported::new(report, limit)),
            })
            .collect();
        let rest = states.rest(&key(manifest::Scope::Connection));
        Self { bounds, rest, priority, clock }
    }

    /// Waits until every limit of the request allows it, or refuses at once when the call's
    /// deadline would pass first. The time waited counts either way.
    pub(crate) async fn admit(&self, asked: Asked<'_>, budget: &Budget) -> Result<Permit, Error> {
        let began = Instant::now();
        let permit = self.wait(asked, budget.deadline()).await;
        budget.throttled(began.elapsed());
        permit
    }

    /// Nobody sleeps here with something in hand that others wait for, but for one case: who waits
    /// for a place holds those of narrower scopes, which are its own connection's or account's.
    async fn wait(&self, asked: Asked<'_>, deadline: Instant) -> Result<Permit, Error> {
        loop {
            self.rest(asked, deadline).await?;
            let places = self.places(asked, deadline).await?;
            // Others may have taken the last request while this one waited for a place.
            if self.take(asked) {
                return Ok(Permit { _places: places });
            }
        }
    }

    /// Sleeps until every rate and pause allows the request, unless that would take too long.
    async fn rest(&self, asked: Asked<'_>, deadline: Instant) -> Result<(), Error> {
        let longest = || {
            let wait = |state: &Arc<State>| state.wait(self.priority);
            let waits = self.states(asked).filter_map(|state| Some((state, wait(state)?)));
            waits.max_by_key(|(_, wait)| *wait)
        };
        while let Some((state, wait)) = longest() {
            let ready = Instant::now() + wait.span;
            if ready > deadline {
                return Err(refused(state, wait));
            }
            sleep_until(ready).await;
        }
        Ok(())
    }

    /// Takes a place of every limit that has some, those that most share last.
    async fn places(
        &self,
        asked: Asked<'_>,
        deadline: Instant,
    ) -> Result<Vec<OwnedSemaphorePermit>, Error> {
        let mut bounds: Vec<_> = self.bounds_of(asked).collect();
        bounds.sort_by_key(|bound| bound.reach);
        let mut places = Vec::new();
        for Bound { state, .. } in bounds {
            if let Some(concurrent) = &state.concurrent {
                let place = Arc::clone(concurrent).acquire_owned();
                match timeout_at(deadline, place).await {
                    Ok(Ok(place)) => places.push(place),
                    // The semaphore is never closed, so this is the deadline.
                    _late => {
                        return Err(refused(state, Wait { span: PAUSE_DEFAULT, quota: false }));
                    }
                }
            }
        }
        Ok(places)
    }

    /// Takes one request of every limit, or of none.
    fn take(&self, asked: Asked<'_>) -> bool {
        let take = |state: &&Arc<State>| state.take(self.priority).is_ok();
        let taken = self.states(asked).take_while(take).count();
        let all = taken == self.states(asked).count();
        if !all {
            let taken = self.states(asked).take(taken);
            taken.for_each(|state| state.give_back(self.priority));
        }
        all
    }

    /// Learns from an answer: pauses that it asks for, and what it reports as left.
    pub(crate) fn learn(&self, asked: Asked<'_>, status: StatusCode, headers: &HeaderMap) {
        let now = self.clock.now();
        if let Some(span) = pause::asked_for(status, headers, now) {
            let wait = Wait { span, quota: span >= QUOTA_WAIT_MIN };
            self.states(asked).for_each(|state| state.pause(wait));
        }
        for Bound { state, reported, .. } in self.bounds_of(asked) {
            let spent = reported.as_ref().and_then(|reported| reported.spent(headers, now));
            match spent {
                Some(Spent { wait, whole: true }) => state.pause(wait),
                Some(Spent { wait, whole: false }) => state.reserve(wait),
                None => {}
            }
        }
    }

    fn states<'a>(&'a self, asked: Asked<'a>) -> impl Iterator<Item = &'a Arc<State>> {
        let bounds = self.bounds_of(asked).map(|bound| &bound.state);
        let unlimited = self.bounds_of(asked).next().is_none();
        bounds.chain(unlimited.then_some(&self.rest))
    }

    fn bounds_of<'a>(&'a self, asked: Asked<'a>) -> impl Iterator<Item = &'a Bound> {
        self.bounds.iter().filter(move |bound| bound.counts(asked))
    }
}

impl Bound {
    fn counts(&self, asked: Asked<'_>) -> bool {
        let endpoint =
            self.endpoints.is_empty() || self.endpoints.iter().any(|name| name == asked.endpoint);
        let mut routes = self.routes.iter();
        endpoint
            && (self.routes.is_empty()
                || routes.any(|route| route.matches(asked.method, asked.path)))
    }
}

fn refused(state: &State, wait: Wait) -> Error {
    let seconds = wait.span.as_secs_f64();
    let (code, what) = if wait.quota {
        ("egress.quota", "is used up, or only what is kept for people is left")
    } else {
        ("egress.rate-limit", "leaves no room before the call's deadline")
    };
    let message = format!("{} {what}; wait {seconds:.1} s", state.description);
    Error::new(ErrorKind::RateLimited, code, message).retry_after(wait.span)
}
