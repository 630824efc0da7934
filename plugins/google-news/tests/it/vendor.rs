//! The adapter against what the sources have sent to others, where it lies beside the project.

use plughouse_testkit::{Answer, from_fn, material};
use serde_json::Value;

use crate::support::{EVER, Store, pull, request, with_feeds, with_key};

fn recorded(name: &str) -> Option<Vec<u8>> {
    material::recorded(&format!("google_news/{name}"))
}

#[test]
fn recorded_shapes_of_a_feed_are_read() {
    let Some(body) = recorded("feed_structure_derived.xml") else { return };
    let feed = move |_: &_| Answer::new(200, "application/xml; charset=utf-8", body.clone());
    let mut store = Store::default();
    store.run(&with_feeds(from_fn(feed), "acme widgets"), request(EVER)).unwrap();
    let titles: Vec<String> = store.all("title").into_iter().collect();
    let expected = ["Acme & partners sign \"deal\"", "Acme opens plant", "Acme results – Q2"];
    assert_eq!(titles, expected);

    let cluster = &store.records["CBMiEXAMPLE1_opaque-base64url_id"];
    assert_eq!(cluster["summary"], "Acme opens plant Example Times");
    assert_eq!(cluster["date_precision"], "day");
    assert_eq!(cluster["publisher"]["domain"], "example.com");
    let related = cluster["related"].as_array().unwrap();
    let url = "https://news.google.com/rss/articles/CBMiEXAMPLE1_opaque-base64url_id1?oc=5";
    assert_eq!((related.len(), &related[0]["url"]), (1, &url.into()));
    let single = &store.records["CBMiEXAMPLE2_opaque-base64url_id"];
    assert_eq!(single["summary"], "Acme & partners sign \"deal\" Sample Post");
    assert_eq!(single["published_at"], "2026-08-04T20:44:00Z");
    assert_eq!(single.get("related"), None);
}

#[test]
fn recorded_articles_and_the_recorded_refusal_are_read() {
    let Some(text) = recorded("newsapi_samples.json") else { return };
    let samples: Vec<Value> = serde_json::from_slice(&text).unwrap();
    let mut found = 0;
    for sample in &samples {
        let response = &sample["response"];
        let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
        let mut body = response["body"].clone();
        if status != 200 {
            let answer = Answer::value(status, &body);
            let mut later = request(EVER);
            later.checkpoint = Some(r#"1:{"lane":"newsapi","query":0,"shown":100}"#.to_owned());
            let host = with_key(from_fn(move |_| answer.clone()), "x");
            assert_eq!(pull(&host, &later).unwrap().records.len(), 0);
            continue;
        }
        // The excerpts are shorter than they say.
        body["totalResults"] = 1.into();
        let answer = Answer::value(200, &body);
        let mut store = Store::default();
        store.run(&with_key(from_fn(move |_| answer.clone()), "x"), request(EVER)).unwrap();
        let article = &body["articles"][0];
        assert!(store.all("url").iter().eq([article["url"].as_str().unwrap()]));
        let title = store.all("title").pop_first().unwrap();
        assert!(!title.ends_with(" - The Hill"), "{title}");
        assert!(!store.records.values().any(|record| record.to_string().contains("chars]")));
        found += 1;
    }
    assert_eq!(found, 3);
}
