//! One page of a window: which source is asked, and where the run goes on.
//!
//! The queries are read one after the other, each page by page from `NewsAPI`. The feed takes its
//! place where there is no key, and for the rest of the window where the plan is spent or the
//! service is down. Never where the key is wrong: that is for a person to see.

use std::collections::HashSet;

use plughouse_sdk::checkpoint::Checkpoint;
use plughouse_sdk::{Error, ErrorKind, Next, Page, PullRequest, Window};
use serde::{Deserialize, Serialize};

use crate::article::{Article, Context, Origin};
use crate::newsapi::{self, Refusal, Search};
use crate::settings::Settings;
use crate::{error, rss};

/// Which source a run reads.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Lane {
    NewsApi,
    Rss,
}

/// Where a run goes on.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Position {
    lane: Lane,
    /// The query, by its number.
    query: usize,
    /// Articles of it that were shown.
    shown: u32,
}

impl Checkpoint for Position {
    const VERSION: u32 = 1;
}

/// Reads one page of what was published in the window.
pub(crate) fn window(request: &PullRequest, window: &Window) -> Result<Page, Error> {
    let settings = Settings::read()?;
    let start = if settings.key { Lane::NewsApi } else { Lane::Rss };
    let position = request.resume()?.unwrap_or(Position { lane: start, query: 0, shown: 0 });
    let query = settings.queries.get(position.query).ok_or_else(|| {
        let message = "the queries of the connection have changed since this page";
        error(ErrorKind::ExpiredCheckpoint, "queries-changed", message).unsent()
    })?;
    let run = Run { settings: &settings, window, position, query };
    match position.lane {
        Lane::NewsApi => run.newsapi(request.limit),
        Lane::Rss => run.rss(),
    }
}

/// One step of a run.
struct Run<'a> {
    settings: &'a Settings,
    window: &'a Window,
    position: Position,
    query: &'a str,
}

impl Run<'_> {
    fn newsapi(&self, limit: u32) -> Result<Page, Error> {
        let size = limit.clamp(1, newsapi::PAGE_MAX);
        let shown = self.position.shown;
        let search = Search {
            query: self.query,
            locale: &self.settings.locale,
            window: Some(self.window),
            // A host that halves its pages reads a few articles again and loses none.
            page: shown / size + 1,
            size,
        };
        match search.send() {
            Ok(found) => {
                let shown = (search.page - 1).saturating_mul(size).saturating_add(found.shown);
                let next = if found.shown == 0 || u64::from(shown) >= found.total {
                    self.next_query(Lane::NewsApi)?
                } else {
                    Next::more(&Position { shown, ..self.position })?
                };
                Ok(self.page(Origin::NewsApi, found.articles, next))
            }
            // The end of what the plan shows: the run goes on with the next query.
            Err(Refusal::Plan(_)) if shown > 0 => self.skip(),
            Err(Refusal::Plan(refused)) => self.rss().or_else(|_| {
                let page = self.skip()?;
                Ok(Page { details: vec![("skipped", refused.code.as_str()).into()], ..page })
            }),
            Err(Refusal::Exhausted(refused)) => {
                self.rss().map_err(|error| refused.detail("rss", &error.code))
            }
            Err(Refusal::Other(error)) => Err(error),
        }
    }

    fn rss(&self) -> Result<Page, Error> {
        let articles = rss::search(self.query, &self.settings.locale, self.window)?;
        Ok(self.page(Origin::Rss, articles, self.next_query(Lane::Rss)?))
    }

    /// A page without articles that leads to the next query.
    fn skip(&self) -> Result<Page, Error> {
        Ok(Page::new(Vec::new(), self.next_query(Lane::NewsApi)?))
    }

    /// No source shows everything, so a run that ends well ends partial.
    fn next_query(&self, lane: Lane) -> Result<Next, Error> {
        let query = self.position.query + 1;
        if query < self.settings.queries.len() {
            Next::more(&Position { lane, query, shown: 0 })
        } else {
            Ok(Next::Partial(String::new()))
        }
    }

    fn page(&self, origin: Origin, articles: Vec<Article>, next: Next) -> Page {
        let language = self.settings.locale.language();
        let context = Context { query: self.query, language, origin };
        let mut page = Page::new(Vec::with_capacity(articles.len()), next);
        let mut seen = HashSet::with_capacity(articles.len());
        for article in articles {
            match article.into_record(&context) {
                Ok(record) if !seen.insert(record.id.clone()) => {}
                Ok(record) => page.records.push(record),
                Err(reject) => page.rejects.push(*reject),
            }
        }
        page
    }
}
