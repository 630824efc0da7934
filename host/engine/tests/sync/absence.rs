//! Deletions that only a full read tells, and the valve on them.

use engine::sync::{Cancel, PartsFrom};
use model::ErrorKind;
use model::absence::{AbsenceStore as _, Decision};
use model::adapter::{Next, PullRequest};
use model::record::{Reject, Removal};
use model::run::{Run, RunStatus};
use model::store::{EventKind, RecordStore as _, StoreErrorKind};
use model::window::{Cursor, Proof};

use crate::provider::{self, PAGE, Scripted, page, page_of, record};
use crate::store::{Fault, Faulty};
use crate::world::{World, entity, rule};

/// A world whose only entity tells its deletions by absence.
fn world() -> World {
    let mut world = World::new(&["contact"]);
    world.entity().absent = vec!["contact".to_owned()];
    world
}

/// A read of so many records, in pages of a hundred.
fn of(count: usize) -> Scripted {
    Scripted::new(move |request| Ok(hundred(request, 0..count)))
}

fn hundred(request: &PullRequest, ids: std::ops::Range<usize>) -> model::adapter::Page {
    let from: usize = request.checkpoint.as_deref().map_or(ids.start, |c| c.parse().unwrap());
    let until = (from + 100).min(ids.end);
    let records = (from..until).map(|n| record("contact", &format!("{n:04}"))).collect();
    let next =
        if until < ids.end { Next::More(until.to_string()) } else { Next::Done(String::new()) };
    page(records, next)
}

async fn absent(world: &World, mut adapter: Scripted) -> (u64, u64, u64) {
    world.wait();
    let run = world.run(&mut adapter).await;
    told(&run)
}

/// Absent, held and deleted.
fn told(run: &Run) -> (u64, u64, u64) {
    let report = &run.entities["contact"];
    (report.absent, report.held, report.deleted)
}

async fn held_events(world: &World) -> usize {
    let events = world.store.events(&world.plan.tenant, 0, 1000).await.unwrap();
    events.iter().filter(|e| matches!(e.kind, EventKind::DeletionsHeld { .. })).count()
}

async fn decide(world: &World, run: &Run, decision: Decision) {
    let (tenant, connection) = (&world.plan.tenant, &world.plan.connection);
    let decided = world.store.decide_held(tenant, connection, run.id, decision).await.unwrap();
    assert_eq!(decided.len(), 1);
}

#[tokio::test]
async fn what_a_complete_scan_does_not_show_is_gone_and_comes_back() {
    let world = world();
    world.run(&mut of(50)).await;
    assert_eq!(absent(&world, of(45)).await, (5, 0, 5));
    let read = world.last_run().await.entities["contact"].read;
    assert_eq!(read, 45, "what is absent was not read");
    let gone: Vec<_> = world.records().await.into_iter().filter(|r| r.removed.is_some()).collect();
    assert_eq!((gone.len(), gone[0].removed), (5, Some(Removal::Hidden)));
    assert_eq!(absent(&world, of(45)).await, (0, 0, 0), "what is gone is absent no more");
    assert_eq!(absent(&world, of(50)).await, (0, 0, 0));
    assert_eq!(world.ids().await.len(), 50);
    assert_eq!(absent(&world, of(49)).await, (1, 0, 1));
}

#[tokio::test]
async fn scan_that_is_not_proved_complete_deletes_nothing() {
    let partial = |request: &PullRequest| {
        let page = hundred(request, 0..45);
        Ok(model::adapter::Page { next: Next::Partial(String::new()), ..page })
    };
    let unnamed = |request: &PullRequest| {
        let mut page = hundred(request, 0..45);
        let error = provider::error(ErrorKind::Malformed);
        page.rejects.push(Reject { entity: "contact".to_owned(), id: None, error, payload: None });
        Ok(page)
    };
    let nameless = |request: &PullRequest| {
        let mut page = hundred(request, 0..45);
        let (id, error) = (Some(String::new()), provider::error(ErrorKind::Malformed));
        page.rejects.push(Reject { entity: "contact".to_owned(), id, error, payload: None });
        Ok(page)
    };
    let failing = |request: &PullRequest| match request.checkpoint {
        None => Ok(page(Vec::new(), Next::More("1".to_owned()))),
        Some(_) => Err(provider::error(ErrorKind::Unavailable)),
    };
    let adapters = [
        Scripted::new(partial),
        Scripted::new(unnamed),
        Scripted::new(nameless),
        Scripted::new(failing),
    ];
    for adapter in adapters {
        let world = world();
        world.run(&mut of(50)).await;
        assert_eq!(absent(&world, adapter).await, (0, 0, 0));
        assert_eq!(world.ids().await.len(), 50);
    }
}

#[tokio::test]
async fn record_that_could_not_be_read_is_there_all_the_same() {
    let world = world();
    world.run(&mut of(50)).await;
    let adapter = Scripted::new(|request| {
        let mut page = hundred(request, 0..49);
        let (id, error) = (Some("0049".to_owned()), provider::error(ErrorKind::Malformed));
        page.rejects.push(Reject { entity: "contact".to_owned(), id, error, payload: None });
        Ok(page)
    });
    assert_eq!(absent(&world, adapter).await, (0, 0, 0));
}

#[tokio::test]
async fn cancelled_scan_deletes_nothing_and_the_next_run_judges_it() {
    let mut world = world();
    world.run(&mut of(50)).await;
    world.wait();
    let cancel = world.cancel.clone();
    let mut adapter = Scripted::new(move |request| {
        cancel.cancel();
        Ok(hundred(request, 0..45))
    });
    assert_eq!(told(&world.run(&mut adapter).await), (0, 0, 0));
    world.cancel = Cancel::default();
    assert_eq!(told(&world.run(&mut of(45)).await), (5, 0, 5));
}

#[tokio::test]
async fn scan_of_several_runs_is_one_generation() {
    let world = world();
    world.run(&mut of(350)).await;
    world.wait();
    let mut adapter = Scripted::new(|request| match request.checkpoint.as_deref() {
        Some("200") => Err(provider::error(ErrorKind::Unavailable)),
        _ => Ok(hundred(request, 0..345)),
    });
    assert_eq!(told(&world.run(&mut adapter).await), (0, 0, 0));
    let run = world.run(&mut of(345)).await;
    assert_eq!(told(&run), (5, 0, 5));
    let (_, state) = world.lanes().await.remove(0);
    let generation = state.generation.unwrap();
    assert_eq!((generation.id.0, generation.proof), (2, Proof::Settled), "it began in run 2");
}

#[tokio::test]
async fn windows_and_feeds_tell_no_absence() {
    let mut world = world();
    world.entity().rule = rule(Cursor::Window);
    world.run(&mut of(50)).await;
    assert_eq!(absent(&world, of(1)).await, (0, 0, 0));
    world.store.reset_lanes(&world.plan.tenant, &world.plan.connection).await.unwrap();
    assert_eq!(absent(&world, of(49)).await, (1, 0, 1), "a full read does");
}

#[tokio::test]
async fn record_that_came_by_a_window_can_be_found_absent() {
    let mut world = world();
    world.entity().rule = rule(Cursor::Window);
    world.run(&mut of(50)).await;
    let new = Scripted::new(|request| Ok(hundred(request, 50..51)));
    absent(&world, new).await;
    assert_eq!(world.ids().await.len(), 51);
    world.store.reset_lanes(&world.plan.tenant, &world.plan.connection).await.unwrap();
    assert_eq!(absent(&world, of(50)).await, (1, 0, 1));
}

#[tokio::test]
async fn unusual_number_is_held_until_a_person_approves() {
    let world = world();
    world.run(&mut of(400)).await;
    assert_eq!(absent(&world, of(200)).await, (200, 200, 0));
    let held = world.last_run().await;
    assert_eq!(world.ids().await.len(), 400);
    assert_eq!(absent(&world, of(200)).await, (200, 200, 0));
    assert_eq!(held_events(&world).await, 1, "nobody is asked twice");
    decide(&world, &held, Decision::Approved).await;
    assert_eq!(absent(&world, of(200)).await, (0, 0, 200));
    assert_eq!(world.ids().await.len(), 200);
    let held = world.store.held(&world.plan.tenant, None).await.unwrap();
    assert!(held.is_empty(), "{held:?}");
}

#[tokio::test]
async fn approval_is_spent_on_what_it_was_given_for() {
    let world = world();
    world.run(&mut of(800)).await;
    assert_eq!(absent(&world, of(500)).await, (300, 300, 0));
    decide(&world, &world.last_run().await, Decision::Approved).await;
    assert_eq!(absent(&world, of(250)).await, (250, 250, 300), "of the scan of the same run");
    assert_eq!(world.ids().await.len(), 500);
    assert_eq!(held_events(&world).await, 2);
}

#[tokio::test]
async fn more_than_was_approved_is_asked_about_again() {
    let mut world = world();
    world.entity().rule = rule(Cursor::Window);
    let reset = async || {
        world.store.reset_lanes(&world.plan.tenant, &world.plan.connection).await.unwrap();
    };
    world.run(&mut of(400)).await;
    reset().await;
    assert_eq!(absent(&world, of(200)).await, (200, 200, 0));
    decide(&world, &world.last_run().await, Decision::Approved).await;
    reset().await;
    assert_eq!(absent(&world, of(150)).await, (250, 250, 0));
    assert_eq!(held_events(&world).await, 2);
    decide(&world, &world.last_run().await, Decision::Approved).await;
    assert_eq!(absent(&world, of(0)).await, (250, 0, 250), "without reading in full again");
}

#[tokio::test]
async fn discarded_deletions_are_kept_without_asking_until_the_records_are_shown_again() {
    let world = world();
    world.run(&mut of(400)).await;
    assert_eq!(absent(&world, of(200)).await, (200, 200, 0));
    decide(&world, &world.last_run().await, Decision::Discarded).await;
    assert_eq!(absent(&world, of(190)).await, (210, 210, 0));
    assert_eq!(held_events(&world).await, 1);
    assert_eq!(absent(&world, of(50)).await, (350, 350, 0));
    assert_eq!(held_events(&world).await, 2, "far more are missing now");
    assert_eq!(absent(&world, of(390)).await, (10, 0, 10));
    assert!(world.store.held(&world.plan.tenant, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn emptied_account_is_held_though_it_is_small() {
    let world = world();
    world.run(&mut of(12)).await;
    assert_eq!(absent(&world, of(1)).await, (11, 11, 0));
    decide(&world, &world.last_run().await, Decision::Discarded).await;
    assert_eq!(absent(&world, of(0)).await, (12, 12, 0));
    assert_eq!(held_events(&world).await, 1, "nobody is asked twice");
}

#[tokio::test]
async fn parts_are_judged_together_and_each_by_its_own_scan() {
    let mut world = World::new(&["channel"]);
    let mut message = entity("contact");
    message.parts = PartsFrom::Parent("channel".to_owned());
    message.absent = vec!["contact".to_owned()];
    world.plan.entities.push(message);
    let answer = |counts: [usize; 3]| {
        Scripted::new(move |request: &PullRequest| match request.part.as_deref() {
            None => Ok(page_of(request, 3)),
            Some("1") if counts[1] == 0 => Err(provider::error(ErrorKind::Permission)),
            Some(part) => {
                let n: usize = part.parse().unwrap();
                Ok(hundred(request, n * 1000..n * 1000 + counts[n]))
            }
        })
    };
    world.run(&mut answer([80, 80, 80])).await;
    assert_eq!(absent(&world, answer([79, 0, 78])).await, (3, 0, 3));
    assert_eq!(absent(&world, answer([10, 80, 10])).await, (137, 137, 0), "few in each part");
}

#[tokio::test]
async fn record_that_moves_to_another_part_is_not_gone() {
    let mut world = World::new(&["channel"]);
    let mut message = entity("contact");
    message.parts = PartsFrom::Parent("channel".to_owned());
    message.absent = vec!["contact".to_owned()];
    world.plan.entities.push(message);
    let answer = |ids: [std::ops::Range<usize>; 2]| {
        Scripted::new(move |request: &PullRequest| match request.part.as_deref() {
            None => Ok(page_of(request, 2)),
            Some(part) => Ok(hundred(request, ids[part.parse::<usize>().unwrap()].clone())),
        })
    };
    world.run(&mut answer([0..5, 5..10])).await;
    assert_eq!(absent(&world, answer([0..4, 4..10])).await, (0, 0, 0));
    let records = world.records().await;
    let moved = records.iter().find(|r| r.id == "0004").unwrap();
    assert_eq!((moved.part.as_deref(), moved.removed), (Some("1"), None));
    assert_eq!(absent(&world, answer([0..4, 5..10])).await, (1, 0, 1));
}

/// A scan that shows less than the one before, at any failure.
fn less(request: &PullRequest) -> model::adapter::Page {
    page_of(request, 7)
}

#[tokio::test]
async fn failing_call_or_commit_changes_nothing_in_the_end() {
    let whole = world();
    whole.run(&mut Scripted::ten()).await;
    whole.wait();
    whole.run(&mut Scripted::new(|request| Ok(less(request)))).await;
    assert_eq!(whole.ids().await.len(), 7);
    for failing in 0..7_usize.div_ceil(PAGE) {
        let world = world();
        world.run(&mut Scripted::ten()).await;
        world.wait();
        let mut calls = 0;
        let mut adapter = Scripted::new(move |request| {
            calls += 1;
            let error = || provider::error(ErrorKind::Unavailable);
            if calls == failing + 1 { Err(error()) } else { Ok(less(request)) }
        });
        world.run(&mut adapter).await;
        assert_eq!(world.ids().await.len(), 10, "call {failing}");
        world.run(&mut Scripted::new(|request| Ok(less(request)))).await;
        same(&world, &whole).await;
    }
    for failing in 0..20 {
        let world = world();
        world.run(&mut Scripted::ten()).await;
        world.wait();
        let fault = Fault::Refuse(StoreErrorKind::Unavailable);
        let store = Faulty::new(&world.store, fault, failing);
        let mut adapter = Scripted::new(|request| Ok(less(request)));
        let refused = world.run_on(&store, &mut adapter).await.is_err();
        if !refused {
            assert!(failing > 4);
            break;
        }
        world.run(&mut Scripted::new(|request| Ok(less(request)))).await;
        same(&world, &whole).await;
    }
}

async fn same(world: &World, whole: &World) {
    let without_time = |records: Vec<model::store::StoredRecord>| -> Vec<_> {
        records.into_iter().map(|r| (r.id, r.removed, r.payload)).collect()
    };
    assert_eq!(without_time(world.records().await), without_time(whole.records().await));
    let settled = |state: &model::window::LaneState| state.generation.unwrap().proof;
    assert!(world.lanes().await.iter().all(|(_, state)| settled(state) == Proof::Settled));
    assert_eq!(world.last_run().await.status, RunStatus::Succeeded);
}
