//! Dead letters: looked through in a snapshot, brought back or discarded by their ids.

use std::collections::btree_map::Entry;

use bytes::Bytes;
use model::queue::{BATCH_BYTES_MAX, BATCH_MAX, DeadFilter, DeadLetter, JobId, Redrive, RedriveTo};
use model::store::{EventKind, StoreError};
use model::{Clock, TenantId, Timestamp};
use redb::ReadTransaction;

use super::keys::{self, Line};
use super::ledger::{self, Ledger, Slot};
use super::rows::{JobRow, Letter, Quarantine};
use super::session::Try;
use crate::codec::{Malformed, corrupt, json, key};
use crate::disk::Disk as _;
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// Lists dead letters, fewer than asked for where they grow large.
pub(super) fn list(
    snapshot: &ReadTransaction,
    filter: &DeadFilter,
) -> Result<Vec<DeadLetter>, StoreError> {
    let payloads = Table::LetterPayloads.read(snapshot)?;
    let mut bytes = 0;
    let mut letters = Vec::new();
    for letter in select(snapshot, filter)? {
        let key = keys::letter(&filter.tenant, letter.job.id);
        let payload = payloads.get(key.as_slice()).disk()?;
        let payload = payload.ok_or_else(|| corrupt(Table::LetterPayloads, Malformed::Shape))?;
        bytes += payload.value().len();
        if bytes > BATCH_BYTES_MAX {
            break;
        }
        letters.push(whole(&filter.tenant, letter, Bytes::copy_from_slice(payload.value())));
    }
    Ok(letters)
}

/// The ids of letters.
pub(super) fn ids(
    snapshot: &ReadTransaction,
    filter: &DeadFilter,
) -> Result<Vec<JobId>, StoreError> {
    Ok(select(snapshot, filter)?.into_iter().map(|letter| letter.job.id).collect())
}

/// Looks through the letters without their payloads.
fn select(snapshot: &ReadTransaction, filter: &DeadFilter) -> Result<Vec<Letter>, StoreError> {
    let rows = Table::Letters.read(snapshot)?;
    let limit = filter.limit.min(BATCH_MAX);
    let first = filter.after.map_or(Some(0), |JobId(id)| id.checked_add(1));
    let Some(first) = first.map(JobId) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let weigh = |row: &[u8]| -> Result<Option<Letter>, StoreError> {
        let letter = json::decode(Table::Letters, row)?;
        Ok(matches(filter, &letter).then_some(letter))
    };
    if let Some(ids) = &filter.ids {
        for id in ids.range(first..) {
            if found.len() == limit {
                break;
            }
            let row = rows.get(keys::letter(&filter.tenant, *id).as_slice()).disk()?;
            found.extend(row.map(|row| weigh(row.value())).transpose()?.flatten());
        }
        return Ok(found);
    }
    let (from, all) = (keys::letter(&filter.tenant, first), key::tenant(&filter.tenant));
    for row in rows.range(from.as_slice()..key::behind(&all).as_slice()).disk()? {
        if found.len() == limit {
            break;
        }
        found.extend(weigh(row.disk()?.1.value())?);
    }
    Ok(found)
}

fn matches(filter: &DeadFilter, letter: &Letter) -> bool {
    fn is<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
        wanted.is_none() || wanted == found
    }
    let code = letter.failures.last().map(|failure| &failure.error.code);
    is(filter.queue.as_ref(), Some(&letter.queue))
        && is(filter.connection.as_ref(), letter.job.connection.as_ref())
        && is(filter.package.as_ref(), letter.job.package.as_ref())
        && is(filter.code.as_ref(), code)
}

fn whole(tenant: &TenantId, letter: Letter, payload: Bytes) -> DeadLetter {
    let Letter { queue, session, job, attempts, failures, why, died } = letter;
    let JobRow { id, enqueued, connection, package, .. } = job;
    DeadLetter {
        id,
        tenant: tenant.clone(),
        queue,
        session,
        connection,
        package,
        payload,
        attempts,
        failures,
        why,
        enqueued,
        died,
    }
}

/// Queues letters again; those that are gone by now are passed over.
pub(super) struct Return {
    pub(super) clock: Clock,
    pub(super) tenant: TenantId,
    /// In ascending order.
    pub(super) ids: Vec<JobId>,
    pub(super) redrive: Redrive,
}

impl Change for Return {
    type Answer = u64;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, u64), StoreError> {
        let Self { clock, tenant, ids, redrive } = self;
        let mut ledger = Ledger::open(tables, clock.now());
        let due = |place: u32| {
            let wait = redrive.spacing.saturating_mul(place).saturating_add(redrive.delay);
            ledger.now.saturating_add(wait).unwrap_or(Timestamp::MAX)
        };
        let mut order: Vec<_> = (0..).map(due).zip(ids).collect();
        if redrive.to == RedriveTo::Head {
            // The last one put to the head is the first one there.
            order.reverse();
        }
        let mut count = 0;
        for (due, id) in order {
            count += u64::from(ledger.redrive(&tenant, id, due, &redrive)?);
        }
        Ok((ledger.close()?, count))
    }
}

/// Discards letters; those that are gone by now are passed over.
pub(super) struct Discard {
    pub(super) clock: Clock,
    pub(super) tenant: TenantId,
    pub(super) ids: Vec<JobId>,
    pub(super) reason: String,
}

impl Change for Discard {
    type Answer = u64;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, u64), StoreError> {
        let Self { clock, tenant, ids, reason } = self;
        let mut ledger = Ledger::open(tables, clock.now());
        let mut count = 0;
        for id in ids {
            count += u64::from(ledger.discard(&tenant, id, &reason)?);
        }
        Ok((ledger.close()?, count))
    }
}

impl Ledger<'_> {
    fn redrive(
        &mut self,
        tenant: &TenantId,
        id: JobId,
        due: Timestamp,
        redrive: &Redrive,
    ) -> Result<bool, StoreError> {
        let payload = self.draft.get(Table::LetterPayloads, &keys::letter(tenant, id))?;
        let Some((letter, mut slot)) = self.open_letter(tenant, id)? else { return Ok(false) };
        let payload = match (&redrive.payload, payload) {
            (Some(other), _) => other.clone(),
            (None, Some(payload)) => payload.into(),
            (None, None) => return Err(corrupt(Table::LetterPayloads, Malformed::Shape)),
        };
        let Letter { queue, job, .. } = letter;
        let dedupe = self.hold_again(tenant, queue, id, job.dedupe)?;
        let job = JobRow { due, dedupe, ..job };
        match redrive.to {
            RedriveTo::Head => self.prepend(&mut slot, &job, &payload),
            RedriveTo::Tail => self.append(&mut slot, &job, &payload),
        }
        self.keep(slot);
        self.counts(tenant, queue)?.redrive();
        self.tell(tenant, job.connection.as_ref(), EventKind::JobRedriven { job: id, queue })?;
        Ok(true)
    }

    fn discard(&mut self, tenant: &TenantId, id: JobId, reason: &str) -> Result<bool, StoreError> {
        let Some((Letter { queue, job, .. }, slot)) = self.open_letter(tenant, id)? else {
            return Ok(false);
        };
        self.keep(slot);
        self.counts(tenant, queue)?.discard();
        let kind = EventKind::JobDiscarded { job: id, queue, reason: reason.to_owned() };
        self.tell(tenant, job.connection.as_ref(), kind)?;
        Ok(true)
    }

    /// Takes a letter out, with the session that may have waited for it.
    fn open_letter(
        &mut self,
        tenant: &TenantId,
        id: JobId,
    ) -> Result<Option<(Letter, Slot)>, StoreError> {
        let key = keys::letter(tenant, id);
        let Some(letter) = self.draft.read::<Letter>(Table::Letters, &key)? else {
            return Ok(None);
        };
        self.draft.remove(Table::Letters, key.clone());
        self.draft.remove(Table::LetterPayloads, key);
        let session = letter.session.clone();
        let line = Line { tenant: tenant.clone(), queue: letter.queue, session };
        let key = line.key();
        let quarantine: Option<Quarantine> = self.draft.read(Table::Quarantines, &key)?;
        let lifted = quarantine.is_some_and(|quarantine| quarantine.job == id);
        let mut slot = self.take(line)?;
        if lifted {
            self.draft.remove(Table::Quarantines, key);
            self.wake(&mut slot)?;
        }
        slot.session.blocked.take_if(|waited_for| *waited_for == id);
        Ok(Some((letter, slot)))
    }

    /// Makes the first job of a session due that was put off until a package would be another one.
    fn wake(&mut self, slot: &mut Slot) -> Result<(), StoreError> {
        let Some(head) = &slot.session.head else { return Ok(()) };
        if let Entry::Occupied(mut tried) = slot.session.tries.entry(head.number) {
            tried.get_mut().due = None;
            if *tried.get() == Try::default() {
                tried.remove();
            }
        }
        self.find_head(slot)
    }

    /// Puts a job before all others of its session.
    fn prepend(&mut self, slot: &mut Slot, job: &JobRow, payload: &[u8]) {
        let Some(head) = &slot.session.head else { return self.append(slot, job, payload) };
        let number = head.number.saturating_sub(1);
        slot.session.head = Some(ledger::head(&slot.session, number, job));
        self.draft.put(Table::Jobs, slot.line.job(number), job.encode(payload));
    }
}
