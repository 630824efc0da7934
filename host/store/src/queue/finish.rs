//! Ends of claims: outcomes, effects, and the row of the session, together.

use model::queue::{
    DeadHead, Death, Effect, FAILURES_MAX, Failure, Finish, Held, JobId, LeaseRef, Outcome, Queue,
};
use model::store::{EventKind, StoreError};
use model::{Clock, TenantId};

use super::check;
use super::keys::{self, Line};
use super::ledger::{Ledger, Slot};
use super::rows::{self, JobRow, Letter, Quarantine};
use crate::check::invalid;
use crate::codec::{Malformed, corrupt};
use crate::lanes;
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// Ends claims.
pub(super) struct End {
    clock: Clock,
    finishes: Vec<Finish>,
}

impl End {
    pub(super) fn new(clock: Clock, finishes: Vec<Finish>) -> Result<Self, StoreError> {
        check::batch("finished claims", finishes.len())?;
        check::batch("outcomes", finishes.iter().map(|finish| finish.outcomes.len()).sum())?;
        check::batch("effects", finishes.iter().map(|finish| finish.effects.len()).sum())?;
        Ok(Self { clock, finishes })
    }
}

impl Change for End {
    type Answer = Vec<Held>;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Self::Answer), StoreError> {
        let mut ledger = Ledger::open(tables, self.clock.now());
        let answers: Result<_, _> =
            self.finishes.into_iter().map(|finish| ledger.finish(finish)).collect();
        let answers = answers?;
        Ok((ledger.close()?, answers))
    }
}

impl Ledger<'_> {
    fn finish(&mut self, finish: Finish) -> Result<Held, StoreError> {
        let Finish { lease, outcomes, effects } = finish;
        let mut slot = self.take(Line::of(&lease))?;
        let held = slot.session.is_held(lease.epoch);
        let Some(claimed) = slot.session.lease.take_if(|_| held) else {
            self.keep(slot);
            return Ok(Held::Stale);
        };
        shape(&lease, &outcomes, claimed.jobs.len())?;
        let mut numbers = claimed.jobs.into_iter();
        // The outcomes come first: a zip asks its left side first, and would swallow a number.
        for ((id, outcome), number) in outcomes.into_iter().zip(numbers.by_ref()) {
            self.end(&mut slot, number, id, outcome)?;
        }
        for number in numbers {
            slot.session.untry(number);
        }
        self.find_head(&mut slot)?;
        self.keep(slot);
        self.counts(&lease.tenant, lease.queue)?.release();
        for effect in effects {
            self.effect(&lease.tenant, effect)?;
        }
        Ok(Held::Held)
    }

    fn end(
        &mut self,
        slot: &mut Slot,
        number: i64,
        id: JobId,
        outcome: Outcome,
    ) -> Result<(), StoreError> {
        let row = self.draft.get(Table::Jobs, &slot.line.job(number))?;
        let row = row.ok_or_else(|| corrupt(Table::Jobs, Malformed::Shape))?;
        let (job, payload) = rows::job(&row)?;
        if job.id != id {
            let message = format!(
                "the outcome of job {id} stands where job {} was claimed; send outcomes in the \
                 order of the jobs",
                job.id
            );
            return Err(invalid(message));
        }
        match outcome {
            Outcome::Done => {
                self.remove(slot, number, &job)?;
                self.counts(&slot.line.tenant, slot.line.queue)?.done();
            }
            Outcome::Retry { after, failure } => {
                let failures = self.failed(slot, number, failure)?;
                self.draft.write(Table::Failures, slot.line.job(number), &failures)?;
                let tried = slot.session.tries.entry(number).or_default();
                tried.failed = true;
                tried.due = Some(self.now.saturating_add(after).unwrap_or(model::Timestamp::MAX));
            }
            Outcome::Defer { until } => {
                slot.session.untry(number);
                slot.session.tries.entry(number).or_default().due = Some(until);
            }
            Outcome::Dead { failure, why } => {
                let failures = self.failed(slot, number, failure)?;
                self.bury(slot, number, Corpse { job, failures, why }, &payload)?;
            }
        }
        Ok(())
    }

    /// The failures of a job with one more.
    fn failed(
        &self,
        slot: &Slot,
        number: i64,
        failure: Failure,
    ) -> Result<Vec<Failure>, StoreError> {
        let tried = slot.session.tries.get(&number).copied().unwrap_or_default();
        let mut failures = self.failures(&slot.line, number, tried)?;
        failures.push(failure);
        failures.drain(..failures.len().saturating_sub(FAILURES_MAX));
        Ok(failures)
    }

    /// Takes a job out of its session.
    fn remove(&mut self, slot: &mut Slot, number: i64, job: &JobRow) -> Result<(), StoreError> {
        let key = slot.line.job(number);
        if slot.session.tries.remove(&number).is_some_and(|tried| tried.failed) {
            self.draft.remove(Table::Failures, key.clone());
        }
        self.draft.remove(Table::Jobs, key);
        self.release(&slot.line.tenant, slot.line.queue, job.id, &job.dedupe)
    }

    /// Moves a job among the dead letters.
    fn bury(
        &mut self,
        slot: &mut Slot,
        number: i64,
        corpse: Corpse,
        payload: &[u8],
    ) -> Result<(), StoreError> {
        let Corpse { job, failures, why } = corpse;
        let attempts = slot.session.tries.get(&number).map_or(0, |tried| tried.attempts);
        self.remove(slot, number, &job)?;
        let Line { tenant, queue, session } = slot.line.clone();
        if queue.dead_head() == DeadHead::Block {
            slot.session.blocked = Some(job.id);
        }
        let last = failures.last();
        if let (Death::Quarantined, Some(digest)) = (why, last.and_then(|f| f.digest.clone())) {
            let quarantine = Quarantine { digest, job: job.id };
            self.draft.write(Table::Quarantines, slot.line.key(), &quarantine)?;
        }
        let code = last.map(|failure| failure.error.code.clone()).unwrap_or_default();
        let kind = EventKind::JobDied { job: job.id, queue, session: session.clone(), why, code };
        self.tell(&tenant, job.connection.as_ref(), kind)?;
        self.counts(&tenant, queue)?.die();
        let key = keys::letter(&tenant, job.id);
        self.draft.put(Table::LetterPayloads, key.clone(), payload.to_vec());
        let letter = Letter { queue, session, job, attempts, failures, why, died: self.now };
        self.draft.write(Table::Letters, key, &letter)
    }

    fn effect(&mut self, tenant: &TenantId, effect: Effect) -> Result<(), StoreError> {
        match effect {
            Effect::Enqueue(job) => drop(self.enqueue(job)?),
            Effect::Unauthorised { connection, reason } => {
                self.refuse(tenant, &connection, reason)?;
            }
            Effect::ForgetLanes { connection } => {
                let tables = self.draft.tables();
                lanes::forget(&mut self.writes, tables, tenant, &connection)?;
            }
            Effect::EndRun(end) => {
                let place = (end.run.tenant.clone(), end.run.connection.clone());
                if !self.ended_runs.insert(place) {
                    let message = "two effects of one call end runs of one connection";
                    return Err(invalid(message));
                }
                drop(self.end_run(end)?);
            }
        }
        Ok(())
    }
}

/// What remains of a dead job.
struct Corpse {
    job: JobRow,
    failures: Vec<Failure>,
    why: Death,
}

/// Refuses outcomes that cannot be of this claim.
fn shape(
    lease: &LeaseRef,
    outcomes: &[(JobId, Outcome)],
    claimed: usize,
) -> Result<(), StoreError> {
    let LeaseRef { tenant, queue, session, .. } = lease;
    if outcomes.len() > claimed {
        return Err(invalid(format!(
            "{} outcomes for {claimed} jobs of the session {session:?} in {queue} of {tenant}",
            outcomes.len()
        )));
    }
    let before_last = outcomes.len().saturating_sub(1);
    if let Some((id, _)) = outcomes.iter().take(before_last).find(|(_, o)| stops(*queue, o)) {
        return Err(invalid(format!(
            "an outcome follows that of job {id}, which the session {session:?} in {queue} of \
             {tenant} waits for; send no more after it"
        )));
    }
    Ok(())
}

/// Whether a session waits after this outcome.
fn stops(queue: Queue, outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Done => false,
        Outcome::Retry { .. } | Outcome::Defer { .. } => true,
        Outcome::Dead { .. } => queue.dead_head() == DeadHead::Block,
    }
}
