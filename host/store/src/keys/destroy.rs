//! Destroying the keys of an owner.

use model::credential::Credential;
use model::store::StoreError;
use model::vault::Owner;
use model::{Clock, Connection, ConnectionState, ConnectionStatus, TenantId, Timestamp};
use redb::ReadableTable as _;

use super::{Destroyed, Row, sealed};
use crate::catalogue::connections;
use crate::codec::key;
use crate::credentials;
use crate::disk::Disk as _;
use crate::events::Subject;
use crate::queue::Ledger;
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// Removes the keys of an owner and all that lies under them, and keeps that it was so.
pub(super) struct Destroy {
    pub(super) owner: Owner,
    pub(super) reason: String,
    pub(super) clock: Clock,
}

impl Change for Destroy {
    type Answer = u64;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, u64), StoreError> {
        let Self { owner, reason, clock } = self;
        let now = clock.now();
        if Row::of(&tables.keys, &owner)?.is_some_and(|row| row.destroyed.is_some()) {
            return Ok((Writes::default(), 0));
        }
        let mut ledger = Ledger::open(tables, now);
        if let Owner::Tenant(tenant) = &owner {
            revoke(&mut ledger, tables, tenant, (&reason, now))?;
        }
        let mut writes = ledger.close()?;
        let prefix = sealed::owner(&owner);
        let behind = key::behind(&prefix);
        let mut count = 0;
        for row in tables.sealed.range(prefix.as_slice()..behind.as_slice()).disk()? {
            writes.remove(Table::Sealed, row.disk()?.0.value());
            count += 1;
        }
        let destroyed = Some(Destroyed { at: now, reason });
        Row { keys: Vec::new(), destroyed }.put(&mut writes, &owner)?;
        Ok((writes, count))
    }
}

/// Lets all connections of a tenant rest, with nothing left to refresh.
fn revoke(
    ledger: &mut Ledger<'_>,
    tables: &Tables<'_>,
    tenant: &TenantId,
    (reason, since): (&str, Timestamp),
) -> Result<(), StoreError> {
    let reason = format!("its secrets were destroyed: {reason}");
    let to = ConnectionStatus { state: ConnectionState::Revoked, reason, since };
    for Connection { id, .. } in connections::all(&tables.connections, tenant)? {
        ledger.turn(tenant, (&id, &Subject::connection(Some(&id))), &to)?;
        let Some(old) = credentials::find(&tables.credentials, tenant, &id)? else { continue };
        let mut gone = Credential { fields: Vec::new(), intent: None, lease: None, ..old.clone() };
        gone.grant.refresh_at = None;
        credentials::put(&mut ledger.writes, Some(&old), &gone)?;
    }
    Ok(())
}
