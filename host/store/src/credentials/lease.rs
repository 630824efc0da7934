//! The lease to refresh a credential, and what its holder is about to do.

use model::credential::{self, Credential, Intent, Lease, Leased, REFRESH_LEASE_MAX, RefreshLease};
use model::store::{StoreError, StoreErrorKind};
use model::{Clock, ConnectionId, TenantId, Timestamp};

use super::{find, put};
use crate::check;
use crate::codec::json;
use crate::disk::Disk as _;
use crate::keys::sealed;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// The row of the last epoch in the table of facts about the store.
const EPOCH: &[u8] = b"epoch";

/// Takes the lease, if nobody has it now.
pub(super) struct Take {
    pub(super) tenant: TenantId,
    pub(super) connection: ConnectionId,
    pub(super) lease: Lease,
    pub(super) clock: Clock,
}

impl Change for Take {
    type Answer = Leased;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Leased), StoreError> {
        let Self { tenant, connection, lease, clock } = self;
        let now = clock.now();
        check::name("the name of who refreshes", &lease.holder)?;
        let longest = admit(lease.until, now)?;
        let mut writes = Writes::default();
        let Some(old) = find(&tables.credentials, &tenant, &connection)? else {
            return Ok((writes, Leased::Absent));
        };
        // Nobody takes it for longer: the clock was set back.
        let held = old.lease.as_ref().map(|lease| lease.until);
        if let Some(until) = held.filter(|until| *until > now && *until <= longest) {
            return Ok((writes, Leased::Held(until)));
        }
        let epoch = last_epoch(&tables.meta)?.saturating_add(1);
        writes.put(Table::Meta, EPOCH, &json::encode(&epoch)?);
        let new = Credential { lease: Some(lease), epoch, ..old.clone() };
        put(&mut writes, Some(&old), &new)?;
        let place = credential::place(&tenant, &connection, "", new.generation);
        let sealed = sealed::fields(&tables.sealed, &place)?;
        let lease = RefreshLease { tenant, connection, epoch };
        Ok((writes, Leased::Taken(lease, Box::new(new), sealed)))
    }
}

/// The latest end of a lease; refuses one that ends later, or has ended.
fn admit(until: Timestamp, now: Timestamp) -> Result<Timestamp, StoreError> {
    let longest = now.saturating_add(REFRESH_LEASE_MAX).unwrap_or(Timestamp::MAX);
    if until > now && until <= longest {
        return Ok(longest);
    }
    Err(check::invalid(format!(
        "a refresh is leased until {until}; take it for at most {REFRESH_LEASE_MAX:?} from now, {now}"
    )))
}

/// Writes down that a refresh is about to be sent, and goes on holding the lease.
pub(super) struct Intend {
    pub(super) lease: RefreshLease,
    pub(super) generation: u64,
    pub(super) until: Timestamp,
    pub(super) clock: Clock,
}

impl Change for Intend {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let Self { lease, generation, until, clock } = self;
        let now = clock.now();
        admit(until, now)?;
        let old = held(tables, &lease)?;
        if old.generation != generation {
            let message = format!(
                "the secrets of {}/{} are of generation {} by now, not {generation}; read them \
                 again",
                old.tenant, old.connection, old.generation
            );
            return Err(StoreError::new(StoreErrorKind::Conflict, message));
        }
        let epoch = lease.epoch;
        let intent = match old.intent.clone() {
            Some(intent) if intent.epoch == epoch => intent,
            Some(Intent { at, times, .. }) => {
                Intent { generation, at, times: times.saturating_add(1), epoch }
            }
            None => Intent { generation, at: now, times: 1, epoch },
        };
        let mut writes = Writes::default();
        let held = old.lease.clone().map(|lease| Lease { until, ..lease });
        let new = Credential { intent: Some(intent), lease: held, ..old.clone() };
        put(&mut writes, Some(&old), &new)?;
        Ok((writes, ()))
    }
}

/// Gives the lease back, with nothing sent.
pub(super) struct Release(pub(super) RefreshLease);

impl Change for Release {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let old = held(tables, &self.0)?;
        let mut writes = Writes::default();
        let intent = without(old.intent.clone(), self.0.epoch);
        put(&mut writes, Some(&old), &Credential { intent, lease: None, ..old.clone() })?;
        Ok((writes, ()))
    }
}

/// The credential that a lease is of, if it was neither given back nor taken by somebody else.
pub(super) fn held(tables: &Tables<'_>, lease: &RefreshLease) -> Result<Credential, StoreError> {
    let RefreshLease { tenant, connection, epoch } = lease;
    let found = find(&tables.credentials, tenant, connection)?;
    let found = found.filter(|found| found.lease.is_some() && found.epoch == *epoch);
    found.ok_or_else(|| {
        let message = format!(
            "the lease number {epoch} to refresh {tenant}/{connection} is over; read its \
             credential again"
        );
        StoreError::new(StoreErrorKind::Fenced, message)
    })
}

/// What is intended when a lease has sent nothing: what those before it have.
pub(super) fn without(intent: Option<Intent>, epoch: u64) -> Option<Intent> {
    let intent = intent?;
    match intent.times {
        _ if intent.epoch != epoch => Some(intent),
        0 | 1 => None,
        times => Some(Intent { times: times - 1, ..intent }),
    }
}

fn last_epoch(rows: &impl Rows) -> Result<u64, StoreError> {
    let row = rows.get(EPOCH).disk()?;
    Ok(row.map(|row| json::decode(Table::Meta, row.value())).transpose()?.unwrap_or_default())
}
