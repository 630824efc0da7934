//! Leases that nobody holds any more.

use model::Timestamp;
use model::store::StoreError;
use redb::{Database, ReadableDatabase as _, ReadableTable as _};

use super::counts::Counts;
use super::keys::{self, Line};
use super::ledger::Ledger;
use super::session::Session;
use crate::codec::{json, key};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};

/// Lets leases run out that the process before has left: whoever had them is gone when another
/// process takes the directory over. Writes nothing where there are none.
pub(crate) fn lapse(database: &Database, now: Timestamp) -> Result<(), StoreError> {
    let snapshot = database.begin_read().disk()?;
    if claimed(&Table::Queues.read(&snapshot)?)?.is_empty() {
        return Ok(());
    }
    let transaction = database.begin_write().disk()?;
    let mut tables = Tables::open(&transaction).disk()?;
    let writes = {
        let mut ledger = Ledger::open(&tables, now);
        for line in leased(&tables)? {
            let mut slot = ledger.take(line)?;
            if let Some(lease) = &mut slot.session.lease {
                lease.until = lease.until.min(now);
            }
            ledger.keep(slot);
        }
        ledger.close()?
    };
    writes.apply(&mut tables).disk()?;
    drop(tables);
    transaction.commit().disk()
}

/// The queues of tenants that have claims. What does not decode must not keep the store shut:
/// whoever reads it hears of it.
fn claimed(queues: &impl Rows) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut claimed = Vec::new();
    for row in queues.iter().disk()? {
        let (key, counts) = row.disk()?;
        let counts: Result<Counts, _> = json::decode(Table::Queues, counts.value());
        if counts.is_ok_and(|counts| counts.leased > 0) {
            claimed.push(key.value().to_vec());
        }
    }
    Ok(claimed)
}

fn leased(tables: &Tables<'_>) -> Result<Vec<Line>, StoreError> {
    let mut lines = Vec::new();
    for queue in claimed(&tables.queues)? {
        let behind = key::behind(&queue);
        for row in tables.sessions.range(queue.as_slice()..behind.as_slice()).disk()? {
            let (key, session) = row.disk()?;
            let session: Result<Session, _> = json::decode(Table::Sessions, session.value());
            if session.is_ok_and(|session| session.lease.is_some()) {
                lines.extend(keys::line(key.value()));
            }
        }
    }
    Ok(lines)
}
