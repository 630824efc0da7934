//! Looking at many connections with a few reads.

use std::collections::BTreeMap;

use model::queue::{BATCH_MAX, JobQueue, Pause, Queue};
use model::store::{Catalogue, RecordStore, StoreError};
use model::{Connection, TenantId};

use super::holds;
use super::rule::Facts;
use crate::work::job::session;

/// Runs of a connection that are looked at: some may have been stopped and say nothing, and tasks
/// read different entities.
const RUNS_LOOKED_AT: usize = 8;

/// Pauses that are read at one time.
const PAUSES_PAGE: usize = 500;

/// What is looked at.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// The states of connections.
    pub catalogue: &'a dyn Catalogue,
    /// Their runs.
    pub records: &'a dyn RecordStore,
    /// Their jobs and pauses.
    pub queue: &'a dyn JobQueue,
}

/// A connection and what is known of it.
#[derive(Clone, Debug)]
pub struct Looked {
    /// The connection.
    pub connection: Connection,
    /// What is known.
    pub facts: Facts,
}

/// Looks at connections of a tenant, in their order. The reads are not of one instant.
pub async fn look(
    ports: Ports<'_>,
    tenant: &TenantId,
    connections: Vec<Connection>,
) -> Result<Vec<Looked>, StoreError> {
    if connections.is_empty() {
        return Ok(Vec::new());
    }
    let pauses = pauses(ports.queue, tenant).await?;
    let mut looked = Vec::with_capacity(connections.len());
    let mut connections = connections.into_iter().peekable();
    while connections.peek().is_some() {
        let some: Vec<_> = connections.by_ref().take(BATCH_MAX).collect();
        let ids: Vec<_> = some.iter().map(|connection| connection.id.clone()).collect();
        let lines = ids.iter().map(session).collect();
        let sessions = ports.queue.sessions(tenant, Queue::InboundScheduled, lines).await?;
        let statuses = ports.catalogue.connection_statuses(tenant, ids.clone()).await?;
        let runs = ports.records.last_runs(tenant, ids, RUNS_LOOKED_AT).await?;
        let facts = statuses.into_iter().zip(runs).zip(sessions);
        looked.extend(some.into_iter().zip(facts).map(
            |(connection, ((status, runs), session))| {
                let pauses = pauses.over(&connection);
                Looked { connection, facts: Facts { status, runs, session, pauses } }
            },
        ));
    }
    Ok(looked)
}

/// The pauses of a tenant: those of one connection by its name, for there may be one of each.
#[derive(Default)]
struct Pauses {
    common: Vec<Pause>,
    own: BTreeMap<String, Vec<Pause>>,
}

impl Pauses {
    fn over(&self, connection: &Connection) -> Vec<Pause> {
        let common = self.common.iter().filter(|pause| holds(&pause.scope, connection));
        let own = self.own.get(connection.id.as_str()).into_iter().flatten();
        common.chain(own).cloned().collect()
    }
}

async fn pauses(queue: &dyn JobQueue, tenant: &TenantId) -> Result<Pauses, StoreError> {
    use model::queue::PauseScope::{Connection, Unauthorised};
    let (mut pauses, mut after) = (Pauses::default(), None);
    loop {
        let page = queue.pauses(tenant, after.as_ref(), PAUSES_PAGE).await?;
        let Some(last) = page.last() else { return Ok(pauses) };
        after = Some(last.scope.clone());
        for pause in page {
            match &pause.scope {
                Connection(id) | Unauthorised(id) => {
                    pauses.own.entry(id.to_string()).or_default().push(pause);
                }
                _ => pauses.common.push(pause),
            }
        }
    }
}
