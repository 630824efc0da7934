//! Installed packages.

use bytes::Bytes;
use model::Timestamp;
use model::queue::REASON_BYTES_MAX;
use model::store::{Installed, StoreError, TrustState};
use redb::{ReadTransaction, ReadableTable as _};
use serde::{Deserialize, Serialize};

use super::trust;
use crate::check;
use crate::codec::attached;
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

#[derive(Deserialize, Serialize)]
struct Facts {
    version: String,
    digest: String,
    grant: String,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disabled: Option<String>,
}

/// Installs or replaces a package and sets the trust state; whether it may run is not changed by
/// another version.
pub(crate) struct Put {
    pub(crate) package: Installed,
    pub(crate) trust: TrustState,
}

impl Change for Put {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let Self { mut package, trust } = self;
        if let Some(old) = find(&tables.packages, &package.name)? {
            package.disabled = old.disabled;
        }
        let mut writes = Writes::default();
        trust::put(&mut writes, &trust)?;
        put(&mut writes, package)?;
        Ok((writes, ()))
    }
}

/// Says why a package may not run, or that it may.
pub(crate) struct Disable {
    pub(crate) name: String,
    pub(crate) disabled: Option<String>,
}

impl Change for Disable {
    type Answer = bool;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, bool), StoreError> {
        let Self { name, disabled } = self;
        disabled.as_deref().map_or(Ok(()), reason)?;
        let mut writes = Writes::default();
        let Some(old) = find(&tables.packages, &name)? else { return Ok((writes, false)) };
        if old.disabled != disabled {
            put(&mut writes, Installed { disabled, ..old })?;
        }
        Ok((writes, true))
    }
}

fn reason(text: &str) -> Result<(), StoreError> {
    check::length("the reason why a package may not run", text.len(), 1, REASON_BYTES_MAX)
}

/// Removes a package.
pub(crate) struct Remove(pub(crate) String);

impl Change for Remove {
    type Answer = bool;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, bool), StoreError> {
        let mut writes = Writes::default();
        let present = tables.packages.get(self.0.as_bytes()).disk()?.is_some();
        if present {
            writes.remove(Table::Packages, self.0.as_bytes());
        }
        Ok((writes, present))
    }
}

/// The package of this name.
pub(crate) fn get(snapshot: &ReadTransaction, name: &str) -> Result<Option<Installed>, StoreError> {
    find(&Table::Packages.read(snapshot)?, name)
}

/// All packages, by name.
pub(crate) fn list(snapshot: &ReadTransaction) -> Result<Vec<Installed>, StoreError> {
    let rows = Table::Packages.read(snapshot)?;
    rows.iter()
        .disk()?
        .map(|row| {
            let (name, row) = row.disk()?;
            decode(super::name(Table::Packages, name.value())?, row.value())
        })
        .collect()
}

/// The names of all packages.
pub(crate) fn names(snapshot: &ReadTransaction) -> Result<Vec<String>, StoreError> {
    let rows = Table::Packages.read(snapshot)?;
    let rows = rows.iter().disk()?;
    rows.map(|row| super::name(Table::Packages, row.disk()?.0.value())).collect()
}

fn find(rows: &impl Rows, name: &str) -> Result<Option<Installed>, StoreError> {
    let row = rows.get(name.as_bytes()).disk()?;
    row.map(|row| decode(name.to_owned(), row.value())).transpose()
}

fn put(writes: &mut Writes, package: Installed) -> Result<(), StoreError> {
    let Installed { name, version, digest, file, grant, at, disabled } = package;
    check::package(&name, &file)?;
    let row = attached::encode(&Facts { version, digest, grant, at, disabled }, &file)?;
    writes.put(Table::Packages, name.as_bytes(), &row);
    Ok(())
}

fn decode(name: String, row: &[u8]) -> Result<Installed, StoreError> {
    let (facts, file) = attached::decode(Table::Packages, row)?;
    let Facts { version, digest, grant, at, disabled } = facts;
    let file = Bytes::copy_from_slice(file);
    Ok(Installed { name, version, digest, file, grant, at, disabled })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_of_an_earlier_program_may_run() {
        let facts =
            r#"{"version":"1.2.3","digest":"sha256:ab","grant":"{}","at":"2026-01-02T03:04:05Z"}"#;
        let mut row = vec![1];
        row.extend_from_slice(&u32::try_from(facts.len()).unwrap().to_be_bytes());
        row.extend_from_slice(facts.as_bytes());
        row.extend_from_slice(b"file");
        let found = decode("acme/hub".to_owned(), &row).unwrap();
        assert_eq!((&*found.version, &*found.file, found.disabled), ("1.2.3", &b"file"[..], None));
    }
}
