//! Runs that are neither young, nor new, nor the last that went well.

use model::retention::{RUNS_KEPT_FOR, RUNS_KEPT_MIN, Swept};
use model::run::{Run, RunStatus};
use model::store::StoreError;
use model::{RunId, TenantId, Timestamp, hex};
use redb::ReadableTable as _;

use super::tenant_prefix;
use crate::codec::{Malformed, corrupt, json, key};
use crate::disk::Disk as _;
use crate::runs;
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// Looks at runs of all tenants from a key on, in the order in which they began: of a tenant the
/// first that is young ends it.
pub(super) struct Sweep {
    pub(super) now: Timestamp,
    pub(super) from: Vec<u8>,
    pub(super) limit: usize,
}

impl Change for Sweep {
    type Answer = Swept;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Swept), StoreError> {
        let Self { now, mut from, limit } = self;
        let mut step = Step { tables, writes: Writes::default(), left: limit };
        let mut swept = Swept::default();
        while step.left > 0 {
            let fresh = step.left == limit;
            step.left -= 1;
            let Some(row) = tables.starts.range(from.as_slice()..).disk()?.next() else {
                return Ok((step.writes, swept));
            };
            let key = row.disk()?.0.value().to_vec();
            let run = step.run(&key)?;
            if run.started >= now.saturating_sub(RUNS_KEPT_FOR).unwrap_or(Timestamp::MIN) {
                from = key::behind(tenant_prefix(&key));
                continue;
            }
            match step.may_go(&run)? {
                Some(true) if step.remove(&run, &key)? => swept.removed += 1,
                // The next step goes on with it.
                Some(true) => break,
                None if !fresh => break,
                // What a whole step cannot find out is left to a later sweep.
                Some(false) | None => {}
            }
            from = key::with(key, &[0]);
        }
        swept.next = Some(hex::text(&from));
        Ok((step.writes, swept))
    }
}

struct Step<'a, 't> {
    tables: &'a Tables<'t>,
    writes: Writes,
    /// Rows that may still be looked at.
    left: usize,
}

impl Step<'_, '_> {
    fn run(&self, start: &[u8]) -> Result<Run, StoreError> {
        let damaged = || corrupt(Table::Starts, Malformed::Shape);
        let name = tenant_prefix(start).split_last().map(|(_, name)| name).unwrap_or_default();
        let tenant: TenantId = std::str::from_utf8(name)
            .ok()
            .and_then(|name| name.parse().ok())
            .ok_or_else(damaged)?;
        let (connection, id) = key::started(&tenant, start).ok_or_else(damaged)?;
        let key = key::run(&tenant, &connection, id);
        let row = self.tables.runs.get(key.as_slice()).disk()?.ok_or_else(damaged)?;
        json::decode(Table::Runs, row.value())
    }

    /// Whether a run may be forgotten; nothing where that cannot be found out within the step.
    fn may_go(&mut self, run: &Run) -> Result<Option<bool>, StoreError> {
        let newest = runs::newest(&self.tables.runs, &run.tenant, &run.connection)?;
        let newest = newest.map_or(run.id, |newest| newest.id);
        if run.status == RunStatus::Running || newest.0.saturating_sub(run.id.0) < RUNS_KEPT_MIN {
            return Ok(Some(false));
        }
        if run.status == RunStatus::Succeeded { self.succeeded_since(run) } else { Ok(Some(true)) }
    }

    /// Whether a later run has succeeded; usually the next one has.
    fn succeeded_since(&mut self, run: &Run) -> Result<Option<bool>, StoreError> {
        let next = RunId(run.id.0.saturating_add(1));
        let from = key::run(&run.tenant, &run.connection, next);
        let behind = key::behind(&key::connection(&run.tenant, &run.connection));
        for row in self.tables.runs.range(from.as_slice()..behind.as_slice()).disk()? {
            if self.left == 0 {
                return Ok(None);
            }
            self.left -= 1;
            let later: Run = json::decode(Table::Runs, row.disk()?.1.value())?;
            if later.status == RunStatus::Succeeded {
                return Ok(Some(true));
            }
        }
        Ok(Some(false))
    }

    /// Removes a run and what it could not read; false where that is more than the step may do, and
    /// the run goes with the rest in the next one.
    fn remove(&mut self, run: &Run, start: &[u8]) -> Result<bool, StoreError> {
        let key = key::run(&run.tenant, &run.connection, run.id);
        let behind = key::behind(&key);
        for row in self.tables.rejects.range(key.as_slice()..behind.as_slice()).disk()? {
            if self.left == 0 {
                return Ok(false);
            }
            self.left -= 1;
            self.writes.remove(Table::Rejects, row.disk()?.0.value());
        }
        self.writes.remove(Table::Runs, &key);
        self.writes.remove(Table::Starts, start);
        Ok(true)
    }
}
