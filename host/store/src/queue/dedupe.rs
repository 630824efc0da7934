//! Keys under which a second job is refused.
//!
//! A key that holds for a time leaves its row behind until the time has passed, whatever becomes
//! of the job. Rows whose time has passed count as absent, and go when others are added.

use model::queue::{Dedupe, DedupeUntil, JobId, Queue};
use model::store::StoreError;
use model::{TenantId, Timestamp};
use redb::ReadableTable as _;

use super::keys;
use super::ledger::Ledger;
use super::rows::Holder;
use crate::codec::{Malformed, corrupt};
use crate::disk::Disk as _;
use crate::tables::Table;

/// Rows swept for each key that is taken for a time: more than one, so that a pile shrinks.
const SWEPT_PER_KEY: usize = 2;

impl Ledger<'_> {
    /// The job that holds one of the keys.
    pub(super) fn holder(
        &self,
        tenant: &TenantId,
        queue: Queue,
        dedupes: &[Dedupe],
    ) -> Result<Option<JobId>, StoreError> {
        for dedupe in dedupes {
            if let Some(holder) = self.holds(&keys::dedupe(tenant, queue, &dedupe.key))? {
                return Ok(Some(holder.job));
            }
        }
        Ok(None)
    }

    fn holds(&self, key: &[u8]) -> Result<Option<Holder>, StoreError> {
        let holder: Option<Holder> = self.draft.read(Table::Dedupes, key)?;
        Ok(holder.filter(|holder| holder.until.is_none_or(|until| self.now < until)))
    }

    /// Takes the keys for a job; those that it holds until it is finished.
    pub(super) fn hold(
        &mut self,
        tenant: &TenantId,
        queue: Queue,
        job: JobId,
        dedupes: Vec<Dedupe>,
    ) -> Result<Vec<String>, StoreError> {
        let mut held = Vec::new();
        for Dedupe { key: name, until } in dedupes {
            let key = keys::dedupe(tenant, queue, &name);
            self.forget_end(&key)?;
            let until = match until {
                DedupeUntil::Finished => {
                    held.push(name);
                    None
                }
                DedupeUntil::Elapsed(time) => {
                    let end = self.now.saturating_add(time).unwrap_or(Timestamp::MAX);
                    self.draft.put(Table::DedupeEnds, keys::dedupe_end(end, &key), Vec::new());
                    self.timed_keys += 1;
                    Some(end)
                }
            };
            self.draft.write(Table::Dedupes, key, &Holder { job, until })?;
        }
        Ok(held)
    }

    /// Takes those of a job's keys again that are free by now; these.
    pub(super) fn hold_again(
        &mut self,
        tenant: &TenantId,
        queue: Queue,
        job: JobId,
        names: Vec<String>,
    ) -> Result<Vec<String>, StoreError> {
        let mut free = Vec::new();
        for key in names {
            if self.holds(&keys::dedupe(tenant, queue, &key))?.is_none() {
                free.push(Dedupe { key, until: DedupeUntil::Finished });
            }
        }
        self.hold(tenant, queue, job, free)
    }

    /// Lets go of the keys that a finished job held.
    pub(super) fn release(
        &mut self,
        tenant: &TenantId,
        queue: Queue,
        job: JobId,
        names: &[String],
    ) -> Result<(), StoreError> {
        for name in names {
            let key = keys::dedupe(tenant, queue, name);
            let holder: Option<Holder> = self.draft.read(Table::Dedupes, &key)?;
            if holder.is_some_and(|holder| holder.job == job && holder.until.is_none()) {
                self.draft.remove(Table::Dedupes, key);
            }
        }
        Ok(())
    }

    /// Forgets the end of a row that is to be replaced.
    fn forget_end(&mut self, key: &[u8]) -> Result<(), StoreError> {
        let holder: Option<Holder> = self.draft.read(Table::Dedupes, key)?;
        if let Some(end) = holder.and_then(|holder| holder.until) {
            self.draft.remove(Table::DedupeEnds, keys::dedupe_end(end, key));
        }
        Ok(())
    }

    /// Removes rows whose time has passed.
    pub(super) fn sweep(&mut self) -> Result<(), StoreError> {
        let ends = &self.draft.tables().dedupe_ends;
        for row in ends.iter().disk()?.take(SWEPT_PER_KEY * self.timed_keys) {
            let row = row.disk()?.0.value().to_vec();
            let (end, key) =
                keys::ended(&row).ok_or_else(|| corrupt(Table::DedupeEnds, Malformed::Shape))?;
            if end > self.now {
                break;
            }
            let holder: Option<Holder> = self.draft.read(Table::Dedupes, key)?;
            // The key may have been taken again by this very change.
            if holder.is_some_and(|holder| holder.until == Some(end)) {
                self.draft.remove(Table::Dedupes, key.to_vec());
            }
            self.draft.remove(Table::DedupeEnds, row);
        }
        Ok(())
    }
}
