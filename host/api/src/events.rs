//! Events: what has happened, as a list and as it comes.

mod hub;
mod stream;
mod view;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use engine::sync::Cancel;
use model::event::{Event, EventLog, Extent};
use model::store::RecordStore;
use model::{ConnectionId, TenantId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Viewer;
use crate::extract::Query;
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;
use crate::sift::{Pick, batch, sift};
use crate::slots::Slots;

use hub::Hub;
use stream::Follower;
pub(crate) use view::EventType;
use view::{EventView, Topics};

/// Streams of one key: a browser needs one, and a person has few browsers.
const STREAMS_OF_KEY_MAX: usize = 16;

/// Streams of one tenant: each holds a connection, of which a host has some hundred for all.
const STREAMS_OF_TENANT_MAX: usize = 64;

/// The header by which a browser says what it has read.
const LAST_EVENT_ID: &str = "last-event-id";

/// What events need.
#[derive(Clone)]
pub(crate) struct Ports {
    records: Arc<dyn RecordStore>,
    log: Arc<dyn EventLog>,
    hub: Hub,
    slots: Slots,
    closing: Cancel,
    build: Arc<str>,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self {
            records: ports.store.clone(),
            log: ports.store.clone(),
            hub: Hub::new(ports.store.clone(), ports.closing.clone()),
            slots: Slots::new("streams", STREAMS_OF_KEY_MAX, STREAMS_OF_TENANT_MAX),
            closing: ports.closing.clone(),
            build: ports.build.id.as_str().into(),
        }
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(stream))
}

/// The next events behind one. Where what followed it is forgotten they are refused: whoever follows
/// would pass over it and not know.
pub(crate) async fn behind(
    (records, log): (&dyn RecordStore, &dyn EventLog),
    tenant: &TenantId,
    seq: u64,
    limit: usize,
) -> Result<Vec<Event>, Problem> {
    let events = records.events(tenant, seq, limit).await?;
    // Only now: what is kept at this time was there when it was read.
    let extent = log.extent(tenant).await?;
    if extent.follows(seq) {
        return Ok(events);
    }
    let Extent { first, last } = extent;
    let detail = format!(
        "the log cannot go on behind event {seq}: it holds events {first} to {last}; read what \
         you follow anew, then go on from where the log was when you began"
    );
    Err(Problem::new(StatusCode::GONE, "api.forgotten", detail))
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventListing {
    /// Behind the event of this number; otherwise from the oldest that is kept. `cursor` goes
    /// before it.
    after: Option<u64>,
    /// Of these types; otherwise of all.
    #[serde(default, rename = "type")]
    types: Vec<EventType>,
    /// Of these connections; otherwise of all, and those that concern none.
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    connection: Vec<ConnectionId>,
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists events
///
/// The oldest first. Events that every consumer has read are kept for a week, others for 90 days;
/// behind an event whose followers are forgotten there is no list, but 410. A part may hold fewer
/// than asked for, even none, where many had to be looked at: its `next` goes on from there. At
/// the end go on later behind the last number that was read.
#[utoipa::path(get, path = "/api/events", tag = "events",
    security(("api_key" = ["viewer"])), params(EventListing),
    responses((status = 200, body = Page<EventView>),
        (status = 410, body = Problem, content_type = "application/problem+json")))]
async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(listing): Query<EventListing>,
) -> Result<axum::Json<Page<EventView>>, Problem> {
    let EventListing { after, types, connection: connections, cursor, limit } = listing;
    let after: Option<u64> = cursor.as_ref().map(Cursor::place).transpose()?.or(after);
    let limit = limit.unwrap_or_default().get();
    let batch = batch(limit, !types.is_empty() || !connections.is_empty());
    let topics = Topics { types, connections };
    let fetch = |after: Option<u64>| {
        let (stores, tenant) = ((&*ports.records, &*ports.log), &scope.tenant);
        async move {
            match after {
                Some(seq) => behind(stores, tenant, seq, batch).await,
                None => Ok(stores.0.events(tenant, 0, batch).await?),
            }
        }
    };
    let pick = |event: Event| {
        let (seq, kind) = (event.seq, EventType::of(&event.kind));
        let wanted = topics.hold(kind, event.connection.as_ref());
        (seq, Pick::only(EventView::of(event), wanted))
    };
    let found = sift(after, limit, fetch, pick).await?;
    Ok(axum::Json(Page { items: found.items, next: found.next, total: None }))
}

/// What a stream tells.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Streaming {
    /// Behind the event of this number; otherwise what happens from now on. `Last-Event-ID` goes
    /// before it.
    after: Option<u64>,
    /// Of these types; otherwise of all.
    #[serde(default, rename = "type")]
    types: Vec<EventType>,
    /// Of these connections; otherwise of all, and those that concern none.
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    connection: Vec<ConnectionId>,
}

/// Streams events
///
/// As server-sent events, each under the name of its type, with its number as id; ids of records
/// are left out, their numbers stay. First comes `hello` with the `build` of the host, the `seq`
/// from which it goes on, and whether events behind the place that was asked for were `missed`: they
/// are forgotten then, and what was read of lists before is no more of use. A silent stream shows a
/// sign of life every 15 s. The last event of a stream that the host ends is `resume`, with the
/// `reason`: `behind` (its reader is too slow), `closing` or `failed`; whoever comes back with the
/// last id misses nothing. A key may have 16 streams and a tenant 64.
#[utoipa::path(get, path = "/api/events/stream", tag = "events",
    security(("api_key" = ["viewer"])),
    params(Streaming,
        ("Last-Event-ID" = Option<u64>, Header, description = "The id that was read last")),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
async fn stream(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    headers: HeaderMap,
    Query(Streaming { after, types, connection: connections }): Query<Streaming>,
) -> Result<Response, Problem> {
    let slot = ports.slots.take(&scope)?;
    let extent = ports.log.extent(&scope.tenant).await?;
    let asked = last_event_id(&headers)?.or(after);
    let missed = asked.is_some_and(|seq| !extent.follows(seq));
    let seq = asked.filter(|_| !missed).unwrap_or(extent.last);
    let follower = Follower {
        records: ports.records,
        log: ports.log,
        hub: ports.hub,
        closing: ports.closing,
        tenant: scope.tenant,
        topics: Topics { types, connections },
        build: ports.build,
        seq,
    };
    Ok(follower.answer(missed, slot))
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    number.map(Some).ok_or_else(|| {
        let detail = "`Last-Event-ID` is not an id of this stream; send one, or none";
        Problem::new(StatusCode::BAD_REQUEST, "api.invalid", detail)
    })
}
