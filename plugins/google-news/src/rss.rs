//! The source without a key: the search feed of Google News.
//!
//! It has no pages and shows at most a hundred articles, ordered by relevance; windows of a day
//! show the most of it. Its links stay as they are: what they lead to is not part of the feed.

use plughouse_sdk::{Error, ErrorKind, Request, Response, Window, retry_after_ms, time};

use crate::article::{Article, Precision};
use crate::feed::{self, FeedError, Item};
use crate::locale::Locale;
use crate::{error, html};

/// Further articles of a cluster that are kept; those seen have five.
const RELATED_MAX: usize = 20;

const DAY_MS: u64 = 86_400_000;

/// Asks for the feed of a query and a window, which is widened to whole days.
pub(crate) fn search(query: &str, locale: &Locale, window: &Window) -> Result<Vec<Article>, Error> {
    let after = time::format_date(window.from_ms);
    let before = time::format_date(window.until_ms.div_ceil(DAY_MS).saturating_mul(DAY_MS));
    let triple = locale.triple();
    let mut request = Request::get("rss", "/rss/search")
        .query("q", &format!("{query} after:{after} before:{before}"))
        .header("Accept-Language", locale.language());
    for (name, value) in &triple {
        request = request.query(name, value);
    }
    let response = request.send()?;
    if let Some(refusal) = refusal(&response) {
        return Err(refusal);
    }
    match feed::read(&response.body) {
        Ok(items) => Ok(items.into_iter().map(article).collect()),
        Err(FeedError::Html) => Err(consent_page()),
        Err(reason) => Err(error(ErrorKind::Malformed, "feed", &reason.to_string())),
    }
}

/// Classifies an answer. A web page in place of the feed is a refusal, not a feed without items.
fn refusal(response: &Response) -> Option<Error> {
    let location = response.header("location").unwrap_or_default();
    let html = response
        .header("content-type")
        .is_some_and(|media_type| media_type.to_ascii_lowercase().contains("html"));
    let refused = |kind, code, message| Some(error(kind, code, message));
    match response.status {
        200 if html => Some(consent_page()),
        200 => None,
        300..=399 if location.contains("://consent.google.") => Some(consent_page()),
        300..=399 if location.contains("/rss/unsupported") => refused(
            ErrorKind::Invalid,
            "locale",
            "Google News has no edition for this locale; choose another",
        ),
        300..=399 => {
            refused(ErrorKind::Malformed, "redirect", "Google News leads to an unknown place")
        }
        403 => refused(ErrorKind::Permission, "blocked", "Google News refuses this host"),
        429 | 503 => {
            let error = error(ErrorKind::RateLimited, "rss-limit", "too many requests for feeds");
            Some(error.retry_after(retry_after_ms(response)))
        }
        400..=499 => refused(ErrorKind::Invalid, "query", "Google News refuses the query"),
        _ => refused(ErrorKind::Unavailable, "rss", "Google News cannot answer now"),
    }
}

fn consent_page() -> Error {
    error(
        ErrorKind::Permission,
        "consent-page",
        "Google News answers this host with a page for people; its feeds cannot be read from here",
    )
}

fn article(item: Item) -> Article {
    let entries = html::entries(&item.description);
    let (first, rest) = entries.split_first().unwrap_or((&"", &[]));
    let related = rest.iter().take(RELATED_MAX).filter_map(|entry| html::first_link(entry));
    let published_ms = time::parse_rfc2822(item.published.trim());
    let guid = item.guid.trim();
    Article {
        guid: (!guid.is_empty()).then(|| guid.to_owned()),
        summary: Some(html::text(first)),
        related: related.collect(),
        title: item.title,
        url: item.link.trim().to_owned(),
        published_ms,
        precision: published_ms.map(Precision::of),
        publisher: item.publisher.trim().to_owned(),
        publisher_url: Some(item.publisher_url),
    }
}
