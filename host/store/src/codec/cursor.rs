//! Where a list ended: its last key without the tenant, which a query brings itself, so that a
//! cursor opens nothing of another tenant.

use std::ops::Bound;

use model::store::StoreError;
use model::{TenantId, hex};

use super::key;
use crate::check;

/// The cursor behind a key.
pub(crate) fn next(tenant: &TenantId, key: &[u8]) -> String {
    let rest = key.get(key::tenant(tenant).len()..).unwrap_or_default();
    hex::text(rest)
}

/// Where the keys begin that are left of a list over `prefix`.
pub(crate) fn after(
    tenant: &TenantId,
    prefix: &[u8],
    cursor: Option<&str>,
) -> Result<Bound<Vec<u8>>, StoreError> {
    let Some(text) = cursor else { return Ok(Bound::Included(prefix.to_vec())) };
    let Some(rest) = hex::decode(text.as_bytes()) else {
        return Err(check::invalid("`after` is not where a list ended; pass `next` unchanged"));
    };
    let key = key::with(key::tenant(tenant), &rest);
    if !key.starts_with(prefix) {
        return Err(check::invalid("the list that `after` comes from was another one"));
    }
    Ok(Bound::Excluded(key))
}
