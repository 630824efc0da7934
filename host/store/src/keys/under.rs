//! What lies under a data key, and sealing it again.

use std::ops::Bound;

use bytes::Bytes;
use model::hex;
use model::store::StoreError;
use model::vault::{KeyId, Owner, RESEAL_MAX, Sealed, SealedQuery};
use redb::{ReadTransaction, ReadableTable as _};

use super::sealed;
use crate::check;
use crate::codec::key;
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// Secrets that one step looks at.
const STEP_MAX: usize = 1_000;

/// Lists what lies under a key, and where to go on.
pub(super) fn list(
    snapshot: &ReadTransaction,
    query: &SealedQuery,
) -> Result<(Vec<Sealed>, Option<String>), StoreError> {
    let prefix = sealed::owner(&query.owner);
    let behind = key::behind(&prefix);
    let from = after(&prefix, query.after.as_deref())?;
    let rows = Table::Sealed.read(snapshot)?;
    let range = (from.as_ref().map(Vec::as_slice), Bound::Excluded(behind.as_slice()));
    let limit = query.limit.clamp(1, RESEAL_MAX);
    let mut found = Vec::new();
    for (looked, row) in rows.range::<&[u8]>(range).disk()?.enumerate() {
        let (key, row) = row.disk()?;
        let sealed = sealed::read(key.value(), row.value())?;
        if sealed.key() == Some(query.key) {
            found.push(sealed);
        }
        if found.len() == limit || looked + 1 == STEP_MAX {
            let next = hex::text(key.value().get(prefix.len()..).unwrap_or_default());
            return Ok((found, Some(next)));
        }
    }
    Ok((found, None))
}

/// Where the secrets begin that are left.
fn after(prefix: &[u8], cursor: Option<&str>) -> Result<Bound<Vec<u8>>, StoreError> {
    let Some(text) = cursor else { return Ok(Bound::Included(prefix.to_vec())) };
    match hex::decode(text.as_bytes()) {
        Some(rest) => Ok(Bound::Excluded(key::with(prefix.to_vec(), &rest))),
        None => Err(check::invalid("`after` is not where a list ended; pass `next` unchanged")),
    }
}

/// Tells whether anything lies under a key. It looks at all secrets of the owner, which is rare:
/// once in a rotation.
pub(super) fn any(rows: &impl Rows, owner: &Owner, id: KeyId) -> Result<bool, StoreError> {
    let prefix = sealed::owner(owner);
    let behind = key::behind(&prefix);
    for row in rows.range(prefix.as_slice()..behind.as_slice()).disk()? {
        let (key, row) = row.disk()?;
        if sealed::read(key.value(), row.value())?.key() == Some(id) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Replaces sealed secrets by themselves, sealed under another key.
pub(super) struct Reseal(pub(super) Vec<(Sealed, Bytes)>);

impl Change for Reseal {
    type Answer = u64;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, u64), StoreError> {
        check::batch("sealed secrets", self.0.len(), RESEAL_MAX)?;
        let mut writes = Writes::default();
        let mut count = 0;
        for (old, bytes) in self.0 {
            let new = Sealed { place: old.place.clone(), bytes };
            sealed::check(&new)?;
            let key = sealed::row_key(&old.place);
            let Some(row) = tables.sealed.get(key.as_slice()).disk()? else { continue };
            if sealed::read(&key, row.value())? == old {
                super::admit(tables, &new.place.owner, new.key())?;
                sealed::put(&mut writes, &new);
                count += 1;
            }
        }
        Ok((writes, count))
    }
}
