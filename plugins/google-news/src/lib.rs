//! Reads news articles by query: from `NewsAPI.org` with a key, from the feeds of Google News where
//! their terms are accepted.
//!
//! Windows are all there is: neither source lists everything, and neither tells what is gone. Of an
//! article the headline, the address, the date, the publisher and the summary are kept, no text.

mod article;
mod feed;
mod html;
mod locale;
mod newsapi;
mod pull;
mod rss;
mod settings;
mod url;

use plughouse_sdk::{
    Account, Adapter, Entity, Error, ErrorKind, Field, FieldKind, Page, PullRequest, Selection,
    Window, host, unknown_entity, unsupported,
};

use crate::article::ENTITY;
use crate::newsapi::{Refusal, Search};
use crate::settings::Settings;

/// The adapter.
#[derive(Debug)]
pub struct GoogleNews;

impl Adapter for GoogleNews {
    const ID: &'static str = "google_news";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ENTITIES: &'static [&'static str] = &[ENTITY];

    fn check() -> Result<Account, Error> {
        let settings = Settings::read()?;
        if settings.key { check_key(&settings) } else { check_feed(&settings) }
    }

    fn discover(name: Option<&str>, _part: Option<&str>) -> Result<Vec<Entity>, Error> {
        match name {
            None => Ok(vec![Entity::new(ENTITY, "Articles", Vec::new())]),
            Some(ENTITY) => Ok(vec![Entity::new(ENTITY, "Articles", fields())]),
            Some(other) => Err(unknown_entity(other)),
        }
    }

    fn pull(request: PullRequest) -> Result<Page, Error> {
        if request.entity != ENTITY {
            return Err(unknown_entity(&request.entity));
        }
        match &request.selection {
            Selection::Window(window) => pull::window(&request, window),
            Selection::All | Selection::Changes | Selection::Deleted(_) | Selection::Ids(_) => {
                Err(unsupported("articles are read by window of publication only"))
            }
        }
    }
}

/// A key is no account: it has no name of its own, and two of them share nothing.
fn check_key(settings: &Settings) -> Result<Account, Error> {
    let query = settings.queries.first().map_or("", String::as_str);
    let search = Search { query, locale: &settings.locale, window: None, page: 1, size: 1 };
    match search.send() {
        Ok(_) | Err(Refusal::Plan(_)) => Ok(Account::new("newsapi.org", "NewsAPI.org")),
        Err(refusal) => Err(refusal.into_error()),
    }
}

fn check_feed(settings: &Settings) -> Result<Account, Error> {
    let query = settings.queries.first().map_or("", String::as_str);
    let until_ms = host::now_ms();
    let window = Window { from_ms: until_ms.saturating_sub(86_400_000), until_ms };
    rss::search(query, &settings.locale, &window)?;
    Ok(Account::new("news.google.com", "Google News feeds"))
}

fn fields() -> Vec<Field> {
    let choice = |name, label, choices: [(&str, &str); 2]| Field {
        choices: choices.map(Into::into).into(),
        ..Field::new(name, label, FieldKind::Choice)
    };
    vec![
        Field::new("title", "Title", FieldKind::Text),
        Field::new("url", "Address", FieldKind::Text),
        Field::new("published_at", "Published", FieldKind::DateTime),
        choice("date_precision", "Precision", [("second", "Second"), ("day", "Day")]),
        Field::new("publisher", "Publisher", FieldKind::Object),
        Field::new("summary", "Summary", FieldKind::Text),
        Field::new("language", "Language", FieldKind::Text),
        Field::new("query", "Query", FieldKind::Text),
        choice("origin", "Origin", [("newsapi", "NewsAPI"), ("rss", "Google News")]),
    ]
}

/// An error about an answer that came.
fn error(kind: ErrorKind, code: &str, message: &str) -> Error {
    Error::new(kind, &format!("google_news.{code}"), message)
}

plughouse_sdk::adapter!(GoogleNews);
