//! The source with a key: `NewsAPI.org`.

use plughouse_sdk::json::{self, Item};
use plughouse_sdk::{Error, ErrorKind, Request, Response, Window, retry_after_ms, time};

use crate::article::{Article, Precision};
use crate::locale::Locale;
use crate::{error, html};

/// Articles of a page at most.
pub(crate) const PAGE_MAX: u32 = 100;

/// How long a spent plan is waited for. Its day ends at a time that no answer tells; asking once
/// an hour costs 24 refused requests at most.
const PLAN_WAIT_MS: u64 = 3_600_000;

/// A page of articles.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) articles: Vec<Article>,
    /// Articles of the page, removed ones included.
    pub(crate) shown: u32,
    /// Articles of the query; shrinks and grows between pages.
    pub(crate) total: u64,
}

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The plan shows no more of this query, or nothing as old as this.
    Plan(Error),
    /// Nothing more for now: the requests are spent, or the service is down.
    Exhausted(Error),
    /// Nothing that another source could make good.
    Other(Error),
}

impl Refusal {
    /// The error alone.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Plan(error) | Self::Exhausted(error) | Self::Other(error) => error,
        }
    }
}

impl From<Error> for Refusal {
    /// The host's own error: it may have waited for the limit itself.
    fn from(error: Error) -> Self {
        match error.kind {
            ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Timeout => {
                Self::Exhausted(error)
            }
            _ => Self::Other(error),
        }
    }
}

/// One page of one query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search<'a> {
    pub(crate) query: &'a str,
    pub(crate) locale: &'a Locale,
    /// The time of publication; none is the whole history of the plan.
    pub(crate) window: Option<&'a Window>,
    /// From one.
    pub(crate) page: u32,
    pub(crate) size: u32,
}

impl Search<'_> {
    /// Asks for the page.
    pub(crate) fn send(&self) -> Result<Found, Refusal> {
        let mut request = Request::get("newsapi", "/v2/everything")
            .query("q", self.query)
            .query("sortBy", "publishedAt")
            .query("pageSize", &self.size.to_string())
            .query("page", &self.page.to_string());
        if let Some(language) = self.locale.newsapi_language() {
            request = request.query("language", language);
        }
        if let Some(window) = self.window {
            // Both ends count there; seconds are the unit.
            let until_ms = window.until_ms.saturating_sub(1);
            request =
                request.query("from", &seconds(window.from_ms)).query("to", &seconds(until_ms));
        }
        let response = request.send()?;
        match refusal(&response) {
            Some(refusal) => Err(refusal),
            None => Ok(read(&response)?),
        }
    }
}

/// `2026-05-01T10:00:00`, which is UTC there.
fn seconds(ms: u64) -> String {
    time::format_rfc3339(ms - ms % 1000).trim_end_matches('Z').to_owned()
}

/// Classifies an answer; errors come with status 200 as well.
fn refusal(response: &Response) -> Option<Refusal> {
    let facts = json::values(["/status", "/code"]).read(response).ok();
    let fact = |position| facts.as_ref().and_then(|facts| facts.text(position));
    if response.is_success() && fact(0).as_deref() != Some("error") {
        return None;
    }
    let code = fact(1).unwrap_or_default();
    let refused = |kind, code: &str, message: &str| {
        error(kind, code, message).detail("status", &response.status.to_string())
    };
    Some(match (response.status, code.as_ref()) {
        (_, "apiKeyMissing" | "apiKeyInvalid" | "apiKeyDisabled") | (401, _) => Refusal::Other(
            refused(ErrorKind::AuthRequired, "key", "NewsAPI does not accept the key"),
        ),
        (_, "rateLimited" | "apiKeyExhausted") | (429, _) => Refusal::Exhausted(
            refused(ErrorKind::RateLimited, "plan-spent", "the requests of the plan are spent")
                .retry_after(retry_after_ms(response).or(Some(PLAN_WAIT_MS))),
        ),
        (_, "maximumResultsReached" | "corsNotAllowed") | (426, _) => Refusal::Plan(refused(
            ErrorKind::Permission,
            "plan",
            "the plan shows no more of this query",
        )),
        (_, "unexpectedError") | (500..=599, _) => Refusal::Exhausted(
            refused(ErrorKind::Unavailable, "newsapi", "NewsAPI cannot answer now")
                .retry_after(retry_after_ms(response)),
        ),
        (200 | 400..=499, code) => Refusal::Other(
            refused(ErrorKind::Invalid, "refused", "NewsAPI refuses the request")
                .detail("code", code),
        ),
        _ => Refusal::Other(refused(
            ErrorKind::Malformed,
            "status",
            "NewsAPI answered with a status that means nothing here",
        )),
    })
}

fn read(response: &Response) -> Result<Found, Error> {
    let picks = ["/title", "/description", "/url", "/publishedAt", "/source/name"];
    let answer = json::list("/articles", picks).and(["/totalResults"]).read(response)?;
    let total = answer.text(0).and_then(|total| total.parse().ok());
    let shown = u32::try_from(answer.items().len()).unwrap_or(u32::MAX);
    Ok(Found {
        articles: answer.items().iter().map(article).filter(|it| !it.is_removed()).collect(),
        shown,
        // Without a number the next page tells by being empty.
        total: total.unwrap_or(u64::MAX),
    })
}

fn article(item: &Item<'_>) -> Article {
    let text = |position| item.text(position).map(|text| text.trim().to_owned());
    let published_ms = item.time(3);
    Article {
        title: text(0).unwrap_or_default(),
        url: text(2).unwrap_or_default(),
        published_ms,
        precision: published_ms.map(|_| Precision::Second),
        publisher: text(4).unwrap_or_default(),
        // Publishers put HTML into it now and then.
        summary: item.text(1).map(|summary| html::text(&summary)),
        ..Article::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, code: &str, expected: &str) {
        let body = format!(r#"{{"status":"error","code":"{code}","message":"m"}}"#).into_bytes();
        let refusal = refusal(&Response { id: 1, status, headers: Vec::new(), body }).unwrap();
        let (class, error) = match refusal {
            Refusal::Plan(error) => ("plan", error),
            Refusal::Exhausted(error) => ("exhausted", error),
            Refusal::Other(error) => ("other", error),
        };
        assert_eq!(format!("{class} {:?} {}", error.kind, error.code), expected);
    }

    #[test]
    fn refusals_are_classified_by_code_and_status() {
        check(401, "apiKeyInvalid", "other ErrorKind::AuthRequired google_news.key");
        check(200, "apiKeyDisabled", "other ErrorKind::AuthRequired google_news.key");
        check(429, "rateLimited", "exhausted ErrorKind::RateLimited google_news.plan-spent");
        check(200, "apiKeyExhausted", "exhausted ErrorKind::RateLimited google_news.plan-spent");
        check(426, "maximumResultsReached", "plan ErrorKind::Permission google_news.plan");
        check(426, "", "plan ErrorKind::Permission google_news.plan");
        check(500, "unexpectedError", "exhausted ErrorKind::Unavailable google_news.newsapi");
        check(503, "", "exhausted ErrorKind::Unavailable google_news.newsapi");
        check(400, "parametersMissing", "other ErrorKind::Invalid google_news.refused");
        check(200, "sourcesTooMany", "other ErrorKind::Invalid google_news.refused");
        check(302, "", "other ErrorKind::Malformed google_news.status");
    }

    #[test]
    fn instants_are_written_as_newsapi_reads_them() {
        assert_eq!(seconds(1_777_629_600_999), "2026-05-01T10:00:00");
    }
}
