//! The list of integrations: searched, filtered, sorted.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use engine::health::Looked;
use model::integration::Integration;
use model::{Connection, IntegrationId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::Ports;
use super::view::{IntegrationRow, Schedules};
use crate::auth::{Scope, Viewer};
use crate::extract::Query;
use crate::health::{ActivityStatus, HealthStatus};
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;
use crate::providers::provider_of;

/// Which integrations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct IntegrationListing {
    /// Whose id, name or provider holds this text, whatever its case.
    q: Option<String>,
    /// Whose health is one of these.
    #[serde(default)]
    status: Vec<HealthStatus>,
    /// Whose activity is one of these.
    #[serde(default)]
    activity: Vec<ActivityStatus>,
    /// Of one of these providers.
    #[serde(default)]
    provider: Vec<String>,
    /// In which order.
    #[serde(default)]
    #[param(inline)]
    sort: IntegrationSort,
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// In which order integrations are listed; where that says nothing, by their names.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum IntegrationSort {
    /// By what people call them.
    #[default]
    Name,
    /// The worst first.
    Health,
    /// The one synced last first.
    LastSync,
}

/// Lists integrations
///
/// Health and activity are as of now, so a list that is filtered or sorted by them may show one
/// twice or not at all while it is read in parts.
#[utoipa::path(get, path = "/api/integrations", tag = "integrations",
    security(("api_key" = ["viewer"])), params(IntegrationListing),
    responses((status = 200, body = Page<IntegrationRow>)))]
pub(super) async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(listing): Query<IntegrationListing>,
) -> Result<axum::Json<Page<IntegrationRow>>, Problem> {
    let mut all = ports.connections.integrations.integrations(&scope.tenant).await?;
    all.retain(|integration| listing.names(integration));
    all.sort_by_cached_key(|it| (it.name.to_lowercase(), it.id.clone()));
    let (cursor, limit) = (listing.cursor.as_ref(), listing.limit);
    let page = if listing.looks() {
        let mut rows = ports.rows(&scope, all).await?;
        rows.retain(|row| listing.states(row));
        match listing.sort {
            IntegrationSort::Name => {}
            IntegrationSort::Health => rows.sort_by_key(|row| std::cmp::Reverse(row.health.status)),
            IntegrationSort::LastSync => rows.sort_by_key(|row| std::cmp::Reverse(row.last_sync)),
        }
        Page::of(rows, cursor, limit)?
    } else {
        // What is not shown is not looked at.
        let Page { items, next, total } = Page::of(all, cursor, limit)?;
        Page { items: ports.rows(&scope, items).await?, next, total }
    };
    Ok(axum::Json(page))
}

impl IntegrationListing {
    fn names(&self, integration: &Integration) -> bool {
        let provider = provider_of(&integration.package);
        let asked = self.provider.is_empty() || self.provider.iter().any(|it| it == provider);
        asked
            && self.q.as_ref().is_none_or(|q| {
                let q = q.to_lowercase();
                [integration.id.as_str(), &integration.name, provider]
                    .iter()
                    .any(|text| text.to_lowercase().contains(&q))
            })
    }

    /// Whether all must be looked at to know which are shown.
    fn looks(&self) -> bool {
        let filters = !self.status.is_empty() || !self.activity.is_empty();
        filters || self.sort != IntegrationSort::Name
    }

    fn states(&self, row: &IntegrationRow) -> bool {
        (self.status.is_empty() || self.status.contains(&row.health.status))
            && (self.activity.is_empty() || self.activity.contains(&row.activity.status))
    }
}

impl Ports {
    /// Integrations as they are listed, in their order.
    async fn rows(
        &self,
        scope: &Scope,
        integrations: Vec<Integration>,
    ) -> Result<Vec<IntegrationRow>, Problem> {
        let wanted: BTreeSet<&IntegrationId> = integrations.iter().map(|it| &it.id).collect();
        let mut connections: Vec<Connection> =
            self.connections.catalogue.connections(&scope.tenant).await?;
        connections.retain(|connection| wanted.contains(&connection.integration()));
        let mut looked: BTreeMap<IntegrationId, Vec<Looked>> = BTreeMap::new();
        for it in self.connections.look(&scope.tenant, connections).await? {
            looked.entry(it.connection.integration()).or_default().push(it);
        }
        let schedules = Schedules::of(&*self.tasks, &scope.tenant).await?;
        let now = self.connections.clock.now();
        let row = |integration: Integration| {
            let looked = looked.get(&integration.id).map(Vec::as_slice).unwrap_or_default();
            IntegrationRow::of(integration, looked, &schedules, now)
        };
        Ok(integrations.into_iter().map(row).collect())
    }
}
