//! The list endpoint: every record there is, and the recycle bin.

use plughouse_sdk::checkpoint::Checkpoint;
use plughouse_sdk::{Error, ErrorKind, Next, Page, PullRequest, Removal, Tombstone, Window};
use serde::{Deserialize, Serialize};

use crate::object::Object;
use crate::properties::Properties;
use crate::rows::{Row, Rows};
use crate::{api, batch};

/// HubSpot refuses larger pages.
const PAGE_MAX: u32 = 100;

/// Where a list goes on.
#[derive(Debug, Deserialize, Serialize)]
struct Position {
    after: String,
}

impl Checkpoint for Position {
    const VERSION: u32 = 1;
}

/// Reads one page of all records.
///
/// `after` of this endpoint is an id, so no record crosses the border of a page because others
/// come, go or change meanwhile.
pub(crate) fn all(object: Object, request: &PullRequest) -> Result<Page, Error> {
    let properties = Properties::select(object, &request.fields);
    if properties.fit_url() {
        let (rows, next) = fetch(object, request, &properties, Lane::Live)?;
        let (records, rejects) = rows.into_records(object);
        return Ok(Page { rejects, ..Page::new(records, next) });
    }
    let (rows, next) = fetch(object, request, &Properties::id_only(), Lane::Live)?;
    let (records, rejects) = batch::complete(object, rows, &properties)?;
    Ok(Page { rejects, ..Page::new(records, next) })
}

/// Reads one page of the recycle bin, and keeps what was archived in the window.
///
/// The bin has no filter and is not sorted by time of archival, so a pass reads the whole of it.
pub(crate) fn archived(
    object: Object,
    request: &PullRequest,
    window: &Window,
) -> Result<Page, Error> {
    let (rows, next) = fetch(object, request, &Properties::id_only(), Lane::Archived)?;
    // A row that does not say when it was archived is archived all the same.
    let inside = |row: &Row| {
        row.archived_ms.is_none_or(|at| (window.from_ms..window.until_ms).contains(&at))
    };
    let tombstones = rows.found.into_iter().filter(inside).map(|row| Tombstone {
        deleted_ms: row.archived_ms,
        ..Tombstone::new(object.entity(), &row.id, Removal::Archived)
    });
    let tombstones = tombstones.collect();
    Ok(Page { tombstones, rejects: rows.rejects, ..Page::new(Vec::new(), next) })
}

/// Which of the two lists of an object type.
#[derive(Clone, Copy)]
enum Lane {
    Live,
    Archived,
}

fn fetch(
    object: Object,
    request: &PullRequest,
    properties: &Properties,
    lane: Lane,
) -> Result<(Rows, Next), Error> {
    let position: Option<Position> = request.resume()?;
    let mut list = api::get(&format!("/crm/v3/objects/{}", object.path()))
        .query("limit", &request.limit.clamp(1, PAGE_MAX).to_string())
        .query("properties", &properties.joined())
        .query("archived", if let Lane::Archived = lane { "true" } else { "false" });
    if let Some(position) = &position {
        list = list.query("after", &position.after);
    }
    let response = api::checked(list.send()?)
        .map_err(|error| if position.is_some() { cursor_refused(error) } else { error })?;
    let rows = Rows::read(object, &response)?;
    let next = next(position.as_ref(), rows.after.as_deref())?;
    Ok((rows, next))
}

/// A list ignores unknown properties: what is left to be invalid on a later page is its cursor.
fn cursor_refused(error: Error) -> Error {
    match error.kind {
        ErrorKind::Invalid => Error { kind: ErrorKind::ExpiredCheckpoint, ..error },
        _ => error,
    }
}

fn next(position: Option<&Position>, after: Option<&str>) -> Result<Next, Error> {
    match after {
        Some(after) if position.is_some_and(|position| position.after == after) => {
            Err(api::malformed("list-stuck", "the list leads to the page that it has just shown"))
        }
        Some(after) => Next::more(&Position { after: after.to_owned() }),
        None => Ok(Next::finished()),
    }
}
