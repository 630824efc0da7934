//! The source without a key.

use std::collections::BTreeSet;

use plughouse_google_news::GoogleNews;
use plughouse_sdk::{Adapter as _, ErrorKind, Window};
use plughouse_testkit::news::NEWEST_MS;
use plughouse_testkit::{Fault, Faulty, News, Rule, Shared};

use crate::support::{EVER, Store, pull, request, with_both, with_feeds, with_key};

const DAY_MS: u64 = 86_400_000;

fn newest() -> u64 {
    u64::try_from(NEWEST_MS).unwrap()
}

/// Ten days before the newest article, as windows of a day.
fn days() -> impl Iterator<Item = Window> {
    let midnight = newest() / DAY_MS * DAY_MS;
    (0..10).map(move |day| {
        let until_ms = midnight - day * DAY_MS;
        Window { from_ms: until_ms - DAY_MS, until_ms }
    })
}

#[test]
fn windows_of_a_day_show_every_article_of_a_query() {
    let news = News::with_articles(200, 1);
    let host = with_feeds(news.clone(), "acme\nglobex");
    let mut store = Store::default();
    for day in days() {
        store.run(&host, request(day)).unwrap();
    }
    let (from, until) =
        (NEWEST_MS / 86_400_000 * 86_400_000 - 864_000_000, NEWEST_MS / 86_400_000 * 86_400_000);
    let expected: BTreeSet<String> = (news.articles().iter())
        .filter(|it| (from..until).contains(&it.published_ms))
        .filter(|it| it.title.contains("Acme") || it.title.contains("Globex"))
        .map(plughouse_testkit::news::Article::guid)
        .collect();
    assert!(expected.len() > 10, "{}", expected.len());
    assert_eq!(store.records.keys().cloned().collect::<BTreeSet<_>>(), expected);
    assert!(store.records.keys().any(|guid| guid.len() > 255));
    assert!(store.all("origin").iter().eq(["rss"]));
}

#[test]
fn titles_lose_the_publisher_and_nothing_else() {
    let news = News::with_articles(100, 2);
    let mut store = Store::default();
    store.run(&with_feeds(news.clone(), "a"), request(EVER)).unwrap();
    assert!(store.records.len() > 50);
    for article in news.articles() {
        let Some(record) = store.records.get(&article.guid()) else { continue };
        assert_eq!(record["title"], article.title.as_str());
        assert_eq!(record["publisher"]["name"], article.publisher.as_str());
        let domain = article.site.trim_start_matches("https://").trim_start_matches("www.");
        assert_eq!(record["publisher"]["domain"], domain);
        assert_eq!(record["language"], "en");
    }
    assert!(store.all("title").iter().any(|title| title.contains("“chief of staff”")));
}

#[test]
fn time_that_is_only_a_day_is_flagged() {
    let mut store = Store::default();
    store.run(&with_feeds(News::with_articles(100, 2), "a"), request(EVER)).unwrap();
    let precisions: Vec<String> = store.all("date_precision").into_iter().collect();
    assert_eq!(precisions, ["day", "second"]);
    for record in store.records.values().filter(|record| record["date_precision"] == "day") {
        let at = record["published_at"].as_str().unwrap();
        let midnight = ["T00:00:00Z", "T07:00:00Z", "T08:00:00Z"];
        assert!(midnight.iter().any(|end| at.ends_with(end)), "{at}");
    }
}

#[test]
fn same_feed_in_another_order_is_no_change() {
    let news = Shared::new(News::with_articles(60, 3));
    let host = with_feeds(Faulty::new(news.clone(), [Rule::always(Fault::DuplicateRow)]), "acme");
    // The windows of the days are over: nothing new can arrive in them.
    let mut store = Store::default();
    for _ in 0..3 {
        for day in days() {
            store.run(&host, request(day)).unwrap();
        }
        assert_eq!(store.changes, store.records.len());
        news.with(plughouse_testkit::Provider::drift);
    }
    assert!(store.records.len() > 5);
}

#[test]
fn requests_agree_on_the_locale() {
    for (locale, hl, ceid) in [("en-GB", "en-GB", "GB:en"), ("de-DE", "de", "DE:de")] {
        let host = with_feeds(News::with_articles(5, 1), "acme").variable("locale", locale);
        pull(&host, &request(EVER)).unwrap();
        let sent = host.requests().remove(0);
        assert_eq!(sent.query("hl").as_deref(), Some(hl));
        assert_eq!(sent.query("ceid").as_deref(), Some(ceid));
        assert_eq!(sent.header("x-api-key"), None);
    }
}

#[test]
fn page_for_people_is_an_error_and_not_an_empty_feed() {
    let mut news = News::with_articles(5, 1);
    news.ask_consent(true);
    let error = pull(&with_feeds(news, "acme"), &request(EVER)).unwrap_err();
    assert_eq!(
        (error.kind, error.code.as_str()),
        (ErrorKind::Permission, "google_news.consent-page")
    );
    let host = with_feeds(Faulty::new(News::new(), [Rule::always(Fault::Html)]), "acme");
    assert_eq!(pull(&host, &request(EVER)).unwrap_err().code, "google_news.consent-page");
}

#[test]
fn feeds_stay_shut_without_consent() {
    let host = with_key(News::new(), "acme").variable("auth", "none");
    assert_eq!(pull(&host, &request(EVER)).unwrap_err().kind, ErrorKind::Denied);
    assert_eq!(host.run(GoogleNews::check).unwrap_err().kind, ErrorKind::Denied);
    assert_eq!(host.requests().len(), 0);
}

#[test]
fn account_without_a_key_is_the_feeds() {
    let host = with_feeds(News::with_articles(5, 1), "acme").now(newest());
    let account = host.run(GoogleNews::check).unwrap();
    assert_eq!(account.id, "news.google.com");
    let query = host.requests().remove(0).query("q");
    assert_eq!(query.as_deref(), Some("acme after:2026-05-31 before:2026-06-02"));
}

#[test]
fn connection_that_says_nonsense_asks_for_nothing() {
    for (name, value, code) in
        [("queries", "\n ", "google_news.queries"), ("locale", "english", "google_news.locale")]
    {
        let host = with_both(News::new(), "acme").variable(name, value);
        let error = pull(&host, &request(EVER)).unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Invalid, code));
        assert_eq!((host.requests().len(), error.request_sent), (0, false));
    }
}
