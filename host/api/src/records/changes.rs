//! What has changed of records since somebody has looked.

use axum::extract::State;
use model::canonical::RecordId;
use model::event::{Event, EventKind};
use model::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Ports;
use super::view::RecordView;
use crate::answer::Written;
use crate::auth::Viewer;
use crate::events::behind;
use crate::extract::Query;
use crate::list::{Cursor, Limit};
use crate::problem::Problem;
use crate::sift::LOOKED_MAX;

/// Events that are read at once.
const BATCH: usize = 500;

/// Which changes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ChangeListing {
    /// Behind the event of this number; otherwise what happens from now on. `cursor` goes before
    /// it.
    after: Option<u64>,
    /// Of these types; otherwise of all.
    #[serde(default, rename = "type")]
    types: Vec<String>,
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Changes of records, in the order in which they happened.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChangePage<'a> {
    /// The changes.
    items: Vec<ChangeView<'a>>,
    /// The cursor of what follows, now or later.
    next: String,
    /// Whether more may follow now.
    more: bool,
}

/// A change of a record.
#[derive(Debug, Serialize, ToSchema)]
struct ChangeView<'a> {
    /// The event that tells it.
    seq: u64,
    /// When.
    at: Timestamp,
    /// What has happened.
    change: ChangeKind,
    /// To which record.
    id: String,
    /// Of which type.
    #[serde(rename = "type")]
    record_type: &'a str,
    /// The record as it is now, which may be newer than the change; nothing where it has no row any
    /// more.
    record: Option<RecordView<'a>>,
}

/// What has happened to a record.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum ChangeKind {
    /// It is new.
    Created,
    /// Its document has changed.
    Updated,
    /// The last of what it stands for is gone.
    Deleted,
    /// It was gone and came back.
    Restored,
}

/// Where changes go on: within the event of this number, or the first behind it, so many are done.
type Place = (u64, usize);

/// A change that is to be shown.
struct Found {
    place: Place,
    at: Timestamp,
    change: ChangeKind,
    id: RecordId,
    record_type: String,
}

/// Changes that were found, and where the search has ended.
struct Search {
    found: Vec<Found>,
    next: Place,
    more: bool,
}

/// Lists changes of records
///
/// For who keeps a copy: take an export, then ask here behind its `Plughouse-Position`, and again
/// with `next` whenever it suits; it is there at the end as well. A record that has changed several
/// times is told as often. Events are kept for a week, for 90 days where an event consumer has yet
/// to read them; when what follows is forgotten the answer is 410, and an export begins it anew.
#[utoipa::path(get, path = "/api/records/changes", tag = "records",
    operation_id = "changes",
    security(("api_key" = ["viewer"])), params(ChangeListing),
    responses((status = 200, body = ChangePage),
        (status = 410, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(listing): Query<ChangeListing>,
) -> Result<Written, Problem> {
    let asked = listing.cursor.as_ref().map(Cursor::place).transpose()?;
    let from: Place = match asked.or(listing.after.map(|seq| (seq.saturating_add(1), 0))) {
        Some(asked) => asked,
        None => (ports.log.extent(&scope.tenant).await?.last + 1, 0),
    };
    let mut search = listing.search(&ports, &scope.tenant, from).await?;
    let ids: Vec<_> = search.found.iter().map(|found| found.id).collect();
    let records = ports.gather(&scope.tenant, &ids).await?;
    if records.len() < search.found.len() {
        search.end_behind(records.len());
    }
    let items = search.found.iter().zip(&records).map(|(found, record)| {
        Ok(ChangeView {
            seq: found.place.0,
            at: found.at,
            change: found.change,
            id: found.id.to_string(),
            record_type: &found.record_type,
            record: record.as_ref().map(RecordView::of).transpose()?,
        })
    });
    let items = items.collect::<Result<_, Problem>>()?;
    Written::of(&ChangePage { items, next: Cursor::at(&search.next), more: search.more })
}

impl ChangeListing {
    async fn search(
        &self,
        ports: &Ports,
        tenant: &TenantId,
        from: Place,
    ) -> Result<Search, Problem> {
        let limit = self.limit.unwrap_or_default().get();
        let mut search = Search { found: Vec::new(), next: from, more: true };
        for _ in 0..LOOKED_MAX / BATCH {
            let after = search.next.0.saturating_sub(1);
            let stores = (&*ports.records, &*ports.log);
            let events = behind(stores, tenant, after, BATCH).await?;
            if events.is_empty() {
                search.more = false;
                break;
            }
            for event in events {
                let done = if event.seq == search.next.0 { search.next.1 } else { 0 };
                let seq = event.seq;
                let changes = self.changes(event).skip(done);
                search.found.extend(changes.take(limit - search.found.len()));
                if search.found.len() >= limit {
                    search.end_behind(limit);
                    return Ok(search);
                }
                search.next = (seq.saturating_add(1), 0);
            }
        }
        Ok(search)
    }

    /// The changes that an event tells.
    fn changes(&self, event: Event) -> impl Iterator<Item = Found> {
        let (seq, at) = (event.seq, event.at);
        let (record_type, by_kind) = match event.kind {
            EventKind::CanonicalChanged { record_type, created, updated, deleted, restored }
                if self.types.is_empty() || self.types.contains(&record_type) =>
            {
                (record_type, [created, updated, deleted, restored])
            }
            _ => Default::default(),
        };
        let kinds =
            [ChangeKind::Created, ChangeKind::Updated, ChangeKind::Deleted, ChangeKind::Restored];
        let changes = kinds.into_iter().zip(by_kind);
        let changes = changes.flat_map(|(change, ids)| ids.into_iter().map(move |id| (change, id)));
        changes.enumerate().map(move |(done, (change, id))| {
            let record_type = record_type.clone();
            Found { place: (seq, done), at, change, id, record_type }
        })
    }
}

impl Search {
    /// Ends behind so many changes.
    fn end_behind(&mut self, count: usize) {
        self.found.truncate(count);
        if let Some(Found { place: (seq, done), .. }) = self.found.last() {
            (self.next, self.more) = ((*seq, done + 1), true);
        }
    }
}
