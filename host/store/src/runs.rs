//! Runs: the fence and the history.

use model::absence::{Fate, Judged};
use model::adapter::Receipt;
use model::run::{CHECKPOINT_SHOWN_BYTES_MAX, Run, RunKind, RunStatus};
use model::store::{
    EventKind, RUNS_LISTED_MAX, RunEnd, RunQuery, RunRef, RunStart, StoreError, StoreErrorKind,
};
use model::window::LaneState;
use model::{ConnectionId, RunId, TenantId, Timestamp};
use redb::{
    Database, ReadTransaction, ReadableDatabase as _, ReadableTable as _,
    ReadableTableMetadata as _,
};

use crate::codec::{Malformed, corrupt, json, key};
use crate::disk::Disk as _;
use crate::events::{Log, Subject};
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;
use crate::{absence, check, queue};

/// The run, if it may write: it is the newest of its connection, has not ended, and the claim under
/// which it runs has not either.
pub(crate) fn writable(tables: &Tables<'_>, run: &RunRef) -> Result<Run, StoreError> {
    let RunRef { tenant, connection, id } = run;
    let newest = newest(&tables.runs, tenant, connection)?;
    let Some(found) = newest.filter(|found| found.id >= *id) else {
        return Err(check::invalid(format!("there is no run {id} of {tenant}/{connection}")));
    };
    if found.id > *id {
        let message = format!(
            "run {id} of {tenant}/{connection} may not write any more: run {} has begun",
            found.id
        );
        return Err(StoreError::new(StoreErrorKind::Fenced, message));
    }
    if found.status != RunStatus::Running {
        let message = format!("run {id} of {tenant}/{connection} has ended; begin another one");
        return Err(check::invalid(message));
    }
    found.lease.as_ref().map_or(Ok(()), |lease| queue::fence(tables, lease))?;
    Ok(found)
}

/// Where a lane stands, as a run keeps it.
pub(crate) fn shown(state: &LaneState) -> String {
    let mut text = state.shown();
    text.truncate(text.floor_char_boundary(CHECKPOINT_SHOWN_BYTES_MAX));
    text
}

/// Puts the row of a run.
pub(crate) fn put(writes: &mut Writes, run: &Run) -> Result<(), StoreError> {
    let key = key::run(&run.tenant, &run.connection, run.id);
    writes.put(Table::Runs, &key, &json::encode(run)?);
    Ok(())
}

/// Begins the next run of a connection.
pub(crate) struct Begin(pub(crate) RunStart);

impl Change for Begin {
    type Answer = Run;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Run), StoreError> {
        let Self(start) = self;
        let RunStart { tenant, connection, package, version, digest, kind, task, lease, job, at } =
            start;
        lease.as_ref().map_or(Ok(()), |lease| queue::fence(tables, lease))?;
        let mut writes = Writes::default();
        let before = newest(&tables.runs, &tenant, &connection)?;
        let id = RunId(before.as_ref().map_or(1, |run| run.id.0.saturating_add(1)));
        let last_read = before.as_ref().map(|run| run.last_read.clone()).unwrap_or_default();
        if let Some(run) = before.filter(|run| run.status == RunStatus::Running) {
            let mut log = Log::open(&tables.events, &run.tenant)?;
            end(&mut writes, &mut log, run, RunStatus::Interrupted, at)?;
        }
        let run = Run {
            tenant,
            connection,
            id,
            package,
            version,
            digest,
            kind,
            task,
            lease,
            job,
            started: at,
            ended: None,
            status: RunStatus::Running,
            entities: std::collections::BTreeMap::new(),
            last_read,
            receipt: Receipt::default(),
            error: None,
        };
        writes.put(Table::Starts, &key::start(&run.tenant, at, &run.connection, id), &[]);
        writes.put(Table::Unfinished, &key::run(&run.tenant, &run.connection, id), &[]);
        put(&mut writes, &run)?;
        Ok((writes, run))
    }
}

/// Ends a run.
pub(crate) struct Finish(pub(crate) RunEnd);

impl Change for Finish {
    type Answer = Run;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Run), StoreError> {
        let Self(end) = self;
        let mut ledger = queue::Ledger::open(tables, end.at);
        let run = ledger.end_run(end)?;
        Ok((ledger.close()?, run))
    }
}

/// Ends a run, with others in one change or alone.
pub(crate) fn finish(
    writes: &mut Writes,
    tables: &Tables<'_>,
    log: &mut Log,
    end: RunEnd,
) -> Result<Run, StoreError> {
    let RunEnd { run, status, entities, receipt, error, at } = end;
    if status == RunStatus::Running {
        return Err(check::invalid("a run cannot end as running; say how it ended"));
    }
    let mut run = writable(tables, &run)?;
    for entity in entities {
        let about = (&run, entity.entity.as_str(), at);
        absence::judge(writes, (tables, log), about, &entity.absence)?;
        let to_its_end = matches!(entity.status, RunStatus::Succeeded | RunStatus::Partial);
        if to_its_end && run.kind == RunKind::Sync {
            run.last_read.insert(entity.entity.clone(), at);
        }
        let report = run.entities.entry(entity.entity).or_default();
        report.status = entity.status;
        report.complete_until = entity.complete_until;
        report.bytes += entity.receipt.bytes_in;
        report.calls += entity.receipt.http_calls;
        report.throttled += entity.receipt.throttled;
        report.schema = entity.schema;
        if let Some(Judged { absent, fate, .. }) = entity.absence.last() {
            report.absent = *absent;
            report.held = if *fate == Fate::Deleted { 0 } else { *absent };
        }
        report.error = entity.error;
    }
    run.receipt += receipt;
    run.error = error;
    self::end(writes, log, run, status, at)
}

/// Marks runs interrupted that nobody can end any more: those which have not ended when a process
/// takes the directory over. Writes nothing where there are none.
pub(crate) fn interrupt(database: &Database, at: Timestamp) -> Result<(), StoreError> {
    let unfinished = Table::Unfinished.read(&database.begin_read().disk()?)?;
    if unfinished.is_empty().disk()? {
        return Ok(());
    }
    let transaction = database.begin_write().disk()?;
    let mut tables = Tables::open(&transaction).disk()?;
    for row in unfinished.iter().disk()? {
        let key = row.disk()?.0.value().to_vec();
        let run = tables.runs.get(key.as_slice()).disk()?.map(|row| decode(row.value()));
        let mut writes = Writes::default();
        // One that does not decode must not keep the store shut: whoever reads it hears of it.
        match run {
            Some(Ok(run)) => {
                let mut log = Log::open(&tables.events, &run.tenant)?;
                drop(end(&mut writes, &mut log, run, RunStatus::Interrupted, at)?);
            }
            Some(Err(_)) | None => writes.remove(Table::Unfinished, &key),
        }
        writes.apply(&mut tables).disk()?;
    }
    drop(tables);
    transaction.commit().disk()
}

/// The run of this number.
pub(crate) fn get(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    connection: &ConnectionId,
    id: RunId,
) -> Result<Option<Run>, StoreError> {
    let key = key::run(tenant, connection, id);
    let row = Table::Runs.read(snapshot)?.get(key.as_slice()).disk()?;
    row.map(|row| decode(row.value())).transpose()
}

/// Lists runs of a tenant, or of one connection, the newest first.
pub(crate) fn list(snapshot: &ReadTransaction, query: &RunQuery) -> Result<Vec<Run>, StoreError> {
    let RunQuery { tenant, connection, before, limit } = query;
    let runs = Table::Runs.read(snapshot)?;
    let limit = (*limit).min(RUNS_LISTED_MAX);
    if let Some(connection) = connection {
        let prefix = key::connection(tenant, connection);
        let behind = match before {
            None => key::behind(&prefix),
            Some((_, own, id)) if own == connection => key::run(tenant, connection, *id),
            Some(_) => return Err(check::invalid("`before` is a run of another connection")),
        };
        let rows = runs.range(prefix.as_slice()..behind.as_slice()).disk()?;
        return rows.rev().take(limit).map(|row| decode(row.disk()?.1.value())).collect();
    }
    let prefix = key::tenant(tenant);
    let behind = before.as_ref().map_or_else(
        || key::behind(&prefix),
        |(started, connection, id)| key::start(tenant, *started, connection, *id),
    );
    let starts = Table::Starts.read(snapshot)?;
    let rows = starts.range(prefix.as_slice()..behind.as_slice()).disk()?;
    rows.rev()
        .take(limit)
        .map(|row| {
            let damaged = || corrupt(Table::Starts, Malformed::Shape);
            let row = row.disk()?;
            let (connection, id) = key::started(tenant, row.0.value()).ok_or_else(damaged)?;
            let key = key::run(tenant, &connection, id);
            let run = runs.get(key.as_slice()).disk()?.ok_or_else(damaged)?;
            decode(run.value())
        })
        .collect()
}

pub(crate) fn newest(
    rows: &impl Rows,
    tenant: &TenantId,
    connection: &ConnectionId,
) -> Result<Option<Run>, StoreError> {
    let prefix = key::connection(tenant, connection);
    let behind = key::behind(&prefix);
    let mut range = rows.range(prefix.as_slice()..behind.as_slice()).disk()?;
    let last = range.next_back().transpose().disk()?;
    last.map(|(_, row)| decode(row.value())).transpose()
}

/// Ends a run, and with it those of its entities that nobody has ended.
fn end(
    writes: &mut Writes,
    log: &mut Log,
    mut run: Run,
    status: RunStatus,
    at: Timestamp,
) -> Result<Run, StoreError> {
    run.status = status;
    run.ended = Some(at);
    for report in run.entities.values_mut() {
        if report.status == RunStatus::Running {
            report.status = status;
        }
    }
    put(writes, &run)?;
    writes.remove(Table::Unfinished, &key::run(&run.tenant, &run.connection, run.id));
    log.push(
        writes,
        &Subject::run(&run.connection, run.id),
        at,
        EventKind::RunFinished { status },
    )?;
    Ok(run)
}

fn decode(row: &[u8]) -> Result<Run, StoreError> {
    json::decode(Table::Runs, row)
}
