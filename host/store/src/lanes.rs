//! Where the lanes of a connection stand.

use model::store::{Lane, LaneKind, StoreError};
use model::window::LaneState;
use model::{ConnectionId, TenantId};
use redb::{ReadTransaction, ReadableTable as _};

use crate::codec::{json, key};
use crate::disk::Disk as _;
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// Lists the lanes of a connection; a page writes one at a time.
pub(crate) fn list(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    connection: &ConnectionId,
) -> Result<Vec<(Lane, LaneState)>, StoreError> {
    let prefix = key::connection(tenant, connection);
    let behind = key::behind(&prefix);
    Table::Lanes
        .read(snapshot)?
        .range(prefix.as_slice()..behind.as_slice())
        .disk()?
        .map(|row| json::decode(Table::Lanes, row.disk()?.1.value()))
        .collect()
}

/// The state in the row of a lane.
pub(crate) fn state(row: &[u8]) -> Result<LaneState, StoreError> {
    json::decode::<(Lane, LaneState)>(Table::Lanes, row).map(|(_, state)| state)
}

/// Forgets where the lanes of records of a connection stand.
pub(crate) struct Reset {
    pub(crate) tenant: TenantId,
    pub(crate) connection: ConnectionId,
}

impl Change for Reset {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let mut writes = Writes::default();
        forget(&mut writes, tables, &self.tenant, &self.connection)?;
        Ok((writes, ()))
    }
}

/// Forgets where the lanes of records of a connection stand, as part of a larger change.
pub(crate) fn forget(
    writes: &mut Writes,
    tables: &Tables<'_>,
    tenant: &TenantId,
    connection: &ConnectionId,
) -> Result<(), StoreError> {
    let prefix = key::connection(tenant, connection);
    let behind = key::behind(&prefix);
    for row in tables.lanes.range(prefix.as_slice()..behind.as_slice()).disk()? {
        let (key, lane) = row.disk()?;
        let lane = json::decode::<(Lane, LaneState)>(Table::Lanes, lane.value());
        // One that does not decode goes as well: it could not be read from in any case.
        if !lane.is_ok_and(|(lane, _)| lane.kind == LaneKind::Deletions) {
            writes.remove(Table::Lanes, key.value());
        }
    }
    Ok(())
}
