//! Rows that hold a package file: version 1 · length of the facts 4 · facts, JSON · the file: the
//! rest.

use model::store::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::check;
use crate::codec::{Cursor, Malformed, corrupt};
use crate::tables::Table;

const VERSION: u8 = 1;

/// Encodes a row.
pub(super) fn encode(facts: &impl Serialize, file: &[u8]) -> Result<Vec<u8>, StoreError> {
    let facts = serde_json::to_vec(facts)
        .map_err(|e| check::invalid("the package has no form in JSON").because(e))?;
    let length = u32::try_from(facts.len())
        .map_err(|e| check::invalid("the grant of the package is too long").because(e))?;
    let mut row = Vec::with_capacity(5 + facts.len() + file.len());
    row.push(VERSION);
    row.extend_from_slice(&length.to_be_bytes());
    row.extend_from_slice(&facts);
    row.extend_from_slice(file);
    Ok(row)
}

/// The facts of a row of `table`, and the file.
pub(super) fn decode<T: DeserializeOwned>(
    table: Table,
    row: &[u8],
) -> Result<(T, &[u8]), StoreError> {
    let damaged = || corrupt(table, Malformed::Shape);
    let mut rest = Cursor(row);
    match rest.byte() {
        Some(VERSION) => {}
        Some(version) => return Err(corrupt(table, Malformed::Version(version))),
        None => return Err(damaged()),
    }
    let mut facts = || {
        let length = usize::try_from(u32::from_be_bytes(rest.array()?)).ok()?;
        serde_json::from_slice(rest.take(length)?).ok()
    };
    Ok((facts().ok_or_else(damaged)?, rest.0))
}

/// The name that is a key of `table`.
pub(super) fn name(table: Table, key: &[u8]) -> Result<String, StoreError> {
    let name = std::str::from_utf8(key).map_err(|_ignored| corrupt(table, Malformed::Shape))?;
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn row_round_trips(facts: Vec<String>, file: Vec<u8>) {
            let row = encode(&facts, &file).unwrap();
            let found: (Vec<String>, _) = decode(Table::Packages, &row).unwrap();
            prop_assert_eq!(found, (facts, file.as_slice()));
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(mut row: Vec<u8>, known: bool) {
            if let (true, Some(version)) = (known, row.first_mut()) {
                *version = VERSION;
            }
            drop(decode::<serde_json::Value>(Table::Packages, &row));
        }
    }
}
