//! A provider of a few records, and the adapter that reads it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use model::adapter::{
    Account, Adapter, Called, Entity, Next, Page, PullRequest, Receipt, Selection,
};
use model::record::{Record, Removal, Tombstone};
use model::{Error, ErrorKind};

/// Records per page.
pub(crate) const PAGE: usize = 2;

type Answer = Box<dyn FnMut(&PullRequest) -> Result<Page, Error> + Send>;

/// An adapter that answers what a test wants and remembers what it was asked.
pub(crate) struct Scripted {
    answer: Answer,
    pub(crate) offers: Result<Vec<Entity>, Error>,
    pub(crate) asked: Arc<Mutex<Vec<PullRequest>>>,
}

impl Scripted {
    pub(crate) fn new(
        answer: impl FnMut(&PullRequest) -> Result<Page, Error> + Send + 'static,
    ) -> Self {
        Self { answer: Box::new(answer), offers: Ok(Vec::new()), asked: Arc::default() }
    }

    /// Reads a list of ten records of every entity.
    pub(crate) fn ten() -> Self {
        Self::new(|request| Ok(page_of(request, 10)))
    }

    /// Reads a list of ten records, but fails at the call of this number, from 0.
    pub(crate) fn failing_at(call: usize, error: &Error) -> Self {
        let mut calls = 0;
        let error = error.clone();
        Self::new(move |request| {
            calls += 1;
            if calls == call + 1 { Err(error.clone()) } else { Ok(page_of(request, 10)) }
        })
    }

    /// What was asked, as short text.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(short).collect()
    }
}

fn short(request: &PullRequest) -> String {
    let selection = match &request.selection {
        Selection::Window(w) => format!("{}..{}", w.from, w.until),
        Selection::Deleted(w) => format!("deleted {}..{}", w.from, w.until),
        other => format!("{other:?}").to_lowercase(),
    };
    let part = request.part.as_ref().map(|part| format!("/{part}")).unwrap_or_default();
    let checkpoint = request.checkpoint.as_ref().map(|c| format!(" @{c}")).unwrap_or_default();
    format!("{}{part} {selection}{checkpoint}", request.entity)
}

/// The page of a list of so many records that the request asks for.
pub(crate) fn page_of(request: &PullRequest, count: usize) -> Page {
    let from: usize = request.checkpoint.as_deref().map_or(0, |c| c.parse().unwrap_or(0));
    let until = (from + PAGE).min(count);
    let part = request.part.as_deref().unwrap_or_default();
    let records = (from..until).map(|n| record(&request.entity, &format!("{part}{n}")));
    let next =
        if until < count { Next::More(until.to_string()) } else { Next::Done(String::new()) };
    page(records.collect(), next)
}

pub(crate) fn page(records: Vec<Record>, next: Next) -> Page {
    Page { records, tombstones: Vec::new(), rejects: Vec::new(), next, details: Vec::new() }
}

pub(crate) fn record(entity: &str, id: &str) -> Record {
    Record {
        entity: entity.to_owned(),
        id: id.to_owned(),
        version: None,
        modified: None,
        payload: Bytes::from(format!("{{\"name\":\"{entity} {id}\",\"token\":\"t\"}}")),
        contents: Vec::new(),
        details: Vec::new(),
    }
}

pub(crate) fn tombstone(entity: &str, id: &str) -> Tombstone {
    Tombstone {
        entity: entity.to_owned(),
        id: id.to_owned(),
        reason: Removal::Archived,
        successor: None,
        deleted: None,
    }
}

pub(crate) fn error(kind: ErrorKind) -> Error {
    Error::new(kind, format!("test.{kind}"), "the provider said no").sent()
}

#[async_trait]
impl Adapter for Scripted {
    async fn check(&mut self) -> Called<Account> {
        let outcome = Err(error(ErrorKind::Unsupported));
        Called { outcome, receipt: Receipt::default() }
    }

    async fn discover(&mut self, _name: Option<&str>, _part: Option<&str>) -> Called<Vec<Entity>> {
        Called { outcome: self.offers.clone(), receipt: cost() }
    }

    async fn pull(&mut self, request: PullRequest) -> Called<Page> {
        // As a real call would, it gives way to the other half of the run.
        tokio::task::yield_now().await;
        self.asked.lock().unwrap().push(request.clone());
        Called { outcome: (self.answer)(&request), receipt: cost() }
    }
}

/// What every call costs.
fn cost() -> Receipt {
    Receipt { http_calls: 1, ..Receipt::default() }
}
