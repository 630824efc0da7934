//! Rows that are a few facts and a file or a message: version 1 · length of the facts 4 · facts,
//! JSON · the rest.

use model::store::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Cursor, Malformed, corrupt};
use crate::check;
use crate::tables::Table;

const VERSION: u8 = 1;

/// Encodes a row.
pub(crate) fn encode(facts: &impl Serialize, rest: &[u8]) -> Result<Vec<u8>, StoreError> {
    let facts = serde_json::to_vec(facts)
        .map_err(|e| check::invalid("the value has no form in JSON").because(e))?;
    let length = u32::try_from(facts.len())
        .map_err(|e| check::invalid("the value is too long").because(e))?;
    let mut row = Vec::with_capacity(5 + facts.len() + rest.len());
    row.push(VERSION);
    row.extend_from_slice(&length.to_be_bytes());
    row.extend_from_slice(&facts);
    row.extend_from_slice(rest);
    Ok(row)
}

/// The facts of a row of `table`, and the rest.
pub(crate) fn decode<T: DeserializeOwned>(
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
        // The cause is not attached: serde_json quotes what it could not read.
        serde_json::from_slice(rest.take(length)?).ok()
    };
    Ok((facts().ok_or_else(damaged)?, rest.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn row_round_trips(facts: Vec<String>, rest: Vec<u8>) {
            let row = encode(&facts, &rest).unwrap();
            let read = decode::<Vec<String>>(Table::Packages, &row).unwrap();
            prop_assert_eq!(read, (facts, rest.as_slice()));
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(mut row: Vec<u8>, known: bool) {
            if let (true, Some(version)) = (known, row.first_mut()) {
                *version = VERSION;
            }
            drop(decode::<Vec<String>>(Table::Packages, &row));
        }
    }
}
