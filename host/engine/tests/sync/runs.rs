//! Stopping a run, and what it tells while it is at work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::sync::{Cancel, Ports};
use model::ErrorKind;
use model::run::RunStatus;

use crate::provider::{Scripted, error, page_of};
use crate::world::World;

#[tokio::test]
async fn run_that_is_asked_to_stop_stops_at_a_page_border_and_is_resumed() {
    let mut world = World::new(&["contact", "deal"]);
    let cancel = world.cancel.clone();
    let mut adapter = Scripted::new(move |request| {
        if request.checkpoint.as_deref() == Some("4") {
            cancel.cancel();
        }
        Ok(page_of(request, 10))
    });
    let run = world.run(&mut adapter).await;
    assert_eq!(run.status, RunStatus::Cancelled);
    assert_eq!(run.entities["contact"].status, RunStatus::Cancelled);
    assert!(!run.entities.contains_key("deal"));
    assert_eq!(world.ids().await.len(), 6, "the page that was being read is committed");

    world.cancel = Cancel::default();
    let mut adapter = Scripted::ten();
    world.run(&mut adapter).await;
    assert_eq!(adapter.asked()[..2], ["contact all @6", "contact all @8"]);
    assert_eq!(world.ids().await.len(), 20);
}

#[tokio::test]
async fn wish_to_stop_after_the_last_page_changes_nothing() {
    let world = World::new(&["contact"]);
    let cancel = world.cancel.clone();
    let asked = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&asked);
    let mut adapter = Scripted::new(move |request| {
        if request.checkpoint.as_deref() == Some("8") {
            seen.store(true, Ordering::Relaxed);
            cancel.cancel();
        }
        Ok(page_of(request, 10))
    });
    let run = world.run(&mut adapter).await;
    assert!(asked.load(Ordering::Relaxed));
    assert_eq!(run.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn run_tells_what_is_committed_in_order() {
    let world = World::new(&["contact", "deal"]);
    world.run(&mut Scripted::new(|request| Ok(page_of(request, 3)))).await;
    assert_eq!(
        *world.told.lock().unwrap(),
        [
            "run 1 started",
            "contact started",
            "contact: 1 pages, 2 read",
            "contact: 2 pages, 3 read",
            "contact succeeded: 2 pages, 3 read",
            "deal started",
            "deal: 1 pages, 2 read",
            "deal: 2 pages, 3 read",
            "deal succeeded: 2 pages, 3 read",
            "run 1 succeeded",
        ]
    );
}

/// Whether a run gets on whose `contact` is read to its end and whose `deal` fails at a page.
async fn gets_on(fails_at: Option<&'static str>) -> bool {
    let world = World::new(&["contact", "deal"]);
    let mut adapter = Scripted::new(move |request| {
        let fails = request.entity == "deal" && request.checkpoint.as_deref() == fails_at;
        if fails { Err(error(ErrorKind::Malformed)) } else { Ok(page_of(request, 10)) }
    });
    let ports = Ports {
        adapter: &mut adapter,
        store: &world.store,
        clock: world.clock.clone(),
        cancel: world.cancel.clone(),
        listener: &|_| {},
        metrics: world.metrics.clone(),
    };
    let ran = engine::sync::run(&world.plan, ports).await.unwrap();
    assert_eq!(ran.end.status, RunStatus::Partial);
    ran.progressed
}

#[tokio::test]
async fn run_gets_on_if_what_fails_has_moved_and_not_by_what_is_read_again_each_time() {
    assert!(!gets_on(None).await);
    assert!(gets_on(Some("4")).await);
}
