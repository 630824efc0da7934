//! The source with a key.

use plughouse_google_news::GoogleNews;
use plughouse_sdk::{Adapter as _, Error, ErrorKind, Selection, Window};
use plughouse_testkit::news::NEWEST_MS;
use plughouse_testkit::{Answer, Fault, Faulty, News, Rule, Shared, from_fn};

use crate::support::{EVER, Store, pull, request, shown, with_key};

const DAY_MS: u64 = 86_400_000;

#[test]
fn every_page_of_every_query_is_read() {
    let news = News::with_articles(1_200, 1);
    let mut store = Store::default();
    store.run(&with_key(news.clone(), "acme\nglobex"), request(EVER)).unwrap();
    let mut expected = shown(&news, "acme");
    expected.extend(shown(&news, "globex"));
    assert!(expected.len() > 300, "{}", expected.len());
    assert_eq!(store.all("url"), expected);
    assert!(store.all("origin").iter().eq(["newsapi"]));
    assert!(store.rejects.is_empty());
    assert!(!store.all("title").iter().any(|title| title.contains("[Removed]")));
}

#[test]
fn articles_that_arrive_meanwhile_lose_none() {
    for seed in 0..8 {
        let news = Shared::new(News::with_articles(900, seed));
        let busy = [Rule::every(2, Fault::DuplicateRow), Rule::every(1 + seed % 2, Fault::Drift)];
        let host = with_key(Faulty::new(news.clone(), busy), "acme\ninitech");
        let mut store = Store::default();
        let before = news.with(|news| shown(news, "acme"));
        store.run(&host, request(EVER)).unwrap();
        assert!(store.all("url").is_superset(&before));

        // What arrived at the front is found by the next run.
        store.run(&with_key(news.clone(), "acme\ninitech"), request(EVER)).unwrap();
        let mut expected = news.with(|news| shown(news, "acme"));
        expected.extend(news.with(|news| shown(news, "initech")));
        assert_eq!(store.all("url"), expected);
    }
}

#[test]
fn same_news_again_are_no_change() {
    // Some articles are found by both.
    let host = with_key(News::with_articles(500, 1), "acme\na");
    let mut store = Store::default();
    for _ in 0..2 {
        store.run(&host, request(EVER)).unwrap();
        assert_eq!(store.changes, store.records.len());
    }
    assert!(!store.found["acme"].is_disjoint(&store.found["a"]));
}

#[test]
fn window_holds_its_start_and_not_its_end() {
    let newest = u64::try_from(NEWEST_MS).unwrap();
    let window = Window { from_ms: newest - DAY_MS, until_ms: newest };
    let host = with_key(News::with_articles(100, 1), "a");
    let mut store = Store::default();
    store.run(&host, request(window)).unwrap();
    let times = store.all("published_at");
    assert_eq!(times.first().map(String::as_str), Some("2026-05-31T11:00:00Z"));
    assert_eq!(times.last().map(String::as_str), Some("2026-06-01T08:00:00Z"));
    assert_eq!(times.len(), 8);
}

#[test]
fn plan_that_ends_after_a_hundred_results_ends_the_query_and_not_the_run() {
    let news = News::with_articles(1_200, 1).developer_plan();
    let mut store = Store::default();
    store.run(&with_key(news, "acme\nglobex"), request(EVER)).unwrap();
    assert_eq!(store.found.keys().collect::<Vec<_>>(), ["acme", "globex"]);
    assert!((150..=200).contains(&store.records.len()), "{}", store.records.len());
    assert_eq!(store.pages, 4);
}

#[test]
fn host_that_halves_its_pages_loses_no_article() {
    let news = News::with_articles(1_200, 1);
    let host = with_key(news.clone(), "acme");
    let mut store = Store::default();
    let mut request = request(EVER);
    let first = pull(&host, &request).unwrap();
    let next = store.take(&host, first);
    request.checkpoint = Some(next.checkpoint().to_owned());
    request.limit = 30;
    store.run(&host, request).unwrap();
    assert_eq!(store.all("url"), shown(&news, "acme"));
}

#[test]
fn key_stands_in_no_request_of_the_adapter() {
    let host = with_key(News::with_articles(10, 1), "acme");
    pull(&host, &request(EVER)).unwrap();
    let requests = host.requests();
    let [sent] = requests.as_slice() else { panic!("one request") };
    assert!(!sent.target.contains("0123456789abcdef"), "{}", sent.target);
    assert_eq!(sent.query("language").as_deref(), Some("en"));
    assert_eq!(sent.query("sortBy").as_deref(), Some("publishedAt"));
}

#[test]
fn account_is_checked_with_one_article() {
    let host = with_key(News::with_articles(10, 1), "acme");
    let account = host.run(GoogleNews::check).unwrap();
    assert_eq!(account.id, "newsapi.org");
    let sizes: Vec<_> = host.requests().iter().map(|sent| sent.query("pageSize")).collect();
    assert_eq!(sizes, [Some("1".to_owned())]);

    let host = with_key(News::new().key("another"), "acme");
    assert_eq!(host.run(GoogleNews::check).unwrap_err().kind, ErrorKind::AuthRequired);
}

#[test]
fn strange_articles_do_not_hold_up_the_others() {
    let body = r#"{"status":"ok","totalResults":4,"articles":[
        {"title":"A","url":"https://e.example/1","publishedAt":null,"source":null},
        {"title":null,"url":"https://e.example/2"},7,
        {"title":"B","url":"https://e.example/3?utm_source=x","publishedAt":"2026-05-01T10:00:00Z"}]}"#;
    let host = with_key(from_fn(|_| Answer::json(200, body.as_bytes())), "acme");
    let mut store = Store::default();
    store.run(&host, request(EVER)).unwrap();
    let urls: Vec<String> = store.all("url").into_iter().collect();
    assert_eq!(urls, ["https://e.example/1", "https://e.example/3"]);
    assert_eq!(store.rejects.len(), 2);
}

#[test]
fn what_the_adapter_does_not_have_is_unsupported() {
    let host = with_key(News::new(), "acme");
    let kind = |error: Error| error.kind;
    for selection in [
        Selection::All,
        Selection::Changes,
        Selection::Deleted(EVER),
        Selection::Ids(vec!["x".to_owned()]),
    ] {
        let request = plughouse_sdk::PullRequest { selection, ..request(EVER) };
        assert_eq!(pull(&host, &request).map_err(kind).unwrap_err(), ErrorKind::Unsupported);
    }
    let mut request = request(EVER);
    request.entity = "podcast".to_owned();
    assert_eq!(pull(&host, &request).map_err(kind).unwrap_err(), ErrorKind::Unsupported);
    let described = host.run(|| GoogleNews::discover(Some("article"), None)).unwrap();
    assert!(described[0].fields.iter().any(|field| field.name == "published_at"));
    assert!(host.run(|| GoogleNews::discover(Some("podcast"), None)).is_err());
}
