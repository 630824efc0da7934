//! Credentials: a row without secrets beside sealed fields, the index of when each is to be
//! refreshed, and who has the lease.
//!
//! Epochs come from one counter of the store, so that a lease of a connection that was removed is
//! not one of the connection that is made again under its name.

mod authorise;
mod lapse;
mod lease;
mod list;
mod outcome;
mod port;
mod remove;

use model::credential::Credential;
use model::store::StoreError;
use model::{ConnectionId, TenantId, Timestamp};

use crate::check;
use crate::codec::{json, key};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};
use crate::writes::Writes;

pub(crate) use lapse::lapse;

/// The credential of a connection.
pub(crate) fn find(
    rows: &impl Rows,
    tenant: &TenantId,
    connection: &ConnectionId,
) -> Result<Option<Credential>, StoreError> {
    let row = rows.get(key::connection_row(tenant, connection).as_slice()).disk()?;
    row.map(|row| json::decode(Table::Credentials, row.value())).transpose()
}

/// Puts a credential, and moves its places in the indexes.
pub(crate) fn put(
    writes: &mut Writes,
    old: Option<&Credential>,
    new: &Credential,
) -> Result<(), StoreError> {
    let row = json::encode(new)?;
    check::length("what is known of a credential", row.len(), 0, check::CREDENTIAL_BYTES_MAX)?;
    writes.put(Table::Credentials, &key::connection_row(&new.tenant, &new.connection), &row);
    for (table, place) in PLACES {
        shift(writes, table, old.and_then(place), place(new));
    }
    Ok(())
}

/// Notes that a credential was used, if there is one.
pub(crate) fn used(
    writes: &mut Writes,
    tables: &Tables<'_>,
    (tenant, connection): (&TenantId, &ConnectionId),
    at: Timestamp,
) -> Result<(), StoreError> {
    let Some(old) = find(&tables.credentials, tenant, connection)? else { return Ok(()) };
    if old.used >= Some(at) {
        return Ok(());
    }
    put(writes, Some(&old), &Credential { used: Some(at), ..old.clone() })
}

/// Removes a credential with its places in the indexes.
fn remove(writes: &mut Writes, old: &Credential) {
    writes.remove(Table::Credentials, &key::connection_row(&old.tenant, &old.connection));
    for (table, place) in PLACES {
        shift(writes, table, place(old), None);
    }
}

type Place = fn(&Credential) -> Option<Vec<u8>>;

/// Where a credential stands in which index.
const PLACES: [(Table, Place); 2] = [(Table::DueCredentials, due), (Table::Refreshes, refreshing)];

fn due(credential: &Credential) -> Option<Vec<u8>> {
    let Credential { tenant, connection, grant, .. } = credential;
    let at = key::instant(grant.refresh_at?).to_vec();
    Some(key::with(at, &key::connection_row(tenant, connection)))
}

fn refreshing(credential: &Credential) -> Option<Vec<u8>> {
    let Credential { tenant, connection, lease, .. } = credential;
    lease.as_ref().map(|_| key::connection_row(tenant, connection))
}

fn shift(writes: &mut Writes, table: Table, from: Option<Vec<u8>>, to: Option<Vec<u8>>) {
    if from == to {
        return;
    }
    if let Some(key) = from {
        writes.remove(table, &key);
    }
    if let Some(key) = to {
        writes.put(table, &key, &[]);
    }
}
