use serde_json::{Value, json};

use super::*;

fn get(news: &mut News, target: &str) -> (u16, Value) {
    let answer = news.answer(&Request::new("GET", target).header_added("X-Api-Key", "k"));
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

fn feed(news: &mut News, query: &str) -> String {
    let query = crate::text::encoded(query);
    let target = format!("/rss/search?q={query}&hl=en-GB&gl=GB&ceid=GB:en");
    let answer = news.answer(&Request::new("GET", target));
    assert_eq!(answer.status, 200);
    String::from_utf8(answer.body.to_vec()).unwrap()
}

fn guids(feed: &str) -> Vec<&str> {
    feed.split(r#"<guid isPermaLink="false">"#)
        .skip(1)
        .map(|it| it.split('<').next().unwrap())
        .collect()
}

#[test]
fn pages_go_on_to_the_total_and_are_sorted_by_time() {
    let mut news = News::with_articles(250, 1);
    let (mut times, mut total) = (Vec::new(), 0);
    for page in 1..=4 {
        let target = format!("/v2/everything?q=of%20OR%20acme%20OR%20a&pageSize=100&page={page}");
        let (status, body) = get(&mut news, &target);
        assert_eq!((status, &body["status"]), (200, &json!("ok")));
        total = body["totalResults"].as_u64().unwrap();
        let rows = body["articles"].as_array().unwrap();
        times.extend(rows.iter().map(|it| it["publishedAt"].as_str().unwrap().to_owned()));
    }
    assert_eq!(u64::try_from(times.len()).unwrap(), total);
    assert!(times.len() > 200 && times.is_sorted_by(|a, b| a >= b));
}

#[test]
fn a_time_range_is_inclusive() {
    let mut news = News::with_articles(50, 1);
    let target = "/v2/everything?q=a&from=2026-06-01T05:00:00&to=2026-06-01T08:00:00Z";
    let (_, body) = get(&mut news, target);
    let rows = body["articles"].as_array().unwrap();
    let times: Vec<_> = rows.iter().map(|it| it["publishedAt"].as_str().unwrap()).collect();
    assert_eq!(times, ["2026-06-01T08:00:00Z", "2026-06-01T05:00:00Z"]);
}

#[test]
fn errors_are_told_in_the_words_of_the_api() {
    let mut news = News::with_articles(250, 1).key("k").developer_plan();
    let mut check = |target: &str, status: u16, code: &str| {
        let (found, body) = get(&mut news, target);
        let expected = (status, &json!("error"), &json!(code));
        assert_eq!((found, &body["status"], &body["code"]), expected, "{target}");
    };
    check("/v2/everything", 400, "parametersMissing");
    check("/v2/everything?q=a&page=0", 400, "parameterInvalid");
    check("/v2/everything?q=a&pageSize=101", 400, "parameterInvalid");
    check("/v2/everything?q=a&from=soon", 400, "parameterInvalid");
    check(&format!("/v2/everything?q={}", "a".repeat(501)), 400, "parameterInvalid");
    check("/v2/everything?q=a&pageSize=90&page=2", 426, "maximumResultsReached");
    check("/v2/nothing", 404, "endpointDoesntExist");
    assert_eq!(get(&mut news, "/v2/everything?q=a&pageSize=50&page=2").0, 200);
}

#[test]
fn the_key_is_checked_wherever_it_is_sent() {
    let mut news = News::with_articles(1, 1).key("k");
    let mut status = |request: Request| news.answer(&request).status;
    let request = |target: &str| Request::new("GET", target);
    assert_eq!(status(request("/v2/everything?q=a")), 401);
    assert_eq!(status(request("/v2/everything?q=a").header_added("x-api-key", "other")), 401);
    assert_eq!(status(request("/v2/everything?q=a").header_added("authorization", "k")), 200);
    assert_eq!(status(request("/v2/everything?q=a&apiKey=k")), 200);
}

#[test]
fn a_feed_has_the_structure_of_the_real_one() {
    let mut news = News::new();
    news.publish(Article {
        number: 9,
        title: "Acme & partners sign \"deal\"".into(),
        description: None,
        publisher: "Business - Daily".into(),
        site: "https://business.example".into(),
        source_id: None,
        published_ms: NEWEST_MS,
    });
    let feed = feed(&mut news, "\"acme\"");
    let guid = guids(&feed)[0];
    assert!((126..=654).contains(&guid.len()));
    let link = format!("https://news.google.com/rss/articles/{guid}?oc=5");
    for part in [
        "<title>&quot;acme&quot; - Google News</title>",
        "<link>https://news.google.com/search?q=%22acme%22</link><language>en-GB</language>",
        "<lastBuildDate>Mon, 01 Jun 2026 11:00:00 GMT</lastBuildDate>",
        "<item><title>Acme &amp; partners sign &quot;deal&quot; - Business - Daily</title>",
        &format!(
            "<link>{link}</link><guid isPermaLink=\"false\">{guid}</guid><pubDate>Mon, 01 Jun 2026 "
        ),
        &format!(
            "<description>&lt;a href=&quot;{link}&quot; target=&quot;_blank&quot;&gt;Acme &amp;amp; partners"
        ),
        "&amp;nbsp;&amp;nbsp;&lt;font color=&quot;#6f6f6f&quot;&gt;Business - Daily&lt;/font&gt;",
        "<source url=\"https://business.example\">Business - Daily</source></item></channel></rss>",
    ] {
        assert!(feed.contains(part), "{part}\n{feed}");
    }
}

#[test]
fn a_feed_shows_a_hundred_items_and_dates_narrow_it() {
    let mut news = News::with_articles(500, 1);
    let whole = feed(&mut news, "a");
    assert_eq!(guids(&whole).len(), 100);
    assert!(whole.contains("&lt;ol&gt;&lt;li&gt;"), "some items are clusters");
    assert!(whole.contains(" 07:00:00 GMT"), "some dates are days only");
    assert!(guids(&whole).iter().any(|guid| guid.len() == 654), "some ids are very long");
    let day = feed(&mut news, "a after:2026-05-20 before:2026-05-21");
    assert_eq!(guids(&day).len(), 8);
}

#[test]
fn a_feed_is_stable_until_the_world_drifts() {
    let mut news = News::with_articles(60, 1);
    let first = feed(&mut news, "a");
    assert_eq!(first, feed(&mut news, "a"));
    let count = guids(&first).len();
    news.drift();
    let second = feed(&mut news, "a");
    assert_ne!(guids(&first)[..10], guids(&second)[..10]);
    assert!(guids(&second).len() >= count);
}

#[test]
fn readers_are_sent_away_for_consent_and_wrong_locales() {
    let mut news = News::with_articles(1, 1);
    let location = |news: &mut News, target: &str| {
        let answer = news.answer(&Request::new("GET", target));
        assert_eq!(answer.status, 302);
        answer.headers[0].1.clone().into_owned()
    };
    let mixed = "/rss/search?q=a&hl=de&gl=US&ceid=DE:de";
    assert_eq!(location(&mut news, mixed), "https://news.google.com/rss/unsupported");
    news.ask_consent(true);
    let consent = location(&mut news, "/rss/search?q=a");
    let back = "https%3A%2F%2Fnews.google.com%2Frss%2Fsearch%3Fq%3Da";
    assert_eq!(consent, format!("https://consent.google.com/m?continue={back}&gl=DE"));
}

#[test]
fn other_doors_answer_with_pages_for_people() {
    let mut news = News::new();
    for target in ["/rss/search", "/rss/search?q=%20", "/rss/unsupported", "/"] {
        let answer = news.answer(&Request::new("GET", target));
        assert!(answer.status >= 400 && answer.body.starts_with(b"<!doctype html>"), "{target}");
    }
    assert!(news.refusal(&Request::new("GET", "/rss/search"), 503).body.starts_with(b"<!doctype"));
    assert!(news.refusal(&Request::new("GET", "/v2/everything"), 503).body.starts_with(b"{"));
}

#[test]
fn news_can_be_moved_in_time() {
    let news = News::with_articles(3, 1).ending(1_000_000_000_000);
    assert_eq!(news.articles()[0].published_ms, 1_000_000_000_000);
    assert_eq!(news.articles()[1].published_ms, 1_000_000_000_000 - 3 * 3_600_000);
}
