//! Search by time of change.
//!
//! A search ends at 10,000 rows, and many records may share one instant. So the pages are not
//! counted: each is a new search for ids above the last one seen, which has neither limit.

use plughouse_sdk::checkpoint::Checkpoint;
use plughouse_sdk::{Error, Next, Page, PullRequest, Window};
use serde::{Deserialize, Serialize};

use crate::object::Object;
use crate::properties::Properties;
use crate::rows::{Row, Rows};
use crate::{api, batch};

/// HubSpot refuses larger pages of a search.
const PAGE_MAX: u32 = 200;

/// A page whose records are read in one batch.
const COMPLETED_PAGE_MAX: u32 = 100;

/// Where a search goes on.
#[derive(Debug, Deserialize, Serialize)]
struct Position {
    /// The highest id seen.
    last: u64,
}

impl Checkpoint for Position {
    const VERSION: u32 = 1;
}

/// Reads one page of what changed in the window.
pub(crate) fn window(
    object: Object,
    request: &PullRequest,
    window: &Window,
) -> Result<Page, Error> {
    let last = request.resume()?.map_or(0, |position: Position| position.last);
    let properties = Properties::select(object, &request.fields);
    if properties.fit_search() {
        let limit = request.limit.clamp(1, PAGE_MAX);
        let search = Search { object, window, last, limit, properties: &properties };
        let (rows, next) = search.page()?;
        let (records, rejects) = rows.into_records(object);
        return Ok(Page { rejects, ..Page::new(records, next) });
    }
    let limit = request.limit.clamp(1, COMPLETED_PAGE_MAX);
    let properties_of_rows = &Properties::id_only();
    let search = Search { object, window, last, limit, properties: properties_of_rows };
    let (rows, next) = search.page()?;
    let (records, rejects) = batch::complete(object, rows, &properties)?;
    Ok(Page { rejects, ..Page::new(records, next) })
}

/// Returns the highest id of the rows, or `None` where none is above `last`.
///
/// # Errors
/// Rows out of order: going on from the highest would lose those that were to come in between.
fn highest_id(rows: &[Row], last: u64) -> Result<Option<u64>, Error> {
    let mut highest = last;
    for row in rows {
        let id: u64 = row.id.parse().map_err(|_not_a_number| {
            api::malformed("record-id", "the search found a record whose id is no number")
        })?;
        if id > highest {
            highest = id;
        } else if id > last {
            return Err(api::malformed("search-order", "the search is not sorted by id"));
        }
    }
    Ok((highest > last).then_some(highest))
}

/// One search.
struct Search<'a> {
    object: Object,
    window: &'a Window,
    last: u64,
    limit: u32,
    properties: &'a Properties,
}

impl Search<'_> {
    fn page(&self) -> Result<(Rows, Next), Error> {
        let path = format!("/crm/v3/objects/{}/search", self.object.path());
        let response = api::checked(api::post(&path, self.body()).send()?)?;
        let rows = Rows::read(self.object, &response)?;
        let highest = highest_id(&rows.found, self.last)?;
        let next = match (&rows.after, highest) {
            (None, _) => Next::finished(),
            (Some(_), Some(last)) => Next::more(&Position { last })?,
            (Some(_), None) => {
                let message = "the search has more rows but shows none that are new";
                return Err(api::malformed("search-stuck", message));
            }
        };
        Ok((rows, next))
    }

    /// Every part is a number or a name that needs no escapes.
    fn body(&self) -> String {
        let Self { object, window, last, limit, properties } = self;
        let modified = object.modified();
        let (from, until) = (window.from_ms, window.until_ms);
        let names = properties.names().join("\",\"");
        format!(
            "{{\"filterGroups\":[{{\"filters\":[\
             {{\"propertyName\":\"{modified}\",\"operator\":\"GTE\",\"value\":\"{from}\"}},\
             {{\"propertyName\":\"{modified}\",\"operator\":\"LT\",\"value\":\"{until}\"}},\
             {{\"propertyName\":\"hs_object_id\",\"operator\":\"GT\",\"value\":\"{last}\"}}]}}],\
             \"sorts\":[{{\"propertyName\":\"hs_object_id\",\"direction\":\"ASCENDING\"}}],\
             \"properties\":[\"{names}\"],\"limit\":{limit}}}"
        )
    }
}

#[cfg(test)]
mod tests {
    use plughouse_sdk::Response;

    use super::*;

    #[track_caller]
    fn check(ids: &[&str], last: u64, expected: Result<Option<u64>, &str>) {
        let rows: Vec<String> = ids.iter().map(|id| format!("{{\"id\":\"{id}\"}}")).collect();
        let body = format!("{{\"results\":[{}]}}", rows.join(",")).into_bytes();
        let response = Response { id: 1, status: 200, headers: Vec::new(), body };
        let rows = Rows::read(Object::Contact, &response).unwrap().found;
        let found = highest_id(&rows, last).map_err(|error| error.code);
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn search_goes_on_behind_the_highest_id() {
        check(&["5", "9", "10"], 0, Ok(Some(10)));
        check(&["5", "5", "9", "5"], 0, Ok(Some(9)));
        check(&["3", "9"], 4, Ok(Some(9)));
        check(&["3", "4"], 4, Ok(None));
        check(&[], 4, Ok(None));
    }

    #[test]
    fn search_out_of_order_is_refused() {
        check(&["5", "9", "7"], 0, Err("hubspot.search-order"));
        check(&["x"], 0, Err("hubspot.record-id"));
    }

    #[test]
    fn body_is_json_and_fits_what_hubspot_takes() {
        let window = Window { from_ms: 1_741_764_800_000, until_ms: 1_741_768_400_000 };
        let names: Vec<String> = (0..178).map(|i| format!("property{i:03}")).collect();
        let properties = Properties::select(Object::Contact, &names);
        let search = Search {
            object: Object::Contact,
            window: &window,
            last: u64::MAX,
            limit: 100,
            properties: &properties,
        };
        assert!(properties.fit_search());
        let body = search.body();
        assert!(body.len() <= 3_000, "{}", body.len());
        let value: serde_json::Value = serde_json::from_str(&body).unwrap();
        let filters = &value["filterGroups"][0]["filters"];
        assert_eq!(filters[0]["propertyName"], "lastmodifieddate");
        assert_eq!(filters[1]["value"], "1741768400000");
        assert_eq!(filters[2]["operator"], "GT");
        assert_eq!(value["sorts"][0]["direction"], "ASCENDING");
        assert_eq!(value["properties"].as_array().unwrap().len(), 178);
        assert_eq!(value["after"], serde_json::Value::Null);
    }
}
