//! Reads the companies, contacts and deals of a HubSpot account.
//!
//! Everything is read in full by the list endpoint, in windows of change by search, by id in
//! batches; what was archived comes from the recycle bin. A record's payload is the row as HubSpot
//! sent it and never leaves the answer that the host holds. Nothing is written, and deliveries are
//! not taken.

mod account;
mod api;
mod batch;
mod discover;
mod list;
mod object;
mod properties;
mod rows;
mod search;

use plughouse_sdk::{
    Account, Adapter, Entity, Error, Page, PullRequest, Selection, unknown_entity, unsupported,
};

use crate::object::Object;

/// The adapter.
#[derive(Debug)]
pub struct HubSpot;

impl Adapter for HubSpot {
    const ID: &'static str = "hubspot";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ENTITIES: &'static [&'static str] = &["company", "contact", "deal"];

    fn check() -> Result<Account, Error> {
        account::check()
    }

    fn discover(name: Option<&str>, _part: Option<&str>) -> Result<Vec<Entity>, Error> {
        discover::entities(name)
    }

    fn pull(request: PullRequest) -> Result<Page, Error> {
        let object = Object::of(&request.entity).ok_or_else(|| unknown_entity(&request.entity))?;
        match &request.selection {
            Selection::All => list::all(object, &request),
            Selection::Window(window) => search::window(object, &request, window),
            Selection::Deleted(window) => list::archived(object, &request, window),
            Selection::Ids(ids) => batch::by_ids(object, &request, ids),
            Selection::Changes => Err(unsupported("HubSpot has no change feed; ask for a window")),
        }
    }
}

plughouse_sdk::adapter!(HubSpot);
