//! The batch read: records by id.

use std::collections::BTreeSet;

use plughouse_sdk::{
    Error, ErrorKind, Next, Page, PullRequest, Record, Reject, Removal, Request, Response,
    Tombstone, http, json,
};

use crate::api;
use crate::object::Object;
use crate::properties::Properties;
use crate::rows::Rows;

/// HubSpot refuses larger batches.
const IDS_MAX: usize = 100;

/// Ids of one call: ten batches, which the manifest's budget of requests allows.
const IDS_PER_CALL_MAX: usize = 1_000;

/// Reads records by id; one that is not there is hidden, for HubSpot does not tell why.
pub(crate) fn by_ids(object: Object, request: &PullRequest, ids: &[String]) -> Result<Page, Error> {
    if ids.len() > IDS_PER_CALL_MAX {
        let message = format!("{} ids in one call, at most {IDS_PER_CALL_MAX} fit", ids.len());
        return Err(api::error(ErrorKind::Invalid, "ids", &message).unsent());
    }
    // Each once: an id that stands twice in a batch is an error there.
    let (mut missing, strange): (BTreeSet<&str>, BTreeSet<&str>) =
        ids.iter().map(String::as_str).partition(|id| is_id(id));
    let asked: Vec<&str> = missing.iter().copied().collect();
    let properties = Properties::select(object, &request.fields);
    let mut page = Page::new(Vec::with_capacity(asked.len()), Next::finished());
    page.rejects.extend(strange.into_iter().map(|id| strange_id(object, id)));
    for response in read(object, &asked, &properties)? {
        let (records, rejects) = Rows::read(object, &response)?.into_records(object);
        page.records.extend(records);
        page.rejects.extend(rejects);
        page.rejects.extend(failures(object, &response));
    }
    for record in &page.records {
        missing.remove(record.id.as_str());
    }
    for id in page.rejects.iter().filter_map(|reject| reject.id.as_deref()) {
        missing.remove(id);
    }
    page.tombstones = (missing.into_iter())
        .map(|id| Tombstone::new(object.entity(), id, Removal::Hidden))
        .collect();
    Ok(page)
}

/// Reads the properties of rows that were found without them.
///
/// A record that went away in between is left out: the recycle bin tells about it.
pub(crate) fn complete(
    object: Object,
    rows: Rows,
    properties: &Properties,
) -> Result<(Vec<Record>, Vec<Reject>), Error> {
    let all = rows.found.iter().map(|row| row.id.as_str());
    let (ids, strange): (Vec<&str>, Vec<&str>) = all.partition(|id| is_id(id));
    let (mut records, mut rejects) = (Vec::with_capacity(ids.len()), rows.rejects);
    rejects.extend(strange.into_iter().map(|id| strange_id(object, id)));
    for response in read(object, &ids, properties)? {
        let (read, rejected) = Rows::read(object, &response)?.into_records(object);
        records.extend(read);
        rejects.extend(rejected);
        rejects.extend(failures(object, &response));
    }
    Ok((records, rejects))
}

/// With another id HubSpot refuses the whole batch.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit())
}

/// Sends as many batches as the ids need.
fn read(object: Object, ids: &[&str], properties: &Properties) -> Result<Vec<Response>, Error> {
    let path = format!("/crm/v3/objects/{}/batch/read", object.path());
    let requests: Vec<Request> =
        ids.chunks(IDS_MAX).map(|ids| api::post(&path, body(ids, properties))).collect();
    http::send_many(&requests).into_iter().map(|response| api::checked(response?)).collect()
}

/// Ids are digits and names need no escapes.
fn body(ids: &[&str], properties: &Properties) -> String {
    let names = properties.names().join("\",\"");
    let ids = ids.join("\"},{\"id\":\"");
    format!("{{\"properties\":[\"{names}\"],\"inputs\":[{{\"id\":\"{ids}\"}}]}}")
}

/// The records of a partial answer (207) that failed for another reason than absence.
fn failures(object: Object, response: &Response) -> Vec<Reject> {
    // Whether the answer is JSON was seen when its rows were read; most have no `errors`.
    let answer = json::list("/errors", ["/category", "/context/ids"]).read(response);
    let Ok(answer) = answer else { return Vec::new() };
    let mut rejects = Vec::new();
    for failure in answer.items() {
        let category = failure.text(0).unwrap_or_default();
        if category == "OBJECT_NOT_FOUND" {
            continue;
        }
        let ids = failure.get(1).map(|ids| ids.raw()).unwrap_or_default();
        let ids: Vec<String> = serde_json::from_slice(ids).unwrap_or_default();
        rejects.extend(ids.iter().map(|id| failed(object, id, &category)));
    }
    rejects
}

fn failed(object: Object, id: &str, category: &str) -> Reject {
    let kind = match category {
        "MISSING_SCOPES" => ErrorKind::Permission,
        "VALIDATION_ERROR" => ErrorKind::Invalid,
        _ => ErrorKind::Other,
    };
    let error = api::error(kind, "record", "HubSpot could not read this record");
    Reject::new(object.entity(), Some(id), error.detail("category", category))
}

fn strange_id(object: Object, id: &str) -> Reject {
    let error = api::error(ErrorKind::Invalid, "id", "an id of HubSpot has digits only");
    Reject::new(object.entity(), Some(id), error.unsent())
}
