//! Records, and what changes of them.

use http_body_util::BodyExt as _;
use model::run::RunKind;
use model::store::RunRef;
use serde_json::{Value, json};

use crate::support::{Ask, World};

/// Contacts `1`, `2` and `3` by `crm`, and another `1` by `shop`.
async fn world() -> (World, RunRef) {
    let world = World::new().await;
    let crm = world.begin("crm", RunKind::Sync).await;
    world.synced(&crm, &["1", "2", "3"]).await;
    let shop = world.begin("shop", RunKind::Sync).await;
    world.synced(&shop, &["1"]).await;
    (world, crm)
}

/// What the records of an answer stand for.
fn stand_for(answer: &Value) -> Vec<String> {
    let items = answer["items"].as_array().unwrap().iter();
    items
        .map(|record| {
            let link = &record["external_relationships"][0];
            format!(
                "{}/{}",
                link["connection"].as_str().unwrap(),
                link["external_id"].as_str().unwrap()
            )
        })
        .collect()
}

async fn check(world: &World, query: &str, expected: &[&str]) {
    let answer = world.get(&world.acme.viewer, &format!("/api/records?{query}")).await.is(200);
    assert_eq!(stand_for(&answer.json), expected, "{query}");
}

async fn id_of(world: &World, connection: &str, external_id: &str) -> String {
    let path = format!(
        "/api/records?connection={connection}&entity=contact&external_id={external_id}&removed=true"
    );
    let answer = world.get(&world.acme.viewer, &path).await.is(200);
    answer.json["items"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn records_are_listed_by_what_is_asked_of_them() {
    let (world, crm) = world().await;
    world.gone(&crm, &["2"]).await;
    check(&world, "", &["crm/1", "crm/3", "shop/1"]).await;
    check(&world, "removed=true&type=c_contact", &["crm/1", "crm/2", "crm/3", "shop/1"]).await;
    check(&world, "type=c_company", &[]).await;
    check(&world, "connection=crm", &["crm/1", "crm/3"]).await;
    check(&world, "entity=company", &[]).await;
    let named =
        "connection=crm&entity=contact&external_id=3&external_id=2&external_id=9&external_id=1";
    check(&world, named, &["crm/3", "crm/1"]).await;
    check(&world, &format!("{named}&removed=true"), &["crm/3", "crm/2", "crm/1"]).await;
    check(&world, &format!("{named}&type=c_company"), &[]).await;
    let counted =
        world.get(&world.acme.viewer, "/api/records?type=c_contact&count=true&limit=1").await;
    assert_eq!(counted.json["total"], json!({"count": 3, "at_least": false}));
    for wrong in ["external_id=1", "count=true", "type=c_contact&count=true&removed=true"] {
        let answer = world.get(&world.acme.viewer, &format!("/api/records?{wrong}")).await;
        answer.refused(422, "api.invalid");
    }
    let long = format!("/api/records?type={}", "x".repeat(100));
    world.get(&world.acme.viewer, &long).await.refused(422, "api.invalid");
    check(&world, "connection=other", &[]).await;
}

#[tokio::test]
async fn records_come_in_parts() {
    let (world, _) = world().await;
    let key = &world.acme.viewer;
    let named =
        "&connection=crm&entity=contact&external_id=1&external_id=x&external_id=2&external_id=3";
    for (filter, expected) in [
        ("", &["crm/1", "crm/2", "crm/3", "shop/1"][..]),
        ("&connection=crm", &["crm/1", "crm/2", "crm/3"]),
        (named, &["crm/1", "crm/2", "crm/3"]),
    ] {
        let (mut seen, mut path) = (Vec::new(), format!("/api/records?limit=1{filter}"));
        loop {
            let answer = world.get(key, &path).await.is(200).json;
            seen.extend(stand_for(&answer));
            let Some(next) = answer["next"].as_str() else { break };
            path = format!("/api/records?limit=1{filter}&cursor={next}");
        }
        assert_eq!(seen, expected, "{filter}");
    }
    world.get(key, "/api/records?cursor=e30").await.refused(400, "api.cursor");
    world.get(key, "/api/records?cursor=Inoi").await.refused(422, "api.invalid");
}

#[tokio::test]
async fn record_is_shown_as_it_was_mapped_with_the_version_that_it_is() {
    let (world, _) = world().await;
    let key = &world.acme.viewer;
    let path = format!("/api/records/{}", id_of(&world, "crm", "1").await);
    let shown = world.get(key, &path).await.is(200);
    let text = String::from_utf8(shown.bytes.to_vec()).unwrap();
    assert!(text.contains(r#""record":{ "name" : "x" }"#), "not taken apart: {text}");
    let link = &shown.json["external_relationships"][0];
    assert_eq!((&link["provider"], &link["status"]), (&json!("example/crm"), &json!("linked")));
    let again = Ask::get(&path).key(key).header("if-none-match", shown.tag());
    assert!(world.send(again).await.is(304).bytes.is_empty());
    let weak = Ask::get(&path).key(key).header("if-none-match", &format!("W/{}", shown.tag()));
    world.send(weak).await.is(304);
    let sources = world.get(key, &format!("{path}/sources")).await.is(200).json;
    assert_eq!(sources["items"][0]["payload"], json!({"raw": "1"}));
    for what in ["", "/sources"] {
        let theirs = world.get(&world.globex.viewer, &format!("{path}{what}")).await;
        theirs.refused(404, "api.not-found");
        let unknown = format!("/api/records/{}{what}", "0".repeat(32));
        world.get(key, &unknown).await.refused(404, "api.not-found");
    }
    world.get(key, "/api/records/ABC").await.refused(404, "api.not-found");
}

#[tokio::test]
async fn records_of_providers_are_listed_as_they_were_sent() {
    let (world, crm) = world().await;
    world.gone(&crm, &["2"]).await;
    let key = &world.acme.viewer;
    for (query, count) in
        [("", 3), ("?connection=crm", 2), ("?connection=crm&entity=contact&removed=true", 3)]
    {
        let list = world.get(key, &format!("/api/source-records{query}")).await.is(200).json;
        assert_eq!(list["items"].as_array().unwrap().len(), count, "{query}");
    }
    let one = "/api/source-records?connection=crm&entity=contact&external_id=2&removed=true";
    let one = world.get(key, one).await.is(200).json;
    assert_eq!(
        (&one["items"][0]["removed"], &one["items"][0]["payload"]),
        (&json!("deleted"), &json!({"raw": "2"}))
    );
    world.get(key, "/api/source-records?entity=contact").await.refused(422, "api.invalid");
    world
        .get(key, "/api/source-records?connection=x&external_id=1")
        .await
        .refused(422, "api.invalid");
}

/// What a part of the changes tells, as `change id`.
fn told(answer: &Value) -> Vec<String> {
    let items = answer["items"].as_array().unwrap().iter();
    items
        .map(|change| {
            let record = &change["record"]["external_relationships"][0];
            format!(
                "{} {}",
                change["change"].as_str().unwrap(),
                record["external_id"].as_str().unwrap()
            )
        })
        .collect()
}

#[tokio::test]
async fn changes_go_on_where_an_export_began() {
    let (world, crm) = world().await;
    let key = &world.acme.viewer;
    let export = world.get(key, "/api/records/export?type=c_contact").await.is(200);
    assert_eq!(export.header("content-type"), "application/x-ndjson");
    let position = export.header("plughouse-position").to_owned();
    world.synced(&crm, &["4"]).await;
    world.gone(&crm, &["1", "2"]).await;
    let mut path = format!("/api/records/changes?limit=2&after={position}");
    let mut seen = Vec::new();
    for more in [true, false, false] {
        let answer = world.get(key, &path).await.is(200).json;
        assert_eq!(answer["more"], more, "{answer}");
        seen.extend(told(&answer));
        path = format!("/api/records/changes?limit=2&cursor={}", answer["next"].as_str().unwrap());
    }
    assert_eq!(seen, ["created 4", "deleted 1", "deleted 2"]);
    let none = world.get(key, &format!("/api/records/changes?type=c_lead&after={position}")).await;
    assert_eq!(told(&none.is(200).json), [""; 0]);
    let now = world.get(key, "/api/records/changes").await.is(200).json;
    assert_eq!((told(&now), &now["more"]), (Vec::new(), &json!(false)));
}

#[tokio::test]
async fn changes_that_are_forgotten_are_not_passed_over() {
    let (world, crm) = world().await;
    let key = &world.acme.viewer;
    world.forget_events(&crm, "5").await;
    for path in ["/api/records/changes?after=1", "/api/events?after=1", "/api/events?after=99"] {
        world.get(key, path).await.refused(410, "api.forgotten");
    }
    let kept = world.get(key, "/api/events").await.is(200).json;
    let first = kept["items"][0]["seq"].as_u64().unwrap();
    let path = format!("/api/records/changes?after={}", first - 1);
    assert_eq!(told(&world.get(key, &path).await.is(200).json), ["created 5"]);
}

#[tokio::test]
async fn export_is_whole_lines_and_goes_on_behind_the_last() {
    let (world, _) = world().await;
    let key = &world.acme.viewer;
    let path = "/api/records/export?type=c_contact";
    let whole = world.get(key, path).await.is(200);
    let text = String::from_utf8(whole.bytes.to_vec()).unwrap();
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    assert!(lines.len() == 4 && lines.iter().all(|line| line.ends_with("}\n")));
    let second: Value = serde_json::from_str(lines[1]).unwrap();
    let rest =
        world.get(key, &format!("{path}&after={}", second["id"].as_str().unwrap())).await.is(200);
    assert_eq!(rest.bytes, lines[2..].concat());
    assert!(world.get(key, "/api/records/export?type=c_lead").await.is(200).bytes.is_empty());
    assert!(world.get(&world.globex.viewer, path).await.is(200).bytes.is_empty());
    world.get(key, "/api/records/export").await.refused(400, "api.invalid");
    world.get(key, &format!("{path}&after=x")).await.refused(400, "api.invalid");
    let long = format!("/api/records/export?type={}", "x".repeat(100));
    world.get(key, &long).await.refused(422, "api.invalid");
}

#[tokio::test]
async fn exports_are_bounded_and_cut_where_the_host_stops() {
    let (world, crm) = world().await;
    let key = &world.acme.viewer;
    let ids: Vec<_> = (100..1_200).map(|id| id.to_string()).collect();
    world.synced(&crm, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let export = || Ask::get("/api/records/export?type=c_contact").key(key);
    let mut open = Vec::new();
    for _ in 0..4 {
        let answer = export().of(&world.router).await;
        assert_eq!(answer.status(), 200);
        open.push(answer);
    }
    let answer = world.send(export()).await;
    answer.refused(429, "api.rate-limited");
    assert!(answer.headers.contains_key("retry-after"));
    world.ports.closing.cancel();
    assert!(open.pop().unwrap().into_body().collect().await.is_err(), "it ends without its end");
    assert_eq!(export().of(&world.router).await.status(), 503);
}
