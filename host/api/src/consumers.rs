//! Event consumers: who follows the log of events, and how far, so that it is kept for them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use model::Timestamp;
use model::event::{Consumer, EventLog};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{Created, IfMatch, Tag, Tagged};
use crate::auth::{Editor, Scope, Viewer};
use crate::extract::{Json, Path, Query};
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;

/// What consumers need.
#[derive(Clone)]
pub(crate) struct Ports {
    log: Arc<dyn EventLog>,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self { log: ports.store.clone() }
    }

    async fn find(&self, scope: &Scope, name: &str) -> Result<Option<Consumer>, Problem> {
        let consumers = self.log.consumers(&scope.tenant).await?;
        Ok(consumers.into_iter().find(|consumer| consumer.name == name))
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, advance, remove))
}

/// Who follows the events of a tenant.
#[derive(Debug, Serialize, ToSchema)]
struct ConsumerView {
    /// Its name within the tenant.
    name: String,
    /// It has worked off all events up to this one.
    seq: u64,
    /// When it last moved.
    at: Timestamp,
}

impl ConsumerView {
    fn of(Consumer { name, seq, at }: Consumer) -> Self {
        Self { name, seq, at }
    }
}

fn tagged(consumer: Consumer) -> Tagged<ConsumerView> {
    // It only ever moves forward, so where it stands is its version.
    Tagged(Tag::revision(consumer.seq), ConsumerView::of(consumer))
}

/// Which consumers.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ConsumerListing {
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists event consumers
///
/// By name.
#[utoipa::path(get, path = "/api/event-consumers", tag = "event consumers",
    security(("api_key" = ["viewer"])), params(ConsumerListing),
    responses((status = 200, body = Page<ConsumerView>)))]
async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(ConsumerListing { cursor, limit }): Query<ConsumerListing>,
) -> Result<axum::Json<Page<ConsumerView>>, Problem> {
    let consumers = ports.log.consumers(&scope.tenant).await?;
    let consumers = consumers.into_iter().map(ConsumerView::of).collect();
    Page::of(consumers, cursor.as_ref(), limit).map(axum::Json)
}

/// A consumer as it is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConsumerForm {
    /// Its name within the tenant: up to 128 of a-z, A-Z, 0-9, `-`, `_` and `.`.
    name: String,
}

/// Makes an event consumer
///
/// It begins with the oldest event that is kept, and nothing that it has yet to work off is
/// forgotten for 90 days. A tenant may have 64.
#[utoipa::path(post, path = "/api/event-consumers", tag = "event consumers",
    security(("api_key" = ["editor"])), request_body = ConsumerForm,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe")),
    responses((status = 201, body = ConsumerView),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn create(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Json(ConsumerForm { name }): Json<ConsumerForm>,
) -> Result<Created<ConsumerView>, Problem> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !name.bytes().all(plain) {
        let detail = "write letters and digits of ASCII, `-`, `_` and `.`";
        return Err(Problem::invalid("a consumer has no such name").at("/name", detail));
    }
    if ports.find(&scope, &name).await?.is_some() {
        return Err(Problem::conflict(format!("there is a consumer {name:?} already")));
    }
    let consumer = ports.log.consumer(&scope.tenant, &name).await?;
    let Tagged(tag, view) = tagged(consumer);
    Ok(Created(format!("/api/event-consumers/{}", view.name), tag, view))
}

/// Shows an event consumer
#[utoipa::path(get, path = "/api/event-consumers/{consumer}", tag = "event consumers",
    security(("api_key" = ["viewer"])),
    params(("consumer" = String, Path, description = "The consumer")),
    responses((status = 200, body = ConsumerView)))]
async fn show(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(name): Path<String>,
) -> Result<Tagged<ConsumerView>, Problem> {
    ports.find(&scope, &name).await?.map(tagged).ok_or_else(Problem::not_found)
}

/// How far a consumer is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConsumerPlace {
    /// It has worked off all events up to this one.
    seq: u64,
}

/// Moves an event consumer forward
///
/// Never back: of two processes that follow under one name the slower would have the faster read
/// again. `If-Match` says where it stood, so that both notice each other.
#[utoipa::path(put, path = "/api/event-consumers/{consumer}", tag = "event consumers",
    security(("api_key" = ["editor"])), request_body = ConsumerPlace,
    params(("consumer" = String, Path, description = "The consumer"),
        ("If-Match" = String, Header, description = "The `ETag` of what was read")),
    responses((status = 200, body = ConsumerView),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn advance(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(name): Path<String>,
    if_match: IfMatch,
    Json(ConsumerPlace { seq }): Json<ConsumerPlace>,
) -> Result<Tagged<ConsumerView>, Problem> {
    let known = ports.find(&scope, &name).await?.ok_or_else(Problem::not_found)?;
    if_match.demand(&Tag::revision(known.seq))?;
    ports.log.advance(&scope.tenant, &name, seq).await?;
    ports.find(&scope, &name).await?.map(tagged).ok_or_else(Problem::not_found)
}

/// Removes an event consumer
///
/// Nothing is kept for it any more.
#[utoipa::path(delete, path = "/api/event-consumers/{consumer}", tag = "event consumers",
    security(("api_key" = ["editor"])),
    params(("consumer" = String, Path, description = "The consumer"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what was read")),
    responses((status = 204)))]
async fn remove(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(name): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let known = ports.find(&scope, &name).await?.ok_or_else(Problem::not_found)?;
    if_match.allow(&Tag::revision(known.seq))?;
    let removed = ports.log.remove_consumer(&scope.tenant, &name).await?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}
