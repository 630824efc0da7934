//! A world of news behind two doors: `NewsAPI` with a key, and the RSS search of Google News.

mod article;
mod newsapi;
mod query;
mod rss;

pub use article::Article;

use crate::message::{Answer, Request};
use crate::provider::Provider;

/// The time of the newest article unless it is told otherwise: 2026-06-01, 11 o'clock.
pub const NEWEST_MS: i64 = 1_780_311_600_000;

/// Results that the development plan of `NewsAPI` shows of a query.
pub const DEVELOPER_RESULTS_MAX: usize = 100;

/// The news.
#[derive(Clone, Debug, Default)]
pub struct News {
    /// From the newest to the oldest.
    articles: Vec<Article>,
    key: Option<String>,
    results_max: Option<usize>,
    consent: bool,
    /// Decides the order of relevance; drift changes it.
    mood: u64,
}

impl News {
    /// No news at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// So many articles, three hours apart, about a dozen invented companies.
    pub fn with_articles(count: u64, seed: u64) -> Self {
        Self { articles: article::series(count, seed, NEWEST_MS), ..Self::default() }
    }

    /// The same news, moved in time so that the newest article is of that instant.
    #[must_use]
    pub fn ending(mut self, newest_ms: i64) -> Self {
        let newest = self.articles.first().map_or(newest_ms, |article| article.published_ms);
        for article in &mut self.articles {
            article.published_ms += newest_ms - newest;
        }
        self
    }

    /// The same news, with `NewsAPI` open to this key only; without one every key will do.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The same news on the development plan, which shows a hundred results of a query.
    #[must_use]
    pub fn developer_plan(mut self) -> Self {
        self.results_max = Some(DEVELOPER_RESULTS_MAX);
        self
    }

    /// Lets the RSS search ask for consent first, as it does in some countries.
    pub fn ask_consent(&mut self, consent: bool) {
        self.consent = consent;
    }

    /// Publishes one more article.
    pub fn publish(&mut self, article: Article) {
        let newer = |it: &Article| it.published_ms > article.published_ms;
        let place = self.articles.partition_point(newer);
        self.articles.insert(place, article);
    }

    /// The articles, from the newest to the oldest.
    pub fn articles(&self) -> &[Article] {
        &self.articles
    }
}

impl Provider for News {
    fn answer(&mut self, request: &Request) -> Answer {
        match (request.method.as_str(), request.path()) {
            ("GET", "/v2/everything") => self.everything(request),
            ("GET", "/rss/search") => self.search(request),
            ("GET", "/rss/unsupported") => rss::unsupported(),
            _ => self.refusal(request, 404),
        }
    }

    /// `NewsAPI` refuses in JSON, Google News with a page for people.
    fn refusal(&self, request: &Request, status: u16) -> Answer {
        if request.path().starts_with("/v2/") {
            newsapi::refusal(status)
        } else {
            rss::refusal(status)
        }
    }

    /// A new article arrives and moves all others down; the order of relevance changes.
    fn drift(&mut self) {
        self.mood += 1;
        let newest = self.articles.first().map_or(NEWEST_MS, |article| article.published_ms);
        self.publish(article::invented(u64::MAX - self.mood, self.mood, newest + 60_000));
    }
}

#[cfg(test)]
mod tests;
