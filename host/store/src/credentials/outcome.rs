//! How a refresh ends.

use model::credential::{Credential, Failure, RefreshFailed, RefreshLease, Refreshed};
use model::queue::REASON_BYTES_MAX;
use model::store::StoreError;
use model::{Clock, ConnectionState, ConnectionStatus};

use super::{authorise, lease, put};
use crate::catalogue::{connections, states};
use crate::check;
use crate::events::Subject;
use crate::queue::Ledger;
use crate::tables::Tables;
use crate::writer::Change;
use crate::writes::Writes;

/// Replaces the secrets by what a refresh brought.
pub(super) struct Finish {
    pub(super) lease: RefreshLease,
    pub(super) refreshed: Refreshed,
    pub(super) clock: Clock,
}

impl Change for Finish {
    type Answer = Credential;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Credential), StoreError> {
        let Self { lease, refreshed, clock } = self;
        let old = lease::held(tables, &lease)?;
        let since = clock.now();
        let mut ledger = Ledger::open(tables, since);
        let refreshed_once = Credential {
            refreshes: old.refreshes.saturating_add(1),
            failures: 0,
            failure: None,
            intent: None,
            lease: None,
            ..old.clone()
        };
        let Refreshed { secrets, variables } = refreshed;
        let new = authorise::replace(&mut ledger.writes, tables, refreshed_once, secrets)?;
        put(&mut ledger.writes, Some(&old), &new)?;
        if !variables.is_empty()
            && let Some(mut connection) =
                connections::find(&tables.connections, &lease.tenant, &lease.connection)?
        {
            connection.variables.extend(variables);
            connections::put(&mut ledger.writes, &connection)?;
        }
        let reason = "its token was refreshed".to_owned();
        let to = ConnectionStatus { state: ConnectionState::Active, reason, since };
        turn(&mut ledger, tables, &lease, &to)?;
        Ok((ledger.close()?, new))
    }
}

/// Writes down how a refresh failed.
pub(super) struct Fail {
    pub(super) lease: RefreshLease,
    pub(super) failed: RefreshFailed,
    pub(super) clock: Clock,
}

impl Change for Fail {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let Self { lease, failed, clock } = self;
        let RefreshFailed { failure, retry_at, reauthorise, unsent } = failed;
        let failure = short(failure)?;
        let old = lease::held(tables, &lease)?;
        let since = clock.now();
        let mut ledger = Ledger::open(tables, since);
        let intent = old.intent.clone();
        let mut new = Credential {
            failures: old.failures.saturating_add(1),
            intent: if unsent { lease::without(intent, lease.epoch) } else { intent },
            lease: None,
            ..old.clone()
        };
        new.grant.refresh_at = retry_at;
        if reauthorise {
            let state = ConnectionState::NeedsReauthorisation;
            let to = ConnectionStatus { state, reason: failure.message.clone(), since };
            turn(&mut ledger, tables, &lease, &to)?;
        }
        new.failure = Some(failure);
        put(&mut ledger.writes, Some(&old), &new)?;
        Ok((ledger.close()?, ()))
    }
}

/// Puts the connection into a state that follows from a refresh; not out of one that a person, a
/// rule or the end of its grant has put it in.
fn turn(
    ledger: &mut Ledger<'_>,
    tables: &Tables<'_>,
    RefreshLease { tenant, connection, .. }: &RefreshLease,
    to: &ConnectionStatus,
) -> Result<(), StoreError> {
    let before = states::find(&tables.states, tenant, connection)?;
    match before.map(|status| status.state).unwrap_or_default() {
        ConnectionState::Disabled | ConnectionState::Revoked => Ok(()),
        _ => ledger.turn(tenant, (connection, &Subject::connection(Some(connection))), to),
    }
}

/// A failure whose message is no longer than a reason: it is cut rather than refused, so that the
/// failure is not lost for its length.
fn short(mut failure: Failure) -> Result<Failure, StoreError> {
    check::name("the code of a failure", &failure.code)?;
    let end = failure.message.floor_char_boundary(REASON_BYTES_MAX);
    failure.message.truncate(end);
    Ok(failure)
}
