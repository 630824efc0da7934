//! The counts of a queue of a tenant.

use model::queue::QueueStats;
use serde::{Deserialize, Serialize};

/// Each is counted for itself, so that `enqueued = queued + done + dead + discarded` says something.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub(super) struct Counts {
    pub(super) enqueued: u64,
    pub(super) queued: u64,
    pub(super) done: u64,
    pub(super) dead: u64,
    pub(super) discarded: u64,
    pub(super) leased: u64,
    /// The epoch of the last claim.
    pub(super) epoch: u64,
}

impl Counts {
    pub(super) fn enqueue(&mut self) {
        self.enqueued += 1;
        self.queued += 1;
    }

    pub(super) fn done(&mut self) {
        self.queued = self.queued.saturating_sub(1);
        self.done += 1;
    }

    pub(super) fn die(&mut self) {
        self.queued = self.queued.saturating_sub(1);
        self.dead += 1;
    }

    pub(super) fn redrive(&mut self) {
        self.dead = self.dead.saturating_sub(1);
        self.queued += 1;
    }

    pub(super) fn discard(&mut self) {
        self.dead = self.dead.saturating_sub(1);
        self.discarded += 1;
    }

    /// Begins a claim; its epoch.
    pub(super) fn claim(&mut self) -> u64 {
        self.leased += 1;
        self.epoch += 1;
        self.epoch
    }

    pub(super) fn release(&mut self) {
        self.leased = self.leased.saturating_sub(1);
    }

    /// Adds the counts of another tenant; epochs are each tenant's own.
    pub(super) fn add(&mut self, other: &Self) {
        let Self { enqueued, queued, done, dead, discarded, leased, epoch: _ } = other;
        self.enqueued += enqueued;
        self.queued += queued;
        self.done += done;
        self.dead += dead;
        self.discarded += discarded;
        self.leased += leased;
    }

    pub(super) fn stats(self) -> QueueStats {
        let Self { enqueued, queued, done, dead, discarded, leased, epoch: _ } = self;
        QueueStats { enqueued, queued, done, dead, discarded, leased, oldest: None }
    }
}
