//! Every fault ends a call with one classified error, and the run goes on where it stood.

use plughouse_sdk::ErrorKind;
use plughouse_testkit::{Answer, Fault, Faulty, News, Rule, from_fn};

use crate::support::{EVER, Store, pull, request, shown, with_feeds, with_key};

#[track_caller]
fn check_key(fault: Fault, kind: ErrorKind) {
    let news = Faulty::new(News::with_articles(50, 1), [Rule::always(fault)]);
    let error = pull(&with_key(news, "acme"), &request(EVER)).unwrap_err();
    assert_eq!(error.kind, kind, "{error:?}");
}

#[test]
fn faults_of_newsapi_are_classified() {
    check_key(Fault::Unauthorized, ErrorKind::AuthRequired);
    check_key(Fault::Forbidden, ErrorKind::Invalid);
    check_key(Fault::Status(400), ErrorKind::Invalid);
    check_key(Fault::Status(502), ErrorKind::Unavailable);
    check_key(Fault::Malformed, ErrorKind::Malformed);
    check_key(Fault::Html, ErrorKind::Malformed);
    check_key(Fault::Body("{}".into()), ErrorKind::Malformed);
    check_key(Fault::Redirect("http://169.254.169.254/".into()), ErrorKind::Malformed);
    check_key(Fault::Stall, ErrorKind::Timeout);
    check_key(Fault::Truncate(30), ErrorKind::Unavailable);
    check_key(Fault::CutChunks(30), ErrorKind::Unavailable);
    check_key(Fault::Endless, ErrorKind::BudgetExhausted);
    check_key(Fault::GzipBomb(64), ErrorKind::BudgetExhausted);
    check_key(Fault::TooMany(None), ErrorKind::RateLimited);
}

#[track_caller]
fn check_feed(answer: Answer, kind: ErrorKind, code: &str) {
    let host = with_feeds(from_fn(move |_| answer.clone()), "acme");
    let error = pull(&host, &request(EVER)).unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (kind, code), "{error:?}");
}

#[test]
fn faults_of_feeds_are_classified() {
    let html = |status| Answer::new(status, "text/html", *b"<html>unusual traffic</html>");
    let xml = |body: &str| Answer::new(200, "application/xml", body.as_bytes());
    let to = |location: &'static str| Answer::empty(302).header("Location", location);
    check_feed(html(403), ErrorKind::Permission, "google_news.blocked");
    check_feed(html(429), ErrorKind::RateLimited, "google_news.rss-limit");
    check_feed(html(503), ErrorKind::RateLimited, "google_news.rss-limit");
    check_feed(html(500), ErrorKind::Unavailable, "google_news.rss");
    check_feed(html(400), ErrorKind::Invalid, "google_news.query");
    check_feed(html(404), ErrorKind::Invalid, "google_news.query");
    check_feed(html(200), ErrorKind::Permission, "google_news.consent-page");
    check_feed(xml("<!DOCTYPE html><p>"), ErrorKind::Permission, "google_news.consent-page");
    let consent = "https://consent.google.com/m?continue=x";
    check_feed(to(consent), ErrorKind::Permission, "google_news.consent-page");
    let unsupported = "https://news.google.com/rss/unsupported";
    check_feed(to(unsupported), ErrorKind::Invalid, "google_news.locale");
    check_feed(to("http://169.254.169.254/"), ErrorKind::Malformed, "google_news.redirect");
    check_feed(xml("<rss><channel>"), ErrorKind::Malformed, "google_news.feed");
    check_feed(
        xml("<!DOCTYPE rss [<!ENTITY a 'b'>]><rss/>"),
        ErrorKind::Malformed,
        "google_news.feed",
    );
    check_feed(xml(""), ErrorKind::Malformed, "google_news.feed");
}

#[test]
fn cut_feed_is_malformed_and_huge_feed_is_read() {
    let feed =
        |fault| with_feeds(Faulty::new(News::with_articles(50, 1), [Rule::always(fault)]), "a");
    let error = pull(&feed(Fault::Malformed), &request(EVER)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Malformed);
    assert_eq!(pull(&feed(Fault::Huge(3)), &request(EVER)).unwrap().records.len(), 50);
    assert_eq!(pull(&feed(Fault::DuplicateRow), &request(EVER)).unwrap().records.len(), 50);
}

#[test]
fn run_goes_on_where_a_fault_has_stopped_it() {
    for fault in [Fault::Status(500), Fault::TooMany(None), Fault::Malformed, Fault::Stall] {
        let news = News::with_articles(1_200, 4);
        let host = with_key(Faulty::new(news.clone(), [Rule::nth(2, fault)]), "acme\nglobex");
        let mut request = request(EVER);
        let mut store = Store::default();
        let first = pull(&host, &request).unwrap();
        let next = store.take(&host, first);
        request.checkpoint = Some(next.checkpoint().to_owned());
        pull(&host, &request).unwrap_err();
        store.run(&host, request).unwrap();
        let mut expected = shown(&news, "acme");
        expected.extend(shown(&news, "globex"));
        assert_eq!(store.all("url"), expected);
    }
}

#[test]
fn checkpoint_that_is_of_no_use_has_expired() {
    let host = with_key(News::with_articles(5, 1), "acme");
    for checkpoint in [
        "x",
        "7:{}",
        "1:{}",
        r#"1:{"lane":"fax","query":0,"shown":0}"#,
        // The connection has one query.
        r#"1:{"lane":"newsapi","query":1,"shown":0}"#,
    ] {
        let mut request = request(EVER);
        request.checkpoint = Some(checkpoint.to_owned());
        let error = pull(&host, &request).expect_err(checkpoint);
        assert_eq!(error.kind, ErrorKind::ExpiredCheckpoint, "{checkpoint}");
    }
}
