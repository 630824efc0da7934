//! What is remembered of trust: one row that is always there.

use model::store::{StoreError, TrustState};
use redb::ReadTransaction;

use crate::codec::{Malformed, corrupt, json};
use crate::disk::Disk as _;
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

pub(crate) const ROW: &[u8] = b"trust";

/// Reads the row; without it the store is damaged, for "nothing was ever revoked" must not be
/// what a lost row means.
pub(crate) fn get(snapshot: &ReadTransaction) -> Result<TrustState, StoreError> {
    let table = Table::Trust.read(snapshot)?;
    let row = table.get(ROW).disk()?.ok_or_else(|| corrupt(Table::Trust, Malformed::Shape))?;
    json::decode(Table::Trust, row.value())
}

/// Replaces the row.
pub(crate) struct Put(pub(crate) TrustState);

impl Change for Put {
    type Answer = ();

    fn decide(self, _: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let mut writes = Writes::default();
        put(&mut writes, &self.0)?;
        Ok((writes, ()))
    }
}

pub(super) fn put(writes: &mut Writes, trust: &TrustState) -> Result<(), StoreError> {
    writes.put(Table::Trust, ROW, &json::encode(trust)?);
    Ok(())
}
