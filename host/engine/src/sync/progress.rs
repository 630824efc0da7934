//! What a run tells while it is at work.

use model::run::{EntityReport, Run};

/// One thing that happened. Counters speak of what is committed, never of what is only read.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// The run has its number.
    RunStarted {
        /// The run, without entities.
        run: &'a Run,
    },
    /// An entity is being read.
    EntityStarted {
        /// The entity.
        entity: &'a str,
    },
    /// A page was committed.
    Page {
        /// The entity.
        entity: &'a str,
        /// What the run has done to it so far.
        report: &'a EntityReport,
    },
    /// An entity has come to its end, good or bad.
    EntityFinished {
        /// The entity.
        entity: &'a str,
        /// What the run did to it.
        report: &'a EntityReport,
    },
    /// The run has ended and says so in the store.
    RunFinished {
        /// The run as it is stored.
        run: &'a Run,
    },
}

/// Is told what happens, in order. It is called between pages and must not wait for anything.
pub type Listener<'a> = &'a (dyn Fn(Progress<'_>) + Send + Sync);
