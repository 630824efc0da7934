//! Reads of credentials.

use std::ops::Bound;

use model::credential::{self, Credential, CredentialQuery};
use model::store::StoreError;
use model::vault::Sealed;
use model::{ConnectionId, TenantId, Timestamp};
use redb::ReadTransaction;

use super::find;
use crate::catalogue::states;
use crate::check;
use crate::codec::{Malformed, corrupt, json, key};
use crate::disk::Disk as _;
use crate::keys::sealed;
use crate::tables::Table;

/// Credentials in one list.
const LIST_MAX: usize = 1_000;

/// The credential of a connection and its sealed fields.
pub(super) fn get(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    connection: &ConnectionId,
) -> Result<Option<(Credential, Vec<Sealed>)>, StoreError> {
    let found = find(&Table::Credentials.read(snapshot)?, tenant, connection)?;
    let Some(found) = found else { return Ok(None) };
    let place = credential::place(tenant, connection, "", found.generation);
    let sealed = sealed::fields(&Table::Sealed.read(snapshot)?, &place)?;
    Ok(Some((found, sealed)))
}

/// Lists credentials, by tenant and connection, or those that are due.
pub(super) fn list(
    snapshot: &ReadTransaction,
    query: &CredentialQuery,
) -> Result<Vec<Credential>, StoreError> {
    let limit = query.limit.min(LIST_MAX);
    match (query.due, &query.after) {
        (None, _) => by_name(snapshot, query, limit),
        (Some(due), None) => by_urgency(snapshot, query.tenant.as_ref(), due, limit),
        (Some(_), Some(_)) => {
            Err(check::invalid("what is due is listed from the front; leave `after` out"))
        }
    }
}

fn by_name(
    snapshot: &ReadTransaction,
    query: &CredentialQuery,
    limit: usize,
) -> Result<Vec<Credential>, StoreError> {
    let prefix = query.tenant.as_ref().map(key::tenant).unwrap_or_default();
    let after = query.after.as_ref().map(|(tenant, id)| key::connection_row(tenant, id));
    if after.as_ref().is_some_and(|after| !after.starts_with(&prefix)) {
        return Err(check::invalid("the list that `after` comes from was another one"));
    }
    let from = match &after {
        Some(after) => Bound::Excluded(after.as_slice()),
        None => Bound::Included(prefix.as_slice()),
    };
    let behind = key::behind(&prefix);
    let behind = if prefix.is_empty() { Bound::Unbounded } else { Bound::Excluded(&*behind) };
    let rows = Table::Credentials.read(snapshot)?;
    rows.range::<&[u8]>((from, behind))
        .disk()?
        .take(limit)
        .map(|row| json::decode(Table::Credentials, row.disk()?.1.value()))
        .collect()
}

/// Those of connections that rest are passed over one by one. One whose refresh was refused is due
/// no more, so it is those that are switched off or revoked, each of which a person may remove.
fn by_urgency(
    snapshot: &ReadTransaction,
    tenant: Option<&TenantId>,
    due: Timestamp,
    limit: usize,
) -> Result<Vec<Credential>, StoreError> {
    let damaged = || corrupt(Table::DueCredentials, Malformed::Shape);
    let (credentials, states) = (Table::Credentials.read(snapshot)?, Table::States.read(snapshot)?);
    let behind = key::behind(&key::instant(due));
    let mut found = Vec::new();
    for row in Table::DueCredentials.read(snapshot)?.range(..behind.as_slice()).disk()? {
        if found.len() == limit {
            break;
        }
        let row = row.disk()?;
        let key = row.0.value().get(size_of::<u64>()..).ok_or_else(damaged)?;
        let row = credentials.get(key).disk()?.ok_or_else(damaged)?;
        let credential: Credential = json::decode(Table::Credentials, row.value())?;
        let state = states::find(&states, &credential.tenant, &credential.connection)?;
        let works = state.is_none_or(|status| status.state.works());
        if works && tenant.is_none_or(|tenant| *tenant == credential.tenant) {
            found.push(credential);
        }
    }
    Ok(found)
}
