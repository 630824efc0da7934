//! What a server tells of itself: one id from the request to the guest's log, figures, spans.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use e2e::{CONNECTION, Host, Served, guests, until};
use plughouse_testkit::{Answer, Provider, Request, Server, Shared};
use serde_json::{Value, json};

const MANIFEST: &str = r#"
[adapter]
id = "spy"
name = "Spy"
version = "0.1.0"
contract = "0.1"
publisher = "plughouse"
license = "Apache-2.0"
summary = "Says what it sees."
profile = "bare"

[auth.none]
kind = "none"

[endpoint.api]
origin = "https://api.spy.example"
read = ["GET /echo", "GET /me"]

[entity.account]
cursor = "scan"
[entity.failure]
cursor = "scan"
[entity.memory]
cursor = "scan"
"#;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

const PARENT: &str = "00f067aa0ba902b7";

/// Keeps what it is sent.
#[derive(Default)]
struct Collector(Vec<(String, Value)>);

impl Provider for Collector {
    fn answer(&mut self, request: &Request) -> Answer {
        let body = serde_json::from_slice(&request.body).unwrap();
        self.0.push((request.target.clone(), body));
        Answer::value(200, &json!({}))
    }
}

/// Answers everything.
struct Friendly;

impl Provider for Friendly {
    fn answer(&mut self, _: &Request) -> Answer {
        Answer::value(200, &json!({ "hello": "spy" }))
    }
}

/// A host with a guest that logs and asks its provider, and a collector.
struct Scene {
    host: Host,
    collector: Shared<Collector>,
    _servers: [Server; 2],
    _dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::new(&dir.path().join("data"));
        let guest = dir.path().join("spy");
        fs::create_dir_all(guest.join("dist")).unwrap();
        fs::write(guest.join("dist/adapter.wasm"), guests::spy()).unwrap();
        fs::write(guest.join("adapter.toml"), MANIFEST).unwrap();
        host.install_built(&guest);
        let collector = Shared::new(Collector::default());
        let servers = [Server::start(Friendly), Server::start(collector.clone())];
        let [provider, otlp] = servers.each_ref().map(Server::origin);
        let over = format!("api={provider}");
        let connect = ["connect", "plughouse/spy", "--name", CONNECTION, "--auth", "none"];
        host.ok(&[&connect[..], &["--override", &over]].concat());
        let task = ["task", "add", "often", CONNECTION, "--every", "1h", "--entity", "account"];
        host.ok(&task);
        let config = format!("[otlp]\nendpoint = \"{otlp}\"\n");
        fs::write(host.data().join("config.toml"), config).unwrap();
        Self { host, collector, _servers: servers, _dir: dir }
    }

    /// The lists of a signal that the collector has.
    fn sent(&self, signal: &str, pointer: &str) -> Vec<Value> {
        let path = format!("/v1/{signal}");
        self.collector.with(|collector| {
            let bodies = collector.0.iter().filter(|(to, _)| *to == path).map(|(_, body)| body);
            bodies
                .flat_map(|body| body.pointer(pointer).unwrap().as_array().unwrap().clone())
                .collect()
        })
    }
}

/// The fields of a line and of the spans that it stands in, the innermost last.
fn fields(line: &Value) -> Vec<(String, String)> {
    let spans = line["spans"].as_array().into_iter().flatten();
    let objects = spans.chain([line]).filter_map(Value::as_object);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    objects.flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn has(line: &Value, name: &str, value: &str) -> bool {
    fields(line).iter().any(|(known, found)| known == name && found == value)
}

#[test]
fn calls_that_the_api_makes_are_counted_and_a_server_without_a_collector_needs_none() {
    let scene = Scene::new();
    fs::remove_file(scene.host.data().join("config.toml")).unwrap();
    let served = Served::start(&scene.host);
    let api = served.api().of("main");
    let tested = api.post(&format!("/api/connections/{CONNECTION}/test"), &Value::Null, 200);
    assert_eq!(tested["works"], true, "{tested}");
    api.get(&format!("/api/integrations/{CONNECTION}/entities"));
    let figures = api.send("GET", "/metrics", &[], b"").text;
    for call in ["check", "discover"] {
        let line = format!("sandbox_calls{{call=\"{call}\",package=\"plughouse/spy\"}} 1\n");
        assert!(figures.contains(&line), "{figures}");
    }
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn one_request_is_followed_to_the_guest_and_to_the_collector() {
    let scene = Scene::new();
    let served = Served::start_with(&scene.host, &["--log", "info", "--log-format", "json"]);
    let api = served.api().of("main");
    let trace = format!("00-{TRACE}-{PARENT}-01");
    let headers = [
        ("x-request-id", "request-7"),
        ("traceparent", &trace),
        ("content-type", "application/json"),
        ("idempotency-key", "once"),
    ];
    let answer = api.send("POST", "/api/sync-tasks/often/run", &headers, b"{\"full\":false}");
    assert_eq!(answer.status, 202, "{}", answer.text);
    let runs = || scene.host.json(&["run", "list", CONNECTION]);
    until("the task has run", || runs().into_iter().find(|run| run["status"] == "succeeded"));
    let figures = api.send("GET", "/metrics", &[], b"").text;
    assert!(figures.contains("sync_records_created{package=\"plughouse/spy\"} 3\n"), "{figures}");
    assert!(figures.contains("egress_requests{package=\"plughouse/spy\"} 2\n"), "{figures}");
    let said = served.said();
    assert_eq!(served.stop(), Some(0));

    let lines: Vec<Value> =
        said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for (what, name, value) in [
        ("the answer", "target", "api::request"),
        ("the guest's log", "target", "adapter"),
        ("the call's audit", "target", "egress::audit"),
    ] {
        let found = lines.iter().filter(|line| {
            has(line, name, value)
                && has(line, "request_id", "request-7")
                && has(line, "trace_id", TRACE)
        });
        assert!(found.count() > 0, "{what}: {said}");
    }
    let guest = lines.iter().find(|line| has(line, "target", "adapter")).unwrap();
    for (name, value) in [("job", "1"), ("run", "1"), ("tenant", "main"), ("call", "pull")] {
        assert!(has(guest, name, value), "{name}: {guest}");
    }
    assert!(guest["timestamp"].is_string() && guest["level"] == "ERROR", "{guest}");

    let spans = scene.sent("traces", "/resourceSpans/0/scopeSpans/0/spans");
    let span = |name: &str| {
        let found = spans.iter().find(|span| span["name"] == name && span["traceId"] == TRACE);
        found.unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
    };
    assert_eq!(span("request")["parentSpanId"], PARENT);
    assert_eq!(span("job")["parentSpanId"], span("request")["spanId"]);
    assert_eq!(span("call")["parentSpanId"], span("job")["spanId"]);
    let metrics = scene.sent("metrics", "/resourceMetrics/0/scopeMetrics/0/metrics");
    let created = metrics.iter().find(|metric| metric["name"] == "sync_records_created").unwrap();
    assert_eq!(created["sum"]["dataPoints"][0]["asDouble"], 3.0);
}
