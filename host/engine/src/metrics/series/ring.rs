//! Rows of samples, so many at most, in the order of time.

use std::collections::VecDeque;
use std::time::Duration;

use model::Timestamp;

/// A row and when it was sampled.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) at: Timestamp,
    pub(super) cells: Box<[f64]>,
}

/// The newest rows.
#[derive(Debug)]
pub(super) struct Ring {
    every: Duration,
    max: usize,
    rows: VecDeque<Row>,
}

impl Ring {
    pub(super) fn new(every: Duration, max: usize) -> Self {
        Self { every, max, rows: VecDeque::new() }
    }

    /// The time between rows.
    pub(super) fn every(&self) -> Duration {
        self.every
    }

    /// When the oldest row was sampled.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.rows.front().map(|row| row.at)
    }

    /// When the newest row was sampled.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        self.rows.back().map(|row| row.at)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Keeps a row, unless there is one of about the same time.
    pub(super) fn push(&mut self, at: Timestamp, cells: &[f64]) {
        while self.rows.back().is_some_and(|row| row.at >= at) {
            self.rows.pop_back();
        }
        // Timers are late by some, and the next one is not late by the same.
        let soon = self.every / 8 * 7;
        let last = self.newest().map(|last| between(last, at));
        if last.is_some_and(|since| since < soon) {
            return;
        }
        if self.rows.len() == self.max {
            self.rows.pop_front();
        }
        self.rows.push_back(Row { at, cells: cells.into() });
    }

    /// The last row at or before an instant.
    pub(super) fn before(&self, at: Timestamp) -> Option<&Row> {
        let behind = self.rows.partition_point(|row| row.at <= at);
        self.rows.get(behind.checked_sub(1)?)
    }
}

/// The time from one instant to a later one.
pub(in crate::metrics) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}
