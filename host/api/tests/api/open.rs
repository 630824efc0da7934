//! What the host says of itself, and its figures.

use std::net::IpAddr;
use std::time::Duration;

use api::server::ClientAddr;
use model::task::TaskStore as _;
use serde_json::json;

use crate::support::{Ask, World};

#[tokio::test]
async fn anybody_learns_that_the_host_lives_and_what_it_is() {
    let world = World::new().await;
    assert_eq!(
        world.send(Ask::get("/api/health")).await.is(200).json,
        json!({ "status": "alive" })
    );
    let version = world.send(Ask::get("/api/version")).await.is(200).json;
    assert_eq!(version, json!({ "version": "1.2.3", "build": "build-1", "contracts": ["0.1"] }));
    let document = world.send(Ask::get("/api/openapi.json")).await.is(200);
    assert_eq!(document.json["openapi"], "3.1.0");
    assert_eq!(document.json, serde_json::to_value(api::document()).unwrap());
}

#[tokio::test]
async fn host_is_ready_once_somebody_has_the_lead_and_until_it_is_about_to_end() {
    let world = World::new().await;
    let unready = async |what: &str| {
        let answer = world.send(Ask::get("/api/readiness")).await;
        answer.refused(503, "api.unavailable");
        assert_eq!(answer.json["errors"][0]["pointer"], what);
        assert_eq!(answer.header("retry-after"), "5");
    };
    unready("scheduler").await;
    world.store.lead("test", Duration::from_mins(2)).await.unwrap().unwrap();
    assert_eq!(world.send(Ask::get("/api/readiness")).await.is(200).json["status"], "ready");
    world.clock.advance(Duration::from_mins(3));
    unready("scheduler").await;
    world.store.lead("test", Duration::from_mins(2)).await.unwrap().unwrap();
    world.ports.closing.cancel();
    unready("closing").await;
}

#[tokio::test]
async fn type_of_a_problem_leads_to_its_explanation() {
    let world = World::new().await;
    let problem = world.get(&world.acme.viewer, "/api/tenants").await.json;
    let about = problem["type"].as_str().unwrap();
    let code = world.send(Ask::get(about)).await.is(200).json;
    assert_eq!((&code["code"], &code["meaning"]), (&problem["code"], &problem["title"]));
    let all = world.send(Ask::get("/api/errors")).await.is(200).json;
    assert!(all["items"].as_array().unwrap().contains(&code));
    world.send(Ask::get("/api/errors/hubspot.gone")).await.refused(404, "api.not-found");
}

#[tokio::test]
async fn figures_are_the_operators() {
    let world = World::new().await;
    world.send(Ask::get("/metrics")).await.refused(401, "api.unauthenticated");
    world.get(&world.acme.admin, "/metrics").await.refused(403, "api.forbidden");
    let shown = world.get(&world.operator, "/metrics").await.is(200);
    assert_eq!(shown.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = String::from_utf8_lossy(&shown.bytes);
    for name in [
        "sync_jobs_processed",
        "sync_jobs_failed",
        "sync_records_created",
        "sync_records_updated",
        "sync_latency_ms",
        "writeback_latency_ms",
        "sync_queue_depth",
        "token_refresh_failures",
    ] {
        assert!(text.contains(&format!("# TYPE {name} ")), "{name} is not in {text}");
    }
}

#[tokio::test]
async fn figures_are_shown_without_a_key_where_that_is_said_and_to_this_machine_alone() {
    let mut world = World::new().await;
    let from = |address: &str| {
        Ask::get("/metrics").extension(ClientAddr(address.parse::<IpAddr>().unwrap()))
    };
    world.send(from("127.0.0.1")).await.refused(401, "api.unauthenticated");
    world.ports.open_metrics = true;
    world.router = api::router(&world.ports);
    for here in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
        world.send(from(here)).await.is(200);
    }
    world.send(from("192.0.2.1")).await.refused(401, "api.unauthenticated");
    world.send(Ask::get("/metrics")).await.refused(401, "api.unauthenticated");
    world.send(from("192.0.2.1").key(&world.operator)).await.is(200);
    world
        .send(Ask::post("/metrics").extension(ClientAddr("::1".parse().unwrap())))
        .await
        .refused(405, "api.method");
}

#[tokio::test]
async fn charts_are_drawn_of_samples() {
    let world = World::new().await;
    world.ports.monitor.sample().await;
    world.clock.advance(Duration::from_mins(1));
    world.ports.monitor.sample().await;
    let path = "/api/metrics/series?name=sync_queue_depth&by=queue&step=30";
    let series = world.get(&world.operator, path).await.is(200).json;
    assert_eq!((&series["kind"], &series["step"]), (&json!("gauge"), &json!(30)));
    assert_eq!(series["name"], "sync_queue_depth");
    let refused = async |query: &str| {
        let path = format!("/api/metrics/series{query}");
        world.get(&world.operator, &path).await.refused(400, "api.invalid");
    };
    refused("").await;
    refused("?name=made_up").await;
    refused("?name=sync_queue_depth&by=tenant").await;
    refused("?name=sync_queue_depth&step=0").await;
    refused("?name=sync_queue_depth&from=2020-01-01T00:00:00Z&step=1").await;
    refused("?name=sync_queue_depth&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z").await;
    let path = "/api/metrics/series?name=sync_queue_depth";
    world.get(&world.acme.admin, path).await.refused(403, "api.forbidden");
}

#[tokio::test]
async fn vault_tells_how_its_keys_stand_to_operators() {
    let world = World::new().await;
    let shown = world.get(&world.operator, "/api/vault").await.is(200).json;
    assert_eq!(shown["owners"], 1);
    world.get(&world.acme.admin, "/api/vault").await.refused(403, "api.forbidden");
}
