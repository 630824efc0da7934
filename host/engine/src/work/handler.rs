//! The port to those who know what a job means.

use std::time::Duration;

use async_trait::async_trait;
use model::queue::{Effect, Job, JobId, Leased, Outcome};

use super::job::Cause;
use crate::sync::Cancel;

/// On which terms a handler works.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Terms {
    /// The longest that it takes to come back once it is asked to stop. What it does in one go,
    /// an adapter call for example, ends sooner. One that does not keep to it is dropped where it
    /// stands, as a failed attempt, and the lease is derived from it: see
    /// [`lease`](super::lease()).
    pub deadline: Duration,
    /// How long it may work before it is asked to stop, so that others get their turn.
    pub turn: Duration,
    /// Jobs of a session that it takes at once.
    pub jobs_max: usize,
}

/// Under which circumstances a handler works.
#[derive(Clone, Debug)]
pub struct Context {
    /// The wish to stop; to be looked at between the steps of the work.
    pub cancel: Cancel,
    /// The digest of the package that runs, where the jobs are of a connection.
    pub digest: Option<String>,
}

/// What a handler says of the jobs it was given: [`Finish`](model::queue::Finish) without the
/// lease.
#[derive(Debug, Default)]
pub struct Handled {
    /// What became of the jobs, in their order. Those left out go back untouched.
    pub outcomes: Vec<(JobId, Outcome)>,
    /// What goes with it, in the same transaction.
    pub effects: Vec<Effect>,
}

/// Does what the jobs of a queue ask for.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Its terms; they never change.
    fn terms(&self) -> Terms;

    /// Whether a job of a connection is about to ask its provider. One that is not waits neither
    /// for a breaker nor for a place at the provider's host.
    fn asks_provider(&self, _job: &Job) -> bool {
        true
    }

    /// The request that a job comes from, as far as it says.
    fn cause(&self, _job: &Job) -> Option<Cause> {
        None
    }

    /// Does the jobs of one session, in their order. What it was asked before may come again.
    async fn handle(&self, leased: &Leased, context: Context) -> Handled;
}
