//! An integration, as it is shown.

use std::collections::BTreeMap;

use engine::health::{Activity, Looked, Verdict, of_connection, together};
use model::integration::Integration;
use model::store::StoreError;
use model::task::TaskStore;
use model::{ConnectionId, TenantId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::Tag;
use crate::connections::ConnectionView;
use crate::health::{ActivityView, HealthView};
use crate::providers::provider_of;

/// Tasks that are read at one time.
const TASKS_PAGE: usize = 500;

/// A tenant's use of a provider.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IntegrationView {
    /// Its name within the tenant.
    id: String,
    /// What people call it.
    name: String,
    /// The provider.
    provider: String,
    /// The package that serves it, `publisher/id`.
    package: String,
    /// When it was made.
    created: Timestamp,
    /// When it was last changed.
    updated: Timestamp,
    /// Whether it is well: as bad as the worst of its connections.
    health: HealthView,
    /// What happens now: as busy as the busiest of its connections.
    activity: ActivityView,
    /// When a run of it has last ended that said something.
    last_sync: Option<Timestamp>,
    /// When a task will sync it next.
    next_sync: Option<Timestamp>,
    /// Its connections.
    connections: Vec<ConnectionView>,
}

/// An integration, as it is listed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IntegrationRow {
    /// Its name within the tenant.
    pub(super) id: String,
    /// What people call it.
    pub(super) name: String,
    /// The provider.
    pub(super) provider: String,
    /// Whether it is well: as bad as the worst of its connections.
    pub(super) health: HealthView,
    /// What happens now: as busy as the busiest of its connections.
    pub(super) activity: ActivityView,
    /// When a run of it has last ended that said something.
    pub(super) last_sync: Option<Timestamp>,
    /// When a task will sync it next.
    next_sync: Option<Timestamp>,
    /// Everything that changed before this instant has been read, of all entities that were read
    /// lately.
    complete_until: Option<Timestamp>,
    /// Records that the last run of each connection could not read or map.
    rejected: u64,
    /// How many connections it has.
    connections: u64,
}

/// When connections are synced next.
pub(super) struct Schedules(BTreeMap<ConnectionId, Timestamp>);

impl Schedules {
    /// Those of a tenant.
    pub(super) async fn of(tasks: &dyn TaskStore, tenant: &TenantId) -> Result<Self, StoreError> {
        let (mut next, mut after) = (BTreeMap::new(), None);
        loop {
            let page = tasks.tasks(tenant, after.as_ref(), TASKS_PAGE).await?;
            let Some(last) = page.last() else { return Ok(Self(next)) };
            after = Some(last.id.clone());
            for task in page {
                let Some(at) = task.next_sync_at else { continue };
                next.entry(task.connection)
                    .and_modify(|it| at.min(*it).clone_into(it))
                    .or_insert(at);
            }
        }
    }

    fn next(&self, looked: &[Looked]) -> Option<Timestamp> {
        looked.iter().filter_map(|it| self.0.get(&it.connection.id)).min().copied()
    }
}

/// How an integration is, by its connections.
fn state(looked: &[Looked], now: Timestamp) -> (Verdict, Activity) {
    together(looked.iter().map(|it| of_connection(&it.facts, now))).unwrap_or_else(|| {
        let (verdict, activity) = of_connection(&engine::health::Facts::default(), now);
        let reason = Some("no account is connected yet".to_owned());
        (Verdict { reason, ..verdict }, activity)
    })
}

fn last_sync(looked: &[Looked]) -> Option<Timestamp> {
    looked.iter().filter_map(|it| it.facts.decided()?.ended).max()
}

impl IntegrationView {
    pub(super) fn of(
        integration: Integration,
        looked: Vec<Looked>,
        schedules: &Schedules,
        now: Timestamp,
    ) -> Self {
        let (verdict, activity) = state(&looked, now);
        Self {
            id: integration.id.to_string(),
            name: integration.name,
            provider: provider_of(&integration.package).to_owned(),
            package: integration.package,
            created: integration.created,
            updated: integration.updated,
            health: HealthView::of(verdict),
            activity: ActivityView::of(activity),
            last_sync: last_sync(&looked),
            next_sync: schedules.next(&looked),
            connections: looked.into_iter().map(|it| ConnectionView::of(it, now)).collect(),
        }
    }
}

impl IntegrationRow {
    pub(super) fn of(
        integration: Integration,
        looked: &[Looked],
        schedules: &Schedules,
        now: Timestamp,
    ) -> Self {
        let (verdict, activity) = state(looked, now);
        let decided = || looked.iter().filter_map(|it| it.facts.decided());
        let reports = || decided().flat_map(|run| run.entities.values());
        Self {
            id: integration.id.to_string(),
            name: integration.name,
            provider: provider_of(&integration.package).to_owned(),
            health: HealthView::of(verdict),
            activity: ActivityView::of(activity),
            last_sync: last_sync(looked),
            next_sync: schedules.next(looked),
            complete_until: reports().map(|report| report.complete_until).min().flatten(),
            rejected: reports().map(|report| report.rejected).sum(),
            connections: u64::try_from(looked.len()).unwrap_or(u64::MAX),
        }
    }
}

/// The version of what people change of an integration.
pub(super) fn tag(integration: &Integration) -> Tag {
    Tag::revision(integration.revision)
}
