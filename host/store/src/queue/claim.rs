//! Claims: who has waited longest is found, and handed out under a new epoch.

use std::collections::BTreeSet;

use model::queue::{BATCH_BYTES_MAX, BATCH_MAX, Claim, Failure, Job, LeaseRef, Leased, PauseScope};
use model::store::StoreError;
use model::{Clock, TenantId, Timestamp};
use redb::ReadableTable as _;

use super::keys::{self, Group, Line};
use super::ledger::{Ledger, Slot};
use super::rows::{self, Quarantine};
use super::session::{Head, Lease, Try};
use super::{check, due};
use crate::codec::{Malformed, corrupt, key};
use crate::disk::Disk as _;
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// Claims sessions of a tenant.
pub(super) struct Take {
    clock: Clock,
    claim: Claim,
}

impl Take {
    pub(super) fn new(clock: Clock, claim: Claim) -> Result<Self, StoreError> {
        check::worker(&claim.worker)?;
        check::lease(claim.lease)?;
        Ok(Self { clock, claim })
    }
}

impl Change for Take {
    type Answer = Vec<Leased>;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Self::Answer), StoreError> {
        let Self { clock, claim } = self;
        let now = clock.now();
        if is_paused(tables, &claim.tenant, &PauseScope::Queue(claim.queue), now)? {
            return Ok((Writes::default(), Vec::new()));
        }
        let mut ledger = Ledger::open(tables, now);
        let mut room = Room { jobs: BATCH_MAX, bytes: BATCH_BYTES_MAX };
        let mut answer = Vec::new();
        for session in longest_due(tables, &claim, now)? {
            if room.jobs == 0 || room.bytes == 0 {
                break;
            }
            answer.extend(ledger.claim(session, &claim, &mut room)?);
        }
        Ok((ledger.close()?, answer))
    }
}

/// What the answer may still hold.
struct Room {
    jobs: usize,
    bytes: usize,
}

impl Ledger<'_> {
    /// Claims a session that is due. Nothing if it is so only because a lease has run out, and
    /// its first job is to wait.
    fn claim(
        &mut self,
        session: String,
        claim: &Claim,
        room: &mut Room,
    ) -> Result<Option<Leased>, StoreError> {
        let Claim { tenant, queue, .. } = claim;
        let mut slot = self.take(Line { tenant: tenant.clone(), queue: *queue, session })?;
        if slot.session.expire() {
            self.counts(tenant, *queue)?.release();
        }
        let Some(head) = slot.session.head.clone() else {
            return Err(corrupt(Table::Sessions, Malformed::Shape));
        };
        let (numbers, jobs) = self.batch(&slot, &head, claim.jobs_max, room)?;
        if jobs.is_empty() {
            self.keep(slot);
            return Ok(None);
        }
        if slot.session.paused.take().is_some() {
            // It is over, or the session would not be due.
            let scope = PauseScope::Session(*queue, slot.line.session.clone());
            self.draft.remove(Table::Pauses, keys::pause(tenant, &scope));
        }
        for number in &numbers {
            let tried = slot.session.tries.entry(*number).or_default();
            tried.attempts = tried.attempts.saturating_add(1);
        }
        let epoch = self.counts(tenant, *queue)?.claim();
        let until = self.now.saturating_add(claim.lease).unwrap_or(Timestamp::MAX);
        slot.session.epoch = epoch;
        let (worker, alone) = (claim.worker.clone(), claim.alone);
        slot.session.lease = Some(Lease { worker, until, jobs: numbers, alone });
        let quarantine: Option<Quarantine> =
            self.draft.read(Table::Quarantines, &slot.line.key())?;
        let session = slot.line.session.clone();
        self.keep(slot);
        Ok(Some(Leased {
            lease: LeaseRef { tenant: tenant.clone(), queue: *queue, session, epoch },
            until,
            connection: head.connection,
            package: head.package,
            quarantined: quarantine.map(|quarantine| quarantine.digest),
            jobs,
        }))
    }

    /// The jobs at the head of a session that are due and for the same connection and package. One
    /// on which a worker has died is handed out alone, so that its next death is its own.
    fn batch(
        &self,
        slot: &Slot,
        head: &Head,
        jobs_max: usize,
        room: &mut Room,
    ) -> Result<(Vec<i64>, Vec<Job>), StoreError> {
        let (mut numbers, mut jobs) = (Vec::new(), Vec::new());
        let from = slot.line.job(head.number);
        let behind = key::behind(&slot.line.key());
        let rows = self.draft.tables().jobs.range(from.as_slice()..behind.as_slice()).disk()?;
        for row in rows.take(jobs_max.min(room.jobs)) {
            let (key, row) = row.disk()?;
            let number =
                keys::number(key.value()).ok_or_else(|| corrupt(Table::Jobs, Malformed::Shape))?;
            let (job, payload) = rows::job(row.value())?;
            let tried = slot.session.tries.get(&number).copied().unwrap_or_default();
            let is_due = tried.due.unwrap_or(job.due) <= self.now;
            let is_like_head = job.connection == head.connection && job.package == head.package;
            let fits = jobs.is_empty() || (tried.deaths == 0 && payload.len() <= room.bytes);
            if !(is_due && is_like_head && fits) {
                break;
            }
            room.jobs -= 1;
            room.bytes = room.bytes.saturating_sub(payload.len());
            numbers.push(number);
            jobs.push(Job {
                id: job.id,
                attempt: tried.attempts.saturating_add(1),
                deaths: tried.deaths,
                enqueued: job.enqueued,
                payload,
                failures: self.failures(&slot.line, number, tried)?,
            });
            if tried.deaths > 0 {
                break;
            }
        }
        Ok((numbers, jobs))
    }

    pub(super) fn failures(
        &self,
        line: &Line,
        number: i64,
        tried: Try,
    ) -> Result<Vec<Failure>, StoreError> {
        if !tried.failed {
            return Ok(Vec::new());
        }
        let failures = self.draft.read(Table::Failures, &line.job(number))?;
        failures.ok_or_else(|| corrupt(Table::Failures, Malformed::Shape))
    }
}

/// The sessions that have been due longest, from those connections that have.
fn longest_due(
    tables: &Tables<'_>,
    claim: &Claim,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let sessions_max = claim.sessions_max.min(BATCH_MAX);
    let mut ranges = Vec::new();
    let mut next = BTreeSet::new();
    let mut sessions = Vec::new();
    for group in due_groups(tables, claim, now)? {
        let prefix = group.key();
        let behind = key::behind(&prefix);
        let rows = tables.ready.range(prefix.as_slice()..behind.as_slice()).disk()?;
        ranges.push((rows, prefix.len()));
    }
    let mut turn: Vec<usize> = (0..ranges.len()).collect();
    loop {
        for number in turn.drain(..) {
            let Some((rows, prefix)) = ranges.get_mut(number) else { continue };
            let Some(row) = rows.next().transpose().disk()? else { continue };
            let (due, session) = keys::ready(row.0.value(), *prefix)
                .ok_or_else(|| corrupt(Table::Ready, Malformed::Shape))?;
            if due <= now {
                next.insert((due, session.to_owned(), number));
            }
        }
        if sessions.len() == sessions_max {
            return Ok(sessions);
        }
        let Some((_, session, number)) = next.pop_first() else { return Ok(sessions) };
        sessions.push(session);
        turn.push(number);
    }
}

/// The connections whose sessions may be among those that have been due longest: of as many
/// sessions as are asked for, none can be of a later connection.
fn due_groups(
    tables: &Tables<'_>,
    claim: &Claim,
    now: Timestamp,
) -> Result<Vec<Group>, StoreError> {
    let Claim { tenant, queue, skip, .. } = claim;
    let sessions_max = claim.sessions_max.min(BATCH_MAX);
    let mut groups = Vec::new();
    for package in due::packages(&tables.heads, *queue, tenant)? {
        if let Some(package) = &package
            && (skip.contains(package)
                || is_paused(tables, tenant, &PauseScope::Package(package.clone()), now)?)
        {
            continue;
        }
        let prefix = keys::package(*queue, tenant, package.as_deref());
        let behind = key::behind(&prefix);
        let rows = tables.heads.range(prefix.as_slice()..behind.as_slice()).disk()?;
        for row in rows.take(sessions_max) {
            let head = due::head(*queue, row.disk()?.0.value())?;
            if head.due > now {
                break;
            }
            groups.push((head.due, head.group));
        }
    }
    groups.sort();
    groups.truncate(sessions_max);
    Ok(groups.into_iter().map(|(_, group)| group).collect())
}

fn is_paused(
    tables: &Tables<'_>,
    tenant: &TenantId,
    scope: &PauseScope,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(due::pause(&tables.pauses, tenant, scope)?.is_some_and(|pause| pause.holds(now)))
}
