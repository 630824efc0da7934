//! The feed in the place of a service that has nothing more for now.

use plughouse_sdk::{ErrorKind, Next};
use plughouse_testkit::{Fault, Faulty, News, Rule};

use crate::support::{EVER, Store, pull, request, with_both, with_key};

fn failing(fault: Fault) -> Faulty<News> {
    Faulty::new(News::with_articles(200, 1), [Rule::always(fault).target("/v2/")])
}

#[test]
fn feeds_stand_in_for_the_rest_of_the_window() {
    for fault in [
        Fault::TooMany(None),
        Fault::Status(426),
        Fault::Status(500),
        Fault::Status(503),
        Fault::Stall,
        Fault::Truncate(10),
    ] {
        let host = with_both(failing(fault.clone()), "acme\nglobex\ninitech");
        let mut store = Store::default();
        store.run(&host, request(EVER)).unwrap();
        assert!(store.all("origin").iter().eq(["rss"]), "{fault:?}");
        assert_eq!(store.found.keys().collect::<Vec<_>>(), ["acme", "globex", "initech"]);
        let asked = host.requests().into_iter().filter(|sent| sent.target.starts_with("/v2/"));
        assert_eq!(asked.count(), 1, "{fault:?}");
    }
}

#[test]
fn service_that_is_spent_midway_hands_over_to_the_feeds() {
    let spent = Rule { from: 2, ..Rule::always(Fault::TooMany(None)) }.target("/v2/");
    let news = Faulty::new(News::with_articles(200, 1), [spent]);
    let mut store = Store::default();
    store.run(&with_both(news, "acme\nglobex"), request(EVER)).unwrap();
    let origin = |query: &str| {
        let of_query = store.found[query].iter().map(|id| &store.records[id]["origin"]);
        of_query.cloned().collect::<Vec<_>>()
    };
    assert!(!origin("acme").is_empty() && origin("acme").iter().all(|it| it == "newsapi"));
    assert!(!origin("globex").is_empty() && origin("globex").iter().all(|it| it == "rss"));
}

#[track_caller]
fn check_alone(fault: Fault, kind: ErrorKind, code: &str, retry_after_ms: Option<u64>) {
    let error = pull(&with_key(failing(fault), "acme"), &request(EVER)).unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (kind, code));
    assert_eq!(error.retry_after_ms, retry_after_ms);
    assert!(error.details.iter().any(|detail| detail.name == "rss"), "{error:?}");
}

#[test]
fn without_consent_the_first_error_stands() {
    let (spent, down) = ("google_news.plan-spent", "google_news.newsapi");
    check_alone(Fault::TooMany(None), ErrorKind::RateLimited, spent, Some(3_600_000));
    check_alone(Fault::TooMany(Some("60".into())), ErrorKind::RateLimited, spent, Some(60_000));
    check_alone(Fault::Status(500), ErrorKind::Unavailable, down, None);
}

#[test]
fn query_that_the_plan_does_not_show_is_skipped_without_consent() {
    let host = with_key(failing(Fault::Status(426)), "acme\nglobex");
    let page = pull(&host, &request(EVER)).unwrap();
    assert!(matches!(page.next, Next::More(_)));
    assert_eq!(page.details[0].name, "skipped");
    let mut store = Store::default();
    store.run(&host, request(EVER)).unwrap();
    assert_eq!((store.records.len(), store.pages), (0, 2));
}

#[test]
fn wrong_key_is_for_a_person_to_see() {
    for fault in [
        Fault::Unauthorized,
        Fault::Body(r#"{"status":"error","code":"apiKeyDisabled","message":"m"}"#.to_owned()),
    ] {
        let host = with_both(failing(fault), "acme");
        let error = pull(&host, &request(EVER)).unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::AuthRequired, "google_news.key"));
        assert_eq!(host.requests().len(), 1);
    }
}

#[test]
fn feed_that_fails_as_well_leaves_the_first_error() {
    let news = Faulty::new(
        News::with_articles(10, 1),
        [
            Rule::always(Fault::Status(500)).target("/v2/"),
            Rule::always(Fault::Html).target("/rss/"),
        ],
    );
    let error = pull(&with_both(news, "acme"), &request(EVER)).unwrap_err();
    assert_eq!(error.code, "google_news.newsapi");
    let rss = error.details.iter().find(|detail| detail.name == "rss").unwrap();
    assert_eq!(rss.value, "google_news.consent-page");
}
