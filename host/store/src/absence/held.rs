//! Deletions that wait for a person.

use model::absence::{Decision, Fate, HeldDeletions, Judged};
use model::run::Run;
use model::store::{EventKind, StoreError};
use model::{ConnectionId, RunId, TenantId, Timestamp};
use redb::{ReadTransaction, ReadableTable as _};

use crate::codec::{json, key};
use crate::disk::Disk as _;
use crate::events::{Log, Subject};
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;
use crate::{check, runs};

/// Keeps what a run has judged of an entity, and tells it where a person is to be asked anew.
pub(crate) fn judge(
    writes: &mut Writes,
    (tables, log): (&Tables<'_>, &mut Log),
    (run, entity, at): (&Run, &str, Timestamp),
    judged: &[Judged],
) -> Result<(), StoreError> {
    let Some(&Judged { live, absent, fate }) = judged.last() else { return Ok(()) };
    let key = row_key(&run.tenant, &run.connection, entity);
    let old = tables.held.get(key.as_slice()).disk()?;
    let mut old = old.map(|row| decode(row.value())).transpose()?;
    // What was deleted needs no word any more, and what was said of it goes for nothing else.
    if old.is_some() && judged.iter().any(|judged| judged.fate == Fate::Deleted) {
        writes.remove(Table::Held, &key);
        old = None;
    }
    if fate != Fate::Held {
        return Ok(());
    }
    // What was asked about stays so, and with it a word that was given while the run was at work.
    if old.is_some_and(|old| absent <= old.absent) {
        return Ok(());
    }
    let subject = Subject::run(&run.connection, run.id);
    let kind = EventKind::DeletionsHeld { entity: entity.to_owned(), absent, live };
    log.push(writes, &subject, at, kind)?;
    let held = HeldDeletions {
        connection: run.connection.clone(),
        entity: entity.to_owned(),
        run: run.id,
        absent,
        live,
        since: at,
        decision: None,
    };
    writes.put(Table::Held, &key, &json::encode(&held)?);
    Ok(())
}

/// Lists held deletions of a tenant, or of one connection.
pub(super) fn list(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    connection: Option<&ConnectionId>,
) -> Result<Vec<HeldDeletions>, StoreError> {
    let prefix = connection
        .map_or_else(|| key::tenant(tenant), |connection| key::connection(tenant, connection));
    let behind = key::behind(&prefix);
    Table::Held
        .read(snapshot)?
        .range(prefix.as_slice()..behind.as_slice())
        .disk()?
        .map(|row| decode(row.disk()?.1.value()))
        .collect()
}

/// Decides about what a run has held.
pub(super) struct Decide {
    pub(super) tenant: TenantId,
    pub(super) connection: ConnectionId,
    pub(super) run: RunId,
    pub(super) decision: Decision,
}

impl Change for Decide {
    type Answer = Vec<HeldDeletions>;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Self::Answer), StoreError> {
        let Self { tenant, connection, run, decision } = self;
        let prefix = key::connection(&tenant, &connection);
        let behind = key::behind(&prefix);
        let mut writes = Writes::default();
        let newest = runs::newest(&tables.runs, &tenant, &connection)?.map(|newest| newest.id);
        let (mut decided, mut others) = (Vec::new(), Vec::new());
        for row in tables.held.range(prefix.as_slice()..behind.as_slice()).disk()? {
            let (key, row) = row.disk()?;
            let mut held = decode(row.value())?;
            // A later run that finds no more than that holds the same.
            if run < held.run || newest < Some(run) {
                others.push(held.run.to_string());
                continue;
            }
            held.decision = Some(decision);
            writes.put(Table::Held, key.value(), &json::encode(&held)?);
            decided.push(held);
        }
        if decided.is_empty() {
            others.dedup();
            let which = if others.is_empty() { "none does".to_owned() } else { others.join(", ") };
            return Err(check::invalid(format!(
                "run {run} of {tenant}/{connection} holds no deletions; of its runs these do: \
                 {which}"
            )));
        }
        Ok((writes, decided))
    }
}

fn row_key(tenant: &TenantId, connection: &ConnectionId, entity: &str) -> Vec<u8> {
    key::with(key::connection(tenant, connection), entity.as_bytes())
}

fn decode(row: &[u8]) -> Result<HeldDeletions, StoreError> {
    json::decode(Table::Held, row)
}
