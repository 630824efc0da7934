//! A provider that shows changes late and out of order: with the lag and the look-back that its
//! manifest declares nothing is lost; with one cursor that reads on from where it was, much is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use model::adapter::{Next, Page, PullRequest, Selection};
use model::record::Record;
use model::window::Cursor;
use model::{Clock, Timestamp};
use plughouse_testkit::late::{Change, Habit, Late};

use crate::provider::{Scripted, page};
use crate::world::{World, rule};

const MINUTE: u64 = 60_000;

/// Half a day of changes. Most are shown within two minutes, a twentieth within half an hour.
const HABIT: Habit = Habit {
    records: 400,
    changes: 2_000,
    span: 12 * 60 * MINUTE,
    lag: 2 * MINUTE,
    late: 32 * MINUTE,
};

/// What a reader has to show for it.
struct Read {
    /// Records that lie in the store in another state than at the provider.
    lost: usize,
    /// Calls of the adapter.
    calls: usize,
}

/// Polls a provider until everything is shown, at times that are not regular, and a little longer.
/// Whenever a run says up to when it is complete, that is held against the truth.
async fn read(seed: u64, lag: Duration, lookback: Duration) -> Read {
    let late = Arc::new(Late::new(seed, HABIT));
    let mut world = World::new(&["contact"]);
    world.entity().rule = rule(Cursor::Window);
    (world.entity().rule.lag, world.entity().rule.lookback) = (lag, lookback);
    let begin = world.clock.now();
    let keeps_its_word = !(lag + lookback).is_zero();
    let mut calls = 0;
    for poll in 0.. {
        let mut adapter = adapter(Arc::clone(&late), world.clock.clone(), begin);
        let run = world.run(&mut adapter).await;
        calls += adapter.asked().len();
        if let Some(until) = run.entities["contact"].complete_until
            && keeps_its_word
        {
            let lost = lost(&world, &late, millis(until, begin)).await;
            assert_eq!(lost, 0, "seed {seed}: not complete up to {until} after {poll} polls");
        }
        if millis(world.clock.now(), begin) > HABIT.span + 2 * HABIT.late {
            break;
        }
        world.clock.advance(Duration::from_millis((3 + poll * 7 % 11) * MINUTE));
    }
    Read { lost: lost(&world, &late, u64::MAX).await, calls }
}

fn adapter(late: Arc<Late>, clock: Clock, begin: Timestamp) -> Scripted {
    Scripted::new(move |request| {
        let (from, until) = match &request.selection {
            Selection::Window(window) => (millis(window.from, begin), millis(window.until, begin)),
            _ => (0, u64::MAX),
        };
        let changes = late.window(from, until, millis(clock.now(), begin));
        Ok(page_of(request, &changes))
    })
}

/// By id, so that what enters the index between two pages shifts none of the others.
fn page_of(request: &PullRequest, changes: &[Change]) -> Page {
    let after: Option<u64> = request.checkpoint.as_deref().map(|id| id.parse().unwrap());
    let mut rest = changes.iter().filter(|change| after.is_none_or(|after| change.id > after));
    let limit = usize::try_from(request.limit).unwrap();
    let records: Vec<_> = rest.by_ref().take(limit).map(record).collect();
    let next = match (rest.next(), records.last()) {
        (Some(_), Some(last)) => Next::More(last.id.clone()),
        _ => Next::Done(String::new()),
    };
    page(records, next)
}

fn record(change: &Change) -> Record {
    Record {
        id: change.id.to_string(),
        payload: Bytes::from(format!("{{\"version\":{}}}", change.version)),
        ..crate::provider::record("contact", "")
    }
}

/// Records that were changed before an instant and of which the store has an older state, or none.
async fn lost(world: &World, late: &Late, until: u64) -> usize {
    let stored: BTreeMap<u64, u64> = world.records().await.iter().map(version).collect();
    let old = |(id, version): &(u64, u64)| stored.get(id).is_none_or(|stored| stored < version);
    late.truth(until).into_iter().filter(old).count()
}

fn version(record: &model::store::StoredRecord) -> (u64, u64) {
    let text = std::str::from_utf8(&record.payload).unwrap();
    let version = text.trim_matches(|c: char| !c.is_ascii_digit());
    (record.id.parse().unwrap(), version.parse().unwrap())
}

fn millis(at: Timestamp, begin: Timestamp) -> u64 {
    u64::try_from(at.as_millisecond() - begin.as_millisecond()).unwrap_or(0)
}

#[tokio::test]
async fn declared_lag_and_look_back_lose_nothing_where_one_cursor_does() {
    let (lag, lookback) = (Duration::from_mins(2), Duration::from_mins(30));
    for seed in 1..=2 {
        let two_lanes = read(seed, lag, lookback).await;
        let one_cursor = read(seed, Duration::ZERO, Duration::ZERO).await;
        println!(
            "seed {seed}: of {} records two lanes lost {} in {} calls, one cursor {} in {}",
            HABIT.records, two_lanes.lost, two_lanes.calls, one_cursor.lost, one_cursor.calls
        );
        assert_eq!(two_lanes.lost, 0);
        assert!(one_cursor.lost > 20, "the naive reader lost {}", one_cursor.lost);
    }
}
