//! Records as providers sent them.

use axum::extract::State;
use model::ConnectionId;
use model::canonical::RecordId;
use model::store::RecordQuery;
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::SourceView;
use super::{BYTES_MAX, Ports};
use crate::answer::Written;
use crate::auth::Viewer;
use crate::extract::{Path, Query};
use crate::list::{Cursor, Limit, Page};
use crate::problem::Problem;

/// Which sources of a record.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SourcesListing {
    cursor: Option<Cursor>,
}

/// Lists the records of providers that a record stands for
///
/// In the order of its relationships. `payload` is what the provider sent: it may hold personal
/// data that no mapping has let through. Of large ones a part holds few.
#[utoipa::path(get, path = "/api/records/{record}/sources", tag = "records",
    security(("api_key" = ["viewer"])),
    params(("record" = String, Path, description = "The record"), SourcesListing),
    responses((status = 200, body = Page<SourceView>)))]
pub(super) async fn of_record(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Path(id): Path<RecordId>,
    Query(SourcesListing { cursor }): Query<SourcesListing>,
) -> Result<Written, Problem> {
    let links = ports.find(&scope, id).await?.relationships;
    let mut done: usize = cursor.as_ref().map_or(Ok(0), Cursor::place)?;
    let (mut records, mut bytes) = (Vec::new(), 0);
    for link in links.get(done..).unwrap_or_default() {
        let query = RecordQuery {
            tenant: scope.tenant.clone(),
            connection: Some(link.connection.clone()),
            entity: Some(link.entity.clone()),
            id: Some(link.external_id.clone()),
            removed: true,
            after: None,
            limit: 1,
        };
        let found = ports.records.records(query).await?.records;
        bytes += found.iter().map(|record| record.payload.len()).sum::<usize>();
        records.extend(found);
        done += 1;
        if bytes >= BYTES_MAX {
            break;
        }
    }
    let items = records.iter().map(SourceView::of).collect::<Result<_, _>>()?;
    let next = (done < links.len()).then(|| Cursor::at(&done));
    Written::of(&Page { items, next, total: None })
}

/// Which records of providers.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SourceListing {
    /// Of this connection; otherwise of all.
    #[param(value_type = Option<String>)]
    connection: Option<ConnectionId>,
    /// Of this entity; needs the connection.
    entity: Option<String>,
    /// Of this id; needs the entity.
    external_id: Option<String>,
    /// Gone ones too.
    #[serde(default)]
    removed: bool,
    cursor: Option<Cursor>,
    limit: Option<Limit>,
}

/// Lists records as providers sent them
///
/// By connection, entity and id. `payload` may hold personal data that no mapping has let through.
/// A part may hold fewer than asked for where records are large.
#[utoipa::path(get, path = "/api/source-records", tag = "records",
    operation_id = "source_list",
    security(("api_key" = ["viewer"])), params(SourceListing),
    responses((status = 200, body = Page<SourceView>),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(listing): Query<SourceListing>,
) -> Result<Written, Problem> {
    let SourceListing { connection, entity, external_id: id, removed, cursor, limit } = listing;
    let query = RecordQuery {
        tenant: scope.tenant,
        connection,
        entity,
        id,
        removed,
        after: cursor.as_ref().map(Cursor::place).transpose()?,
        limit: limit.unwrap_or_default().get(),
    };
    let list = ports.records.records(query).await?;
    let items = list.records.iter().map(SourceView::of).collect::<Result<_, _>>()?;
    Written::of(&Page { items, next: list.next.as_ref().map(Cursor::at), total: None })
}
