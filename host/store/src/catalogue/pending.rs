//! Packages that wait for an operator's approval.

use bytes::Bytes;
use model::Timestamp;
use model::catalogue::{PENDING_MAX, PendingPackage};
use model::store::StoreError;
use redb::{ReadTransaction, ReadableTable as _, ReadableTableMetadata as _};
use serde::{Deserialize, Serialize};

use crate::check;
use crate::codec::attached;
use crate::disk::Disk as _;
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

#[derive(Deserialize, Serialize)]
struct Facts {
    version: String,
    digest: String,
    author: String,
    at: Timestamp,
}

/// Keeps a package, in place of one of its name.
pub(crate) struct Put(pub(crate) PendingPackage);

impl Change for Put {
    type Answer = ();

    const INTAKE: bool = true;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let PendingPackage { name, version, digest, file, author, at } = self.0;
        check::package(&name, &file)?;
        check::text("who has brought the package", &author)?;
        let others = tables.pending.len().disk()?;
        if others >= PENDING_MAX && tables.pending.get(name.as_bytes()).disk()?.is_none() {
            return Err(check::invalid(format!(
                "{PENDING_MAX} packages wait for approval already; approve or refuse some first"
            )));
        }
        let mut writes = Writes::default();
        let row = attached::encode(&Facts { version, digest, author, at }, &file)?;
        writes.put(Table::Pending, name.as_bytes(), &row);
        Ok((writes, ()))
    }
}

/// Removes a package if it is the one of this digest.
pub(crate) struct Remove {
    pub(crate) name: String,
    pub(crate) digest: String,
}

impl Change for Remove {
    type Answer = bool;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, bool), StoreError> {
        let mut writes = Writes::default();
        let Some(row) = tables.pending.get(self.name.as_bytes()).disk()? else {
            return Ok((writes, false));
        };
        let (facts, _) = attached::decode::<Facts>(Table::Pending, row.value())?;
        let found = facts.digest == self.digest;
        if found {
            writes.remove(Table::Pending, self.name.as_bytes());
        }
        Ok((writes, found))
    }
}

/// All packages that wait, by name.
pub(crate) fn list(snapshot: &ReadTransaction) -> Result<Vec<PendingPackage>, StoreError> {
    let rows = Table::Pending.read(snapshot)?;
    rows.iter()
        .disk()?
        .map(|row| {
            let (name, row) = row.disk()?;
            let name = super::name(Table::Pending, name.value())?;
            let (facts, file) = attached::decode(Table::Pending, row.value())?;
            let Facts { version, digest, author, at } = facts;
            let file = Bytes::copy_from_slice(file);
            Ok(PendingPackage { name, version, digest, file, author, at })
        })
        .collect()
}
