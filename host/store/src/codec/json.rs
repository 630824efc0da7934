//! Rows that are written once per page or less: a version byte and JSON.

use model::store::{StoreError, StoreErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Malformed, corrupt};
use crate::tables::Table;

const VERSION: u8 = 1;

/// Encodes a row.
pub(crate) fn encode(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let mut out = vec![VERSION];
    serde_json::to_writer(&mut out, value).map_err(|e| {
        StoreError::new(StoreErrorKind::Invalid, "the value has no form in JSON").because(e)
    })?;
    Ok(out)
}

/// Decodes a row of `table`.
pub(crate) fn decode<T: DeserializeOwned>(table: Table, row: &[u8]) -> Result<T, StoreError> {
    match row.split_first() {
        Some((&VERSION, json)) => {
            // The cause is not attached: serde_json quotes what it could not read.
            serde_json::from_slice(json).map_err(|_ignored| corrupt(table, Malformed::Shape))
        }
        Some((&version, _)) => Err(corrupt(table, Malformed::Version(version))),
        None => Err(corrupt(table, Malformed::Shape)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn unknown_version_is_named_with_its_table() {
        let error = decode::<u64>(Table::Runs, &[9, b'1']).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt);
        assert!(error.to_string().contains("'runs' has the format 9"), "{error}");
    }

    #[test]
    fn row_that_does_not_decode_is_corrupt_and_not_absent() {
        for row in [&b""[..], b"\x01", b"\x01{", b"\x01\"text\""] {
            let error = decode::<u64>(Table::Trust, row).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Corrupt);
            assert!(error.to_string().contains("'trust'"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn json_round_trips(value: Vec<(String, u64)>) {
            let row = encode(&value).unwrap();
            prop_assert_eq!(decode::<Vec<(String, u64)>>(Table::Runs, &row).unwrap(), value);
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(row: Vec<u8>) {
            drop(decode::<model::run::Run>(Table::Runs, &row));
            drop(decode::<model::store::TrustState>(Table::Trust, &row));
        }
    }
}
