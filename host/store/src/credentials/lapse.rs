//! Leases that nobody holds any more.

use model::credential::Credential;
use model::store::StoreError;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _};

use super::put;
use crate::codec::json;
use crate::disk::Disk as _;
use crate::tables::{Table, Tables};
use crate::writes::Writes;

/// Takes back leases that the process before has left: whoever had them is gone when another
/// process takes the directory over. What was intended under them stays: it may have been sent.
/// Writes nothing where there are none.
pub(crate) fn lapse(database: &Database) -> Result<(), StoreError> {
    let refreshes = Table::Refreshes.read(&database.begin_read().disk()?)?;
    if refreshes.is_empty().disk()? {
        return Ok(());
    }
    let transaction = database.begin_write().disk()?;
    let mut tables = Tables::open(&transaction).disk()?;
    let mut writes = Writes::default();
    for row in refreshes.iter().disk()? {
        let row = row.disk()?;
        let key = row.0.value();
        let old = tables.credentials.get(key).disk()?;
        let old = old.map(|row| json::decode::<Credential>(Table::Credentials, row.value()));
        // One that does not decode must not keep the store shut: whoever reads it hears of it.
        match old {
            Some(Ok(old)) => {
                put(&mut writes, Some(&old), &Credential { lease: None, ..old.clone() })?;
            }
            Some(Err(_)) | None => writes.remove(Table::Refreshes, key),
        }
    }
    writes.apply(&mut tables).disk()?;
    drop(tables);
    transaction.commit().disk()
}
