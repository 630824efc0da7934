//! Which runs are listed.

use model::run::Run;
use model::store::{RecordStore, RunQuery};
use model::{ConnectionId, RunId, TenantId, Timestamp};
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::{RunKindView, RunStatusView};
use crate::list::{Cursor, Limit};
use crate::problem::Problem;
use crate::sift::{Pick, Sifted, batch, sift};

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RunListing {
    /// Of these connections; otherwise of all.
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    connection: Vec<ConnectionId>,
    /// With one of these results; otherwise with any.
    #[serde(default)]
    status: Vec<RunStatusView>,
    /// Of these kinds; otherwise of all.
    #[serde(default)]
    kind: Vec<RunKindView>,
    /// That began at this instant or later.
    since: Option<Timestamp>,
    /// That began before this instant.
    until: Option<Timestamp>,
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// The runs of these connections, the newest first.
pub(crate) async fn history(
    store: &dyn RecordStore,
    tenant: &TenantId,
    connection: Vec<ConnectionId>,
    (cursor, limit): (Option<Cursor>, Option<Limit>),
) -> Result<Sifted<Run>, Problem> {
    if connection.is_empty() {
        return Ok(Sifted { items: Vec::new(), next: None });
    }
    let (status, kind, since, until) = (Vec::new(), Vec::new(), None, None);
    RunListing { connection, status, kind, since, until, cursor, limit }.find(store, tenant).await
}

/// Where a run stands in the list: when it began, of which connection, its number.
type Place = (Timestamp, ConnectionId, RunId);

impl RunListing {
    /// Finds them.
    pub(super) async fn find(
        &self,
        store: &dyn RecordStore,
        tenant: &TenantId,
    ) -> Result<Sifted<Run>, Problem> {
        let limit = self.limit.unwrap_or_default().get();
        let before = self.cursor.as_ref().map(Cursor::place).transpose()?.or_else(|| self.begin());
        // The runs of one connection lie together; those of several are picked out of all.
        let connection = match self.connection.as_slice() {
            [one] => Some(one),
            _ => None,
        };
        let filtered = !self.status.is_empty()
            || !self.kind.is_empty()
            || self.connection.len() > 1
            || self.until.is_some();
        let batch = batch(limit, filtered);
        let fetch = |before: Option<Place>| async move {
            let (tenant, connection) = (tenant.clone(), connection.cloned());
            let query = RunQuery { tenant, connection, before, limit: batch };
            Ok(store.run_list(query).await?)
        };
        let pick = |run: Run| {
            let place = (run.started, run.connection.clone(), run.id);
            let picked = self.pick(run);
            (place, picked)
        };
        sift(before, limit, fetch, pick).await
    }

    /// The place before which all runs began before `until`, where the list is in the order of
    /// that: of one connection it is in the order of numbers, and what began later is passed over.
    fn begin(&self) -> Option<Place> {
        let until = self.until.filter(|_| self.connection.len() != 1)?;
        // No name comes before it, so every run of the instant stands behind it.
        Some((until, "0".parse().ok()?, RunId(0)))
    }

    fn pick(&self, run: Run) -> Pick<Run> {
        if self.since.is_some_and(|since| run.started < since) {
            return Pick::End;
        }
        let wanted = self.until.is_none_or(|until| run.started < until)
            && (self.connection.is_empty() || self.connection.contains(&run.connection))
            && (self.status.is_empty() || self.status.contains(&run.status.into()))
            && (self.kind.is_empty() || self.kind.contains(&run.kind.into()));
        Pick::only(run, wanted)
    }
}
