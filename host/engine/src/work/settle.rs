//! What becomes of a job that has failed.

use std::sync::Arc;

use model::queue::{Death, Failure, Job, JobId, JobQueue, Leased, Outcome, Pause, PauseScope};
use model::retry::{self, Verdict};
use model::{Clock, Error};
use xxhash_rust::xxh3::xxh3_64;

/// A failed attempt.
pub(super) struct Failed<'a> {
    /// Under which claim.
    pub(super) leased: &'a Leased,
    /// At which job.
    pub(super) job: &'a Job,
    /// Why.
    pub(super) error: Error,
    /// Whether it had moved data before.
    pub(super) progressed: bool,
    /// The digest of the package that tried.
    pub(super) digest: Option<String>,
}

/// Settles failed attempts.
#[derive(Clone)]
pub(super) struct Settle {
    pub(super) queue: Arc<dyn JobQueue>,
    pub(super) clock: Clock,
}

impl Settle {
    /// Decides, and pauses the connection where a person has to act first.
    pub(super) async fn failed(&self, failed: Failed<'_>) -> (JobId, Outcome) {
        let Failed { leased, job, error, progressed, digest } = failed;
        let now = self.clock.now();
        let mut verdict = retry::decide(job, &error, progressed, now, random(leased, job));
        if verdict == Verdict::Hold && !self.hold(leased, &error).await {
            verdict = Verdict::Dead { why: Death::Permanent };
        }
        let (tenant, session) = (&leased.lease.tenant, &leased.lease.session);
        tracing::warn!(%tenant, session, job = %job.id, attempt = job.attempt, %error, ?verdict, "a job failed");
        let attempt = job.attempt;
        let failure = Failure { at: now, attempt, error, digest, progressed };
        (job.id, verdict.outcome(failure))
    }

    /// Pauses the connection; false if there is none, or the store does not.
    async fn hold(&self, leased: &Leased, error: &Error) -> bool {
        let Some(connection) = &leased.connection else { return false };
        let scope = PauseScope::Connection(connection.clone());
        let since = self.clock.now();
        let pause = Pause { scope, reason: error.to_string(), since, until: None };
        let paused = self.queue.pause(&leased.lease.tenant, pause).await;
        paused.inspect_err(|error| tracing::warn!(%error, "a connection is not paused")).is_ok()
    }
}

/// Spreads what was sent away together; the same for the same attempt, which does no harm.
pub(super) fn random(leased: &Leased, job: &Job) -> u64 {
    let lease = &leased.lease;
    let text = format!("{}/{}/{}/{}", lease.tenant, lease.session, job.id, job.attempt);
    xxh3_64(text.as_bytes())
}
