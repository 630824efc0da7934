//! A connection and its secrets, by whoever has authorised it.

use model::credential::{self, Credential, Grant, NewSecrets};
use model::store::{StoreError, StoreErrorKind};
use model::{Clock, Connection, ConnectionState, ConnectionStatus};

use super::{find, put};
use crate::catalogue::connections;
use crate::events::Subject;
use crate::integrations;
use crate::keys::sealed;
use crate::queue::Ledger;
use crate::tables::Tables;
use crate::writer::Change;
use crate::writes::Writes;

/// Creates or replaces a connection with all its secrets.
pub(super) struct Authorise {
    pub(super) connection: Connection,
    pub(super) secrets: NewSecrets,
    pub(super) clock: Clock,
}

impl Change for Authorise {
    type Answer = Credential;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Credential), StoreError> {
        let Self { connection, secrets, clock } = self;
        let Connection { tenant, id, .. } = &connection;
        let since = clock.now();
        let old = find(&tables.credentials, tenant, id)?;
        let fresh = Credential {
            tenant: tenant.clone(),
            connection: id.clone(),
            generation: old.as_ref().map_or(0, |old| old.generation),
            fields: Vec::new(),
            grant: Grant::default(),
            authorised: since,
            used: None,
            refreshes: 0,
            failures: 0,
            failure: None,
            intent: None,
            // Whoever refreshes the ones before has lost its lease by that.
            lease: None,
            epoch: old.as_ref().map_or(0, |old| old.epoch),
        };
        let mut ledger = Ledger::open(tables, since);
        let new = replace(&mut ledger.writes, tables, fresh, secrets)?;
        put(&mut ledger.writes, old.as_ref(), &new)?;
        integrations::join(&mut ledger.writes, tables, &connection, since)?;
        connections::put(&mut ledger.writes, &connection)?;
        let reason = "it was connected again".to_owned();
        let to = ConnectionStatus { state: ConnectionState::Active, reason, since };
        ledger.turn(tenant, (id, &Subject::connection(Some(id))), &to)?;
        Ok((ledger.close()?, new))
    }
}

/// Replaces the sealed fields of a credential; it with the next generation.
pub(super) fn replace(
    writes: &mut Writes,
    tables: &Tables<'_>,
    credential: Credential,
    secrets: NewSecrets,
) -> Result<Credential, StoreError> {
    let NewSecrets { replaces, sealed, grant } = secrets;
    let Credential { tenant, connection, generation, .. } = &credential;
    if replaces != *generation {
        let message = format!(
            "the secrets of {tenant}/{connection} are of generation {generation} by now, not \
             {replaces}; read them again"
        );
        return Err(StoreError::new(StoreErrorKind::Conflict, message));
    }
    let generation = generation.saturating_add(1);
    let place = credential::place(tenant, connection, "", generation);
    sealed::replace(writes, tables, &place, &sealed)?;
    let fields = sealed.into_iter().map(|sealed| sealed.place.field).collect();
    Ok(Credential { generation, fields, grant, ..credential })
}
