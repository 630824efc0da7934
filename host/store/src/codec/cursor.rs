//! Where a list ended: its last key without the tenant, which a query brings itself, so that a
//! cursor opens nothing of another tenant.

use std::ops::Bound;

use model::TenantId;
use model::store::StoreError;

use super::{hex, key};
use crate::check;

/// The cursor behind a key.
pub(crate) fn next(tenant: &TenantId, key: &[u8]) -> String {
    let rest = key.get(key::tenant(tenant).len()..).unwrap_or_default();
    let mut text = Vec::with_capacity(2 * rest.len());
    hex::push(&mut text, rest);
    String::from_utf8(text).unwrap_or_default()
}

/// Where the keys begin that are left of a list over `prefix`.
pub(crate) fn after(
    tenant: &TenantId,
    prefix: &[u8],
    cursor: Option<&str>,
) -> Result<Bound<Vec<u8>>, StoreError> {
    let Some(text) = cursor else { return Ok(Bound::Included(prefix.to_vec())) };
    let mut key = key::tenant(tenant);
    if hex::decode(&mut key, text.as_bytes()).is_none() {
        return Err(check::invalid("`after` is not where a list ended; pass `next` unchanged"));
    }
    if !key.starts_with(prefix) {
        return Err(check::invalid("the list that `after` comes from was another one"));
    }
    Ok(Bound::Excluded(key))
}
