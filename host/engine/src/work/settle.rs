//! What becomes of a job that has failed.

use model::queue::{Death, Effect, Failure, Job, Leased};
use model::retry::{self, Verdict};
use model::{Error, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use super::handler::Handled;

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

/// Decides what becomes of the job. Where a person has to act first, the work of its connection
/// rests from the same commit on.
pub(super) fn failed(failed: Failed<'_>, now: Timestamp, mut effects: Vec<Effect>) -> Handled {
    let Failed { leased, job, error, progressed, digest } = failed;
    let mut verdict = retry::decide(job, &error, progressed, now, random(leased, job));
    if verdict == Verdict::Hold {
        match &leased.connection {
            Some(connection) => effects.push(Effect::Unauthorised {
                connection: connection.clone(),
                reason: error.to_string(),
            }),
            None => verdict = Verdict::Dead { why: Death::Permanent },
        }
    }
    let (tenant, session) = (&leased.lease.tenant, &leased.lease.session);
    tracing::warn!(%tenant, session, job = %job.id, attempt = job.attempt, %error, ?verdict, "a job failed");
    let attempt = job.attempt;
    let failure = Failure { at: now, attempt, error, digest, progressed };
    Handled { outcomes: vec![(job.id, verdict.outcome(failure))], effects }
}

/// Spreads what was sent away together; the same for the same attempt, which does no harm.
pub(super) fn random(leased: &Leased, job: &Job) -> u64 {
    let lease = &leased.lease;
    let text = format!("{}/{}/{}/{}", lease.tenant, lease.session, job.id, job.attempt);
    xxh3_64(text.as_bytes())
}
