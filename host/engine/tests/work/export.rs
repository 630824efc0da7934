//! What a collector is sent, as it decodes it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use engine::otlp::{Exporter, Ports, Spans};
use engine::sync::Cancel;
use model::outbound::{HostAnswer, HostRequest, Outbound};
use model::{Error, ErrorKind, Secret};
use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::figures::monitor;
use crate::inbound::{Pages, plan};
use crate::trace::asked;
use crate::world::World;

/// A collector; what it answers is told before, and is good otherwise.
#[derive(Default)]
struct Collector {
    taken: Mutex<Vec<(String, Value)>>,
    answers: Mutex<VecDeque<Result<(u16, &'static str), ()>>>,
}

#[async_trait]
impl Outbound for Collector {
    async fn send(&self, request: HostRequest) -> Result<HostAnswer, Error> {
        assert_eq!((request.purpose, request.method), ("otlp", "POST"));
        assert_eq!(request.origin.as_deref(), Some("http://127.0.0.1:4318"));
        assert_eq!(request.headers[0].0, "content-type");
        assert_eq!(request.headers[0].1.expose(), "application/json");
        let body = request.body.unwrap();
        assert!(body.expose().len() <= 64 << 10);
        let body = serde_json::from_str(body.expose()).unwrap();
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Ok((200, "{}")));
        let away = |()| Error::new(ErrorKind::Unavailable, "egress.connect", "nobody is there");
        let (status, text) = answer.map_err(away)?;
        self.taken.lock().unwrap().push((request.url, body));
        Ok(HostAnswer { status, headers: Vec::new(), body: Secret::new(text.to_owned()) })
    }
}

impl Collector {
    fn will(&self, answer: Result<(u16, &'static str), ()>) {
        self.answers.lock().unwrap().push_back(answer);
    }

    /// The lists of a signal that have come.
    fn list(&self, signal: &str, pointer: &str) -> Vec<Value> {
        let url = format!("https://127.0.0.1:4318/v1/{signal}");
        let taken = self.taken.lock().unwrap();
        let bodies = taken.iter().filter(|(to, _)| *to == url).map(|(_, body)| body);
        bodies.flat_map(|body| body.pointer(pointer).unwrap().as_array().unwrap().clone()).collect()
    }

    fn spans(&self) -> Vec<Value> {
        self.list("traces", "/resourceSpans/0/scopeSpans/0/spans")
    }

    fn figures(&self) -> Vec<Value> {
        self.list("metrics", "/resourceMetrics/0/scopeMetrics/0/metrics")
    }
}

/// A collector that says nothing to what it is sent.
#[derive(Default)]
struct Silent(AtomicUsize);

#[async_trait]
impl Outbound for Silent {
    async fn send(&self, _: HostRequest) -> Result<HostAnswer, Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        std::future::pending().await
    }
}

fn exporter<C>(world: &World, collector: &Arc<C>, spans: &Spans) -> Exporter
where
    C: Outbound + 'static,
{
    let ports = Ports {
        outbound: Arc::<C>::clone(collector),
        monitor: monitor(world),
        spans: spans.clone(),
        clock: world.clock.clone(),
        scrub: Arc::new(|text| text.replace("hunter2", "•")),
        instance: "test-1".to_owned(),
    };
    let endpoint = "http://127.0.0.1:4318".parse().unwrap();
    Exporter::new(endpoint, Duration::from_secs(30), ports)
}

fn attribute<'a>(thing: &'a Value, name: &str) -> Option<&'a str> {
    let attributes = thing["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|attribute| attribute["key"] == name)?;
    found["value"]["stringValue"].as_str()
}

fn undelivered(world: &World, signal: &str) -> String {
    let text = world.metrics.render();
    let line = format!("otlp_dropped{{signal=\"{signal}\"}} ");
    text.lines().find_map(|found| found.strip_prefix(&line)).unwrap_or("none").to_owned()
}

/// Reads ten pages for a request.
async fn read(world: &World) {
    world.adapter(|| Pages::new(|_| None));
    let crew = world.readers();
    world.enqueue(asked("hunter2")).await;
    world.until(|s| s.done == 1).await;
    crew.stop().await;
}

#[tokio::test(start_paused = true)]
async fn spans_of_a_job_and_its_calls_hang_together() {
    let world = World::new(plan()).await;
    let spans = Spans::new(world.clock.clone());
    let subscriber = tracing_subscriber::registry().with(spans.clone());
    let _logging = tracing::subscriber::set_default(subscriber);
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let collector = Arc::new(Collector::default());
    let exporter = exporter(&world, &collector, &spans);
    read(&world).await;
    exporter.export().await;
    let sent = collector.spans();
    let jobs: Vec<_> = sent.iter().filter(|span| span["name"] == "job").collect();
    assert_eq!((jobs.len(), sent.len()), (1, 11), "{sent:#?}");
    assert_eq!(jobs[0]["parentSpanId"], "00f067aa0ba902b7");
    assert_eq!(attribute(jobs[0], "request_id"), Some("•"));
    assert_eq!(attribute(jobs[0], "connection"), Some("crm"));
    assert_eq!(attribute(jobs[0], "trace_id"), None);
    for span in &sent {
        assert_eq!(span["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(span["spanId"].as_str().unwrap().len(), 16);
        assert!(span["name"] == "job" || span["parentSpanId"] == jobs[0]["spanId"]);
        let time = |name: &str| span[name].as_str().unwrap().parse::<i128>().unwrap();
        assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"));
    }
    exporter.export().await;
    assert_eq!(collector.spans().len(), 11, "nothing is sent twice");
}

#[tokio::test(start_paused = true)]
async fn figures_are_sums_since_the_start() {
    let world = World::new(plan()).await;
    let collector = Arc::new(Collector::default());
    let exporter = exporter(&world, &collector, &Spans::new(world.clock.clone()));
    read(&world).await;
    exporter.export().await;
    let figures = collector.figures();
    let figure = |name: &str| figures.iter().find(|figure| figure["name"] == name).unwrap();
    let created = &figure("sync_records_created")["sum"];
    assert_eq!(
        (&created["aggregationTemporality"], &created["isMonotonic"]),
        (&2.into(), &true.into())
    );
    let point = &created["dataPoints"][0];
    assert_eq!(
        (&point["asDouble"], attribute(point, "package")),
        (&10.0.into(), Some("test/provider"))
    );
    assert!(point["timeUnixNano"].is_string() && point["startTimeUnixNano"].is_string());
    let runs = &figure("sync_latency_ms")["histogram"]["dataPoints"][0];
    let bounds = runs["explicitBounds"].as_array().unwrap().len();
    assert_eq!(
        (&runs["count"], runs["bucketCounts"].as_array().unwrap().len()),
        (&"1".into(), bounds + 1)
    );
    let depth = &figure("sync_queue_depth")["gauge"]["dataPoints"][0];
    assert_eq!(attribute(depth, "queue"), Some("inbound-scheduled"));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_taken_is_dropped_and_counted() {
    let world = World::new(plan()).await;
    let collector = Arc::new(Collector::default());
    let exporter = exporter(&world, &collector, &Spans::new(world.clock.clone()));
    read(&world).await;
    let points = world.metrics.samples().len();
    collector.will(Err(()));
    exporter.export().await;
    assert!(undelivered(&world, "metrics").parse::<usize>().unwrap() >= points);
    let before: u64 = undelivered(&world, "metrics").parse().unwrap();
    collector.will(Ok((200, r#"{"partialSuccess":{"rejectedDataPoints":"2"}}"#)));
    exporter.export().await;
    assert_eq!(undelivered(&world, "metrics"), (before + 2).to_string());
    collector.will(Ok((503, "")));
    exporter.export().await;
    assert!(undelivered(&world, "metrics").parse::<u64>().unwrap() > before + 2);
}

#[tokio::test(start_paused = true)]
async fn spans_for_which_there_is_no_room_are_counted_and_hold_up_nobody() {
    let world = World::new(plan()).await;
    let spans = Spans::new(world.clock.clone());
    let subscriber = tracing_subscriber::registry().with(spans.clone());
    let collector = Arc::new(Collector::default());
    let exporter = exporter(&world, &collector, &spans);
    tracing::subscriber::with_default(subscriber, || {
        let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
        for _ in 0..5_000 {
            drop(tracing::info_span!("job", trace_id));
        }
        drop(tracing::info_span!("job", trace_id = "no trace"));
        drop(tracing::info_span!("elsewhere"));
    });
    exporter.export().await;
    assert_eq!(collector.spans().len(), 4_096);
    assert_eq!(undelivered(&world, "traces"), "904");
}

#[tokio::test(start_paused = true)]
async fn collector_that_is_silent_holds_up_a_stop_for_three_seconds() {
    let world = World::new(plan()).await;
    let collector = Arc::new(Silent::default());
    read(&world).await;
    let exporter = exporter(&world, &collector, &Spans::new(world.clock.clone()));
    let stop = Cancel::default();
    let stops = stop.clone();
    let exporting = tokio::spawn(async move { exporter.run(stops).await });
    world.settle().await;
    world.pass(Duration::from_secs(30)).await;
    world.comes(|| collector.0.load(Ordering::Relaxed) == 1).await;
    stop.cancel();
    world.settle().await;
    world.pass(Duration::from_secs(2)).await;
    assert!(!exporting.is_finished());
    world.pass(Duration::from_secs(2)).await;
    assert!(exporting.is_finished());
}
