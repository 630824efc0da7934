//! All records of a type, one after another.

use std::io;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use model::canonical::{BATCH_MAX, CanonicalQuery, CanonicalRecord, RecordId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Ports;
use super::view::RecordView;
use crate::auth::Viewer;
use crate::extract::Query;
use crate::problem::Problem;
use crate::slots::Slot;

/// The header that says where the log of events was when an export began.
const POSITION: HeaderName = HeaderName::from_static("plughouse-position");

/// What is exported.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Exporting {
    /// Of this type.
    #[serde(rename = "type")]
    record_type: String,
    /// Behind the record of this id, as when an export was cut after it.
    #[param(value_type = Option<String>)]
    after: Option<RecordId>,
    /// Removed ones too.
    #[serde(default)]
    removed: bool,
}

/// Exports records
///
/// All of a type, a line of JSON each as `GET /api/records/{record}` shows them, the oldest first.
/// It is read as fast as it is taken. An export that ends well ends as HTTP says, with its last
/// chunk; one that is cut goes on `after` the id of the last whole line. Records that change while
/// it goes on are shown as they were or as they are; give `Plughouse-Position` as `after` to
/// `GET /api/records/changes` for all that has changed since it began. A key may have 4 exports at
/// the same time, and a tenant 8.
#[utoipa::path(get, path = "/api/records/export", tag = "records",
    security(("api_key" = ["viewer"])), params(Exporting),
    responses(
        (status = 200, body = String, content_type = "application/x-ndjson",
            headers(("Plughouse-Position" = u64, description = "The last event before it began"))),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn export(
    State(ports): State<Ports>,
    Viewer(scope): Viewer,
    Query(Exporting { record_type, after, removed }): Query<Exporting>,
) -> Result<Response, Problem> {
    let slot = ports.exports.take(&scope)?;
    let position = ports.log.extent(&scope.tenant).await?.last;
    let after = after.map(|id| ports.records.canonical_behind(&scope.tenant, &record_type, id));
    let query = CanonicalQuery {
        tenant: scope.tenant,
        record_type: Some(record_type),
        removed,
        after,
        limit: BATCH_MAX,
    };
    let mut export = Export { ports, left: Some(query), _slot: slot };
    // What is wrong with the question shows with the first lines, while it can still be answered.
    let first = export.lines().await?.unwrap_or_default();
    let lines = stream::try_unfold((export, Some(first)), |(mut export, first)| async move {
        let lines = match first {
            Some(first) => Some(first),
            // The answer has begun: all that can be told is that it is cut.
            None => export
                .lines()
                .await
                .map_err(|problem| io::Error::other(problem.code().to_owned()))?,
        };
        Ok::<_, io::Error>(lines.map(|lines| (lines, (export, None))))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson")),
        (POSITION, HeaderValue::from(position)),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}

/// An export that goes on; it holds a list of records at most.
struct Export {
    ports: Ports,
    /// What is still to be read.
    left: Option<CanonicalQuery>,
    _slot: Slot,
}

impl Export {
    /// The next whole lines; nothing at the end.
    async fn lines(&mut self) -> Result<Option<Bytes>, Problem> {
        let Some(query) = self.left.take() else { return Ok(None) };
        if self.ports.closing.is_cancelled() {
            let detail = "the host stops; go on behind the last line when it is there again";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "api.unavailable", detail));
        }
        let list = self.ports.records.canonical_list(query.clone()).await?;
        self.left = list.next.map(|next| CanonicalQuery { after: Some(next), ..query });
        written(&list.records).map(Some)
    }
}

fn written(records: &[CanonicalRecord]) -> Result<Bytes, Problem> {
    let mut lines = Vec::new();
    for record in records {
        let written = serde_json::to_writer(&mut lines, &RecordView::of(record)?);
        written.map_err(|error| Problem::internal(&error))?;
        lines.push(b'\n');
    }
    Ok(lines.into())
}
