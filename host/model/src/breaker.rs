//! The circuit breaker of a provider's host: a pure state machine, and the ports around it.
//!
//! Closed, it counts how requests end. When too many of those in the last minute have failed it
//! opens: nothing is sent, and jobs are put off without being counted as failed. When the time is
//! up one request is let through; if it is answered the breaker closes, otherwise it opens again
//! for twice as long.

mod window;

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::retry::ASKED_MAX;
use crate::store::StoreError;
use crate::{TenantId, Timestamp};
use window::Window;

/// Requests in the window without which nothing is concluded: of less, half is chance.
pub const REQUESTS_MIN: u32 = 10;

/// The share of failures, in percent, that opens a breaker. A provider that fails more often than
/// it answers is not helped by being asked.
pub const FAILURE_PERCENT_MAX: u64 = 50;

/// How long a breaker stays open at first: the time in which a load balancer takes out a machine.
pub const OPEN_MIN: Duration = Duration::from_secs(30);

/// How long it stays open at most unless the provider asks for more. Recovery is noticed that
/// much later, so no longer than an operator would take to look.
pub const OPEN_MAX: Duration = Duration::from_mins(10);

/// How long others wait while one request tries whether the host is well again. Most answers
/// come in less.
pub const PROBE_WAIT: Duration = Duration::from_secs(5);

/// Which host, asked by which package for which tenant. What one tenant's account meets, a
/// suspended plan for example, says nothing about others.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
pub struct Key {
    /// For whom.
    pub tenant: TenantId,
    /// By which package, `publisher/id`.
    pub package: String,
    /// The host, with its port where it is not the usual one.
    pub host: String,
}

/// How a request ended, as far as it tells about the health of the host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The host has answered: with whatever, but not that it cannot.
    Answered,
    /// No connection, no answer in time, or the answer that it cannot; and how long it asked to
    /// wait.
    Failed(Option<Duration>),
    /// The request was given up here.
    Unknown,
}

/// Leave to send one request; an answer to a question that nobody asks any more is ignored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pass(u64);

/// Why and until when a breaker is open.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Open {
    /// Since when.
    pub since: Timestamp,
    /// Until when nothing is sent.
    pub until: Timestamp,
    /// Failures that opened it,
    pub failures: u32,
    /// of so many requests.
    pub requests: u32,
    /// How often it was opened without having closed in between, from 1.
    pub times: u32,
}

/// What has become of a breaker.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transition {
    /// It has opened, or opened again.
    Opened(Open),
    /// One request is on its way to see whether the host is well.
    Probing,
    /// It has closed.
    Closed,
}

/// The breaker of one host.
#[derive(Clone, Debug)]
pub struct Breaker {
    /// Grows with every transition.
    generation: u64,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Closed(Window),
    Open(Open),
    HalfOpen { open: Open, probing: bool },
}

impl Default for Breaker {
    fn default() -> Self {
        Self { generation: 0, state: State::Closed(Window::default()) }
    }
}

impl Breaker {
    /// The breaker as it was kept. A request that was to try the host is not waited for.
    pub fn restored(open: Open) -> Self {
        Self { generation: 0, state: State::Open(open) }
    }

    /// Leave to send a request, or until when there is none.
    pub fn admit(&mut self, now: Timestamp) -> Result<(Pass, Option<Transition>), Timestamp> {
        if let Some(until) = self.held(now) {
            return Err(until);
        }
        let moved = match &mut self.state {
            State::Closed(_) => None,
            State::HalfOpen { probing, .. } => {
                *probing = true;
                None
            }
            State::Open(open) => {
                self.state = State::HalfOpen { open: *open, probing: true };
                self.generation += 1;
                Some(Transition::Probing)
            }
        };
        Ok((Pass(self.generation), moved))
    }

    /// Until when nothing may be sent, if anything stands against it.
    pub fn held(&mut self, now: Timestamp) -> Option<Timestamp> {
        match &mut self.state {
            State::HalfOpen { probing: true, .. } => Some(after(now, PROBE_WAIT)),
            State::Open(open) => {
                if now < open.since {
                    // The clock was set back, and would hold the breaker open for as long.
                    let length = open.until.duration_since(open.since);
                    (open.since, open.until) =
                        (now, now.saturating_add(length).unwrap_or(Timestamp::MAX));
                }
                (now < open.until).then_some(open.until)
            }
            State::Closed(_) | State::HalfOpen { probing: false, .. } => None,
        }
    }

    /// Learns how an admitted request ended.
    pub fn report(&mut self, pass: Pass, outcome: Outcome, now: Timestamp) -> Option<Transition> {
        if pass.0 != self.generation {
            return None;
        }
        match (&mut self.state, outcome) {
            (State::Closed(window), Outcome::Answered) => {
                window.count(now, false);
                None
            }
            (State::Closed(window), Outcome::Failed(asked)) => {
                let (failures, requests) = window.count(now, true);
                let many = u64::from(failures) * 100 >= u64::from(requests) * FAILURE_PERCENT_MAX;
                if requests < REQUESTS_MIN || !many {
                    return None;
                }
                Some(
                    self.open(Open { since: now, until: now, failures, requests, times: 1 }, asked),
                )
            }
            (State::HalfOpen { .. }, Outcome::Answered) => self.close(),
            (State::HalfOpen { open, .. }, Outcome::Failed(asked)) => {
                let times = open.times.saturating_add(1);
                let again = Open { since: now, until: now, failures: 1, requests: 1, times };
                Some(self.open(again, asked))
            }
            (State::HalfOpen { probing, .. }, Outcome::Unknown) => {
                *probing = false;
                None
            }
            (State::Closed(_), Outcome::Unknown) | (State::Open(_), _) => None,
        }
    }

    /// Closes it, whatever it knows.
    pub fn close(&mut self) -> Option<Transition> {
        let was_open = self.opened().is_some();
        self.generation += 1;
        self.state = State::Closed(Window::default());
        was_open.then_some(Transition::Closed)
    }

    /// Why it is not closed.
    pub fn opened(&self) -> Option<Open> {
        match &self.state {
            State::Closed(_) => None,
            State::Open(open) | State::HalfOpen { open, .. } => Some(*open),
        }
    }

    /// Whether it has nothing to remember.
    pub fn is_idle(&self, now: Timestamp) -> bool {
        match &self.state {
            State::Closed(window) => window.is_empty(now),
            State::Open(_) | State::HalfOpen { .. } => false,
        }
    }

    fn open(&mut self, mut open: Open, asked: Option<Duration>) -> Transition {
        let doubled = OPEN_MIN.saturating_mul(2_u32.saturating_pow(open.times - 1)).min(OPEN_MAX);
        let asked = asked.unwrap_or_default().min(ASKED_MAX);
        open.until = after(open.since, doubled.max(asked));
        self.generation += 1;
        self.state = State::Open(open);
        Transition::Opened(open)
    }
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// Whoever knows how the hosts of providers are. Egress asks before it sends and tells how it
/// went.
pub trait Hosts: Send + Sync {
    /// Leave to send a request, or until when there is none.
    fn admit(&self, key: &Key) -> Result<Pass, Timestamp>;

    /// Learns how it ended. Every pass comes back.
    fn report(&self, key: &Key, pass: Pass, outcome: Outcome);
}

/// An open breaker as it is kept and shown.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Opened {
    /// Of which host.
    #[serde(flatten)]
    pub key: Key,
    /// Why, and until when.
    #[serde(flatten)]
    pub open: Open,
}

/// Keeps open breakers over restarts.
#[async_trait]
pub trait BreakerStore: Send + Sync {
    /// All that are open, of all tenants.
    async fn breakers(&self) -> Result<Vec<Opened>, StoreError>;

    /// Keeps a breaker that has opened, or forgets one that has closed. The event goes into the
    /// tenant's log in the same commit.
    async fn put_breaker(&self, key: &Key, open: Option<Open>) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests;
