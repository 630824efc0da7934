//! Records: in the tenant's own types, and as providers sent them.

mod changes;
mod export;
mod source;
mod view;

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use engine::sync::Cancel;
use model::canonical::{CanonicalQuery, CanonicalRecord, RecordId};
use model::event::EventLog;
use model::store::RecordStore;
use model::{ConnectionId, TenantId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Written;
use crate::auth::{Scope, Viewer};
use crate::extract::{Path, Query};
use crate::list::{COUNTED_MAX, Cursor, Limit, Page, Total};
use crate::problem::Problem;
use crate::sift::{Pick, Sifted, sift};
use crate::slots::Slots;

use view::RecordView;

/// Exports of one key at the same time: each holds a list of records in memory.
const EXPORTS_OF_KEY_MAX: usize = 4;

/// Exports of one tenant at the same time.
const EXPORTS_OF_TENANT_MAX: usize = 8;

/// Records that are read at once where a filter picks among them.
const SIFTED: usize = 1_000;

/// Records that are asked for by name at once: they may be large, and nothing bounds them together.
const BY_NAME: usize = 16;

/// Documents in one answer, in bytes, where the store does not bound them; the record that goes
/// beyond is the last one.
const BYTES_MAX: usize = 16 << 20;

/// What records need.
#[derive(Clone)]
pub(crate) struct Ports {
    records: Arc<dyn RecordStore>,
    log: Arc<dyn EventLog>,
    exports: Slots,
    closing: Cancel,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self {
            records: ports.store.clone(),
            log: ports.store.clone(),
            exports: Slots::new("exports", EXPORTS_OF_KEY_MAX, EXPORTS_OF_TENANT_MAX),
            closing: ports.closing.clone(),
        }
    }

    async fn find(&self, scope: &Scope, id: RecordId) -> Result<CanonicalRecord, Problem> {
        let found = self.records.canonical(&scope.tenant, vec![id]).await?;
        found.into_iter().flatten().next().ok_or_else(Problem::not_found)
    }

    /// The records of these ids in their order, or the first of them where they are large.
    async fn gather(
        &self,
        tenant: &TenantId,
        ids: &[RecordId],
    ) -> Result<Vec<Option<CanonicalRecord>>, Problem> {
        let (mut found, mut bytes) = (Vec::with_capacity(ids.len()), 0);
        for ids in ids.chunks(BY_NAME) {
            let some = self.records.canonical(tenant, ids.to_vec()).await?;
            bytes += some.iter().flatten().map(|record| record.doc.len()).sum::<usize>();
            found.extend(some);
            if bytes >= BYTES_MAX {
                break;
            }
        }
        Ok(found)
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(changes::list))
        .routes(routes!(export::export))
        .routes(routes!(source::of_record))
        .routes(routes!(source::list))
}

/// Which records.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RecordListing {
    /// Of this type; otherwise of all.
    #[serde(rename = "type")]
    record_type: Option<String>,
    /// That stand for a record of one of these connections.
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    connection: Vec<ConnectionId>,
    /// That stand for a record of one of these entities.
    #[serde(default)]
    entity: Vec<String>,
    /// That stand for the records of these ids of the provider; needs one connection and one
    /// entity. The list is in their order.
    #[serde(default)]
    external_id: Vec<String>,
    /// Removed ones too.
    #[serde(default)]
    removed: bool,
    /// Whether `total` is told, which is counted anew each time; it needs a type, and neither
    /// connection, entity nor removed ones.
    #[serde(default)]
    count: bool,
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists records
///
/// By type, the oldest of a type first. A part may hold fewer than asked for, even none, where
/// records are large or many had to be looked at: its `next` goes on from there. What has changed
/// since is told by `changes`.
#[utoipa::path(get, path = "/api/records", tag = "records",
    security(("api_key" = ["viewer"])), params(RecordListing),
    responses((status = 200, body = Page<RecordView>),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(listing): Query<RecordListing>,
) -> Result<Written, Problem> {
    let tenant = &scope.tenant;
    let total = listing.total(&ports, tenant).await?;
    let found = if !listing.external_id.is_empty() {
        listing.named(&ports, tenant).await?
    } else if listing.connection.is_empty() && listing.entity.is_empty() {
        listing.all(&ports, tenant).await?
    } else {
        listing.linked(&ports, tenant).await?
    };
    let items = found.items.iter().map(RecordView::of).collect::<Result<_, _>>()?;
    Written::of(&Page { items, next: found.next, total })
}

impl RecordListing {
    async fn total(&self, ports: &Ports, tenant: &TenantId) -> Result<Option<Total>, Problem> {
        if !self.count {
            return Ok(None);
        }
        let picky =
            self.removed || [&self.entity, &self.external_id].iter().any(|it| !it.is_empty());
        let Some(record_type) =
            self.record_type.as_ref().filter(|_| !picky && self.connection.is_empty())
        else {
            let detail = "name a `type`, and no connection, entity or removed ones beside it";
            return Err(Problem::invalid("these records are not counted").at("count", detail));
        };
        let count = ports.records.canonical_count(tenant, record_type, COUNTED_MAX).await?;
        Ok(Some(Total::counted(count)))
    }

    fn query(&self, tenant: &TenantId, limit: usize) -> CanonicalQuery {
        CanonicalQuery {
            tenant: tenant.clone(),
            record_type: self.record_type.clone(),
            removed: self.removed,
            after: None,
            limit,
        }
    }

    fn limit(&self) -> usize {
        self.limit.unwrap_or_default().get()
    }

    /// Those of all connections.
    async fn all(
        &self,
        ports: &Ports,
        tenant: &TenantId,
    ) -> Result<Sifted<CanonicalRecord>, Problem> {
        let after = self.cursor.as_ref().map(Cursor::place).transpose()?;
        let query = CanonicalQuery { after, ..self.query(tenant, self.limit()) };
        let list = ports.records.canonical_list(query).await?;
        Ok(Sifted { items: list.records, next: list.next.as_ref().map(Cursor::at) })
    }

    /// Those that stand for records of some connections or entities.
    async fn linked(
        &self,
        ports: &Ports,
        tenant: &TenantId,
    ) -> Result<Sifted<CanonicalRecord>, Problem> {
        let after: Option<String> = self.cursor.as_ref().map(Cursor::place).transpose()?;
        let fetch = |after| {
            let query = CanonicalQuery { after, ..self.query(tenant, SIFTED) };
            async move { Ok(ports.records.canonical_list(query).await?.records) }
        };
        let pick = |record: CanonicalRecord| {
            let place = ports.records.canonical_behind(tenant, &record.record_type, record.id);
            let wanted = record.relationships.iter().any(|link| {
                (self.connection.is_empty() || self.connection.contains(&link.connection))
                    && (self.entity.is_empty() || self.entity.contains(&link.entity))
            });
            (place, Pick::only(record, wanted))
        };
        sift(after, self.limit(), fetch, pick).await
    }

    /// Those that stand for records that are named. A cursor holds how many names are done.
    async fn named(
        &self,
        ports: &Ports,
        tenant: &TenantId,
    ) -> Result<Sifted<CanonicalRecord>, Problem> {
        let ([connection], [entity]) = (self.connection.as_slice(), self.entity.as_slice()) else {
            let detail = "name one `connection` and one `entity` beside it";
            return Err(
                Problem::invalid("an external id alone names nothing").at("external_id", detail)
            );
        };
        let from: usize = self.cursor.as_ref().map_or(Ok(0), Cursor::place)?;
        let names = self.external_id.iter().skip(from).take(self.limit());
        let names: Vec<_> = names.map(|id| (entity.clone(), id.clone())).collect();
        let ids = ports.records.record_ids(tenant, connection, names).await?;
        let mut left = ids.as_slice();
        let known: Vec<RecordId> = ids.iter().flatten().copied().collect();
        let mut items = Vec::new();
        for found in ports.gather(tenant, &known).await? {
            // Behind the name that has led to it.
            let place = left.iter().position(Option::is_some).map_or(left.len(), |at| at + 1);
            left = left.get(place..).unwrap_or_default();
            items.extend(found.filter(|it| self.holds(it)));
        }
        if left.iter().all(Option::is_none) {
            left = &[];
        }
        let done = from + ids.len() - left.len();
        let next = (done < self.external_id.len()).then(|| Cursor::at(&done));
        Ok(Sifted { items, next })
    }

    fn holds(&self, record: &CanonicalRecord) -> bool {
        (self.removed || !record.removed)
            && self.record_type.as_ref().is_none_or(|name| *name == record.record_type)
    }
}

/// Shows a record
#[utoipa::path(get, path = "/api/records/{record}", tag = "records",
    security(("api_key" = ["viewer"])),
    params(("record" = String, Path, description = "The record")),
    responses((status = 200, body = RecordView)))]
async fn show(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(id): Path<RecordId>,
) -> Result<Response, Problem> {
    let record = ports.find(&scope, id).await?;
    Ok(Written::of(&RecordView::of(&record)?)?.tagged())
}
