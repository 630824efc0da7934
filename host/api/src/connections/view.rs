//! A connection, as it is shown.

use std::collections::BTreeMap;

use engine::health::{Looked, of_connection, of_entity};
use model::credential::{Access, Actor};
use model::{ConnectionState, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::Tag;
use crate::health::{ActivityView, HealthView};
use crate::providers::provider_of;

/// An account at a provider. Its secrets are nowhere in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionView {
    /// Its name within the tenant.
    pub(crate) id: String,
    /// The integration that it is an account of.
    integration: String,
    /// The provider.
    provider: String,
    /// The package that serves it, `publisher/id`.
    package: String,
    /// The auth method.
    method: String,
    /// The provider's own key of the account.
    account: Option<String>,
    /// The person whose account it is; nothing for one that all of the tenant use.
    user: Option<String>,
    /// The values that were asked for, or that the provider has told.
    variables: BTreeMap<String, String>,
    /// The endpoints that were opened by accepting a text.
    consents: Vec<String>,
    /// Where an operator has sent an endpoint's requests instead.
    overrides: BTreeMap<String, String>,
    /// Whether it can work.
    state: StateView,
    /// Whether it is well.
    pub(crate) health: HealthView,
    /// What happens now.
    pub(crate) activity: ActivityView,
    /// When its last run has ended that said something.
    pub(crate) last_sync: Option<Timestamp>,
    /// Its entities, as far as they were read lately.
    entities: Vec<EntityState>,
}

/// Whether a connection can work.
#[derive(Debug, Serialize, ToSchema)]
struct StateView {
    /// Whether it can.
    status: StateStatus,
    /// Why that is so.
    reason: Option<String>,
    /// Since when.
    since: Option<Timestamp>,
}

/// Whether a connection can work.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StateStatus {
    /// It can.
    Active,
    /// It still can, but its credential ends soon and only a person can renew it.
    Expiring,
    /// The provider does not accept its credential any more.
    NeedsReauthorisation,
    /// Its grant was ended.
    Revoked,
    /// It is switched off.
    Disabled,
}

impl From<ConnectionState> for StateStatus {
    fn from(state: ConnectionState) -> Self {
        match state {
            ConnectionState::Active => Self::Active,
            ConnectionState::Expiring => Self::Expiring,
            ConnectionState::NeedsReauthorisation => Self::NeedsReauthorisation,
            ConnectionState::Revoked => Self::Revoked,
            ConnectionState::Disabled => Self::Disabled,
        }
    }
}

/// How an entity of a connection is.
#[derive(Debug, Serialize, ToSchema)]
struct EntityState {
    /// The entity.
    entity: String,
    /// Whether it is well.
    health: HealthView,
    /// What happens now.
    activity: ActivityView,
    /// When it was last read to its end.
    last_read: Option<Timestamp>,
    /// Everything that changed before this instant has been read.
    complete_until: Option<Timestamp>,
}

impl ConnectionView {
    pub(crate) fn of(looked: Looked, now: Timestamp) -> Self {
        let Looked { connection, facts } = looked;
        let (verdict, activity) = of_connection(&facts, now);
        let names = facts.runs.iter().flat_map(|run| run.entities.keys());
        let names: std::collections::BTreeSet<_> = names.collect();
        let last_read = facts.runs.first().map(|run| &run.last_read);
        let entities = names.into_iter().map(|entity| {
            let (verdict, activity) = of_entity(&facts, entity, now);
            EntityState {
                entity: entity.clone(),
                health: HealthView::of(verdict),
                activity: ActivityView::of(activity),
                last_read: last_read.and_then(|read| read.get(entity)).copied(),
                complete_until: facts.report(entity).and_then(|(it, _)| it.complete_until),
            }
        });
        let entities = entities.collect();
        let (state, reason, since) = facts.status.as_ref().map_or_else(
            || (ConnectionState::Active, None, None),
            |it| (it.state, Some(it.reason.clone()), Some(it.since)),
        );
        Self {
            id: connection.id.to_string(),
            integration: connection.integration().to_string(),
            provider: provider_of(&connection.package).to_owned(),
            package: connection.package,
            method: connection.auth,
            account: connection.account,
            user: connection.user,
            variables: connection.variables,
            consents: connection.consents.into_keys().collect(),
            overrides: connection.overrides,
            state: StateView { status: state.into(), reason, since },
            health: HealthView::of(verdict),
            activity: ActivityView::of(activity),
            last_sync: facts.decided().and_then(|run| run.ended),
            entities,
        }
    }
}

/// The version of what people change of a connection; what its runs do changes nothing of it.
pub(super) fn tag(looked: &Looked) -> Tag {
    Tag::content(&(&looked.connection, &looked.facts.status))
}

/// Uses of a secret at one endpoint by one user of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccessView {
    /// Its number.
    id: u64,
    /// By whom: `job 7`, `key 3f…`, `refresher`.
    by: String,
    /// Which secret: `account`, or `refresh_token`.
    secret: String,
    /// The endpoint or host that it was sent to.
    endpoint: String,
    /// The first use.
    first: Timestamp,
    /// The last use.
    last: Timestamp,
    /// How many.
    uses: u64,
}

impl AccessView {
    pub(super) fn of(access: Access) -> Self {
        let by = match access.actor {
            Actor::Job(id) => format!("job {id}"),
            Actor::Person(name) => name,
            Actor::Refresher => "refresher".to_owned(),
        };
        let Access { id, slot: secret, endpoint, first, last, uses, .. } = access;
        Self { id, by, secret, endpoint, first, last, uses }
    }
}
