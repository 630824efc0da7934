//! The queues while a change works on them: each row is read once, changed in memory, and written
//! at the end.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use model::queue::{JobId, Pause, PauseScope, Queue};
use model::store::{EventKind, StoreError};
use model::{ConnectionId, TenantId, Timestamp};

use super::counts::Counts;
use super::draft::Draft;
use super::index::Index;
use super::keys::{self, Line};
use super::rows::JobRow;
use super::session::{Halt, Head, Session};
use crate::codec::{Malformed, corrupt, json, key};
use crate::events::{Log, Subject};
use crate::tables::{Table, Tables};
use crate::writes::Writes;

/// The state of the queues in one change, opened once and closed at its end.
pub(crate) struct Ledger<'t> {
    pub(super) draft: Draft<'t>,
    pub(super) index: Index,
    /// What other parts of the store write in the same change.
    pub(crate) writes: Writes,
    /// The instant of the change.
    pub(super) now: Timestamp,
    /// Dedupe keys that were taken for a time.
    pub(super) timed_keys: usize,
    /// Connections of which this change has ended a run.
    pub(super) ended_runs: BTreeSet<(TenantId, ConnectionId)>,
    lines: BTreeMap<Line, Slot>,
    counts: BTreeMap<(TenantId, Queue), Counts>,
    ids: BTreeMap<TenantId, u64>,
    logs: BTreeMap<TenantId, Log>,
}

/// A session as it was and as it is.
pub(super) struct Slot {
    pub(super) line: Line,
    before: Option<Session>,
    pub(super) session: Session,
}

impl<'t> Ledger<'t> {
    pub(crate) fn open(tables: &'t Tables<'t>, now: Timestamp) -> Self {
        Self {
            draft: Draft::new(tables),
            index: Index::default(),
            writes: Writes::default(),
            now,
            timed_keys: 0,
            ended_runs: BTreeSet::new(),
            lines: BTreeMap::new(),
            counts: BTreeMap::new(),
            ids: BTreeMap::new(),
            logs: BTreeMap::new(),
        }
    }

    /// Takes a session out, to be put back with [`Self::keep`]; one without a row is made.
    pub(super) fn take(&mut self, line: Line) -> Result<Slot, StoreError> {
        if let Some(slot) = self.lines.remove(&line) {
            return Ok(slot);
        }
        let before: Option<Session> = self.draft.read(Table::Sessions, &line.key())?;
        let session = match &before {
            Some(session) => session.clone(),
            None => Session::new(self.session_pause(&line)?),
        };
        Ok(Slot { line, before, session })
    }

    pub(super) fn keep(&mut self, slot: Slot) {
        self.lines.insert(slot.line.clone(), slot);
    }

    fn session_pause(&self, line: &Line) -> Result<Option<Halt>, StoreError> {
        let scope = PauseScope::Session(line.queue, line.session.clone());
        let pause = self.draft.read(Table::Pauses, &keys::pause(&line.tenant, &scope))?;
        Ok(pause.map(|pause: Pause| Halt { until: pause.until }))
    }

    /// Finds the first job of a session anew.
    pub(super) fn find_head(&self, slot: &mut Slot) -> Result<(), StoreError> {
        let prefix = slot.line.key();
        slot.session.head = match self.draft.next(Table::Jobs, &prefix, &key::behind(&prefix))? {
            None => None,
            Some((row, job)) => {
                let number =
                    keys::number(&row).ok_or_else(|| corrupt(Table::Jobs, Malformed::Shape))?;
                let (job, _) = JobRow::decode(&job)?;
                Some(head(&slot.session, number, &job))
            }
        };
        Ok(())
    }

    pub(super) fn counts(
        &mut self,
        tenant: &TenantId,
        queue: Queue,
    ) -> Result<&mut Counts, StoreError> {
        match self.counts.entry((tenant.clone(), queue)) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let counts = self.draft.read(Table::Queues, &keys::queue(tenant, queue))?;
                Ok(entry.insert(counts.unwrap_or_default()))
            }
        }
    }

    /// The id of the tenant's next job.
    pub(super) fn next_id(&mut self, tenant: &TenantId) -> Result<JobId, StoreError> {
        let last = match self.ids.entry(tenant.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let last = self.draft.read(Table::JobIds, &key::tenant(tenant))?;
                entry.insert(last.unwrap_or_default())
            }
        };
        *last += 1;
        Ok(JobId(*last))
    }

    /// The end of the tenant's log, and what is written beside the queues.
    pub(super) fn log(&mut self, tenant: &TenantId) -> Result<(&mut Log, &mut Writes), StoreError> {
        let log = match self.logs.entry(tenant.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Log::open(&self.draft.tables().events, tenant)?),
        };
        Ok((log, &mut self.writes))
    }

    pub(super) fn tell(
        &mut self,
        tenant: &TenantId,
        connection: Option<&ConnectionId>,
        kind: EventKind,
    ) -> Result<(), StoreError> {
        let (subject, now) = (Subject::connection(connection), self.now);
        let (log, writes) = self.log(tenant)?;
        log.push(writes, &subject, now, kind)
    }

    /// All that is to be written.
    pub(crate) fn close(mut self) -> Result<Writes, StoreError> {
        self.sweep()?;
        let Self { mut draft, mut index, mut writes, lines, counts, ids, .. } = self;
        for (line, Slot { before, session, .. }) in lines {
            if before.as_ref() == Some(&session) {
                continue;
            }
            let place = |session: &Session| session.place(&line.tenant, line.queue);
            let (from, to) = (before.as_ref().and_then(place), place(&session));
            index.shift(&mut draft, &line.session, from, to);
            if !session.is_over() {
                draft.write(Table::Sessions, line.key(), &session)?;
            } else if before.is_some() {
                draft.remove(Table::Sessions, line.key());
            }
        }
        index.close(&mut draft)?;
        for ((tenant, queue), counts) in counts {
            draft.write(Table::Queues, keys::queue(&tenant, queue), &counts)?;
        }
        for (tenant, last) in ids {
            writes.put(Table::JobIds, &key::tenant(&tenant), &json::encode(&last)?);
        }
        draft.close(&mut writes);
        Ok(writes)
    }
}

/// A job as the first of its session.
pub(super) fn head(session: &Session, number: i64, job: &JobRow) -> Head {
    let later = session.tries.get(&number).and_then(|tried| tried.due);
    Head {
        number,
        due: later.unwrap_or(job.due),
        connection: job.connection.clone(),
        package: job.package.clone(),
    }
}
