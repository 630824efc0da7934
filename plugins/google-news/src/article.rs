//! An article, whichever source it came from, and the record that is made of it.

use plughouse_sdk::{ErrorKind, Payload, Record, Reject, time};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::html::Link;
use crate::{error, url};

/// The one entity of the manifest.
pub(crate) const ENTITY: &str = "article";

const DAY_MS: u64 = 86_400_000;

/// Times of day, in hours UTC, that stand for a day alone: midnight in UTC, and in California in
/// summer and winter.
const MIDNIGHTS: [u64; 3] = [0, 7, 8];

/// Where an article was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Origin {
    NewsApi,
    Rss,
}

/// How exactly the time of publication is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Precision {
    Second,
    Day,
}

impl Precision {
    /// What a feed's time of publication tells: many name a day as its midnight.
    pub(crate) fn of(published_ms: u64) -> Self {
        let rest = published_ms % DAY_MS;
        if MIDNIGHTS.iter().any(|hour| hour * 3_600_000 == rest) { Self::Day } else { Self::Second }
    }
}

/// An article as its source tells it.
#[derive(Debug, Default)]
pub(crate) struct Article {
    /// The source's own id; without one the address identifies the article.
    pub(crate) guid: Option<String>,
    pub(crate) title: String,
    pub(crate) url: String,
    pub(crate) published_ms: Option<u64>,
    pub(crate) precision: Option<Precision>,
    pub(crate) publisher: String,
    /// The publisher's own address, where the article's is not one of the publisher.
    pub(crate) publisher_url: Option<String>,
    pub(crate) summary: Option<String>,
    /// Further articles on the same matter.
    pub(crate) related: Vec<Link>,
}

/// What the query adds to each of its articles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) query: &'a str,
    pub(crate) language: &'a str,
    pub(crate) origin: Origin,
}

/// The payload. No text of the article is kept but headline and summary, and not the query: an
/// article that two queries find would change with each.
#[derive(Serialize)]
struct Body<'a> {
    kind: &'static str,
    title: &'a str,
    url: &'a str,
    published_at: Option<String>,
    date_precision: Option<Precision>,
    publisher: Publisher<'a>,
    summary: Option<&'a str>,
    language: &'a str,
    origin: Origin,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    related: &'a [Link],
}

#[derive(Serialize)]
struct Publisher<'a> {
    name: Option<&'a str>,
    domain: Option<String>,
}

impl Article {
    /// Makes the record, or says why it cannot be one.
    pub(crate) fn into_record(self, context: &Context<'_>) -> Result<Record, Box<Reject>> {
        let url = url::normalise(&self.url);
        let title = headline(&self.title, &self.publisher);
        if !url::is_web(&url) {
            return Err(self.into_reject("url", "the article has no web address"));
        }
        if title.is_empty() {
            return Err(self.into_reject("title", "the article has no title"));
        }
        let body = Body {
            kind: "news_article",
            title,
            url: &url,
            published_at: self.published_ms.map(time::format_rfc3339),
            date_precision: self.precision,
            publisher: Publisher {
                name: Some(self.publisher.as_str()).filter(|name| !name.is_empty()),
                domain: url::domain(self.publisher_url.as_deref().unwrap_or(&url)),
            },
            summary: self.summary.as_deref().filter(|summary| !summary.is_empty()),
            language: context.language,
            origin: context.origin,
            related: &self.related,
        };
        let Ok(payload) = serde_json::to_vec(&body) else {
            return Err(self.into_reject("payload", "the article cannot be written as JSON"));
        };
        let id = self.guid.unwrap_or_else(|| sha256(&url));
        Ok(Record {
            modified_ms: self.published_ms,
            details: vec![("query", context.query).into()],
            ..Record::new(ENTITY, &id, Payload::Json(payload))
        })
    }

    /// Tells what stands in the place of an article that was taken back.
    pub(crate) fn is_removed(&self) -> bool {
        self.title == "[Removed]" || url::domain(&self.url).as_deref() == Some("removed.com")
    }

    fn into_reject(self, code: &str, message: &str) -> Box<Reject> {
        let error = error(ErrorKind::Malformed, code, message);
        Box::new(Reject::new(ENTITY, self.guid.as_deref(), error))
    }
}

/// The title without the publisher at its end: exactly that, for a name may itself hold ` - `.
fn headline<'a>(title: &'a str, publisher: &str) -> &'a str {
    let title = title.trim();
    title
        .strip_suffix(publisher)
        .filter(|_| !publisher.is_empty())
        .and_then(|title| title.strip_suffix(" - "))
        .map_or(title, str::trim_end)
}

fn sha256(text: &str) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing into a String cannot fail.
        let _written = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: Context<'_> = Context { query: "acme", language: "en", origin: Origin::NewsApi };

    #[track_caller]
    fn check(title: &str, publisher: &str, expected: &str) {
        assert_eq!(headline(title, publisher), expected);
    }

    #[test]
    fn publisher_is_stripped_exactly() {
        check("Acme opens plant - Example Times", "Example Times", "Acme opens plant");
        check("Up 4 % - Q2 - Business - Daily", "Business - Daily", "Up 4 % - Q2");
        check("Acme results – Q2 - Demo | Wire", "Demo | Wire", "Acme results – Q2");
        check("A story of Example Times", "Example Times", "A story of Example Times");
        check("Acme - Other", "Example Times", "Acme - Other");
        check("Acme - ", "", "Acme -");
    }

    #[test]
    fn payload_keeps_headline_link_and_date() {
        let article = Article {
            title: "Acme wins - Post".into(),
            url: "https://Post.example/1?utm_source=x".into(),
            published_ms: Some(1_783_999_996_000),
            precision: Some(Precision::Second),
            publisher: "Post".into(),
            summary: Some("It \"won\".".into()),
            ..Article::default()
        };
        let record = article.into_record(&CONTEXT).unwrap();
        assert_eq!(record.id, sha256("https://post.example/1"));
        assert_eq!(record.details, [("query", "acme").into()]);
        let Payload::Json(payload) = record.payload else { panic!("a payload of its own") };
        assert_eq!(
            String::from_utf8(payload).unwrap(),
            "{\"kind\":\"news_article\",\"title\":\"Acme wins\",\"url\":\"https://post.example/1\",\
             \"published_at\":\"2026-07-14T03:33:16Z\",\"date_precision\":\"second\",\
             \"publisher\":{\"name\":\"Post\",\"domain\":\"post.example\"},\
             \"summary\":\"It \\\"won\\\".\",\"language\":\"en\",\"origin\":\"newsapi\"}"
        );
    }

    #[test]
    fn id_is_the_digest_of_the_address() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256("abc"), abc);
    }

    #[test]
    fn article_without_address_or_title_is_rejected() {
        let reject = |title: &str, url: &str| {
            let article = Article { title: title.into(), url: url.into(), ..Article::default() };
            article.into_record(&CONTEXT).unwrap_err().error.code
        };
        assert_eq!(reject("a", "javascript:alert(1)"), "google_news.url");
        assert_eq!(reject(" ", "https://e.com"), "google_news.title");
    }

    #[test]
    fn midnight_stands_for_a_day() {
        let of = |hours: u64, seconds: u64| Precision::of(hours * 3_600_000 + seconds * 1000);
        assert_eq!(of(20_000 * 24, 0), Precision::Day);
        assert_eq!(of(20_000 * 24 + 7, 0), Precision::Day);
        assert_eq!(of(20_000 * 24 + 7, 1), Precision::Second);
        assert_eq!(of(20_000 * 24 + 9, 0), Precision::Second);
    }
}
