//! Runs, and what they hold.

use std::time::Duration;

use axum::http::Method;
use model::absence::{Fate, Judged};
use model::run::{RunKind, RunStatus};
use model::store::{EntityEnd, PageCommit};
use serde_json::{Value, json};

use crate::history::reject;
use crate::support::{Ask, World};

/// Three runs, an hour apart: `crm:1` succeeds, `shop:1` fails, and `crm:2` maps again.
async fn world() -> World {
    let world = World::new().await;
    let runs = [
        ("crm", RunKind::Sync, RunStatus::Succeeded),
        ("shop", RunKind::Sync, RunStatus::Failed),
        ("crm", RunKind::Replay, RunStatus::Partial),
    ];
    for (connection, kind, status) in runs {
        let run = world.begin(connection, kind).await;
        world.end(&run, status, Vec::new()).await;
        world.clock.advance(Duration::from_hours(1));
    }
    world
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["items"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap()).collect()
}

async fn check(world: &World, query: &str, expected: &[&str]) {
    let answer = world.get(&world.acme.viewer, &format!("/api/runs?{query}")).await.is(200);
    assert_eq!(ids(&answer.json), expected, "{query}");
}

#[tokio::test]
async fn runs_are_listed_by_what_is_asked_of_them() {
    let world = world().await;
    check(&world, "", &["crm:2", "shop:1", "crm:1"]).await;
    check(&world, "connection=crm", &["crm:2", "crm:1"]).await;
    check(&world, "connection=crm&connection=shop&kind=sync", &["shop:1", "crm:1"]).await;
    check(&world, "status=failed&status=partial", &["crm:2", "shop:1"]).await;
    check(&world, "since=2026-01-01T13:00:00Z", &["crm:2", "shop:1"]).await;
    check(&world, "until=2026-01-01T14:00:00Z", &["shop:1", "crm:1"]).await;
    check(&world, "until=2026-01-01T14:00:00Z&connection=crm", &["crm:1"]).await;
    check(&world, "since=2026-01-01T13:00:00Z&until=2026-01-01T14:00:00Z", &["shop:1"]).await;
    check(&world, "connection=other", &[]).await;
    for wrong in ["status=good", "since=yesterday", "connection=No%20Name", "colour=red"] {
        let answer = world.get(&world.acme.viewer, &format!("/api/runs?{wrong}")).await;
        answer.refused(400, "api.invalid");
    }
}

#[tokio::test]
async fn runs_come_in_parts() {
    let world = world().await;
    let key = &world.acme.viewer;
    for filter in ["", "&connection=crm&connection=shop"] {
        let (mut seen, mut path) = (Vec::new(), format!("/api/runs?limit=1{filter}"));
        loop {
            let answer = world.get(key, &path).await.is(200).json;
            seen.extend(ids(&answer).into_iter().map(str::to_owned));
            let Some(next) = answer["next"].as_str() else { break };
            path = format!("/api/runs?limit=1{filter}&cursor={next}");
        }
        assert_eq!(seen, ["crm:2", "shop:1", "crm:1"]);
    }
    world.get(key, "/api/runs?cursor=IjEi").await.refused(400, "api.cursor");
}

#[tokio::test]
async fn run_tells_what_it_did_and_what_it_could_not() {
    let world = World::new().await;
    let run = world.begin("crm", RunKind::Sync).await;
    world.synced(&run, &["1", "2"]).await;
    let rejects =
        ["3", "4", "5"].map(|id| reject(id, if id == "4" { "crm.odd" } else { "mapping.type" }));
    let page = PageCommit { rejects: rejects.to_vec(), ..world.page(&run, Vec::new()) };
    world.commit(page).await;
    let schema = Some("contact@3,other@1".to_owned());
    let entity = EntityEnd {
        entity: "contact".to_owned(),
        status: RunStatus::Succeeded,
        schema,
        ..EntityEnd::default()
    };
    world.end(&run, RunStatus::Succeeded, vec![entity]).await;
    let key = &world.acme.viewer;
    let shown = world.get(key, "/api/runs/crm:1").await.is(200).json;
    assert_eq!(shown["adapter"]["version"], "1.2.3");
    let contact = &shown["entities"]["contact"];
    let counts =
        ["read", "created", "rejected", "pages", "calls"].map(|name| contact[name].as_u64());
    assert_eq!(counts, [Some(5), Some(2), Some(3), Some(2), Some(2)]);
    assert_eq!(contact["mapped_by"], json!(["contact@3", "other@1"]));
    let outcomes = world.get(key, "/api/runs/crm:1/outcomes").await.is(200).json;
    assert_eq!(outcomes["codes"][0]["code"], "mapping.type");
    assert_eq!(
        (&outcomes["codes"][0]["count"], &outcomes["counts"]["created"]),
        (&json!(2), &json!(2))
    );
    assert!(
        outcomes["codes"][0]["meaning"].is_string() && outcomes["codes"][1]["meaning"].is_null()
    );
    let rejects = "/api/runs/crm:1/rejects?code=mapping.type&limit=1";
    let first = world.get(key, rejects).await.is(200).json;
    let second = world
        .get(key, &format!("{rejects}&cursor={}", first["next"].as_str().unwrap()))
        .await
        .is(200)
        .json;
    assert_eq!(
        (&first["items"][0]["external_id"], &second["items"][0]["external_id"]),
        (&json!("3"), &json!("5"))
    );
}

#[tokio::test]
async fn run_of_another_tenant_is_as_unknown_as_none() {
    let world = world().await;
    let unknown = ["crm:9", "crm", "crm:x", "crm:01", ":1", "no%20name:1"];
    for (key, ids) in [(&world.acme.viewer, &unknown[..]), (&world.globex.viewer, &["crm:1"])] {
        for id in ids {
            for what in ["", "/outcomes", "/rejects"] {
                let answer = world.get(key, &format!("/api/runs/{id}{what}")).await;
                answer.refused(404, "api.not-found");
            }
        }
    }
}

/// A run that holds deletions of an entity.
async fn hold(world: &World, absent: u64) {
    let run = world.begin("crm", RunKind::Sync).await;
    let absence = vec![Judged { live: 1_000, absent, fate: Fate::Held }];
    let entity = EntityEnd {
        entity: "contact".to_owned(),
        status: RunStatus::Succeeded,
        absence,
        ..EntityEnd::default()
    };
    world.end(&run, RunStatus::Succeeded, vec![entity]).await;
}

#[tokio::test]
async fn held_deletions_are_decided_as_they_were_looked_at() {
    let world = World::new().await;
    let key = &world.acme.editor;
    let path = "/api/held-deletions/crm";
    world.get(key, path).await.refused(404, "api.not-found");
    hold(&world, 500).await;
    let seen = world.get(key, path).await.is(200);
    assert_eq!(
        (&seen.json["entities"][0]["run"], &seen.json["entities"][0]["absent"]),
        (&json!("crm:1"), &json!(500))
    );
    hold(&world, 600).await;
    let decide = |tag: &str| {
        let ask = Ask::new(Method::POST, "/api/held-deletions/crm/decide").key(key).if_match(tag);
        ask.json(&json!({"decision": "approve"}))
    };
    world.send(decide(seen.tag())).await.refused(412, "api.precondition-failed");
    let seen = world.get(key, path).await.is(200);
    let decided = world.send(decide(seen.tag())).await.is(200);
    assert_eq!(decided.json["entities"][0]["decision"], "approve");
    assert_eq!(decided.tag(), world.get(key, path).await.tag());
    let all = world.get(key, "/api/held-deletions?connection=crm").await.is(200).json;
    assert_eq!(all["items"], json!([decided.json]));
    let none = world.get(key, "/api/held-deletions?connection=shop").await.is(200).json;
    assert_eq!(none["items"], json!([]));
    let theirs =
        Ask::post("/api/held-deletions/crm/decide").key(&world.globex.editor).if_match("*");
    world.send(theirs.json(&json!({"decision": "keep"}))).await.refused(404, "api.not-found");
    let viewer = Ask::post("/api/held-deletions/crm/decide").key(&world.acme.viewer).if_match("*");
    world.send(viewer.json(&json!({"decision": "keep"}))).await.refused(403, "api.forbidden");
}
