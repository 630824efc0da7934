//! The door without a key: `/rss/search`.

use crate::message::{Answer, Request};
use crate::news::article::Article;
use crate::news::query::Query;
use crate::news::{NEWEST_MS, News};
use crate::random::Random;
use crate::text::{encoded, xml};
use crate::time::{self, DAY_MS};

/// Items of a feed; there is no second page.
const ITEMS_MAX: usize = 100;

/// Before dates, this much of the day is lost where only the day is known: 7 o'clock UTC is
/// midnight at the publisher's.
const DAY_ONLY_MS: i64 = 7 * 3_600_000;

const MEDIA_TYPE: &str = "application/xml; charset=utf-8";

impl News {
    /// Answers a feed in the order of relevance, or sends the reader away.
    pub(super) fn search(&self, request: &Request) -> Answer {
        if self.consent {
            let back = encoded(&format!("https://news.google.com{}", request.target));
            return Answer::empty(302)
                .header("location", format!("https://consent.google.com/m?continue={back}&gl=DE"));
        }
        if !locale_agrees(request) {
            return Answer::empty(302)
                .header("location", "https://news.google.com/rss/unsupported");
        }
        let Some(text) = request.query("q").filter(|q| !q.trim().is_empty()) else {
            return refusal(400);
        };
        let newest = self.articles.first().map_or(NEWEST_MS, |article| article.published_ms);
        let query = Query::parse(&text, newest);
        let mut found: Vec<&Article> =
            self.articles.iter().filter(|it| query.matches(it)).collect();
        found.sort_by_key(|it| Random::of(self.mood ^ 0x0955, it.number).next());
        found.truncate(ITEMS_MAX);
        Answer::new(200, MEDIA_TYPE, feed(request, &text, newest, &found).into_bytes())
    }
}

/// The page for a locale that does not exist.
pub(super) fn unsupported() -> Answer {
    let page = "<!doctype html><title>Google News</title><p>This feed is not available.</p>";
    Answer::new(404, "text/html; charset=utf-8", page.as_bytes())
}

/// The refusal with that status, a page for people.
pub(super) fn refusal(status: u16) -> Answer {
    let page = format!("<!doctype html><title>Error {status}</title><p>That’s an error.</p>");
    Answer::new(status, "text/html; charset=utf-8", page.into_bytes())
}

/// Whether language, country and edition fit together: `hl=de&gl=DE&ceid=DE:de`.
fn locale_agrees(request: &Request) -> bool {
    let value = |name| request.query(name).unwrap_or_default();
    let (language, country, edition) = (value("hl"), value("gl"), value("ceid"));
    if language.is_empty() && country.is_empty() && edition.is_empty() {
        return true;
    }
    edition.split_once(':').is_some_and(|(place, tongue)| {
        place == country && language.split('-').next() == tongue.split('-').next()
    })
}

fn feed(request: &Request, query: &str, built_ms: i64, items: &[&Article]) -> String {
    let language = request.query("hl").unwrap_or_else(|| "en-US".to_owned());
    let link = format!("https://news.google.com/search?q={}", encoded(query));
    let mut out = String::with_capacity(1024 + items.len() * 1500);
    out.push_str(r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><generator>NFE/5.0</generator>"#);
    element(&mut out, "title", &format!("{query} - Google News"));
    element(&mut out, "link", &link);
    element(&mut out, "language", &language);
    element(&mut out, "webMaster", "news-webmaster@google.com");
    element(&mut out, "copyright", "Invented by the simulator; nothing here is real.");
    element(&mut out, "lastBuildDate", &time::rfc822(built_ms));
    element(&mut out, "description", "Google News");
    for article in items {
        item(&mut out, article);
    }
    out.push_str("</channel></rss>");
    out
}

fn item(out: &mut String, article: &Article) {
    let guid = article.guid();
    let link = format!("https://news.google.com/rss/articles/{guid}?oc=5");
    let mut random = Random::of(0x0da7, article.number);
    // One in six tells the day only.
    let published = if random.one_in(6) {
        article.published_ms.div_euclid(DAY_MS) * DAY_MS + DAY_ONLY_MS
    } else {
        article.published_ms
    };
    out.push_str("<item>");
    element(out, "title", &format!("{} - {}", article.title, article.publisher));
    element(out, "link", &link);
    out.push_str(r#"<guid isPermaLink="false">"#);
    out.push_str(&guid);
    out.push_str("</guid>");
    element(out, "pubDate", &time::rfc822(published));
    element(out, "description", &description(article, &link, random.one_in(40)));
    let (site, name) = (xml(&article.site), xml(&article.publisher));
    out.extend([r#"<source url=""#, &site, r#"">"#, &name, "</source></item>"]);
}

/// The HTML of an item: one anchor, or now and then a cluster of them.
fn description(article: &Article, link: &str, cluster: bool) -> String {
    let anchor = format!(
        r##"<a href="{link}" target="_blank">{}</a>&nbsp;&nbsp;<font color="#6f6f6f">{}</font>"##,
        xml(&article.title),
        xml(&article.publisher),
    );
    if !cluster {
        return anchor;
    }
    format!("<ol><li>{anchor}</li><li>{anchor}</li></ol>")
}

fn element(out: &mut String, name: &str, value: &str) {
    out.extend(["<", name, ">", &xml(value), "</", name, ">"]);
}
