//! Jobs on their way into a queue.

use model::Clock;
use model::queue::{Enqueued, NewJob};
use model::store::StoreError;

use super::check;
use super::keys::Line;
use super::ledger::{self, Ledger, Slot};
use super::rows::JobRow;
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// Queues jobs.
pub(super) struct Enqueue {
    pub(super) clock: Clock,
    pub(super) jobs: Vec<NewJob>,
}

impl Enqueue {
    pub(super) fn new(clock: Clock, jobs: Vec<NewJob>) -> Result<Self, StoreError> {
        check::jobs(&jobs)?;
        Ok(Self { clock, jobs })
    }
}

impl Change for Enqueue {
    type Answer = Vec<Enqueued>;

    const INTAKE: bool = true;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Self::Answer), StoreError> {
        let mut ledger = Ledger::open(tables, self.clock.now());
        let answers: Result<_, _> = self.jobs.into_iter().map(|job| ledger.enqueue(job)).collect();
        let answers = answers?;
        Ok((ledger.close()?, answers))
    }
}

impl Ledger<'_> {
    /// Queues a job at the end of its session.
    pub(crate) fn enqueue(&mut self, job: NewJob) -> Result<Enqueued, StoreError> {
        check::job(&job)?;
        if let Some(holder) = self.holder(&job.tenant, job.queue, &job.dedupe)? {
            return Ok(Enqueued::Duplicate(holder));
        }
        let line = Line::of_job(&job);
        let NewJob { tenant, queue, connection, package, payload, run_at, dedupe, .. } = job;
        let id = self.next_id(&tenant)?;
        let dedupe = self.hold(&tenant, queue, id, dedupe)?;
        let (enqueued, due) = (self.now, run_at.unwrap_or(self.now));
        let row = JobRow { id, enqueued, due, connection, package, dedupe };
        let mut slot = self.take(line)?;
        self.append(&mut slot, &row, &payload);
        self.keep(slot);
        self.counts(&tenant, queue)?.enqueue();
        Ok(Enqueued::New(id))
    }

    /// Puts a job behind all others of its session.
    pub(super) fn append(&mut self, slot: &mut Slot, job: &JobRow, payload: &[u8]) {
        let number = slot.session.next;
        slot.session.next += 1;
        if slot.session.head.is_none() {
            slot.session.head = Some(ledger::head(&slot.session, number, job));
        }
        self.draft.put(Table::Jobs, slot.line.job(number), job.encode(payload));
    }
}
