//! Pages are read ahead, committed in order, and none is ever passed over.

use std::sync::Arc;
use std::time::Duration;

use model::ErrorKind;
use model::run::RunStatus;
use model::store::StoreErrorKind;
use tokio::sync::Semaphore;

use crate::provider::{self, PAGE, Scripted, page_of};
use crate::store::{Fault, Faulty};
use crate::world::{World, start};

const ALL: [&str; 10] = [
    "contact/0",
    "contact/1",
    "contact/2",
    "contact/3",
    "contact/4",
    "contact/5",
    "contact/6",
    "contact/7",
    "contact/8",
    "contact/9",
];

#[tokio::test]
async fn full_read_stores_everything_and_the_next_one_changes_nothing() {
    let world = World::new(&["contact"]);
    let run = world.run(&mut Scripted::ten()).await;
    assert_eq!(run.status, RunStatus::Succeeded);
    assert_eq!(world.ids().await, ALL);
    let report = &run.entities["contact"];
    assert_eq!((report.pages, report.read, report.inserted), (5, 10, 10));
    assert_eq!(report.complete_until, Some(world.clock.now()));
    assert_eq!(run.receipt.http_calls, 5);

    world.wait();
    let run = world.run(&mut Scripted::ten()).await;
    let report = &run.entities["contact"];
    assert_eq!((report.read, report.inserted, report.unchanged), (10, 0, 10));
}

#[tokio::test]
async fn run_that_fails_after_any_page_is_resumed_to_the_same_end() {
    let whole = World::new(&["contact"]);
    whole.run(&mut Scripted::ten()).await;
    for failing in 0..ALL.len() / PAGE {
        let world = World::new(&["contact"]);
        let error = provider::error(ErrorKind::Unavailable);
        let run = world.run(&mut Scripted::failing_at(failing, &error)).await;
        assert_eq!(run.status, RunStatus::Failed);
        assert_eq!(run.entities["contact"].error, Some(error));
        let cost = usize::try_from(run.receipt.http_calls).unwrap();
        assert_eq!(cost, failing + 1, "failed calls cost as well");
        assert_eq!(world.ids().await, ALL[..failing * PAGE]);

        let mut adapter = Scripted::ten();
        let run = world.run(&mut adapter).await;
        assert_eq!(run.status, RunStatus::Succeeded);
        assert_eq!(adapter.asked().len(), ALL.len() / PAGE - failing, "nothing is read twice");
        assert_eq!(world.records().await, whole.records().await);
        assert_eq!(world.lanes().await, whole.lanes().await);
    }
}

#[tokio::test]
async fn no_page_is_stored_behind_one_that_was_not() {
    for kind in [
        StoreErrorKind::Invalid,
        StoreErrorKind::Corrupt,
        StoreErrorKind::Unavailable,
        StoreErrorKind::Fenced,
    ] {
        for refused in 0..ALL.len() / PAGE {
            let world = World::new(&["contact"]);
            let store = Faulty::new(&world.store, Fault::Refuse(kind), refused);
            let error = world.run_on(&store, &mut Scripted::ten()).await.unwrap_err();
            assert_eq!(error.kind(), kind);
            assert_eq!(world.ids().await, ALL[..refused * PAGE]);
            assert_eq!(store.pages(), refused + 1, "later pages are not even handed over");

            let run = world.run(&mut Scripted::ten()).await;
            assert_eq!(run.status, RunStatus::Succeeded);
            assert_eq!(world.ids().await, ALL);
        }
    }
}

#[tokio::test]
async fn run_that_the_store_lets_down_is_marked_failed() {
    let world = World::new(&["contact", "deal"]);
    let store = Faulty::new(&world.store, Fault::Refuse(StoreErrorKind::Corrupt), 2);
    world.run_on(&store, &mut Scripted::ten()).await.unwrap_err();
    let run = world.last_run().await;
    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(run.error.unwrap().code, "engine.store");
}

#[tokio::test]
async fn run_that_another_has_taken_over_writes_nothing_more() {
    let world = World::new(&["contact"]);
    let store = Faulty::new(&world.store, Fault::TakeOver(Box::new(start(&world))), 2);
    let error = world.run_on(&store, &mut Scripted::ten()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fenced);
    assert_eq!(world.ids().await, ALL[..2 * PAGE]);
    assert_eq!(world.last_run().await.status, RunStatus::Running, "the newer run is untouched");
}

#[tokio::test]
async fn next_page_is_read_while_the_last_one_commits() {
    let world = World::new(&["contact"]);
    let gate = Arc::new(Semaphore::new(0));
    let store = Faulty::new(&world.store, Fault::Wait(Arc::clone(&gate)), 0);
    let mut calls = 0;
    // Only the call for the third page lets the first page be committed.
    let mut adapter = Scripted::new(move |request| {
        calls += 1;
        if calls == 3 {
            gate.add_permits(100);
        }
        Ok(page_of(request, 10))
    });
    let run = tokio::time::timeout(Duration::from_secs(30), world.run_on(&store, &mut adapter));
    assert_eq!(run.await.expect("reads ahead").unwrap().status, RunStatus::Succeeded);
}

#[tokio::test]
async fn reading_ahead_is_bounded() {
    let world = World::new(&["contact"]);
    let gate = Arc::new(Semaphore::new(0));
    let store = Faulty::new(&world.store, Fault::Wait(Arc::clone(&gate)), 0);
    let mut adapter = Scripted::new(|request| Ok(page_of(request, 100)));
    let asked = Arc::clone(&adapter.asked);
    let watch = async {
        while asked.lock().unwrap().len() < 6 {
            tokio::task::yield_now().await;
        }
        // Whatever else it would read it would read now: it gives way at every page.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(100);
        asked.lock().unwrap().len()
    };
    let (run, read) = tokio::join!(world.run_on(&store, &mut adapter), watch);
    // Up to four pages commit, four wait, one has no room yet.
    assert!(read <= 9, "{read}");
    assert_eq!(run.unwrap().entities["contact"].read, 100);
}
