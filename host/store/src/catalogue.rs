//! Packages, connections and what is remembered of trust.

pub(crate) mod connections;
pub(crate) mod packages;
pub(crate) mod pending;
pub(crate) mod states;
pub(crate) mod trust;

use model::store::StoreError;

use crate::codec::{Malformed, corrupt};
use crate::tables::Table;

/// The name of a package that is a key of `table`.
fn name(table: Table, key: &[u8]) -> Result<String, StoreError> {
    let name = std::str::from_utf8(key).map_err(|_ignored| corrupt(table, Malformed::Shape))?;
    Ok(name.to_owned())
}
