//! A connection to simulated news, and a store for what is pulled from it.

use std::collections::{BTreeMap, BTreeSet};

use plughouse_google_news::GoogleNews;
use plughouse_sdk::{Adapter as _, Error, Next, Page, PullRequest, Reject, Selection, Window};
use plughouse_testkit::native::TestHost;
use plughouse_testkit::{News, Provider, Request};
use serde_json::Value;

/// Longer than the history of any simulator.
pub(crate) const EVER: Window = Window { from_ms: 0, until_ms: 4_102_444_800_000 };

/// A connection with a key, to a tenant that has not accepted the terms of the feeds: the host
/// keeps their endpoint shut.
pub(crate) fn with_key(provider: impl Provider + 'static, queries: &str) -> TestHost {
    TestHost::new(provider)
        .endpoint("newsapi", "https://newsapi.org")
        .inject("newsapi", "x-api-key", "0123456789abcdef")
        .variable("auth", "key")
        .variable("queries", queries)
        .variable("locale", "en-GB")
}

/// A connection with a key, and with the feeds open.
pub(crate) fn with_both(provider: impl Provider + 'static, queries: &str) -> TestHost {
    with_key(provider, queries).endpoint("rss", "https://news.google.com")
}

/// A connection without a key.
pub(crate) fn with_feeds(provider: impl Provider + 'static, queries: &str) -> TestHost {
    with_both(provider, queries).variable("auth", "none")
}

/// A request for the first page of a window.
pub(crate) fn request(window: Window) -> PullRequest {
    PullRequest {
        entity: "article".to_owned(),
        part: None,
        selection: Selection::Window(window),
        checkpoint: None,
        fields: Vec::new(),
        limit: 100,
    }
}

/// Reads one page.
pub(crate) fn pull(host: &TestHost, request: &PullRequest) -> Result<Page, Error> {
    host.run(|| GoogleNews::pull(request.clone()))
}

/// What a host keeps of a run.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) records: BTreeMap<String, Value>,
    /// The ids by the query that found them.
    pub(crate) found: BTreeMap<String, BTreeSet<String>>,
    pub(crate) rejects: Vec<Reject>,
    pub(crate) pages: usize,
    /// Records that differed from what was kept under their id.
    pub(crate) changes: usize,
}

impl Store {
    /// Pulls page by page to the end.
    pub(crate) fn run(&mut self, host: &TestHost, first: PullRequest) -> Result<(), Error> {
        let mut request = first;
        loop {
            let page = pull(host, &request)?;
            self.pages += 1;
            assert!(self.pages < 1_000, "the pull does not end");
            assert!(page.tombstones.is_empty(), "articles fall out of the window, they do not die");
            match self.take(host, page) {
                Next::More(checkpoint) => request.checkpoint = Some(checkpoint),
                Next::Partial(_) => return Ok(()),
                Next::Done(_) => panic!("no source shows everything"),
            }
        }
    }

    /// Keeps a page as the host would.
    pub(crate) fn take(&mut self, host: &TestHost, page: Page) -> Next {
        for record in page.records {
            let payload = host.payload(&record.payload).expect("a payload");
            let value: Value = serde_json::from_slice(&payload).expect("one JSON text");
            let query = record.details.into_iter().find(|detail| detail.name == "query");
            let query = query.expect("the query that found it").value;
            self.found.entry(query).or_default().insert(record.id.clone());
            let known = self.records.insert(record.id, value.clone());
            self.changes += usize::from(known != Some(value));
        }
        self.rejects.extend(page.rejects);
        page.next
    }

    /// The values of a member of the payloads.
    pub(crate) fn all(&self, member: &str) -> BTreeSet<String> {
        let text = |record: &Value| record[member].as_str().map(str::to_owned);
        self.records.values().filter_map(text).collect()
    }
}

/// The addresses that `NewsAPI` shows of a query, read without the adapter.
pub(crate) fn shown(news: &News, query: &str) -> BTreeSet<String> {
    let mut news = news.clone();
    let mut urls = BTreeSet::new();
    for page in 1.. {
        let target = format!("/v2/everything?q={query}&pageSize=100&page={page}");
        let request = Request::new("GET", target).header_added("x-api-key", "any");
        let answer: Value = serde_json::from_slice(&news.answer(&request).body).expect("JSON");
        let articles = answer["articles"].as_array().expect("articles");
        if articles.is_empty() {
            break;
        }
        let url = |article: &Value| article["url"].as_str().map(str::to_owned);
        urls.extend(articles.iter().filter_map(url).filter(|url| !url.contains("removed.com")));
    }
    urls
}
