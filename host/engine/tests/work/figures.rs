//! What is counted of the work, and what is not counted twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engine::metrics::{Monitor, Ports, Query, Value};
use engine::work::{About, lease};
use model::queue::{Claim, JobQueue as _, Queue};
use model::{Error, ErrorKind};

use crate::breakers;
use crate::inbound::{Pages, order, plan};
use crate::world::{DEADLINE, Scripted, World, done, job, tenant};

/// What reads the figures that nobody counts.
pub(crate) fn monitor(world: &World) -> Monitor {
    let ports = Ports {
        queue: Arc::new(world.store.clone()),
        breakers: world.breakers.clone(),
        clock: world.clock.clone(),
    };
    Monitor::new(world.metrics.clone(), ports)
}

/// How a figure stands, over all labels but those that are given; of a histogram, how many.
fn figure(world: &World, name: &str, labels: &[(&str, &str)]) -> f64 {
    let samples = world.metrics.samples().into_iter().filter(|sample| {
        sample.metric.name == name
            && labels.iter().all(|(label, value)| sample.label(label) == *value)
    });
    samples
        .map(|sample| match sample.value {
            Value::Number(number) => number,
            Value::Spread { cumulative, .. } => {
                f64::from(u32::try_from(*cumulative.last().unwrap()).unwrap())
            }
        })
        .sum()
}

/// Waits until a figure stands so: it is counted after the store has answered.
async fn comes(world: &World, name: &str, labels: &[(&str, &str)], expected: u32) {
    world.comes(|| figure(world, name, labels) >= f64::from(expected)).await;
}

#[track_caller]
fn check(world: &World, name: &str, labels: &[(&str, &str)], expected: u32) {
    let found = figure(world, name, labels);
    assert!((found - f64::from(expected)).abs() < 1e-9, "{name} {labels:?}: {found}");
}

#[tokio::test(start_paused = true)]
async fn records_runs_and_calls_are_counted_and_what_is_read_again_is_no_new_record() {
    let world = World::new(plan()).await;
    world.adapter(|| Pages::new(|_| None));
    let crew = world.readers();
    for round in 1..=2 {
        world.enqueue(order(false)).await;
        world.until(|s| s.done == round).await;
        let round = u32::try_from(round).unwrap();
        let package = ("package", "test/provider");
        comes(&world, "sync_jobs_processed", &[], round).await;
        check(&world, "sync_jobs_processed", &[("outcome", "done"), package], round);
        check(&world, "sync_latency_ms", &[("outcome", "succeeded"), package], round);
        check(&world, "sandbox_calls", &[("call", "pull"), package], 10 * round);
        check(&world, "sandbox_memory_bytes", &[package], 10 * round);
        check(&world, "sync_records_created", &[package], 10);
        check(&world, "sync_records_updated", &[], 0);
        check(&world, "sync_jobs_failed", &[], 0);
        world.pass(Duration::from_hours(1)).await;
    }
    crew.stop().await;
    check(&world, "workers_busy", &[], 0);
}

#[tokio::test(start_paused = true)]
async fn records_whose_content_has_changed_are_counted_as_updated() {
    let world = World::new(plan()).await;
    let crew = world.readers();
    for (round, payload) in [(1, "{}"), (2, r#"{"changed":true}"#)] {
        world.adapter(move || Pages::new(|_| None).of(payload));
        world.enqueue(order(false)).await;
        world.until(|s| s.done == round).await;
        world.pass(Duration::from_hours(1)).await;
    }
    crew.stop().await;
    check(&world, "sync_records_created", &[("package", "test/provider")], 10);
    check(&world, "sync_records_updated", &[("package", "test/provider")], 10);
}

#[tokio::test(start_paused = true)]
async fn breakers_are_counted_as_long_as_they_are_open() {
    let world = World::new(plan()).await;
    let (monitor, package) = (monitor(&world), ("package", "test/provider"));
    breakers::open(&world, None);
    monitor.sample().await;
    check(&world, "breakers_open", &[package], 1);
    assert!(world.breakers.reset(&world.breakers.list(None)[0].key));
    world.clock.advance(Duration::from_secs(15));
    monitor.sample().await;
    check(&world, "breakers_open", &[package], 0);
}

#[tokio::test(start_paused = true)]
async fn failures_are_counted_by_kind_and_what_came_before_them_once() {
    let world = World::new(plan()).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    world.adapter(move || {
        let count = Arc::clone(&count);
        Pages::new(move |page| {
            let away = Error::new(ErrorKind::Unavailable, "test.user-4711", "away").sent();
            (page == 6 && count.fetch_add(1, Ordering::Relaxed) == 0).then_some(away)
        })
    });
    let crew = world.readers();
    world.enqueue(order(false)).await;
    world.comes(|| calls.load(Ordering::Relaxed) == 1).await;
    comes(&world, "sync_jobs_failed", &[], 1).await;
    check(&world, "sync_jobs_failed", &[("code", "unavailable")], 1);
    check(&world, "sandbox_call_errors", &[("code", "unavailable")], 1);
    check(&world, "sync_records_created", &[], 6);
    world.pass(Duration::from_mins(1)).await;
    world.until(|s| s.done == 1).await;
    crew.stop().await;
    check(&world, "sync_jobs_processed", &[("outcome", "retry")], 1);
    check(&world, "sync_jobs_processed", &[("outcome", "done")], 1);
    check(&world, "sync_records_created", &[], 10);
    check(&world, "sync_jobs_failed", &[], 1);
}

#[tokio::test(start_paused = true)]
async fn job_of_a_worker_that_has_lost_its_claim_is_not_counted() {
    let world = World::new(plan()).await;
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let crew = world.crew(Scripted::new(move |leased, context| {
        let begun = Arc::clone(&count);
        async move {
            begun.fetch_add(1, Ordering::Relaxed);
            context.cancel.cancelled().await;
            done(&leased)
        }
    }));
    world.enqueue(job("crm")).await;
    world.comes(|| begun.load(Ordering::Relaxed) == 1).await;
    check(&world, "workers_busy", &[("queue", "inbound-scheduled")], 1);
    world.clock.advance(lease(DEADLINE) * 2);
    let claim = Claim {
        worker: "other".to_owned(),
        queue: Queue::InboundScheduled,
        tenant: tenant(),
        skip: std::collections::BTreeSet::new(),
        sessions_max: 1,
        jobs_max: 1,
        lease: Duration::from_hours(1),
        alone: false,
    };
    assert_eq!(world.store.claim(claim).await.unwrap().len(), 1);
    world.pass(lease(DEADLINE)).await;
    crew.stop().await;
    check(&world, "sync_jobs_processed", &[], 0);
    check(&world, "workers_busy", &[], 0);
}

#[tokio::test(start_paused = true)]
async fn queues_are_read_when_somebody_asks_and_not_each_time() {
    let world = World::new(plan()).await;
    let monitor = monitor(&world);
    monitor.sample().await;
    world.enqueue(job("crm")).await;
    world.enqueue(job("desk")).await;
    let depth = "sync_queue_depth{queue=\"inbound-scheduled\"}";
    assert!(!monitor.render().await.contains(depth), "the last answer is too new");
    world.clock.advance(Duration::from_secs(15));
    let text = monitor.render().await;
    assert!(text.contains(&format!("{depth} 2\n")), "{text}");
    check(&world, "sync_queue_oldest_ms", &[], 15_000);
    monitor.sample().await;
    let now = world.clock.now();
    let query = Query {
        name: "sync_queue_depth",
        by: Some("queue"),
        from: now - Duration::from_secs(15),
        to: now,
        step: Duration::from_secs(15),
    };
    let answer = monitor.series(&query).unwrap();
    assert_eq!(answer.lines[0].label.as_deref(), Some("inbound-scheduled"));
    assert!((answer.lines[0].points.last().unwrap().value - 2.0).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn dead_letters_are_counted_of_all_tenants() {
    let world = World::new(plan()).await;
    *world.desk.about.lock().unwrap() = Some(About { host: None, digest: "sha256:00".to_owned() });
    let crew = world.readers();
    // It is no order, so nobody tries it twice.
    world.enqueue(job("crm")).await;
    world.until(|s| s.dead == 1).await;
    crew.stop().await;
    monitor(&world).sample().await;
    check(&world, "sync_jobs_dead", &[("queue", "inbound-scheduled")], 1);
    check(&world, "sync_jobs_failed", &[("code", "engine.order")], 1);
    check(&world, "sync_jobs_processed", &[("outcome", "dead")], 1);
}
