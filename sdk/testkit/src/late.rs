//! A provider whose index shows changes late and out of order.
//!
//! What search-backed interfaces do: a change is made at once, and the index that answers queries
//! by time of modification takes it in some time later, each change with a delay of its own. A
//! reader that asks for what has changed since it last asked never hears of a change that was
//! indexed behind its back.

use std::collections::BTreeMap;

use crate::random::Random;

/// One change in this many is shown as late as the index ever gets; the usual delays of indexes
/// have such a tail.
const TAIL_ONE_IN: u64 = 20;

/// How changes are made and shown; times in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Habit {
    /// Records.
    pub records: u64,
    /// Changes of them, creations included.
    pub changes: u64,
    /// The time in which the changes are made.
    pub span: u64,
    /// Most changes are shown within this time.
    pub lag: u64,
    /// All are shown within this time.
    pub late: u64,
}

/// A change of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Change {
    /// Which record.
    pub id: u64,
    /// Which state of it, from 1.
    pub version: u64,
    /// When it was made.
    pub changed: u64,
    /// When the index shows it.
    pub shown: u64,
}

/// The changes of one seed, and what the index says of them.
#[derive(Clone, Debug)]
pub struct Late {
    /// By record, in the order in which they were made.
    changes: BTreeMap<u64, Vec<Change>>,
}

impl Late {
    /// Makes up the changes; the same seed makes the same.
    pub fn new(seed: u64, habit: Habit) -> Self {
        let mut random = Random::new(seed);
        let mut times: Vec<_> = (0..habit.changes).map(|_| random.below(habit.span)).collect();
        times.sort_unstable();
        let mut changes: BTreeMap<u64, Vec<Change>> = BTreeMap::new();
        for changed in times {
            let id = random.below(habit.records);
            let longest = if random.one_in(TAIL_ONE_IN) { habit.late } else { habit.lag };
            let delay = random.below(longest + 1);
            let of_record = changes.entry(id).or_default();
            let version = of_record.last().map_or(1, |last| last.version + 1);
            of_record.push(Change { id, version, changed, shown: changed + delay });
        }
        Self { changes }
    }

    /// What a query for modifications from one instant until before another answers at `now`, by
    /// id: records whose newest indexed state was made then.
    pub fn window(&self, from: u64, until: u64, now: u64) -> Vec<Change> {
        let indexed = self
            .changes
            .values()
            .filter_map(|changes| changes.iter().rev().find(|change| change.shown <= now));
        indexed.filter(|change| (from..until).contains(&change.changed)).copied().collect()
    }

    /// The true state of every record as it was just before an instant.
    pub fn truth(&self, until: u64) -> BTreeMap<u64, u64> {
        let newest = |changes: &Vec<Change>| {
            changes.iter().rev().find(|change| change.changed < until).copied()
        };
        let states = self.changes.values().filter_map(newest);
        states.map(|change| (change.id, change.version)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HABIT: Habit =
        Habit { records: 50, changes: 1000, span: 1_000_000, lag: 1_000, late: 50_000 };

    #[test]
    fn same_seed_makes_the_same_changes() {
        assert_eq!(Late::new(7, HABIT).changes, Late::new(7, HABIT).changes);
        assert_ne!(Late::new(7, HABIT).changes, Late::new(8, HABIT).changes);
    }

    #[test]
    fn changes_are_shown_late_and_out_of_order_and_in_the_end() {
        let late = Late::new(7, HABIT);
        let mut all: Vec<_> = late.changes.values().flatten().collect();
        all.sort_unstable_by_key(|change| change.changed);
        assert_eq!(all.len(), 1000);
        assert!(all.windows(2).any(|pair| pair[0].shown > pair[1].shown + 10_000));
        let tail = all.iter().filter(|change| change.shown > change.changed + HABIT.lag).count();
        assert!((20..100).contains(&tail), "{tail}");
        let end = HABIT.span + HABIT.late;
        let shown = late.window(0, end, end);
        let states: BTreeMap<_, _> = shown.iter().map(|c| (c.id, c.version)).collect();
        assert_eq!(states, late.truth(end));
    }

    #[test]
    fn index_shows_one_state_of_a_record_at_a_time() {
        let late = Late::new(7, HABIT);
        let now = HABIT.span / 2;
        let shown = late.window(0, now, now);
        assert!(shown.windows(2).all(|pair| pair[0].id < pair[1].id));
        assert!(shown.iter().all(|change| change.shown <= now));
    }
}
