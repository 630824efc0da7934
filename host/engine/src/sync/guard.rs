//! What an adapter's page must satisfy before it is committed.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use model::adapter::{CHECKPOINT_BYTES_MAX, Next, Page, Selection};
use model::record::ID_BYTES_MAX;
use model::{Error, ErrorKind};

use super::plan::EntityPlan;

/// The most pages that one run reads of one lane. A hundred million records in pages of a
/// hundred; a lane that has more goes on in the next run, an adapter that never ends is stopped.
pub(super) const PAGES_MAX: u64 = 1_000_000;

/// Watches the pages of one lane in one run.
#[derive(Default)]
pub(super) struct Guard {
    pages: u64,
    selection: Option<Selection>,
    cycle: Cycle,
}

impl Guard {
    /// Refuses a page that cannot be committed, or after which the lane would never end.
    pub(super) fn check(
        &mut self,
        entity: &EntityPlan,
        selection: &Selection,
        page: &Page,
    ) -> Result<(), Error> {
        self.pages += 1;
        if self.pages > PAGES_MAX {
            return Err(malformed(
                "engine.pages-max",
                "the adapter did not end within a million pages",
            ));
        }
        check_names(entity, page)?;
        let (Next::More(checkpoint) | Next::Done(checkpoint) | Next::Partial(checkpoint)) =
            &page.next;
        if checkpoint.len() > CHECKPOINT_BYTES_MAX {
            let message = format!(
                "the adapter returned a checkpoint of {} bytes, {CHECKPOINT_BYTES_MAX} are allowed",
                checkpoint.len()
            );
            return Err(malformed("engine.checkpoint-size", message));
        }
        if self.selection.as_ref() != Some(selection) {
            self.restart();
            self.selection = Some(selection.clone());
        }
        if matches!(page.next, Next::More(_)) && self.cycle.closes(checkpoint) {
            let message = "the adapter returned a checkpoint again that it has returned before, so \
                           it would read the same pages for ever";
            return Err(malformed("engine.checkpoint-repeats", message));
        }
        Ok(())
    }

    /// Forgets the checkpoints seen: the selection begins again.
    pub(super) fn restart(&mut self) {
        self.cycle = Cycle::default();
    }
}

fn check_names(entity: &EntityPlan, page: &Page) -> Result<(), Error> {
    let names = (page.records.iter().map(|r| &r.entity))
        .chain(page.tombstones.iter().map(|t| &t.entity))
        .chain(page.rejects.iter().map(|r| &r.entity));
    for name in names {
        if *name != entity.name && !entity.yields.contains(name) {
            let message = format!(
                "the adapter returned a record of {:?} when asked for `{}`; the manifest does not \
                 list it under `yields`",
                short(name),
                entity.name
            );
            return Err(malformed("engine.foreign-entity", message));
        }
    }
    Ok(())
}

/// Refuses an id that cannot be a key.
pub(super) fn check_id(id: &str) -> Result<(), Error> {
    if id.is_empty() {
        return Err(malformed(
            "engine.empty-id",
            "the adapter returned a record or part without an id",
        ));
    }
    if id.len() > ID_BYTES_MAX {
        let message =
            format!("the adapter returned an id of {} bytes, {ID_BYTES_MAX} are allowed", id.len());
        return Err(malformed("engine.id-size", message));
    }
    Ok(())
}

/// The error of a page that arrived and is of no use.
pub(super) fn malformed(code: &str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Malformed, code, message).sent()
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

/// Finds a sequence of checkpoints that repeats, in constant memory: Brent's algorithm. It keeps
/// one earlier checkpoint and takes a newer one at every power of two, so a cycle is found within
/// three times the pages after which it is closed.
#[derive(Default)]
struct Cycle {
    previous: Option<u64>,
    kept: Option<u64>,
    steps: u64,
    power: u64,
}

impl Cycle {
    fn closes(&mut self, checkpoint: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        checkpoint.hash(&mut hasher);
        let hash = Some(hasher.finish());
        if hash == self.previous || hash == self.kept {
            return true;
        }
        self.previous = hash;
        self.steps += 1;
        if self.steps >= self.power {
            self.kept = hash;
            self.power = (self.power * 2).max(1);
            self.steps = 0;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::window::{Cursor, Full, ReadRule};

    use super::*;
    use crate::sync::plan::PartsFrom;

    /// Feeds numbers until a cycle is found; how many were fed.
    #[track_caller]
    fn check(numbers: impl Iterator<Item = u32>, expected: Option<usize>) {
        let mut cycle = Cycle::default();
        let found = numbers.take(10_000).position(|n| cycle.closes(&n.to_string()));
        assert_eq!(found.map(|at| at + 1), expected);
    }

    #[test]
    fn cycle_is_found_and_a_sequence_that_moves_on_is_left_alone() {
        check(0.., None);
        check([7, 7].into_iter(), Some(2));
        check([1, 2, 3, 4, 5, 5].into_iter(), Some(6));
        check([1, 2, 1, 2].into_iter().cycle(), Some(4));
        check((0..1000).chain((0..5).cycle()), Some(1029));
    }

    #[test]
    fn lane_without_end_is_stopped() {
        let page = |n: u64| Page {
            records: Vec::new(),
            tombstones: Vec::new(),
            rejects: Vec::new(),
            next: Next::More(n.to_string()),
            details: Vec::new(),
        };
        let entity = EntityPlan {
            name: "contact".to_owned(),
            rule: ReadRule {
                cursor: Cursor::Scan,
                full: Full::Scan,
                step: Duration::ZERO,
                granularity: Duration::ZERO,
                lag: Duration::ZERO,
                lookback: Duration::ZERO,
                history: Duration::ZERO,
                kept: Duration::ZERO,
            },
            lists_deletions: false,
            absent: Vec::new(),
            page: 100,
            fields: Vec::new(),
            yields: Vec::new(),
            parts: PartsFrom::Whole,
        };
        let mut guard = Guard { pages: PAGES_MAX - 1, ..Guard::default() };
        guard.check(&entity, &Selection::All, &page(1)).unwrap();
        let error = guard.check(&entity, &Selection::All, &page(2)).unwrap_err();
        assert_eq!(error.code, "engine.pages-max");
    }
}
