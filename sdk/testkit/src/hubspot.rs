//! A HubSpot account: contacts, companies and deals behind the CRM v3 API.
//!
//! It keeps what adapters stumble over: lists page by id and searches by offset, a search ends at
//! 10,000 rows, contacts call their modified property differently, archived records are listed
//! apart and disappear after a while, all values are text, and the search index may lag behind.

mod account;
mod generate;
mod kind;
mod list;
mod read;
mod refuse;
mod render;
mod search;
mod table;

use std::collections::HashMap;
use std::sync::Arc;

use crate::message::{Answer, Request};
use crate::oauth::{AuthServer, Standing};
use crate::provider::{Provider, Shared};
pub use kind::Kind;
use refuse::Refusal;
use table::Table;
pub use table::Unknown;

/// The id of the account that every simulated portal has unless it is told another.
pub const PORTAL_ID: u64 = 147_001_000;

/// The origin that links of the API begin with, whatever address the simulator has.
pub const ORIGIN: &str = "https://api.hubapi.com";

/// Pages kept ready: a hundred thousand records in one selection of properties, four times.
const PAGES_KEPT_MAX: usize = 4000;

/// A HubSpot account.
#[derive(Debug)]
pub struct HubSpot {
    tables: [Table; 3],
    token: Option<String>,
    authority: Option<Shared<AuthServer>>,
    expired: bool,
    lagging: bool,
    /// List pages by their request target, valid until the next change.
    pages: HashMap<String, Arc<[u8]>>,
}

impl HubSpot {
    /// An empty account that accepts every token.
    pub fn new() -> Self {
        let kinds = [Kind::Contacts, Kind::Companies, Kind::Deals];
        Self {
            tables: kinds.map(|kind| Table::generated(kind, 0, 0)),
            token: None,
            authority: None,
            expired: false,
            lagging: false,
            pages: HashMap::new(),
        }
    }

    /// An account with so many contacts; the seed decides who they are.
    ///
    /// They were created from 2023 on and last changed before the middle of 2025.
    pub fn with_contacts(count: u64, seed: u64) -> Self {
        Self::new().filled(Kind::Contacts, count, seed)
    }

    /// The same account with so many records of a kind.
    #[must_use]
    pub fn filled(mut self, kind: Kind, count: u64, seed: u64) -> Self {
        *self.table_mut(kind) = Table::generated(kind, count, seed);
        self
    }

    /// The same account, which accepts this access token only.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The same account, which accepts the access tokens that this server has issued.
    #[must_use]
    pub fn authorised_by(mut self, server: Shared<AuthServer>) -> Self {
        self.authority = Some(server);
        self
    }

    /// Lets the token expire, or makes it valid again.
    pub fn expire_token(&mut self, expired: bool) {
        self.expired = expired;
    }

    /// Lets the search index lag: changes from now on are invisible to searches until
    /// [`Self::catch_up`].
    pub fn lag_search(&mut self) {
        self.lagging = true;
    }

    /// Brings the search index up to date and keeps it there.
    pub fn catch_up(&mut self) {
        self.lagging = false;
        for table in &mut self.tables {
            table.catch_up();
        }
    }

    /// The ids of the records that are not archived, in ascending order.
    pub fn ids(&self, kind: Kind) -> Vec<String> {
        self.table(kind).live().map(|slot| slot.id.to_string()).collect()
    }

    /// The value of a property, as the API would show it.
    pub fn value(&self, kind: Kind, id: &str, property: &str) -> Option<String> {
        let table = self.table(kind);
        let slot = table.find(id)?;
        render::value(table, slot, kind.property(property)?)
    }

    /// Creates a record at that time and returns its id.
    pub fn create(
        &mut self,
        kind: Kind,
        at_ms: i64,
        values: &[(&str, &str)],
    ) -> Result<String, Unknown> {
        let lagging = self.lagging;
        let id = self.table_mut(kind).create(at_ms, values, lagging)?;
        Ok(id.to_string())
    }

    /// Changes a record at that time; an empty value clears the property.
    pub fn update(
        &mut self,
        kind: Kind,
        id: &str,
        at_ms: i64,
        values: &[(&str, &str)],
    ) -> Result<(), Unknown> {
        let lagging = self.lagging;
        self.table_mut(kind).update(id, at_ms, values, lagging)
    }

    /// Moves a record to the recycle bin at that time.
    pub fn archive(&mut self, kind: Kind, id: &str, at_ms: i64) -> Result<(), Unknown> {
        self.table_mut(kind).archive(id, Some(at_ms))
    }

    /// Takes a record out of the recycle bin.
    pub fn restore(&mut self, kind: Kind, id: &str) -> Result<(), Unknown> {
        self.table_mut(kind).archive(id, None)
    }

    /// Deletes a record for good, as a privacy request does: nothing tells that it was there.
    pub fn purge(&mut self, kind: Kind, id: &str) -> Result<(), Unknown> {
        self.table_mut(kind).purge(id)
    }

    fn table(&self, kind: Kind) -> &Table {
        let [contacts, companies, deals] = &self.tables;
        match kind {
            Kind::Contacts => contacts,
            Kind::Companies => companies,
            Kind::Deals => deals,
        }
    }

    /// The table, to be changed: what was rendered from it is void.
    fn table_mut(&mut self, kind: Kind) -> &mut Table {
        self.pages.clear();
        let [contacts, companies, deals] = &mut self.tables;
        match kind {
            Kind::Contacts => contacts,
            Kind::Companies => companies,
            Kind::Deals => deals,
        }
    }

    fn authorize(&self, request: &Request) -> Result<(), Refusal> {
        let sent = request.header("authorization").and_then(|it| it.strip_prefix("Bearer "));
        if let Some(authority) = &self.authority {
            let standing = sent.map(|token| authority.with(|server| server.standing(token)));
            return match standing {
                Some(Standing::Live) => Ok(()),
                Some(Standing::Ended) => Err(Refusal::expired()),
                _ => Err(Refusal::unauthorized()),
            };
        }
        let Some(token) = &self.token else { return Ok(()) };
        match sent {
            Some(sent) if sent == token && !self.expired => Ok(()),
            Some(sent) if sent == token => Err(Refusal::expired()),
            _ => Err(Refusal::unauthorized()),
        }
    }

    fn route(&mut self, request: &Request) -> Result<Answer, Refusal> {
        self.authorize(request)?;
        let path = request.path().to_owned();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["crm", "v3", "objects", kind]) => self.list(Kind::parse(kind)?, request),
            ("GET", ["crm", "v3", "objects", kind, id]) => {
                self.get(Kind::parse(kind)?, id, request)
            }
            ("POST", ["crm", "v3", "objects", kind, "search"]) => {
                self.search(Kind::parse(kind)?, request)
            }
            ("POST", ["crm", "v3", "objects", kind, "batch", "read"]) => {
                self.batch_read(Kind::parse(kind)?, request)
            }
            ("GET", ["crm", "v3", "properties", kind]) => {
                Ok(account::properties(Kind::parse(kind)?))
            }
            ("GET", ["crm", "v3", "owners"]) => Ok(account::owners()),
            ("GET", ["account-info", "v3", "details"]) => Ok(account::details()),
            _ => Err(Refusal::no_route()),
        }
    }
}

impl Default for HubSpot {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for HubSpot {
    fn answer(&mut self, request: &Request) -> Answer {
        self.route(request).unwrap_or_else(Refusal::into_answer)
    }

    fn refusal(&self, _request: &Request, status: u16) -> Answer {
        Refusal::of(status).into_answer()
    }

    /// The oldest contact is changed: in lists by modification it moves to the end.
    fn drift(&mut self) {
        let table = self.table_mut(Kind::Contacts);
        table.touch_oldest();
    }
}

#[cfg(test)]
mod tests;
