//! Reads the items of `{{id}}`.
//!
//! The provider lists them with `GET /items?after=CURSOR` and answers
//! `{"items": [{"id": …, "updated_at": …}], "next": CURSOR or null}`; replace this by your own.

use plughouse_sdk::checkpoint::Checkpoint;
use plughouse_sdk::{
    Account, Adapter, Entity, Error, ErrorKind, Field, FieldKind, Next, Page, PullRequest, Record,
    Reject, Removal, Request, Selection, Tombstone, Window, http, json, percent, time,
    unknown_entity, unsupported,
};
use serde::{Deserialize, Serialize};

/// The adapter of `{{id}}`.
pub struct Provider;

plughouse_sdk::adapter!(Provider);

const ITEM: &str = "item";

/// Where a list goes on.
#[derive(Deserialize, Serialize)]
struct Position {
    after: String,
}

impl Checkpoint for Position {
    const VERSION: u32 = 1;
}

impl Adapter for Provider {
    const ID: &'static str = "{{id}}";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ENTITIES: &'static [&'static str] = &[ITEM];

    fn check() -> Result<Account, Error> {
        let response = Request::get("api", "/me").send()?.ok()?;
        let me = json::values(["/id", "/name"]).read(&response)?;
        let id = me
            .text(0)
            .ok_or_else(|| Error::malformed("the account has no id"))?;
        Ok(Account::new(&id, &me.text(1).unwrap_or_default()))
    }

    fn discover(name: Option<&str>, _part: Option<&str>) -> Result<Vec<Entity>, Error> {
        match name {
            None | Some(ITEM) => {
                let name = Field::new("/name", "Name", FieldKind::Text);
                let updated = Field::new("/updated_at", "Updated", FieldKind::DateTime);
                Ok(vec![Entity::new(ITEM, "Item", vec![name, updated])])
            }
            Some(name) => Err(unknown_entity(name)),
        }
    }

    fn pull(request: PullRequest) -> Result<Page, Error> {
        if request.entity != ITEM {
            return Err(unknown_entity(&request.entity));
        }
        match &request.selection {
            Selection::All => list(&request, None),
            Selection::Window(window) => list(&request, Some(*window)),
            Selection::Ids(ids) => by_id(ids),
            Selection::Changes | Selection::Deleted(_) => Err(unsupported(
                "there is neither a feed of changes nor a list of deletions",
            )),
        }
    }
}

/// One page of all items, or of those that changed in a window.
fn list(request: &PullRequest, window: Option<Window>) -> Result<Page, Error> {
    let mut query = Request::get("api", "/items").query("limit", &request.limit.to_string());
    if let Some(window) = window {
        query = query
            .query("updated_from", &time::format_rfc3339(window.from_ms))
            .query("updated_until", &time::format_rfc3339(window.until_ms));
    }
    if let Some(position) = request.resume::<Position>()? {
        query = query.query("after", &position.after);
    }
    let response = query.send()?.ok()?;
    let found = json::list("/items", ["/id", "/updated_at"])
        .and(["/next"])
        .read(&response)?;
    let next = match found.text(0) {
        Some(after) => Next::more(&Position {
            after: after.into_owned(),
        })?,
        None => Next::finished(),
    };
    let mut page = Page::new(Vec::new(), next);
    for item in found.items() {
        match item.id(0) {
            Ok(id) => {
                let mut record = Record::new(ITEM, &id, item.payload());
                record.modified_ms = item.time(1);
                page.records.push(record);
            }
            Err(error) => page.rejects.push(Reject::new(ITEM, None, error)),
        }
    }
    Ok(page)
}

/// The items of these ids; one that is not there comes back as a tombstone.
fn by_id(ids: &[String]) -> Result<Page, Error> {
    let get = |id: &String| Request::get("api", &percent::path(["items", id]));
    let requests: Vec<Request> = ids.iter().map(get).collect();
    let mut page = Page::new(Vec::new(), Next::finished());
    for (id, answer) in ids.iter().zip(http::send_many(&requests)) {
        match answer.and_then(plughouse_sdk::Response::ok) {
            Ok(response) => {
                let item = json::values([""]).read(&response)?;
                if let Some(whole) = item.get(0) {
                    page.records
                        .push(Record::new(ITEM, id, item.payload(whole)));
                }
            }
            Err(error) if error.kind == ErrorKind::NotFound => {
                page.tombstones
                    .push(Tombstone::new(ITEM, id, Removal::Deleted));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use plughouse_sdk::{Adapter as _, ErrorKind, Next, Page, PullRequest, Selection};
    use plughouse_testkit::native::TestHost;
    use plughouse_testkit::{Answer, Fault, Faulty, Provider, Request, Rule, case, from_fn};
    use serde_json::json;

    use super::Provider as Subject;

    /// Five items, as the real provider would list them.
    fn items() -> impl Provider + 'static {
        from_fn(|request: &Request| match request.path() {
            "/items" => {
                let number = |name| {
                    request
                        .query(name)
                        .and_then(|text| text.parse::<usize>().ok())
                };
                let (first, limit) = (number("after").unwrap_or(1), number("limit").unwrap_or(100));
                let ids = (first..=5).take(limit);
                let items: Vec<_> = ids
                    .map(|id| json!({"id": id.to_string(), "name": "x"}))
                    .collect();
                let next = first + items.len();
                let next = (next <= 5).then(|| next.to_string());
                Answer::value(200, &json!({"items": items, "next": next}))
            }
            "/items/1" => Answer::value(200, &json!({"id": "1", "name": "x"})),
            _ => Answer::value(404, &json!({"error": "not found"})),
        })
    }

    fn request(selection: Selection, checkpoint: Option<String>) -> PullRequest {
        let entity = "item".to_owned();
        PullRequest {
            entity,
            part: None,
            selection,
            checkpoint,
            fields: Vec::new(),
            limit: 2,
        }
    }

    fn ids(page: &Page) -> Vec<&str> {
        page.records
            .iter()
            .map(|record| record.id.as_str())
            .collect()
    }

    #[test]
    fn all_pages_are_read_in_order() {
        let host = TestHost::new(items());
        let (mut seen, mut checkpoint) = (Vec::new(), None);
        loop {
            let page = host
                .run(|| Subject::pull(request(Selection::All, checkpoint)))
                .unwrap();
            seen.extend(ids(&page).into_iter().map(ToOwned::to_owned));
            match page.next {
                Next::More(text) => checkpoint = Some(text),
                Next::Done(_) | Next::Partial(_) => break,
            }
        }
        assert_eq!(seen, ["1", "2", "3", "4", "5"]);
    }

    #[test]
    fn what_is_not_there_any_more_is_a_tombstone() {
        let host = TestHost::new(items());
        let wanted = Selection::Ids(vec!["1".to_owned(), "9".to_owned()]);
        let page = host.run(|| Subject::pull(request(wanted, None))).unwrap();
        assert_eq!(ids(&page), ["1"]);
        assert_eq!(page.tombstones[0].id, "9");
        let payload = host.payload(&page.records[0].payload).unwrap();
        assert_eq!(payload, br#"{"id":"1","name":"x"}"#);
    }

    #[test]
    fn the_provider_says_how_long_to_wait() {
        let busy = Rule::first(1, Fault::TooMany(Some("1.5".to_owned())));
        let host = TestHost::new(Faulty::new(items(), [busy]));
        let error = host
            .run(|| Subject::pull(request(Selection::All, None)))
            .unwrap_err();
        assert_eq!(
            (error.kind, error.retry_after_ms),
            (ErrorKind::RateLimited, Some(1500))
        );
    }

    #[test]
    fn recorded_cases_still_hold() {
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
        assert!(case::run_all::<Subject>(fixtures).unwrap() > 0);
    }
}
