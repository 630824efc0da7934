//! The door with a key: `/v2/everything`.

use serde_json::{Value, json};

use crate::message::{Answer, Request};
use crate::news::article::Article;
use crate::news::query::Query;
use crate::news::{NEWEST_MS, News};
use crate::random::Random;
use crate::time;

/// Articles of a page at most, and when nothing is asked for.
const PAGE_SIZE_MAX: usize = 100;

/// Characters of a query at most.
const QUERY_CHARS_MAX: usize = 500;

impl News {
    /// Answers a page of articles, the newest first unless relevance is asked for.
    pub(super) fn everything(&self, request: &Request) -> Answer {
        self.page(request).unwrap_or_else(|refused| refused)
    }

    fn page(&self, request: &Request) -> Result<Answer, Answer> {
        self.authorize(request)?;
        let text = request.query("q").filter(|q| !q.is_empty()).ok_or_else(|| {
            error(
                400,
                "parametersMissing",
                "Required parameters are missing. Please set any of the \
                following parameters and try again: q, qInTitle, sources, domains.",
            )
        })?;
        if text.chars().count() > QUERY_CHARS_MAX {
            return Err(error(400, "parameterInvalid", "The query is longer than 500 characters."));
        }
        let page = number(request, "page", 1, usize::MAX)?;
        let size = number(request, "pageSize", PAGE_SIZE_MAX, PAGE_SIZE_MAX)?;
        let start = (page - 1).saturating_mul(size);
        if self.results_max.is_some_and(|most| start.saturating_add(size) > most) {
            let until = start.saturating_add(size);
            return Err(error(
                426,
                "maximumResultsReached",
                &format!(
                    "You have requested too many \
                results. Developer accounts are limited to a max of 100 results. You are trying to \
                request results {start} to {until}. Please upgrade to a paid plan if you need more \
                results."
                ),
            ));
        }
        let found = self.found(request, &text)?;
        let articles: Vec<Value> = found.iter().skip(start).take(size).map(|it| json(it)).collect();
        let body = json!({ "status": "ok", "totalResults": found.len(), "articles": articles });
        Ok(Answer::value(200, &body))
    }

    fn found(&self, request: &Request, text: &str) -> Result<Vec<&Article>, Answer> {
        let (from, until) = (instant(request, "from")?, instant(request, "to")?);
        let query = Query::parse(text, NEWEST_MS);
        let mut found: Vec<&Article> = self
            .articles
            .iter()
            .filter(|it| from.is_none_or(|from| it.published_ms >= from))
            .filter(|it| until.is_none_or(|until| it.published_ms <= until))
            .filter(|it| query.matches(it))
            .collect();
        if matches!(request.query("sortBy").as_deref(), Some("relevancy" | "popularity")) {
            found.sort_by_key(|it| Random::of(self.mood, it.number).next());
        }
        Ok(found)
    }

    fn authorize(&self, request: &Request) -> Result<(), Answer> {
        let key = request.header("x-api-key").or_else(|| request.header("authorization"));
        let key = key.map(str::to_owned).or_else(|| request.query("apiKey"));
        match (key, &self.key) {
            (None, _) => Err(error(
                401,
                "apiKeyMissing",
                "Your API key is missing. Append this to the \
                URL with the apiKey param, or use the x-api-key HTTP header.",
            )),
            (Some(sent), Some(key)) if sent != *key => Err(error(
                401,
                "apiKeyInvalid",
                "Your API key \
                is invalid or incorrect. Check your key, or go to https://newsapi.org to create a free \
                API key.",
            )),
            _ => Ok(()),
        }
    }
}

/// The refusal with that status.
pub(super) fn refusal(status: u16) -> Answer {
    match status {
        401 => error(401, "apiKeyInvalid", "Your API key is invalid or incorrect."),
        429 => error(429, "rateLimited", "You have made too many requests recently."),
        426 => error(426, "maximumResultsReached", "You have requested too many results."),
        404 => error(404, "endpointDoesntExist", "The endpoint you have requested doesn't exist."),
        other if other < 500 => error(other, "parameterInvalid", "The request is not valid."),
        other => error(other, "unexpectedError", "This shouldn't happen."),
    }
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    Answer::value(status, &json!({ "status": "error", "code": code, "message": message }))
}

fn number(request: &Request, name: &str, default: usize, most: usize) -> Result<usize, Answer> {
    let Some(text) = request.query(name) else { return Ok(default) };
    text.parse().ok().filter(|number| (1..=most).contains(number)).ok_or_else(|| {
        error(400, "parameterInvalid", &format!("The {name} parameter is not valid: {text}"))
    })
}

fn instant(request: &Request, name: &str) -> Result<Option<i64>, Answer> {
    let Some(text) = request.query(name) else { return Ok(None) };
    time::parse(&text).map(Some).ok_or_else(|| {
        error(400, "parameterInvalid", &format!("The {name} parameter is not a date: {text}"))
    })
}

fn json(article: &Article) -> Value {
    let mut random = Random::of(0x0a91, article.number);
    // Some articles were taken back; their place stays.
    if random.one_in(97) {
        return json!({
            "source": { "id": null, "name": "[Removed]" }, "author": null, "title": "[Removed]",
            "description": "[Removed]", "url": "https://removed.com", "urlToImage": null,
            "publishedAt": time::iso_seconds(article.published_ms), "content": "[Removed]",
        });
    }
    let content = article.description.as_ref().map(|it| format!("{it} … [+2339 chars]"));
    let image =
        random.one_in(2).then(|| format!("{}/image/{:x}.jpg", article.site, article.number));
    json!({
        "source": { "id": article.source_id, "name": article.publisher },
        "author": if random.one_in(3) { Value::Null } else { "Sam Ple".into() },
        "title": format!("{} - {}", article.title, article.publisher),
        "description": article.description,
        "url": article.url(),
        "urlToImage": image,
        "publishedAt": time::iso_seconds(article.published_ms),
        "content": content,
    })
}
