//! A connection to a fake account, and a store for what is pulled from it.

use std::collections::BTreeMap;

use plughouse_hubspot::HubSpot;
use plughouse_sdk::{Adapter as _, Error, Next, Page, PullRequest, Removal, Selection, Window};
use plughouse_testkit::Provider;
use plughouse_testkit::native::TestHost;
use serde_json::Value;

/// Longer than any time that a simulator knows.
pub(crate) const EVER: Window = Window { from_ms: 0, until_ms: 4_102_444_800_000 };

/// A connection to that provider.
pub(crate) fn connect(provider: impl Provider + 'static) -> TestHost {
    TestHost::new(provider)
        .endpoint("api", "https://api.hubapi.com")
        .inject("api", "authorization", "Bearer pat-na1-test")
        .variable("auth", "token")
}

/// A request for the first page.
pub(crate) fn request(entity: &str, selection: Selection) -> PullRequest {
    PullRequest {
        entity: entity.to_owned(),
        part: None,
        selection,
        checkpoint: None,
        fields: Vec::new(),
        limit: 100,
    }
}

/// Reads one page.
pub(crate) fn pull(host: &TestHost, request: &PullRequest) -> Result<Page, Error> {
    host.run(|| HubSpot::pull(request.clone()))
}

/// What a host keeps of a run.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) records: BTreeMap<String, Value>,
    pub(crate) tombstones: BTreeMap<String, Removal>,
    pub(crate) rejects: Vec<plughouse_sdk::Reject>,
    pub(crate) pages: usize,
}

impl Store {
    /// Pulls page by page to the end.
    pub(crate) fn run(&mut self, host: &TestHost, first: PullRequest) -> Result<(), Error> {
        let mut request = first;
        loop {
            let page = pull(host, &request)?;
            self.pages += 1;
            assert!(self.pages < 10_000, "the pull does not end");
            match self.take(host, page) {
                Next::More(checkpoint) => request.checkpoint = Some(checkpoint),
                Next::Done(_) => return Ok(()),
                Next::Partial(_) => panic!("HubSpot shows everything"),
            }
        }
    }

    /// Keeps a page as the host would: the payload is one JSON object with the record's id.
    fn take(&mut self, host: &TestHost, page: Page) -> Next {
        for record in page.records {
            let payload = host.payload(&record.payload).expect("a span of an answer of this call");
            let value: Value = serde_json::from_slice(&payload).expect("one JSON text");
            assert_eq!(value["id"], record.id.as_str());
            self.records.insert(record.id, value);
        }
        for tombstone in page.tombstones {
            self.tombstones.insert(tombstone.id, tombstone.reason);
        }
        self.rejects.extend(page.rejects);
        page.next
    }

    /// The ids of the records.
    pub(crate) fn ids(&self) -> Vec<String> {
        let mut ids: Vec<&String> = self.records.keys().collect();
        ids.sort_by_key(|id| id.parse::<u64>().expect("a number"));
        ids.into_iter().cloned().collect()
    }
}
