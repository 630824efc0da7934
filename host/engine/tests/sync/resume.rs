//! A sync that fails at any one of its calls, or at any one of its commits, ends like one that
//! never failed.

use engine::sync::{PartsFrom, SyncPlan};
use model::ErrorKind;
use model::adapter::{Next, Page, PullRequest, Selection};
use model::run::RunStatus;
use model::store::StoreErrorKind;
use model::window::Cursor;
use std::time::Duration;

use crate::provider::{self, Scripted, page, page_of, tombstone};
use crate::store::{Fault, Faulty};
use crate::world::{World, entity, rule};

/// One of everything: a scan with children, and windows with a list of deletions.
fn everything(plan: &mut SyncPlan) {
    let mut article = entity("article");
    article.rule = rule(Cursor::Window);
    article.rule.step = Duration::from_mins(40);
    article.rule.lookback = Duration::from_mins(10);
    article.lists_deletions = true;
    let mut message = entity("message");
    message.parts = PartsFrom::Parent("channel".to_owned());
    plan.entities = vec![article, entity("channel"), message];
}

fn answer(request: &PullRequest) -> Page {
    match &request.selection {
        Selection::Deleted(_) if request.checkpoint.is_none() => {
            let mut page = page(Vec::new(), Next::More("1".to_owned()));
            page.tombstones.push(tombstone("article", "1"));
            page
        }
        Selection::Deleted(_) => page(Vec::new(), Next::Done(String::new())),
        _ => page_of(request, 3),
    }
}

/// Syncs, lets an hour pass, syncs again; after a failure at this call the same once more.
async fn sync_twice(world: &World, failing: Option<usize>) -> usize {
    let mut calls = 0;
    for _ in 0..2 {
        loop {
            let at = failing.and_then(|failing| failing.checked_sub(calls));
            let mut here = 0;
            let mut adapter = Scripted::new(move |request| {
                here += 1;
                let fails = at == Some(here - 1);
                let error = || provider::error(ErrorKind::Unavailable);
                if fails { Err(error()) } else { Ok(answer(request)) }
            });
            let run = world.run(&mut adapter).await;
            calls += adapter.asked().len();
            if run.status == RunStatus::Succeeded {
                break;
            }
        }
        world.wait();
    }
    calls
}

async fn uninterrupted() -> (World, usize) {
    let mut world = World::new(&[]);
    everything(&mut world.plan);
    let calls = sync_twice(&world, None).await;
    (world, calls)
}

#[tokio::test]
async fn failing_call_changes_nothing_in_the_end() {
    let (whole, calls) = uninterrupted().await;
    assert!(calls > 20);
    for failing in 0..calls {
        let mut world = World::new(&[]);
        everything(&mut world.plan);
        sync_twice(&world, Some(failing)).await;
        assert_eq!(world.records().await, whole.records().await, "call {failing}");
        assert_eq!(world.lanes().await, whole.lanes().await, "call {failing}");
    }
}

#[tokio::test]
async fn failing_commit_changes_nothing_in_the_end() {
    let (whole, _) = uninterrupted().await;
    for failing in 0.. {
        let mut world = World::new(&[]);
        everything(&mut world.plan);
        let fault = Fault::Refuse(StoreErrorKind::Unavailable);
        let store = Faulty::new(&world.store, fault, failing);
        let mut refused = false;
        for _ in 0..2 {
            while world
                .run_on(&store, &mut Scripted::new(|request| Ok(answer(request))))
                .await
                .is_err()
            {
                refused = true;
            }
            world.wait();
        }
        assert_eq!(world.records().await, whole.records().await, "commit {failing}");
        assert_eq!(world.lanes().await, whole.lanes().await, "commit {failing}");
        if !refused {
            assert!(failing > 20);
            break;
        }
    }
}
