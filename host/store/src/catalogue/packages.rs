//! Installed packages.
//!
//! version 1 · length of the facts 4 · facts, JSON · the file: the rest.

use bytes::Bytes;
use model::Timestamp;
use model::store::{Installed, StoreError, TrustState};
use redb::{ReadTransaction, ReadableTable as _};
use serde::{Deserialize, Serialize};

use super::trust;
use crate::check;
use crate::codec::{Cursor, Malformed, corrupt};
use crate::disk::Disk as _;
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

const VERSION: u8 = 1;

#[derive(Deserialize, Serialize)]
struct Facts {
    version: String,
    digest: String,
    grant: String,
    at: Timestamp,
}

/// Installs or replaces a package and sets the trust state.
pub(crate) struct Put {
    pub(crate) package: Installed,
    pub(crate) trust: TrustState,
}

impl Change for Put {
    type Answer = ();

    fn decide(self, _: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let name = self.package.name.clone();
        let mut writes = Writes::default();
        trust::put(&mut writes, &self.trust)?;
        writes.put(Table::Packages, name.as_bytes(), &encode(self.package)?);
        Ok((writes, ()))
    }
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
    let row = Table::Packages.read(snapshot)?.get(name.as_bytes()).disk()?;
    row.map(|row| decode(name.to_owned(), row.value())).transpose()
}

/// All packages, by name.
pub(crate) fn list(snapshot: &ReadTransaction) -> Result<Vec<Installed>, StoreError> {
    Table::Packages
        .read(snapshot)?
        .iter()
        .disk()?
        .map(|row| {
            let (name, row) = row.disk()?;
            let name = std::str::from_utf8(name.value()).map_err(|_ignored| damaged())?;
            decode(name.to_owned(), row.value())
        })
        .collect()
}

fn encode(package: Installed) -> Result<Vec<u8>, StoreError> {
    let Installed { name, version, digest, file, grant, at } = package;
    check::package(&name, &file)?;
    let facts = serde_json::to_vec(&Facts { version, digest, grant, at })
        .map_err(|e| check::invalid("the package has no form in JSON").because(e))?;
    let length = u32::try_from(facts.len())
        .map_err(|e| check::invalid("the grant of the package is too long").because(e))?;
    let mut row = Vec::with_capacity(5 + facts.len() + file.len());
    row.push(VERSION);
    row.extend_from_slice(&length.to_be_bytes());
    row.extend_from_slice(&facts);
    row.extend_from_slice(&file);
    Ok(row)
}

fn decode(name: String, row: &[u8]) -> Result<Installed, StoreError> {
    let mut rest = Cursor(row);
    match rest.byte() {
        Some(VERSION) => {}
        Some(version) => return Err(corrupt(Table::Packages, Malformed::Version(version))),
        None => return Err(damaged()),
    }
    let mut facts = || {
        let length = usize::try_from(u32::from_be_bytes(rest.array()?)).ok()?;
        serde_json::from_slice::<Facts>(rest.take(length)?).ok()
    };
    let Facts { version, digest, grant, at } = facts().ok_or_else(damaged)?;
    Ok(Installed { name, version, digest, file: Bytes::copy_from_slice(rest.0), grant, at })
}

fn damaged() -> StoreError {
    corrupt(Table::Packages, Malformed::Shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn row_round_trips(texts: [String; 3], file: Vec<u8>) {
            let [version, digest, grant] = texts;
            let (name, at) = ("acme/hub".to_owned(), Timestamp::UNIX_EPOCH);
            let package = Installed { name, version, digest, file: file.into(), grant, at };
            let row = encode(package.clone()).unwrap();
            prop_assert_eq!(decode("acme/hub".to_owned(), &row).unwrap(), package);
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(mut row: Vec<u8>, known: bool) {
            if let (true, Some(version)) = (known, row.first_mut()) {
                *version = VERSION;
            }
            drop(decode("acme/hub".to_owned(), &row));
        }
    }
}
