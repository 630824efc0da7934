//! Windows, feeds, deletions and parts.

use std::time::Duration;

use engine::sync::PartsFrom;
use model::ErrorKind;
use model::adapter::{Entity, Next, Selection};
use model::run::RunStatus;
use model::window::{Cursor, Full};

use crate::provider::{self, Scripted, page, page_of, tombstone};
use crate::world::{World, entity, rule};

#[tokio::test]
async fn window_entity_is_read_in_full_once_and_then_by_what_has_changed() {
    let mut world = World::new(&["contact"]);
    world.entity().rule = rule(Cursor::Window);
    world.entity().rule.lookback = Duration::from_mins(1);
    world.run(&mut Scripted::ten()).await;
    world.wait();
    let mut adapter = Scripted::new(|request| Ok(page_of(request, 3)));
    world.run(&mut adapter).await;
    let ahead = "contact 2026-01-01T12:59:00Z..2026-01-01T13:00:00Z";
    let behind = "contact 2026-01-01T11:59:00Z..2026-01-01T12:59:00Z";
    let twice = |window: &str| [window.to_owned(), format!("{window} @2")];
    assert_eq!(adapter.asked(), [twice(ahead), twice(behind)].concat());
    let report = &world.last_run().await.entities["contact"];
    assert_eq!(report.complete_until, Some("2026-01-01T12:59:00Z".parse().unwrap()));
    let before = report.checkpoint_before.as_deref();
    assert_eq!(before, Some("until 2026-01-01T11:59:00Z"));
    let after = report.checkpoint_after.as_deref();
    assert_eq!(after, Some("until 2026-01-01T12:59:00Z"));

    let mut adapter = Scripted::ten();
    let run = world.run(&mut adapter).await;
    assert!(adapter.asked().is_empty(), "no time has passed, so there is nothing to read");
    assert_eq!(run.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn history_is_read_window_by_window_and_resumed_within_one() {
    let day = Duration::from_hours(24);
    let mut world = World::new(&["article"]);
    world.entity().rule = rule(Cursor::Window);
    world.entity().rule.full = Full::Windows;
    world.entity().rule.step = day;
    world.entity().rule.history = day * 3;
    let error = provider::error(ErrorKind::RateLimited);
    world.run(&mut Scripted::failing_at(3, &error)).await;
    let mut adapter = Scripted::new(|request| Ok(page_of(request, 3)));
    let run = world.run(&mut adapter).await;
    assert_eq!(run.status, RunStatus::Succeeded);
    assert_eq!(
        adapter.asked(),
        [
            "article 2025-12-29T12:00:00Z..2025-12-30T12:00:00Z @6",
            "article 2025-12-30T12:00:00Z..2025-12-31T12:00:00Z",
            "article 2025-12-30T12:00:00Z..2025-12-31T12:00:00Z @2",
            "article 2025-12-31T12:00:00Z..2026-01-01T12:00:00Z",
            "article 2025-12-31T12:00:00Z..2026-01-01T12:00:00Z @2",
        ]
    );
}

#[tokio::test]
async fn feed_goes_on_from_its_token_and_is_read_in_full_when_that_has_expired() {
    let mut world = World::new(&["file"]);
    world.entity().rule = rule(Cursor::Feed);
    let done = |token: &str| Ok(page(Vec::new(), Next::Done(token.to_owned())));
    world.run(&mut Scripted::new(move |_| done("one"))).await;
    world.wait();
    let mut adapter = Scripted::new(move |_| done("two"));
    world.run(&mut adapter).await;
    assert_eq!(adapter.asked(), ["file changes @one"]);
    world.wait();
    let mut adapter = Scripted::new(move |request| match request.selection {
        Selection::Changes => Err(provider::error(ErrorKind::ExpiredCheckpoint)),
        _ => done("three"),
    });
    let run = world.run(&mut adapter).await;
    assert_eq!(run.status, RunStatus::Succeeded);
    assert_eq!(adapter.asked(), ["file changes @two", "file all"]);
}

#[tokio::test]
async fn deletions_are_listed_from_where_the_records_were_complete() {
    let mut world = World::new(&["contact"]);
    world.entity().rule = rule(Cursor::Window);
    world.entity().lists_deletions = true;
    let mut adapter = Scripted::ten();
    world.run(&mut adapter).await;
    assert!(!adapter.asked().iter().any(|asked| asked.contains("deleted")));

    world.wait();
    let mut adapter = Scripted::new(|request| {
        let mut page = page(Vec::new(), Next::Done(String::new()));
        if matches!(request.selection, Selection::Deleted(_)) {
            page.tombstones.push(tombstone("contact", "3"));
        }
        Ok(page)
    });
    let run = world.run(&mut adapter).await;
    assert_eq!(
        adapter.asked(),
        [
            "contact 2026-01-01T12:00:00Z..2026-01-01T13:00:00Z",
            "contact deleted 2026-01-01T12:00:00Z..2026-01-01T13:00:00Z",
        ]
    );
    assert_eq!(run.entities["contact"].deleted, 1);
    assert_eq!(world.ids().await.len(), 9);
}

#[tokio::test]
async fn list_of_deletions_that_fails_is_read_again_next_time() {
    let mut world = World::new(&["contact"]);
    world.entity().rule = rule(Cursor::Window);
    world.entity().lists_deletions = true;
    world.run(&mut Scripted::ten()).await;
    world.wait();
    let mut adapter = Scripted::new(|request| match request.selection {
        Selection::Deleted(_) => Err(provider::error(ErrorKind::Unavailable)),
        _ => Ok(page_of(request, 0)),
    });
    let run = world.run(&mut adapter).await;
    assert_eq!(run.entities["contact"].status, RunStatus::Failed);
    world.wait();
    let mut adapter = Scripted::new(|request| Ok(page_of(request, 0)));
    world.run(&mut adapter).await;
    assert_eq!(
        adapter.asked().last().unwrap(),
        "contact deleted 2026-01-01T12:00:00Z..2026-01-01T14:00:00Z"
    );
}

#[tokio::test]
async fn children_are_read_once_per_stored_parent_and_a_failing_parent_is_skipped() {
    let mut world = World::new(&["channel"]);
    world.plan.entities.push(entity("message"));
    world.plan.entities[1].parts = PartsFrom::Parent("channel".to_owned());
    let mut adapter = Scripted::new(|request| match request.part.as_deref() {
        None => Ok(page_of(request, 3)),
        Some("1") => Err(provider::error(ErrorKind::Permission)),
        Some(_) => Ok(page_of(request, 1)),
    });
    let run = world.run(&mut adapter).await;
    assert_eq!(run.entities["message"].status, RunStatus::Partial);
    assert_eq!(run.entities["message"].complete_until, None);
    assert_eq!(
        world.ids().await,
        ["channel/0", "channel/1", "channel/2", "message/00", "message/20"]
    );
    let mut adapter = Scripted::new(|request| Ok(page_of(request, 1)));
    world.run(&mut adapter).await;
    assert_eq!(adapter.asked(), ["message/1 all"], "each part has a checkpoint of its own");
}

#[tokio::test]
async fn provider_that_is_away_ends_the_entity_and_not_only_the_part() {
    let mut world = World::new(&["channel"]);
    world.plan.entities.push(entity("message"));
    world.plan.entities[1].parts = PartsFrom::Parent("channel".to_owned());
    let mut adapter = Scripted::new(|request| match request.part {
        None => Ok(page_of(request, 3)),
        Some(_) => Err(provider::error(ErrorKind::Unavailable)),
    });
    let run = world.run(&mut adapter).await;
    assert_eq!(run.entities["message"].status, RunStatus::Failed);
    let asked = adapter.asked().into_iter().filter(|asked| asked.starts_with("message"));
    assert_eq!(asked.count(), 1);
}

#[tokio::test]
async fn instances_of_a_dynamic_entity_come_from_what_the_account_offers() {
    let mut world = World::new(&["object", "custom"]);
    for entity in &mut world.plan.entities {
        entity.parts = PartsFrom::Discovery;
    }
    let offer = |name: &str, part: &str| Entity {
        name: name.to_owned(),
        part: Some(part.to_owned()),
        label: part.to_owned(),
        fields: Vec::new(),
        details: Vec::new(),
    };
    let mut adapter = Scripted::new(|request| Ok(page_of(request, 1)));
    adapter.offers = Ok(vec![offer("object", "b"), offer("custom", "x"), offer("object", "a")]);
    let run = world.run(&mut adapter).await;
    assert_eq!(adapter.asked(), ["object/a all", "object/b all", "custom/x all"]);
    assert_eq!(run.receipt.http_calls, 4, "the account is asked once, and that is counted");

    let mut adapter = Scripted::ten();
    adapter.offers = Err(provider::error(ErrorKind::Permission));
    let run = world.run(&mut adapter).await;
    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(run.entities["object"].error.clone().unwrap().kind, ErrorKind::Permission);
}

#[tokio::test]
async fn list_of_deletions_that_may_have_lapsed_is_replaced_by_a_full_read() {
    let mut world = World::new(&["contact"]);
    world.entity().rule = rule(Cursor::Window);
    world.entity().rule.kept = Duration::from_hours(24);
    world.entity().lists_deletions = true;
    world.entity().absent = vec!["contact".to_owned()];
    world.run(&mut Scripted::ten()).await;
    world.clock.advance(Duration::from_hours(25));
    let mut adapter = Scripted::new(|request| match request.selection {
        Selection::All => Ok(page_of(request, 8)),
        _ => Ok(page(Vec::new(), Next::Done(String::new()))),
    });
    let run = world.run(&mut adapter).await;
    assert_eq!(adapter.asked()[0], "contact all");
    assert!(!adapter.asked().iter().any(|asked| asked.contains("deleted")));
    assert_eq!((run.status, run.entities["contact"].deleted), (RunStatus::Succeeded, 2));
    assert_eq!(world.ids().await.len(), 8);

    world.wait();
    let mut adapter = Scripted::new(|request| Ok(page_of(request, 0)));
    world.run(&mut adapter).await;
    assert_eq!(
        adapter.asked(),
        [
            "contact 2026-01-02T13:00:00Z..2026-01-02T14:00:00Z",
            "contact deleted 2026-01-02T13:00:00Z..2026-01-02T14:00:00Z",
        ]
    );
}
